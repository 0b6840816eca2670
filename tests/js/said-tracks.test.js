// What was said of a track holds in what was fetched before it was said, and not a frame further.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SaidTracks } from "../../static/js/reviewing/tracks.js";

const [KESTREL, NORTHWIND] = [1, 2];
const LONG = { start_s: 1, end_s: 6.2, n_frames: 27 };
const SHORT = { start_s: 3, end_s: 3.4, n_frames: 3 };
const box = (id, label, track, more = {}) => ({ id, label, track, is_matched: true, ...more });
const item = (id, boxes, run = 1) => ({ id, picture_url: `/runs/${run}/picture?t=${id}`, boxes, others: [] });
const labels = ({ boxes }) => boxes.map(({ label, is_judged: isJudged = false }) => [label, isJudged]);

test("a track that was turned down is not drawn in the next frame, and one of another label is", () => {
  const said = new SaidTracks();
  said.add(item(1, [box("b0", KESTREL, LONG)]), []);
  const next = item(2, [box("b4", KESTREL, LONG), box("b5", NORTHWIND, LONG), box("b6", KESTREL, SHORT)]);
  assert.deepEqual(labels(said.applied(next)), [[NORTHWIND, false], [KESTREL, false]]);
  assert.equal(said.isSettled(next), false);
});

test("a track has its right name in the next frame, and what is said of that name later holds too", () => {
  const said = new SaidTracks();
  said.add(item(1, [box("b0", KESTREL, LONG)]), [{ prediction: "b0", label: NORTHWIND }]);
  const next = item(2, [box("b0", KESTREL, LONG)]);
  assert.deepEqual(labels(said.applied(next)), [[NORTHWIND, true]]);
  said.add(item(3, [box("b0", NORTHWIND, LONG)]), []);
  assert.deepEqual(labels(said.applied(next)), []);
});

test("what is here for tracks of which all was said is settled, until that is taken back", () => {
  const said = new SaidTracks();
  const next = item(2, [box("b0", KESTREL, LONG), box("b1", NORTHWIND, SHORT, { is_matched: false })]);
  said.add(item(1, [box("b0", KESTREL, LONG)]), [{ prediction: "b0", label: KESTREL }]);
  assert.equal(said.isSettled(next), true);
  said.takeBack(1);
  assert.equal(said.isSettled(next), false);
  assert.equal(said.applied(next), next);
});

test("nothing is settled without a track, in another analysis, or where others disagree or the server asks though it knows", () => {
  const said = new SaidTracks();
  said.add(item(1, [box("b0", KESTREL, LONG), box("b1", KESTREL, null)]), []);
  const asked = [
    item(2, []),
    item(3, [box("b0", KESTREL, null)]),
    item(4, [box("b0", KESTREL, LONG)], 2),
    { ...item(5, [box("b0", KESTREL, LONG)]), others: [{ name: "Ana", boxes: [], unsure: true }] },
    item(6, [box("b0", KESTREL, LONG, { is_judged: true })]),
  ];
  assert.deepEqual(asked.map((one) => said.isSettled(one)), [false, false, false, false, false]);
});
