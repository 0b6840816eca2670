// The lane of speakers: which turn the arrows go to, and who speaks where the pointer is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { nextTurn, speakerAt } from "../../static/js/timeline/speakers.js";

const turns = {
  start: [1, 4, 9],
  end: [3, 8.5, 12],
  voice: [7, 8, 7],
  voices: { 7: ["Ana", 1, 1], 8: ["Speaker 2", 2, 2] },
};

test("arrows go from one turn to the next, and stop at the ends", () => {
  assert.deepEqual([0, 1, 4.2, 9].map((time) => nextTurn(turns, time, 1)), [0, 1, 2, -1]);
  assert.deepEqual([0, 1, 4.2, 30].map((time) => nextTurn(turns, time, -1)), [-1, -1, 0, 2]);
  assert.equal(nextTurn(null, 5, 1), -1);
});

test("nobody is named where nobody speaks", () => {
  assert.deepEqual([0.5, 1, 3.5, 5, 13].map((time) => speakerAt(turns, time)), ["", "Ana", "", "Speaker 2", ""]);
  assert.equal(speakerAt(null, 1), "");
});
