// Tracks of a clip: what is drawn between keys, and what an edit leaves.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  carried, fewestKeys, merged, shownAt, split, stretches, toggledOutside, withKey, withoutKey,
} from "../../static/js/labelling/tracks.js";

const { cases } = JSON.parse(readFileSync(new URL("tracks_between_keys.json", import.meta.url)));
const at = (x, more = {}) => ({ box: [x, 0.2, x + 0.1, 0.4], occluded: false, outside: false, ...more });
const track = (keys) => ({ label: 1, keys });
const placed = (shape, frame) => shownAt(shape, frame)?.box.map((side) => Math.round(side * 1e4) / 1e4) ?? null;

for (const { name, keys, frames } of cases) {
  test(`as training is given it: ${name}`, () => {
    for (const [frame, expected] of Object.entries(frames)) {
      const shown = shownAt(track(keys), Number(frame));
      if (expected === null) {
        assert.equal(shown, null, `frame ${frame}`);
        continue;
      }
      shown.box.forEach((side, i) => assert.ok(Math.abs(side - expected.box[i]) < 1e-6, `frame ${frame}`));
      assert.deepEqual([shown.occluded, shown.isKey], [expected.occluded, expected.key], `frame ${frame}`);
    }
  });
}

test("a key put where the track already passes changes nothing that is seen", () => {
  const before = track({ 0: at(0), 10: at(0.5) });
  const after = withKey(before, 4);
  for (let frame = 0; frame < 15; frame += 1) assert.deepEqual(placed(after, frame), placed(before, frame));
});

test("the last key cannot be taken away: there would be no track", () => {
  assert.equal(withoutKey(track({ 3: at(0) }), 3), null);
  assert.deepEqual(Object.keys(withoutKey(track({ 3: at(0), 5: at(0.1) }), 3).keys), ["5"]);
});

test("out of the picture and back in again", () => {
  const gone = toggledOutside(track({ 0: at(0) }), 5);
  assert.equal(shownAt(gone, 6), null);
  assert.deepEqual(placed(toggledOutside(gone, 8), 9), [0, 0.2, 0.1, 0.4]);
  assert.equal(toggledOutside(track({ 5: at(0) }), 5), null); // it would be nowhere
  const between = track({ 0: at(0), 4: at(0.4, { outside: true }), 8: at(0.8) });
  assert.deepEqual(placed(toggledOutside(between, 6), 6), [0.4, 0.2, 0.5, 0.4]); // where it left
});

test("cut in two, every frame still shows what it showed, once", () => {
  const whole = track({ 0: at(0), 6: at(0.3, { outside: true }), 9: at(0.2), 20: at(0.6) });
  for (const place of [3, 9, 10, 20, 25]) {
    const [first, second] = split(whole, place);
    for (let frame = 0; frame < 30; frame += 1) {
      assert.deepEqual(placed(frame < place ? first : second, frame), placed(whole, frame), `cut ${place}, frame ${frame}`);
      assert.equal(placed(frame < place ? second : first, frame), null, `cut ${place}, frame ${frame}`);
    }
  }
  assert.equal(split(whole, 0), null);
});

test("two halves joined again are the track that was cut", () => {
  const whole = track({ 0: at(0), 20: at(0.6) });
  const joined = merged(...split(whole, 7));
  for (let frame = 0; frame < 30; frame += 1) assert.deepEqual(placed(joined, frame), placed(whole, frame));
});

test("where a track is there, as stretches", () => {
  const shape = track({ 2: at(0), 5: at(0, { outside: true }), 8: at(0) });
  assert.deepEqual(stretches(shape, 12), [[2, 5], [8, 12]]);
});

test("a straight walk needs two keys, and a bend its corner", () => {
  const walk = [...Array(11).keys()].map((frame) => [frame, at(frame / 20).box]);
  assert.deepEqual(fewestKeys(walk, 1e-9).map(([frame]) => frame), [0, 10]);
  const bend = walk.map(([frame]) => [frame, at(Math.abs(frame - 4) / 20).box]);
  assert.deepEqual(fewestKeys(bend, 1e-9).map(([frame]) => frame), [0, 4, 10]);
});

test("a prediction never replaces a key that a person made", () => {
  const mine = track({ 0: at(0), 5: at(0.5, { occluded: true }) });
  const after = carried(mine, 0, { 4: at(0.1).box, 5: at(0.9).box, 6: at(0.2).box }, 1e-9);
  assert.deepEqual(after.keys[5], mine.keys[5]);
  assert.deepEqual(placed(after, 6), [0.2, 0.2, 0.3, 0.4]);
});
