// Arithmetic of boxes: [x1, y1, x2, y2] as fractions of the picture, x to the right, y down.
import { clamp } from "../common/clock.js";

export const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];

/** Fractions that print the same everywhere: six digits are a hundredth of a pixel at 8K. */
export const rounded = (box) => box.map((value) => Math.round(value * 1e6) / 1e6);

/** Two corners in any order, as a box inside the picture. */
export function fromCorners([ax, ay], [bx, by]) {
  const inside = (value) => clamp(value, 0, 1);
  return rounded([
    inside(Math.min(ax, bx)),
    inside(Math.min(ay, by)),
    inside(Math.max(ax, bx)),
    inside(Math.max(ay, by)),
  ]);
}

/** The box moved as a whole; it stops at the edges and keeps its size. */
export function moved([x1, y1, x2, y2], dx, dy) {
  const right = clamp(dx, -x1, 1 - x2);
  const down = clamp(dy, -y1, 1 - y2);
  return rounded([x1 + right, y1 + down, x2 + right, y2 + down]);
}

/** One handle taken to a point; pulled over the opposite side, the box turns inside out. */
export function resized([x1, y1, x2, y2], handle, [px, py]) {
  const left = handle.includes("w") ? px : x1;
  const right = handle.includes("e") ? px : x2;
  const top = handle.includes("n") ? py : y1;
  const bottom = handle.includes("s") ? py : y2;
  return fromCorners([left, top], [right, bottom]);
}

/** Where a handle sits. */
export function handlePoint([x1, y1, x2, y2], handle) {
  const x = handle.includes("w") ? x1 : handle.includes("e") ? x2 : (x1 + x2) / 2;
  const y = handle.includes("n") ? y1 : handle.includes("s") ? y2 : (y1 + y2) / 2;
  return [x, y];
}

export const area = ([x1, y1, x2, y2]) => Math.max(x2 - x1, 0) * Math.max(y2 - y1, 0);

/** Intersection over union, 0 to 1. */
export function overlap(a, b) {
  const both = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  const either = area(a) + area(b) - both;
  return either > 0 ? both / either : 0;
}

export const holds = ([x1, y1, x2, y2], [px, py]) => px >= x1 && px <= x2 && py >= y1 && py <= y2;

/** All four corners on a straight line from `a` to `b`; `share` 0 is `a`, 1 is `b`. */
export const between = (a, b, share) => rounded(a.map((value, i) => value + (b[i] - value) * share));
