// What Enter says of a mention or a sentence, by what the person did.
import assert from "node:assert/strict";
import test from "node:test";

import { answerInWords, answerOf } from "../../static/js/reviewing/hearing.js";

const sentence = { line: 7, text: "the castle wins" };
const work = (kind, more = {}) => ({ item: { kind, label: 1, told: { sentence } }, chosen: null, text: null, ...more });
const names = (id) => ({ 1: "Kestrel", 2: "Vitalo" })[id];

test("untouched it is right, of another brand where one was chosen, and words where they differ", () => {
  assert.deepEqual(answerOf(work("mention")), { verdict: "right" });
  assert.deepEqual(answerOf(work("mention", { chosen: 2 })), { verdict: "other", label: 2 });
  assert.deepEqual(answerOf(work("mention", { chosen: 1 })), { verdict: "right" });
  assert.deepEqual(answerOf(work("words", { text: "the  castle wins " })), { verdict: "right" });
  assert.deepEqual(answerOf(work("words", { text: "the Kestrel wins" })), { verdict: "words", line: 7, text: "the Kestrel wins" });
});

test("the button says what it will do", () => {
  const said = (now) => answerInWords(now, answerOf(now), names);
  assert.equal(said(work("mention")), "It is Kestrel");
  assert.equal(said(work("mention", { chosen: 2 })), "It is Vitalo");
  assert.equal(said(work("words")), "As it was said");
  assert.equal(said(work("words", { text: "" })), "Nobody said anything");
  assert.equal(answerInWords(work("mention"), { verdict: "wrong" }, names), "Not Kestrel");
});
