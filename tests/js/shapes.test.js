// Two people and one shape: what can be told apart is merged, and nothing is guessed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mergedShape, newId, same } from "../../static/js/labelling/shapes.js";

const base = { label: 1, box: [0, 0, 1, 1], occluded: false, rev: 3 };

test("revisions and the order of fields do not make shapes differ", () => {
  assert.ok(same({ label: 1, box: [0, 1, 2, 3], rev: 1 }, { box: [0, 1, 2, 3], label: 1, rev: 9 }));
  assert.ok(!same({ label: 1, box: [0, 1, 2, 3] }, { label: 1, box: [0, 1, 2, 4] }));
  assert.ok(same(null, undefined));
});

test("one moved it and the other named it: both hold", () => {
  const mine = { ...base, box: [0, 0, 0.5, 0.5] };
  const theirs = { ...base, label: 2, rev: 4 };
  assert.deepEqual(mergedShape(base, mine, theirs), { label: 2, box: [0, 0, 0.5, 0.5], occluded: false });
});

test("both moved it to different places: a person must choose", () => {
  assert.equal(mergedShape(base, { ...base, box: [0, 0, 0.5, 1] }, { ...base, box: [0, 0, 0.6, 1] }), null);
});

test("both moved it to the same place: nothing to choose", () => {
  const both = { ...base, box: [0, 0, 0.5, 1] };
  assert.ok(same(mergedShape(base, both, { ...both, rev: 8 }), both));
});

test("one deleted what the other changed: a person must choose", () => {
  assert.equal(mergedShape(base, null, { ...base, label: 2 }), null);
  assert.equal(mergedShape(base, { ...base, label: 2 }, null), null);
});

test("one deleted it and the other left it alone: it is gone", () => {
  assert.equal(mergedShape(base, null, { ...base, rev: 9 }), null);
  assert.ok(same(mergedShape(base, null, base), null));
});

test("keys of a track that two people set on different frames are all there", () => {
  const key = (x) => ({ box: [x, 0, 1, 1], occluded: false, outside: false });
  const track = { label: 1, keys: { 0: key(0) } };
  const mine = { label: 1, keys: { 0: key(0), 5: key(0.1) } };
  const theirs = { label: 1, keys: { 0: key(0), 9: key(0.2) } };
  assert.deepEqual(Object.keys(mergedShape(track, mine, theirs).keys), ["0", "5", "9"]);
  assert.equal(mergedShape(track, mine, { label: 1, keys: { 0: key(0), 5: key(0.7) } }), null);
});

test("names are told apart, and sort by age", async () => {
  const names = new Set(Array.from({ length: 1000 }, newId));
  assert.equal(names.size, 1000);
  const first = newId();
  await new Promise((resolve) => setTimeout(resolve, 3));
  assert.ok(first < newId());
});
