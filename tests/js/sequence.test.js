// Where in a cut one is: the joints above all.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSequence } from "../../static/js/cuts/sequence.js";

const clip = (id, start, end) => ({ id, start, end });
const cut = createSequence([clip(7, 10, 12), clip(3, 4, 4.5), clip(9, 100, 103)]);

test("a time of the cut is a time of one film", () => {
  assert.equal(cut.length, 5.5);
  assert.deepEqual(cut.at(0), { index: 0, source: 10 });
  assert.deepEqual(cut.at(1.5), { index: 0, source: 11.5 });
  assert.deepEqual(cut.at(2), { index: 1, source: 4 }); // the joint is the next clip's
  assert.deepEqual(cut.at(2.5), { index: 2, source: 100 });
});

test("before the beginning and after the end one is at the ends", () => {
  assert.deepEqual(cut.at(-3), { index: 0, source: 10 });
  assert.deepEqual(cut.at(99), { index: 2, source: 103 });
});

test("a time of a film is a time of the cut, kept within its clip", () => {
  assert.equal(cut.timeOf(1, 4.25), 2.25);
  assert.equal(cut.timeOf(1, 400), 2.5);
  assert.equal(cut.timeOf(0, 0), 0);
  for (const at of [0, 0.4, 1.99, 2.1, 3, 5.4]) {
    const there = cut.at(at);
    assert.ok(Math.abs(cut.timeOf(there.index, there.source) - at) < 1e-9);
  }
});

test("a cut without clips has no place", () => {
  const none = createSequence([]);
  assert.equal(none.length, 0);
  assert.equal(none.at(0), null);
  assert.equal(none.timeOf(0, 3), 0);
});

test("clips are found by their number", () => {
  assert.equal(cut.indexOf(3), 1);
  assert.equal(cut.indexOf(4), -1);
  assert.equal(cut.startOf(2), 2.5);
});
