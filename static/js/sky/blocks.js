// The blocks of a picture as they are asked for: fetched a few at a time, the latest wish first,
// and kept as long as there is room.

const AT_ONCE = 6;
const KEPT = 400; // blocks; a quarter of a megabyte each, and as much again painted

export class Blocks {
  #template;
  #size;
  #shape;
  #levels;
  #kept = new Map(); // "level-row-column" → {values, width, height, canvas, version}
  #going = new Map(); // key → AbortController
  #wanted = [];
  #failed = new Map(); // key → when it may be tried again
  #onBlock;

  /**
   * @param {{tiles: string, block: number, shape: number[], levels: number}} source
   * @param {(error?: Error) => void} onBlock  called when one is there, or cannot be had
   */
  constructor({ tiles, block, shape, levels }, onBlock) {
    this.#template = tiles;
    this.#size = block;
    this.#shape = shape;
    this.#levels = levels;
    this.#onBlock = onBlock;
  }

  get size() {
    return this.#size;
  }
  get isLoading() {
    return this.#going.size > 0 || this.#wanted.length > 0;
  }
  /** Height and width of a level. */
  levelShape(level) {
    let [height, width] = this.#shape;
    for (let n = 0; n < level; n += 1) [height, width] = [Math.ceil(height / 2), Math.ceil(width / 2)];
    return [height, width];
  }
  /** What is there already, or null. */
  get(level, row, column) {
    const key = `${level}-${row}-${column}`;
    const block = this.#kept.get(key);
    if (!block) return null;
    this.#kept.delete(key); // the last used is the last in line
    this.#kept.set(key, block);
    return block;
  }
  /** Ask for these, the first of them first; what was asked before and has not begun is forgotten. */
  want(places) {
    const now = performance.now();
    this.#wanted = places
      .map((place) => place.join("-"))
      .filter((key) => !this.#kept.has(key) && !this.#going.has(key) && !(this.#failed.get(key) > now));
    this.#next();
  }
  /** One block as a promise, for who wants to read a number. */
  async load(level, row, column) {
    const key = `${level}-${row}-${column}`;
    if (!this.#kept.has(key)) await this.#fetch(key);
    return this.#kept.get(key) ?? null;
  }
  close() {
    this.#wanted = [];
    for (const abort of this.#going.values()) abort.abort();
    this.#kept.clear();
  }

  #next() {
    while (this.#going.size < AT_ONCE && this.#wanted.length) {
      const key = this.#wanted.shift();
      this.#fetch(key).then(() => this.#onBlock(), (error) => this.#lost(key, error)).finally(() => this.#next());
    }
  }
  async #fetch(key) {
    const abort = new AbortController();
    this.#going.set(key, abort);
    try {
      const answer = await fetch(this.#template.replace("PLACE", key), { signal: abort.signal });
      if (!answer.ok) throw new Error(`block ${key}: ${answer.status}`);
      this.#keep(key, new Float32Array(await answer.arrayBuffer()));
    } finally {
      this.#going.delete(key);
    }
  }
  #lost(key, error) {
    if (error.name === "AbortError") return;
    this.#failed.set(key, performance.now() + 5000);
    this.#onBlock(error);
  }
  #keep(key, values) {
    const [level, row, column] = key.split("-").map(Number);
    const [height, width] = this.levelShape(level);
    const size = this.#size;
    const block = {
      values,
      height: Math.min(size, height - row * size),
      width: Math.min(size, width - column * size),
      canvas: null,
      version: -1,
    };
    this.#kept.set(key, block);
    for (const old of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      if (Number(old.split("-")[0]) < this.#levels - 1) this.#kept.delete(old); // the whole at a glance stays
      else break;
    }
  }
}
