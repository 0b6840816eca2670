// Where in a cut one is, and where in which film that is.

/** @typedef {{id: number, asset: number, kind: string, start: number, end: number, title: string,
 *   url: string, link: string, rate: number}} Clip */

/** @param {Clip[]} clips */
export function createSequence(clips) {
  const starts = [];
  let length = 0;
  for (const clip of clips) {
    starts.push(length);
    length += clip.end - clip.start;
  }
  return {
    clips,
    length,
    /** When in the cut a clip begins. */
    startOf: (index) => starts[index] ?? length,
    /** Which clip is on at a time of the cut, and where in its film: the last one's end at the end. */
    at(time) {
      if (!clips.length) return null;
      let index = clips.length - 1;
      while (index > 0 && starts[index] > time) index -= 1;
      const { start, end } = clips[index];
      return { index, source: Math.min(Math.max(start + time - starts[index], start), end) };
    },
    /** The time of the cut for a time of a clip's film, kept within that clip. */
    timeOf(index, source) {
      const clip = clips[index];
      if (!clip) return length;
      return starts[index] + Math.min(Math.max(source - clip.start, 0), clip.end - clip.start);
    },
    indexOf: (id) => clips.findIndex((clip) => clip.id === id),
  };
}
