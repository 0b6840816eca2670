// Boxes under the pointer: they stay in the picture and never turn inside out.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromCorners, HANDLES, handlePoint, moved, overlap, resized } from "../../static/js/labelling/geometry.js";

const box = [0.2, 0.3, 0.6, 0.5];

test("drawn in any direction it is the same box", () => {
  const expected = [0.1, 0.2, 0.3, 0.4];
  assert.deepEqual(fromCorners([0.3, 0.2], [0.1, 0.4]), expected);
  assert.deepEqual(fromCorners([0.1, 0.4], [0.3, 0.2]), expected);
});

test("drawn beyond the picture it ends at the edge", () => {
  assert.deepEqual(fromCorners([0.9, -1], [1.5, 0.4]), [0.9, 0, 1, 0.4]);
});

test("pushed against an edge it keeps its size", () => {
  assert.deepEqual(moved(box, -5, 5), [0, 0.8, 0.4, 1]);
});

test("every handle takes its own sides along", () => {
  for (const handle of HANDLES) {
    assert.deepEqual(resized(box, handle, handlePoint(box, handle)), box, handle);
  }
  assert.deepEqual(resized(box, "e", [0.7, 0.9]), [0.2, 0.3, 0.7, 0.5]);
});

test("a side pulled over the opposite one turns the box over", () => {
  assert.deepEqual(resized(box, "w", [0.9, 0]), [0.6, 0.3, 0.9, 0.5]);
});

test("overlap of the same, of neighbours, and of nothing", () => {
  assert.equal(overlap(box, box), 1);
  assert.equal(overlap([0, 0, 0.5, 1], [0.5, 0, 1, 1]), 0);
  assert.equal(overlap([0, 0, 0, 0], [0, 0, 0, 0]), 0);
  assert.ok(Math.abs(overlap([0, 0, 0.5, 1], [0.25, 0, 0.75, 1]) - 1 / 3) < 1e-12);
});
