// Names of boxes on a small picture: none lies over another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { freePlace, thinned } from "../../static/js/common/overlay.js";

test("names of boxes that crowd a phone's picture never cover each other", () => {
  const rect = { x: 0, y: 0, width: 366, height: 206 };
  const taken = [];
  for (let n = 0; n < 40; n += 1) {
    const box = { x: 100 + (n % 8) * 12, y: 80 + Math.floor(n / 8) * 6, width: 40, height: 12 };
    const place = freePlace(box, 96, rect, taken);
    if (place) taken.push({ ...place, width: 96 });
  }
  assert.ok(taken.length >= 6);
  for (const [i, a] of taken.entries()) {
    assert.ok(a.x >= 0 && a.x + a.width <= rect.width && a.y >= 0 && a.y + 18 <= rect.height);
    for (const b of taken.slice(i + 1)) {
      assert.ok(Math.abs(a.y - b.y) >= 18 || a.x + a.width <= b.x || b.x + b.width <= a.x);
    }
  }
});

test("of many boxes on a phone only the chosen one is named, and all on a large picture", () => {
  const boxes = [1, 2, 3, 4, 5].map((id) => ({ id }));
  const named = (...of) => thinned(...of).filter((box) => !box.silent).map((box) => box.id);
  assert.deepEqual(named(boxes, null, 366), []);
  assert.deepEqual(named(boxes, boxes[2], 366), [3]);
  assert.deepEqual(named(boxes, boxes[2], 1200), [1, 2, 3, 4, 5]);
  assert.deepEqual(named(boxes.slice(0, 3), null, 366), [1, 2, 3]);
});
