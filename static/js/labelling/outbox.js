// Changes on their way to the server: sent at once, kept while there is no connection, sent again
// until they are answered. At most one change of a shape is on its way; what follows it waits, and
// later changes that nobody has seen yet replace it.
import { SignedOut, Unreachable, Refusal, ask } from "./server.js";
import { newKey } from "./shapes.js";

const MOST = 200; // operations in one request
const SLOWEST_S = 15;

/**
 * @typedef {{key: string, at: number, work: number, url: string, id: string, change: object,
 *   rev: number, base: object|null, count: number, isTried: boolean, isHeld: boolean}} Waiting
 *   `id` is "" for the whole picture; `base` is the shape that the change was made on.
 */

export class Outbox extends EventTarget {
  /** @param {object} store  where waiting changes live (kept.js) */
  constructor(store) {
    super();
    Object.assign(this, { store, state: "saved", failures: 0, refusals: 0 });
    /** @type {Map<number, Map<string, Waiting[]>>} */
    this.works = new Map();
    /** @type {Map<number, object>} finishing, by work: {key, url, body} */
    this.endings = new Map();
    this.sessions = new Map();
    this.sending = null;
    this.timer = 0;
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.#tell("offline"));
  }

  /** What an earlier visit left unsent. */
  async load() {
    for (const record of await this.store.all().catch(() => [])) {
      if (record.ending) this.endings.set(record.work, record);
      else this.#queue(record.work, record.id).push({ ...record, isTried: true, isHeld: false });
    }
  }

  #queue(work, id) {
    if (!this.works.has(work)) this.works.set(work, new Map());
    const queues = this.works.get(work);
    if (!queues.has(id)) queues.set(id, []);
    return queues.get(id);
  }

  #all(work) {
    const works = work === undefined ? [...this.works.values()] : [this.works.get(work) ?? new Map()];
    return works.flatMap((queues) => [...queues.values()].flat());
  }

  /** How many changes are not at the server yet. */
  get count() {
    const waiting = [...this.#all(), ...this.endings.values()];
    return waiting.filter((record) => !record.isElsewhere).reduce((sum, record) => sum + (record.count ?? 1), 0);
  }
  get isLasting() {
    return this.store.isLasting;
  }

  attach(session) {
    this.sessions.set(session.data.id, session);
    for (const record of this.#all(session.data.id)) Object.assign(record, { isHeld: false, isElsewhere: false });
    if (this.#all(session.data.id).length || this.endings.has(session.data.id)) this.hurry();
  }

  detach(work) {
    this.sessions.delete(work);
  }

  /** The changes of a work that wait, oldest first. */
  kept(work) {
    return this.#all(work).sort((a, b) => a.at - b.at);
  }

  /** The shapes of a work of which something waits. */
  busy(work) {
    return new Set([...(this.works.get(work) ?? new Map())].filter(([, list]) => list.length).map(([id]) => id));
  }

  add(session, id, change) {
    const { id: work, urls } = session.data;
    const list = this.#queue(work, id);
    const last = list.at(-1);
    if (last && (last.isHeld || !last.isTried)) {
      // Nobody has seen it: the newer change stands for both. Under a new name, because another
      // tab may have found and sent the old one.
      this.#forget(last);
      Object.assign(last, { key: newKey(), change, count: last.count + 1 });
      this.#keep(last);
    } else {
      const record = {
        key: newKey(), at: Date.now() + performance.now() / 1e6, work, url: urls.operations, id, change,
        rev: session.revOf(id), base: session.confirmed.get(id) ?? null, count: 1, isTried: false, isHeld: false,
      };
      list.push(record);
      this.#keep(record);
    }
    this.hurry();
  }

  /** Nothing of this shape waits any more: it was merged, or another choice was made. */
  release(session, id) {
    const list = this.#queue(session.data.id, id);
    for (const record of list) this.#forget(record);
    list.length = 0;
    this.#tell();
  }

  /** Finish, skip or return a work once all its changes are there. Resolves with the answer, or
   * null when it is only kept for later. */
  end(session, url, body) {
    const record = { key: newKey(), ending: true, work: session.data.id, url, body, at: Date.now() };
    this.endings.set(record.work, record);
    this.#keep(record);
    return new Promise((resolve) => {
      record.settle = resolve;
      this.hurry();
    });
  }

  #keep({ settle: _, ...record }) {
    this.store.put(record).catch(() => {});
  }
  #forget(record) {
    this.store.remove(record.key).catch(() => {});
  }

  /** Send now, whatever wait was agreed. */
  hurry() {
    clearTimeout(this.timer);
    this.timer = 0;
    queueMicrotask(() => this.#go());
  }

  /** Resolves when all that can be sent is at the server, or it is clear that it cannot be now. */
  async flush() {
    this.hurry();
    await new Promise((resolve) => setTimeout(resolve));
    while (this.sending) await this.sending.catch(() => {});
    return this.count === 0;
  }

  async #go() {
    if (this.sending || this.timer) return;
    const next = this.#next();
    if (!next) return this.#tell();
    this.#tell(navigator.onLine ? "saving" : "offline");
    this.sending = next();
    try {
      await this.sending;
      this.failures = 0;
      this.sending = null;
      this.#go();
    } catch (error) {
      this.sending = null;
      this.#failed(error);
    }
  }

  #failed(error) {
    if (!(error instanceof SignedOut) && !(error instanceof Unreachable)) {
      this.#tell();
      throw error;
    }
    this.failures += 1;
    this.#tell(error instanceof SignedOut ? "signed-out" : "offline");
    for (const ending of this.endings.values()) ending.settle?.(null);
    this.timer = setTimeout(() => this.hurry(), Math.min(2 ** (this.failures - 1), SLOWEST_S) * 1000);
  }

  /** The next request, or null: the work in front first, then what others left. */
  #next() {
    for (const [work, queues] of [...this.works].reverse()) {
      const heads = [...queues.values()].map((list) => list[0]).filter((record) => record && !record.isHeld);
      if (heads.length) return () => this.#send(work, heads.slice(0, this.refusals ? 1 : MOST));
    }
    for (const [work, ending] of this.endings) {
      if (!ending.isHeld && !this.#all(work).length) return () => this.#finish(work, ending);
    }
    return null;
  }

  async #send(work, records) {
    const session = this.sessions.get(work);
    const seconds = session?.takeSeconds() ?? 0;
    for (const record of records) {
      if (!record.isTried) this.#keep(Object.assign(record, { isTried: true }));
    }
    const operations = records.map(({ key, change, rev }) => ({ key, change, rev }));
    try {
      const answer = await ask(records[0].url, { method: "POST", body: { operations, seconds } });
      this.#answered(session, records, answer);
      this.refusals = Math.max(this.refusals - 1, 0);
    } catch (error) {
      if (!(error instanceof Refusal)) {
        if (session) session.seconds += seconds;
        throw error;
      }
      if (error.status === 409 || error.problem.refused) this.#answered(session, records, error.problem);
      else await this.#refused(session, records, error);
    }
  }

  #answered(session, records, { version, revs = {}, document, conflicts = [], refused = [] }) {
    const inConflict = new Map(conflicts.map((conflict) => [conflict.key, conflict]));
    const notTaken = new Map(refused.map(({ key, detail }) => [key, detail]));
    for (const record of records) {
      if (inConflict.has(record.key) || notTaken.has(record.key)) continue;
      const rev = revs[record.id] ?? document?.shapes[record.id]?.rev ?? 0;
      const list = this.#queue(record.work, record.id);
      this.#forget(list.shift());
      session?.confirm(record.id, record.change, rev);
      if (list[0]) {
        Object.assign(list[0], { rev, base: record.change.put ? { ...record.change.shape, rev } : null });
        this.#keep(list[0]);
      }
    }
    for (const record of records) {
      if (notTaken.has(record.key)) this.#drop(session, record, notTaken.get(record.key));
    }
    if (!session) return this.#holdForLater(records, inConflict);
    const expected = session.data.version + records.length - inConflict.size - notTaken.size;
    session.data.version = version ?? expected;
    if (document) session.adopt(document);
    else if (version > expected) this.look(session);
    for (const record of records) {
      if (inConflict.has(record.key)) this.#conflict(session, record, inConflict.get(record.key));
    }
  }

  /** A conflict in a work that is not open: it waits until the person opens it. */
  #holdForLater(records, inConflict) {
    for (const record of records) if (inConflict.has(record.key)) record.isHeld = true;
    if (inConflict.size) this.dispatchEvent(new CustomEvent("elsewhere", { detail: records[0].work }));
  }

  #conflict(session, record, { theirs }) {
    const list = this.#queue(record.work, record.id);
    const latest = list.at(-1);
    const { change } = latest;
    for (const old of list.splice(0)) this.#forget(old);
    const held = { ...record, key: newKey(), change, rev: theirs?.rev ?? 0, isTried: false, isHeld: true };
    list.push(held);
    this.#keep(held);
    session.conflict(record.id, record.base, change.put ? change.shape : null, theirs);
  }

  /** Fetch what it is now: somebody else wrote too, or may have. */
  async look(session) {
    try {
      const data = await ask(location.pathname.replace(/\d+$/, `${session.data.id}.json`));
      session.data.version = data.version;
      session.adopt(data.document);
    } catch {
      // the next conflict or the next visit shows it
    }
  }

  /** The server will not have one of them: find which by sending them one by one. */
  async #refused(session, records, error) {
    if (error.status === 403 && (await isSignedOut(records[0].work))) throw new SignedOut();
    if (records.length > 1) {
      this.refusals = records.length;
      return;
    }
    const [record] = records;
    if (!session && isSomebodyElses(error)) {
      Object.assign(record, { isHeld: true, isElsewhere: true });
      return;
    }
    this.#drop(session, record, error.message);
  }

  /** A change that can never be kept, and what was built on it: said, and back to what is there. */
  #drop(session, record, why) {
    for (const old of this.#queue(record.work, record.id).splice(0)) this.#forget(old);
    session?.refuse(record.id);
    this.dispatchEvent(new CustomEvent("refused", { detail: why }));
  }

  async #finish(work, ending) {
    const session = this.sessions.get(work);
    const seconds = session?.takeSeconds() ?? 0;
    try {
      const answer = await ask(ending.url, { method: "POST", body: { ...ending.body, seconds } });
      this.#ended(work, ending, answer);
    } catch (error) {
      if (!(error instanceof Refusal)) {
        if (session) session.seconds += seconds;
        throw error;
      }
      if (error.status === 403 && (await isSignedOut(work))) throw new SignedOut();
      if (!session && isSomebodyElses(error)) {
        Object.assign(ending, { isHeld: true, isElsewhere: true });
        return;
      }
      this.#ended(work, ending, { refused: error.message });
      if (this.sessions.has(work)) this.dispatchEvent(new CustomEvent("refused", { detail: error.message }));
    }
  }

  #ended(work, ending, answer) {
    this.endings.delete(work);
    this.#forget(ending);
    ending.settle?.(answer);
  }

  #tell(state = this.sending ? this.state : this.#standing()) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }

  #standing() {
    if ([...this.sessions.values()].some((session) => session.conflicts.size)) return "conflict";
    const waits = [...this.#all(), ...this.endings.values()].some((record) => !record.isHeld);
    return waits ? this.state : "saved";
  }
}

/** Left by another person who used this browser: theirs to send, when they are back. */
const isSomebodyElses = (error) => error.status === 403 || error.status === 404;

async function isSignedOut(work) {
  try {
    await ask(location.pathname.replace(/\d+$/, `${work}.json`));
    return false;
  } catch (error) {
    return error instanceof SignedOut;
  }
}
