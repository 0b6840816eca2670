// Answers on their way to the server: one after the other, kept in the browser until they are there,
// and sent again for as long as the connection is lost.
import { Refusal, SignedOut } from "./server.js";

const SLOWEST_S = 15;

/** @typedef {{id: number, label: number, answer: string, seconds: number}} Entry  answer "" takes one back */

export class Outbox extends EventTarget {
  /**
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

  /** How many are not there yet, and of which frames. */
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

  /** Take an answer back: one that nobody has seen yet is as if it had not been. */
  undo(id, label) {
    const first = this.isSending ? 1 : 0;
    const at = this.entries.findLastIndex((entry) => entry.id === id);
    if (at < first) this.add({ id, label, answer: "", seconds: 0 });
    else {
      this.entries.splice(at, 1);
      this.store.keep(this.entries);
      this.#tell("changed");
    }
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

/** In the browser's own store, apart for each person and run. */
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
