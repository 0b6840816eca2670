// Names of boxes on a small picture: none lies over another.
import assert from "node:assert/strict";
import { test } from "node:test";
import { freePlace } from "../../static/js/common/overlay.js";

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
