// Tracks of a clip: {label, keys: {"12": {box, occluded, outside}}}, keys numbered by frame.
//
// Before its first key a track is not there. Between two keys the box lies on a straight line in
// all four corners, over the frame number. After a key with `outside` it is not there until the
// next key. Shapes are never changed in place: every function gives a new one.
import { between } from "./geometry.js";

const sorted = new WeakMap(); // shape → its key frames, ascending

export const isTrack = (shape) => Boolean(shape?.keys);

/** @returns {number[]} frames of the keys, ascending */
export function keyFrames(shape) {
  if (!sorted.has(shape)) {
    sorted.set(shape, Object.keys(shape.keys).map(Number).sort((a, b) => a - b));
  }
  return sorted.get(shape);
}

/** The place in `frames` of the last one that is not after `frame`, or -1. */
function lastAt(frames, frame) {
  let low = 0;
  let high = frames.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (frames[middle] <= frame) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * What a shape shows in a frame, or null where it is not there.
 * @returns {{box: number[], occluded: boolean, isKey: boolean}|null}
 */
export function shownAt(shape, frame) {
  const state = stateAt(shape, frame);
  return state && !state.outside ? state : null;
}

/** As `shownAt`, but an outside track is there too, marked so. Null only before the first key. */
export function stateAt(shape, frame) {
  if (!isTrack(shape)) {
    return shape.box ? { box: shape.box, occluded: Boolean(shape.occluded), outside: false, isKey: true } : null;
  }
  const frames = keyFrames(shape);
  const at = lastAt(frames, frame);
  if (at < 0) return null;
  const from = shape.keys[frames[at]];
  const isKey = frames[at] === frame;
  const next = frames[at + 1];
  const isMoving = !isKey && !from.outside && next !== undefined;
  const box = isMoving
    ? between(from.box, shape.keys[next].box, (frame - frames[at]) / (next - frames[at]))
    : from.box;
  return { box, occluded: Boolean(from.occluded), outside: Boolean(from.outside), isKey };
}

/** The track with a key at `frame`: what it showed there, changed by `patch`. */
export function withKey(shape, frame, patch = {}) {
  const state = stateAt(shape, frame) ?? { ...shape.keys[keyFrames(shape)[0]], outside: false };
  const key = { box: state.box, occluded: Boolean(state.occluded), outside: state.outside, ...patch };
  return { ...shape, keys: { ...shape.keys, [frame]: key } };
}

/** The track without its key at `frame`, or null when that was its only one. */
export function withoutKey(shape, frame) {
  const { [frame]: _, ...keys } = shape.keys;
  return Object.keys(keys).length ? { ...shape, keys } : null;
}

/** Out of the picture from `frame` on, or back in it. Null: the track would be nowhere. */
export function toggledOutside(shape, frame) {
  const state = stateAt(shape, frame);
  if (state?.outside) return withKey(shape, frame, { outside: false });
  if (frame <= keyFrames(shape)[0]) return null;
  return withKey(shape, frame, { outside: true });
}

/** The nearest key before (-1) or after (1) `frame`, or null. */
export function keyBeside(shape, frame, direction) {
  const frames = keyFrames(shape);
  const found = direction > 0 ? frames.find((key) => key > frame) : frames.findLast((key) => key < frame);
  return found ?? null;
}

/** The track up to `frame`, and the rest of it as another. Null where there is nothing to cut. */
export function split(shape, frame) {
  const state = stateAt(shape, frame);
  const frames = keyFrames(shape);
  if (!state || frame <= frames[0]) return null;
  const part = (wanted) => Object.fromEntries(frames.filter(wanted).map((key) => [key, shape.keys[key]]));
  const end = { box: state.box, occluded: state.occluded, outside: true };
  const start = { box: state.box, occluded: state.occluded, outside: state.outside };
  return [
    { ...shape, keys: { ...part((key) => key < frame), [frame]: end } },
    { ...shape, keys: { ...part((key) => key > frame), [frame]: start } },
  ];
}

/** Two tracks as one. Where both have a key the first's holds; one's end yields to the other. */
export function merged(first, second) {
  const keys = {};
  for (const [shape, other] of [[second, first], [first, second]]) {
    for (const frame of keyFrames(shape)) {
      const key = shape.keys[frame];
      if (key.outside && shownAt(other, frame)) continue;
      keys[frame] = key;
    }
  }
  return { ...first, keys };
}

/** Stretches of frames in which the track is there: [[from, to] …], `to` left out of it. */
export function stretches(shape, end) {
  const found = [];
  let since = null;
  for (const frame of keyFrames(shape)) {
    const { outside } = shape.keys[frame];
    if (!outside && since === null) since = frame;
    if (outside && since !== null) {
      found.push([since, frame]);
      since = null;
    }
  }
  if (since !== null) found.push([since, end]);
  return found;
}

/**
 * The fewest keys whose straight lines stay within `tolerance` of every given box (Ramer 1972,
 * Douglas and Peucker 1973; distance is the largest of the four corners', at equal frame).
 * @param {[number, number[]][]} points  frame and box, by frame
 */
export function fewestKeys(points, tolerance) {
  if (points.length < 3) return points;
  const keep = new Set([0, points.length - 1]);
  const spans = [[0, points.length - 1]];
  while (spans.length) {
    const [from, to] = spans.pop();
    const worst = farthest(points, from, to);
    if (worst.distance <= tolerance) continue;
    keep.add(worst.at);
    spans.push([from, worst.at], [worst.at, to]);
  }
  return points.filter((_, i) => keep.has(i));
}

function farthest(points, from, to) {
  const worst = { at: from, distance: 0 };
  const [[start, a], [end, b]] = [points[from], points[to]];
  for (let at = from + 1; at < to; at += 1) {
    const [frame, box] = points[at];
    const share = (frame - start) / (end - start);
    const distance = Math.max(...box.map((value, i) => Math.abs(value - (a[i] + (b[i] - a[i]) * share))));
    if (distance > worst.distance) Object.assign(worst, { at, distance });
  }
  return worst;
}

/** A track carried on by predicted boxes ({frame: box}); a person's keys are left as they are. */
export function carried(shape, from, boxes, tolerance) {
  const start = stateAt(shape, from);
  const points = Object.entries(boxes)
    .map(([frame, box]) => [Number(frame), box.slice(0, 4)])
    .concat(start ? [[from, start.box]] : [])
    .sort((a, b) => a[0] - b[0]);
  const keys = { ...shape.keys };
  for (const [frame, box] of fewestKeys(points, tolerance)) {
    keys[frame] ??= { box, occluded: false, outside: false };
  }
  return { ...shape, keys };
}
