// What a person said on its way to the server: one after the other, kept in the browser until it is
// there, and sent again for as long as the connection is lost.
import { Refusal, SignedOut } from "./post.js";

const SLOWEST_S = 15;

/** @typedef {{id: number}} Entry  what was said of one thing; the rest of it is between the page and its `send` */

export class Outbox extends EventTarget {
  /**
   * Events: "changed", "answered" {entry, answer}, "refused" {entry, sentence, status}.
   * @param {(entry: Entry) => Promise<object>} send
   * @param {{load(): Entry[], keep(entries: Entry[]): void}} store
   */
  constructor(send, store) {
    super();
    Object.assign(this, { send, store, state: "sent", failures: 0, timer: 0, isSending: false });
    /** @type {Entry[]} */
    this.entries = store.load();
    globalThis.addEventListener?.("online", () => this.hurry());
  }

  /** How many are not there yet, and of which things. */
  get count() {
    return this.entries.length;
  }
  has(id) {
    return this.entries.some((entry) => entry.id === id);
  }

  add(entry) {
    this.entries.push(entry);
    this.store.keep(this.entries);
    this.hurry();
  }

  /**
   * Take back what was said last of a thing: what nobody has seen yet is as if it had not been.
   * @param {Entry} instead  what tells the server so, where it may have seen it
   */
  takeBack(instead) {
    if (!this.drop(instead.id)) this.add(instead);
  }

  /** Not to be sent after all. @returns {boolean} whether it is sure that nobody has seen it */
  drop(id) {
    const first = this.isSending || this.failures ? 1 : 0; // that one may be there, and its answer lost
    const at = this.entries.findLastIndex((entry) => entry.id === id);
    if (at < first) return false;
    this.entries.splice(at, 1);
    this.store.keep(this.entries);
    this.#tell("changed");
    return true;
  }

  hurry() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.#go();
  }

  /** Resolves when everything is there. */
  async empty() {
    while (this.entries.length) await new Promise((resolve) => this.addEventListener("changed", resolve, { once: true }));
  }

  async #go() {
    if (this.isSending || this.timer) return;
    this.isSending = true;
    while (this.entries.length && !this.timer) await this.#sendFirst();
    this.isSending = false;
  }

  async #sendFirst() {
    const [entry] = this.entries;
    try {
      const answer = await this.send(entry);
      this.#done();
      this.#tell("answered", { entry, answer });
    } catch (error) {
      if (error instanceof Refusal) {
        this.#done();
        this.#tell("refused", { entry, sentence: error.message, status: error.status });
        return;
      }
      this.failures += 1;
      this.state = error instanceof SignedOut ? "signed-out" : "offline";
      this.timer = setTimeout(() => this.hurry(), Math.min(2 ** (this.failures - 1), SLOWEST_S) * 1000);
      this.#tell("changed");
    }
  }

  #done() {
    this.entries.shift();
    this.store.keep(this.entries);
    Object.assign(this, { failures: 0, state: "sent" });
    this.#tell("changed");
  }

  #tell(what, detail) {
    const event = new Event(what);
    event.detail = detail;
    this.dispatchEvent(event);
  }
}

/** In the browser's own store, apart for each person and piece of work. */
export function keptAs(key) {
  return {
    load() {
      try {
        const found = JSON.parse(localStorage.getItem(key) ?? "[]");
        return Array.isArray(found) ? found : [];
      } catch {
        return [];
      }
    },
    keep(entries) {
      try {
        if (entries.length) localStorage.setItem(key, JSON.stringify(entries));
        else localStorage.removeItem(key);
      } catch {
        // a browser without room, or in private: they are kept for as long as the page is open
      }
    },
  };
}
