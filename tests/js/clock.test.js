// How times read, on the timeline and in labelling.
import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, fromClock, spoken } from "../../static/js/common/clock.js";

test("hours only where there are any, and never more than there is", () => {
  assert.equal(clock(0), "0:00.0");
  assert.equal(clock(161.44), "2:41.4");
  assert.equal(clock(59.96), "0:59.9");
  assert.equal(clock(3599.99), "59:59.9");
  assert.equal(clock(7261.5, 0), "2:01:01");
  assert.equal(clock(1.2345, 3), "0:01.234");
  assert.equal(clock(-3), "0:00.0");
  assert.equal(clock(26.299999999999997), "0:26.3");
});

test("said aloud", () => {
  assert.equal(spoken(64), "1 min 4 s");
  assert.equal(spoken(3600), "1 h 0 min 0 s");
  assert.equal(spoken(0.4), "0 s");
});

test("read as they are written", () => {
  assert.equal(fromClock("0:05.5"), 5.5);
  assert.equal(fromClock(" 9 "), 9);
  assert.equal(fromClock("2:41,4"), 161.4);
  assert.equal(fromClock("1:00:02"), 3602);
  for (const none of ["", "soon", "1:2:3:4", "-1", "0:0x"]) assert.ok(Number.isNaN(fromClock(none)), none);
});
