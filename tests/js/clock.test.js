// How times read, on the timeline and in labelling.
import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, spoken } from "../../static/js/common/clock.js";

test("hours only where there are any, and tenths that carry over", () => {
  assert.equal(clock(0), "0:00.0");
  assert.equal(clock(161.44), "2:41.4");
  assert.equal(clock(59.96), "1:00.0");
  assert.equal(clock(3599.99), "1:00:00.0");
  assert.equal(clock(7261.5, 0), "2:01:02");
  assert.equal(clock(1.2345, 3), "0:01.235");
  assert.equal(clock(-3), "0:00.0");
});

test("said aloud", () => {
  assert.equal(spoken(64), "1 min 4 s");
  assert.equal(spoken(3600), "1 h 0 min 0 s");
  assert.equal(spoken(0.4), "0 s");
});
