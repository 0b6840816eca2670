// One work as the person sees it: its shapes, every step back and forward, and what of it the
// server has confirmed.
import { mergedShape, newId, same, withoutRev } from "./shapes.js";

const JOINED_MS = 900; // nudges that follow each other so closely are one step

/** For shapes that are sent as a whole, by somebody else, when the person is done with them. */
const UNSENT = { kept: () => [], attach() {}, add() {}, release() {}, busy: () => new Set() };

/**
 * @typedef {{id: string, before: object|null, after: object|null}} Change
 * @typedef {{words: string, frame: number, changes: Change[], at: number, joins: string}} Step
 */

export class Session extends EventTarget {
  /** @param {object} data  what the server says of the work @param {object} outbox  takes each change */
  constructor(data, outbox = UNSENT) {
    super();
    Object.assign(this, { data, outbox, frame: 0, selected: null, undone: [], done: [], seconds: 0 });
    this.shapes = new Map();
    this.confirmed = new Map();
    this.numbers = new Map();
    this.nothing = Boolean(data.document?.nothing);
    this.conflicts = new Map(); // id → {mine, theirs}
    this.refused = new Set(this.#readRefused()); // proposals the person does not want
    for (const id of Object.keys(data.document?.shapes ?? {}).sort()) {
      const shape = data.document.shapes[id];
      this.shapes.set(id, shape);
      this.confirmed.set(id, shape);
    }
    for (const { id, change } of outbox.kept(data.id)) this.#show(id, change);
    this.#number();
    outbox.attach(this);
  }

  /** Seconds at work since they were last told to the server. */
  takeSeconds() {
    const { seconds } = this;
    this.seconds = 0;
    return Math.round(seconds * 10) / 10;
  }

  /** Somebody else's work, or a job that is over: to look at. */
  get isReadOnly() {
    return this.data.may_change === false;
  }
  #mayChange() {
    if (this.isReadOnly) this.dispatchEvent(new Event("locked"));
    return !this.isReadOnly;
  }

  get isClip() {
    return this.data.kind === "clip";
  }
  get isConcept() {
    return this.data.task === "concept";
  }
  get isEmpty() {
    return this.shapes.size === 0;
  }
  get length() {
    return Math.max(this.data.times.length, 1);
  }

  /** Something made at the server, here before the answer to it came. */
  #show(id, change) {
    if ("nothing" in change) this.nothing = change.nothing;
    else if (change.put) this.shapes.set(id, change.shape);
    else this.shapes.delete(id);
  }

  #number() {
    let next = Math.max(0, ...this.numbers.values()) + 1;
    for (const id of this.shapes.keys()) if (!this.numbers.has(id)) this.numbers.set(id, next++);
  }

  /**
   * Change shapes as one step that undo takes back.
   * @param {string} words  of the step, as undo says them: "moved Kestrel"
   * @param {Record<string, object|null>} wanted  null deletes
   * @param {{joins?: string}} options  steps of the same name, close together, become one
   */
  change(words, wanted, { joins = "" } = {}) {
    if (!this.#mayChange()) return false;
    const changes = Object.entries(wanted)
      .map(([id, after]) => ({ id, before: this.shapes.get(id) ?? null, after: withoutRev(after) }))
      .filter(({ before, after }) => !same(before, after));
    if (!changes.length) return false;
    const last = this.done.at(-1);
    const now = performance.now();
    if (joins && last?.joins === joins && now - last.at < JOINED_MS && last.changes.length === changes.length) {
      changes.forEach((change, i) => (last.changes[i].after = change.after));
      last.at = now;
    } else {
      this.done.push({ words, frame: this.frame, changes, at: now, joins });
    }
    this.undone = [];
    this.#apply(changes.map(({ id, after }) => [id, after]));
    return true;
  }

  add(words, shape) {
    const id = newId();
    const before = this.selected;
    this.selected = id;
    if (!this.change(words, { [id]: shape })) this.selected = before;
    return id;
  }

  /** "Nothing here", or that taken back. */
  setNothing(nothing) {
    if (this.nothing === nothing || !this.#mayChange()) return;
    this.done.push({ words: nothing ? "said nothing is here" : "took back “nothing here”", frame: this.frame, changes: [], nothing, at: 0, joins: "" });
    this.undone = [];
    this.#sendNothing(nothing);
  }

  #sendNothing(nothing) {
    this.nothing = nothing;
    this.outbox.add(this, "", { nothing });
    this.#tell();
  }

  #apply(pairs) {
    for (const [id, shape] of pairs) {
      if (shape) {
        this.shapes.set(id, shape);
        this.nothing = false; // as the server does
      } else this.shapes.delete(id);
      if (!shape && this.selected === id) this.selected = null;
      if (this.conflicts.has(id)) this.conflicts.get(id).mine = shape;
      this.outbox.add(this, id, shape ? { put: id, shape } : { delete: id });
    }
    this.#number();
    this.#tell();
  }

  /** @returns {Step|null} what was undone. A shape that somebody else changed since stays. */
  undo() {
    return this.#step(this.done, this.undone, "before", "after");
  }
  redo() {
    return this.#step(this.undone, this.done, "after", "before");
  }

  #step(from, onto, to, expected) {
    const step = from.pop();
    if (!step) return null;
    onto.push({ ...step, joins: "" });
    if ("nothing" in step) {
      this.#sendNothing(to === "after" ? step.nothing : !step.nothing);
      return step;
    }
    const mine = step.changes.filter((change) => same(this.shapes.get(change.id) ?? null, change[expected]));
    this.#apply(mine.map((change) => [change.id, withoutRev(change[to])]));
    return { ...step, isPartly: mine.length < step.changes.length };
  }

  // --- what the server says ------------------------------------------------------------------

  revOf(id) {
    return this.confirmed.get(id)?.rev ?? 0;
  }

  confirm(id, change, rev) {
    if (change.put) this.confirmed.set(id, { ...change.shape, rev });
    else if (change.delete) this.confirmed.delete(id);
  }

  /** Take over what others did; what is still on its way from here stays as it is here. */
  adopt(document) {
    const theirs = document.shapes ?? {};
    const busy = this.outbox.busy(this.data.id);
    this.confirmed = new Map(Object.entries(theirs));
    for (const id of new Set([...this.shapes.keys(), ...Object.keys(theirs)])) {
      if (busy.has(id)) continue;
      if (theirs[id]) this.shapes.set(id, theirs[id]);
      else this.shapes.delete(id);
    }
    if (!busy.has("")) this.nothing = Boolean(document.nothing) && this.isEmpty;
    if (!this.shapes.has(this.selected)) this.selected = null;
    this.#number();
    this.#tell();
  }

  /** An earlier state came back: undo leads to how it was. */
  restored(words, document) {
    const before = new Map(this.shapes);
    this.adopt(document);
    const changes = [...new Set([...before.keys(), ...this.shapes.keys()])]
      .map((id) => ({ id, before: before.get(id) ?? null, after: this.shapes.get(id) ?? null }))
      .filter((change) => !same(change.before, change.after));
    this.done.push({ words, frame: this.frame, changes, at: 0, joins: "" });
    this.undone = [];
    this.#tell();
  }

  /**
   * Both changed one shape. What can be merged is; the rest waits for the person.
   * @returns {boolean} whether a person must choose
   */
  conflict(id, base, mine, theirs) {
    if (!id) return this.#somethingIsHere();
    if (theirs) this.confirmed.set(id, theirs);
    else this.confirmed.delete(id);
    const merged = mergedShape(base, mine, theirs);
    if (merged || (!mine && !theirs)) {
      if (same(merged, theirs)) this.#silently(id, theirs);
      else this.#resend(id, merged);
      return false;
    }
    this.conflicts.set(id, { mine, theirs });
    this.#tell();
    return true;
  }

  /** “Nothing here” was said while somebody drew: there is something. */
  #somethingIsHere() {
    this.outbox.release(this, "");
    this.nothing = false;
    this.#tell();
    return false;
  }

  #silently(id, shape) {
    this.outbox.release(this, id);
    if (!id) return this.#tell();
    if (shape) this.shapes.set(id, shape);
    else this.shapes.delete(id);
    this.#tell();
  }

  #resend(id, shape) {
    this.outbox.release(this, id);
    this.#apply([[id, withoutRev(shape)]]);
  }

  /** @param {"mine"|"theirs"|"both"} choice */
  settle(id, choice) {
    const { mine, theirs } = this.conflicts.get(id);
    this.conflicts.delete(id);
    if (choice === "mine") return this.#resend(id, mine);
    this.#silently(id, theirs);
    if (choice === "both" && mine) this.add("kept both", withoutRev(mine));
    // What was here is one undo away.
    else {
      this.done.push({ words: "kept theirs", frame: this.frame, changes: [{ id, before: mine, after: theirs }], at: 0, joins: "" });
      this.undone = [];
    }
    this.#tell();
  }

  /** A change that the server will not have: back to what it has. */
  refuse(id) {
    this.#silently(id, this.confirmed.get(id) ?? null);
  }

  // --- proposals -----------------------------------------------------------------------------

  refuseProposal(id) {
    this.refused.add(id);
    try {
      sessionStorage.setItem(`sightline.refused:${this.data.id}`, JSON.stringify([...this.refused]));
    } catch {
      // only a comfort: without storage they come back with a reload
    }
    this.#tell();
  }

  #readRefused() {
    try {
      return JSON.parse(sessionStorage.getItem(`sightline.refused:${this.data.id}`)) ?? [];
    } catch {
      return [];
    }
  }

  select(id) {
    if (this.selected === id) return;
    this.selected = id;
    this.dispatchEvent(new Event("select"));
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
