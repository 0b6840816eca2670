import assert from "node:assert/strict";
import { test } from "node:test";
import { afterSilence, topicStart } from "../../static/js/timeline/skipping.js";

const STARTS = [1, 20, 40, 60];

test("the next topic is the next that is ticked, or any where none is", () => {
  assert.equal(topicStart(STARTS, [], 0, 1), 1);
  assert.equal(topicStart(STARTS, [], 20, 1), 40);
  assert.equal(topicStart(STARTS, [60], 20, 1), 60);
  assert.equal(topicStart(STARTS, [20], 40, 1), null);
  assert.equal(topicStart(STARTS, [], 60, 1), null);
});

test("going back goes to where this topic begins, and from there to the one before", () => {
  assert.equal(topicStart(STARTS, [], 30, -1), 20);
  assert.equal(topicStart(STARTS, [], 20.5, -1), 1);
  assert.equal(topicStart(STARTS, [60], 50, -1), null);
});

test("what nobody speaks in is left out up to just before the next word", () => {
  const speech = [[5, 10], [12, 14], [15, 20]];
  assert.equal(afterSilence(speech, 0), 4.8);
  assert.equal(afterSilence(speech, 7), null);
  assert.equal(afterSilence(speech, 10.2), 11.8);
  assert.equal(afterSilence(speech, 14.2), null, "a short pause is heard");
  assert.equal(afterSilence(speech, 21), null, "after the last word it plays on");
  assert.equal(afterSilence([], 3), null);
});
