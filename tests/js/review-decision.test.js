// What a reviewer did to an item becomes a decision that says exactly that, and nothing else.
import "./browser.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { boxesOf, isWeak, offered, said, sessionOf, takeOver } from "../../static/js/reviewing/decision.js";
import { Sitting } from "../../static/js/reviewing/sitting.js";

const prediction = (id, label, box, more = {}) => ({ id, label, box, confidence: 0.5, is_weak: false, is_matched: false, track: null, ...more });
const [KESTREL, NORTHWIND] = [1, 2];
const [LEFT, RIGHT] = [[0.1, 0.1, 0.2, 0.2], [0.712345678, 0.5, 0.9, 0.7]];
const item = {
  id: 7, width: 1280, height: 720, picture_url: "/p", others: [],
  boxes: [prediction("b0", KESTREL, LEFT, { confidence: 0.9 }), prediction("b1", KESTREL, RIGHT, { confidence: 0.41, is_matched: true })],
};
const open = (of = item) => sessionOf(of, [{ id: KESTREL, name: "Kestrel", colour: "#c2410c" }]);
const shapeOf = (session, about) => [...session.shapes].find(([, shape]) => shape.prediction === about);
const change = (session, about, values) => {
  const [id, shape] = shapeOf(session, about);
  session.change("changed", { [id]: values && { ...shape, ...values } });
};

test("what is accepted untouched is sent to the last digit, the one it is about first", () => {
  const boxes = boxesOf(open());
  assert.deepEqual(boxes, [{ prediction: "b1", label: KESTREL, box: RIGHT }, { prediction: "b0", label: KESTREL, box: LEFT }]);
  assert.deepEqual([said(item, boxes), offered(item, boxes)], ["Accepted 2", "Accept 2"]);
});

test("what is rejected is missing, what is drawn is of no prediction", () => {
  const session = open();
  change(session, "b0", null);
  session.add("drew", { label: NORTHWIND, box: [0, 0, 0.1, 0.1], occluded: false });
  const boxes = boxesOf(session);
  assert.deepEqual(boxes.map(({ prediction: about, label }) => [about, label]), [["b1", KESTREL], [null, NORTHWIND]]);
  assert.equal(said(item, boxes), "Accepted 1, rejected 1, drew 1");
  assert.equal(offered(item, boxes), "Accept 1, reject 1, add 1");
});

test("another label and another place are told apart", () => {
  const session = open();
  change(session, "b0", { label: NORTHWIND });
  change(session, "b1", { box: [0.7, 0.5, 0.9, 0.7] });
  assert.equal(said(item, boxesOf(session)), "Relabelled 1, moved 1");
});

test("undo leads back to what was found, step by step, and no further", () => {
  const session = open();
  change(session, "b0", null);
  change(session, "b1", { label: NORTHWIND });
  session.undo();
  assert.equal(said(item, boxesOf(session)), "Accepted 1, rejected 1");
  session.undo();
  assert.equal(said(item, boxesOf(session)), "Accepted 2");
  assert.equal(session.undo(), null);
});

test("nothing found and nothing drawn says that nothing is here", () => {
  const empty = { ...item, boxes: [] };
  assert.deepEqual([said(empty, []), offered(empty, [])], ["Nothing is here", "Nothing is here"]);
  assert.equal(said(item, []), "Rejected 2");
});

test("another person's boxes take the place of what is drawn, each about the prediction it lies on, and are one undo away", () => {
  const session = open();
  change(session, "b0", null);
  const ana = { name: "Ana", boxes: [{ label: NORTHWIND, box: LEFT }, { label: KESTREL, box: [0.3, 0.3, 0.4, 0.4] }] };
  let n = 0;
  takeOver(item, session, ana, () => `s-${(n += 1)}`);
  assert.deepEqual(boxesOf(session), [
    { prediction: "b0", label: NORTHWIND, box: LEFT },
    { prediction: null, label: KESTREL, box: [0.3, 0.3, 0.4, 0.4] },
  ]);
  session.undo();
  assert.deepEqual(boxesOf(session).map(({ prediction: about }) => about), ["b1"]);
});

test("of two predictions in one place a taken-over box is about the one of its label", () => {
  const twice = { ...item, boxes: [prediction("b0", NORTHWIND, LEFT), prediction("b1", KESTREL, [0.1, 0.1, 0.2, 0.21])] };
  const session = open(twice);
  takeOver(twice, session, { name: "Ana", boxes: [{ label: KESTREL, box: LEFT }] }, () => "s-1");
  assert.deepEqual(boxesOf(session).map(({ prediction: about }) => about), ["b1"]);
});

test("a sitting counts what stays decided, and one long look moves its pace little", () => {
  const sitting = new Sitting();
  assert.equal(sitting.words, "");
  for (const [id, seconds] of [[1, 2], [2, 3], [3, 600], [4, 9]]) sitting.add(id, seconds);
  sitting.takeBack(4);
  assert.equal(sitting.words, "3 decided, 3.0 s each");
});

test("what is below its threshold is weak until somebody says what it is", () => {
  const weak = prediction("b0", KESTREL, LEFT, { is_weak: true });
  assert.equal(isWeak(weak, { label: KESTREL }), true);
  assert.equal(isWeak(weak, { label: NORTHWIND }), false, "a person gave it another label");
  assert.equal(isWeak({ ...weak, is_judged: true }, { label: KESTREL }), false, "its track was accepted before");
});
