import assert from "node:assert/strict";
import { test } from "node:test";
import { places } from "../../static/js/timeline/transcript-find.js";

const line = (words, edits = {}, blank = " ") => ({ words, edits, blank });
const found = (...args) => places(...args).map((place) => place.words);

test("a phrase is found over several words, whatever its case, accents and signs", () => {
  const said = line(["Kestrel", "leads", "the", "Müller's", "boat,", "the", "boat"]);
  assert.deepEqual(found(said, "the"), [[2, 2], [5, 5]]);
  assert.deepEqual(found(said, "leads the"), [[1, 2]]);
  assert.deepEqual(found(said, "mullers"), [[3, 3]]);
  assert.deepEqual(found(said, "boat, the boat"), [[4, 6]]);
  assert.deepEqual(found(said, "zeppelin"), []);
});

test("what a person wrote is found, and what it stands for is not", () => {
  const said = line(["Castrel", "leads"], { 0: { text: "Kestrel Sports" } });
  assert.deepEqual(found(said, "kestrel sports leads"), [[0, 1]]);
  assert.deepEqual(found(said, "castrel"), []);
});

test("a word that was taken out is in nobody's way", () => {
  assert.deepEqual(found(line(["so", "uh", "far"], { 1: { text: "" } }), "so far"), [[0, 2]]);
});

test("languages without blanks are found as they are written", () => {
  assert.deepEqual(found(line(["今日", "は", "晴れ"], {}, ""), "日は晴"), [[0, 2]]);
});
