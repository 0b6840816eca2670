// What a person got done since the page was opened.

export class Sitting {
  #spent = new Map(); // item → seconds its decision took

  add(id, seconds) {
    this.#spent.set(id, seconds);
  }
  takeBack(id) {
    this.#spent.delete(id);
  }
  get count() {
    return this.#spent.size;
  }

  /** Seconds of a decision, in the middle of all: one that was left for a coffee moves it little. */
  get median() {
    const sorted = [...this.#spent.values()].sort((a, b) => a - b);
    const half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
  }

  /** "12 decided, 2.4 s each"; nothing before the first. */
  get words() {
    return this.count ? `${this.count.toLocaleString("en")} decided, ${this.median.toFixed(1)} s each` : "";
  }
}
