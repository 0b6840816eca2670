// The lines of a transcript: fetched segment by segment, those around the playhead first.

const AT_ONCE = 20; // segments of one request

/**
 * @typedef {object} Line
 * @property {number} id
 * @property {number} segment  the index of the segment that it is shown in
 * @property {number} start
 * @property {number} end
 * @property {string} language
 * @property {?{id: number, name: string, number: number, colour: number}} speaker
 * @property {string} blank     what stands between two words: nothing in some languages
 * @property {string[]} words   as they were recognised
 * @property {number[]} starts
 * @property {number[]} ends
 * @property {number[]} sure
 * @property {Record<string, {id: number, text: string, by: string, at: string}>} edits
 */

/** What stands for a word now. @param {Line} line */
export const reads = (line, word) => line.edits[word]?.text ?? line.words[word];

export function createLines({ speech, store, signal }) {
  const listeners = [];
  /** @type {Map<number, Line[]>} by segment */
  const loaded = new Map();
  let segments = speech.segments;
  let sorted = [];
  let byId = new Map();

  const tell = (what) => listeners.forEach((listen) => listen(what));

  async function load(some) {
    const wanted = some.filter((segment) => !loaded.has(segment[0]));
    if (!wanted.length || signal.aborted) return;
    const query = new URLSearchParams({ segments: wanted.map(([index]) => index).join(",") });
    const response = await fetch(`${speech.urls.lines}?${query}`, { signal }).catch(() => null);
    if (!response?.ok) return;
    const { lines } = await response.json();
    for (const [index] of wanted) loaded.set(index, []);
    for (const line of lines) {
      const inside = wanted.findLast(([, start]) => start <= line.start + 1e-6) ?? wanted[0];
      line.segment = inside[0];
      loaded.get(inside[0]).push(line);
    }
    sorted = [...loaded.values()].flat().sort((a, b) => a.start - b.start || a.id - b.id);
    byId = new Map(sorted.map((line) => [line.id, line]));
    tell({ segments: wanted.map(([index]) => index) });
  }

  /** First what is around the playhead, then the rest in order. */
  async function begin() {
    tell({ segments: [] });
    const { time } = store.get();
    const here = Math.max(segments.findLastIndex(([, start]) => start <= time), 0);
    await load(segments.slice(here, here + 4));
    for (let at = 0; at < segments.length && !signal.aborted; at += AT_ONCE) {
      await load(segments.slice(at, at + AT_ONCE));
    }
  }

  return {
    begin,
    /** Fetch what can be read since. */
    async more() {
      const response = await fetch(speech.urls.segments, { signal }).catch(() => null);
      if (!response?.ok) return;
      segments = (await response.json()).segments;
      await begin();
    },
    on: (listen) => listeners.push(listen),
    all: () => sorted,
    of: (segment) => loaded.get(segment) ?? [],
    segments: () => segments,
    byId: (id) => byId.get(id),
    /** A line as it reads now, in place of what it was. */
    put(line) {
      const before = byId.get(line.id);
      if (before) tell({ line: Object.assign(before, line) });
    },
    /** The place of the line that is being said, or was last; -1 before the first. */
    at(time) {
      let [low, high] = [0, sorted.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (sorted[middle].start <= time) low = middle + 1;
        else high = middle;
      }
      return low - 1;
    },
  };
}
