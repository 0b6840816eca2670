// The analysed frames of a run, fetched a segment at a time, and what is on screen at a time.

const KEPT_SEGMENTS = 24;
const SAME_TIME_S = 0.0005; // players round times to microseconds

/**
 * @typedef {object} SegmentFrames
 * @property {number} index
 * @property {number[]} times @property {number[]} starts @property {number[]} ends
 * @property {number[]} first  where each frame's boxes begin in the columns below
 * @property {number[]} label @property {number[]} track @property {number[]} confidence
 * @property {(number|null)[]} clarity @property {string[]} known @property {number[][]} box
 * @property {number[]} place @property {object|null} sprite
 *
 * @typedef {object} Box
 * @property {number} label @property {number} track @property {number} confidence
 * @property {number|null} clarity @property {boolean} weak
 * @property {"detected"|"followed"|"interpolated"} known
 * @property {number} place  its position among the boxes found in its frame; −1: a person drew it
 * @property {[number, number, number, number]} xyxy  shares of the frame
 */

/** @param {{run: object, store: import("./page.js").Store, onLoad: () => void}} options */
export function createFrames({ run, store, onLoad }) {
  /** @type {Map<number, SegmentFrames|Promise<SegmentFrames|null>>} */
  const kept = new Map();
  let said = store.get().figures?.said ?? ""; // what people say of the boxes, as the figures count it
  store.on(["figures"], ({ figures }) => {
    if ((figures?.said ?? "") === said) return;
    said = figures.said;
    const shown = [...kept.keys()];
    kept.clear();
    shown.forEach(load);
  });

  function load(index) {
    const segment = store.get().segments[index];
    if (!segment?.done) return Promise.resolve(null);
    if (!kept.has(index)) {
      kept.set(index, fetchSegment(index));
      if (kept.size > KEPT_SEGMENTS) kept.delete(kept.keys().next().value);
    }
    return Promise.resolve(kept.get(index));
  }

  async function fetchSegment(index) {
    const asked = said;
    try {
      const response = await fetch(run.urls.boxes.replace("/0.json", `/${index}.json${said && `?said=${said}`}`));
      if (!response.ok) throw new Error(response.statusText);
      const frames = withFirst(await response.json());
      if (asked !== said) return load(index); // something was said meanwhile
      kept.set(index, frames);
      onLoad(index);
      return frames;
    } catch {
      kept.delete(index); // asked for again at the next picture
      return null;
    }
  }

  /** The segment as it is at hand now; fetched for later when it is not. */
  function atHand(index) {
    const found = kept.get(index);
    if (found && !(found instanceof Promise)) {
      kept.delete(index); // most lately used goes last
      kept.set(index, found);
      return found;
    }
    load(index);
    return null;
  }

  function segmentIndex(time) {
    const { segments } = store.get();
    let low = 0;
    let high = segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (segments[middle].start <= time + SAME_TIME_S) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The analysed frame whose cell holds the time. Cells reach over the borders of segments. */
  function frameAt(time) {
    const index = segmentIndex(time);
    for (const near of [index, index - 1, index + 1]) {
      const frames = near >= 0 && near < store.get().segments.length ? atHand(near) : null;
      const at = frames ? cellOf(frames, time) : -1;
      if (at >= 0) return { frames, at };
    }
    return null;
  }

  return { load, atHand, segmentIndex, frameAt };
}

function withFirst(frames) {
  const first = new Array(frames.times.length + 1).fill(0);
  for (const at of frames.frame) first[at + 1] += 1;
  for (let i = 1; i < first.length; i += 1) first[i] += first[i - 1];
  return { ...frames, first };
}

function cellOf(frames, time) {
  const at = lastAtOrBefore(frames.starts, time + SAME_TIME_S);
  return at >= 0 && time < frames.ends[at] + SAME_TIME_S ? at : -1;
}

/** Position of the last value that is not above `limit` in sorted `values`; -1: none. */
export function lastAtOrBefore(values, limit) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Is the time that of an analysed frame, rather than between two? */
export function isExact(frames, at, time) {
  return Math.abs(frames.times[at] - time) < 2 * SAME_TIME_S;
}

/**
 * The boxes to show at `time`, which lies in the cell of frame `at`. A tracked box moves on a
 * straight line to its place in the neighbouring frame; one without a track stays where it was.
 * @param {SegmentFrames} frames @returns {Box[]}
 */
export function boxesAt(frames, at, time, state) {
  const boxes = [];
  const next = time >= frames.times[at] ? at + 1 : at - 1;
  const isBetween = next >= 0 && next < frames.times.length && !isExact(frames, at, time);
  for (let row = frames.first[at]; row < frames.first[at + 1]; row += 1) {
    const label = frames.label[row];
    if (state.off.includes(label)) continue;
    const other = isBetween ? sameTrack(frames, row, next) : -1;
    const share = other < 0 ? 0 : (time - frames.times[at]) / (frames.times[next] - frames.times[at]);
    boxes.push({
      label,
      place: frames.place[row],
      track: frames.track[row],
      confidence: frames.confidence[row],
      clarity: frames.clarity[row],
      known: frames.known[row],
      weak: frames.confidence[row] < (state.figures?.thresholds[label] ?? 0.5),
      xyxy: frames.box.map((side) => side[row] + share * (side[Math.max(other, 0)] - side[row])),
    });
  }
  return boxes;
}

function sameTrack(frames, row, at) {
  const track = frames.track[row];
  if (track < 0) return -1;
  for (let other = frames.first[at]; other < frames.first[at + 1]; other += 1) {
    if (frames.track[other] === track && frames.label[other] === frames.label[row]) return other;
  }
  return -1;
}

/** Does the frame show a brand that counts? */
export function showsBrand(frames, at, state) {
  return boxesAt(frames, at, frames.times[at], state).some((box) => !box.weak);
}
