// A rule's document as rows, and back.
import assert from "node:assert/strict";
import test from "node:test";

import { documentOf, fresh, freshLimit, rowsOf } from "../../static/js/review_rules/document.js";

const condition = (ConditionType, ConditionParameters = {}) => ({ ConditionType, ConditionParameters });
const weak = condition("WorstFrame", { LabelName: "Kestrel", ConfidenceLessThan: 60 });
const sample = condition("Sampling", { RandomSamplingPercentage: 5 });
const sure = condition("LabelConfidenceCheck", { LabelName: "*", ConfidenceGreaterThan: 90 });
const said = condition("Disagreement", { Between: "LogoAndSpoken" });
const rule = (...Conditions) => ({ Conditions });

test("what rows can show is written as it was read", () => {
  for (const one of [
    rule(),
    rule(weak, { And: [sample, sure] }),
    rule(condition("Mention", { Source: "Spoken", LabelName: "Kestrel", IsSeen: false, ConfidenceLessThan: 70 }), condition("Word", { ConfidenceLessThan: 30 })),
    rule({ Or: [said, condition("NothingDetected", { LabelName: "Kestrel" })] }, condition("FirstAppearance")),
  ]) {
    assert.deepEqual(documentOf(rowsOf(one)), one);
  }
});

test("an Or with groups inside is the list itself", () => {
  const rows = rowsOf(rule({ Or: [weak, { And: [sample, sure] }] }));
  assert.deepEqual(documentOf(rows), rule(weak, { And: [sample, sure] }));
});

test("A2I's own names mean the same", () => {
  const theirs = condition("ModerationLabelConfidenceCheck", {
    ModerationLabelName: "Kestrel",
    ConfidenceLessThanOrEqual: 60,
  });
  const ours = condition("LabelConfidenceCheck", { LabelName: "Kestrel", ConfidenceLessThanEquals: 60 });
  assert.deepEqual(documentOf(rowsOf(rule(theirs))), rule(ours));
});

test("what rows cannot show stays JSON", () => {
  for (const one of [
    null,
    [],
    {},
    { Conditions: [], Version: 1 },
    rule(condition("Strangeness")),
    rule(condition("toString")),
    rule({ ...sample, Weight: 1 }),
    rule({ And: [sample] }),
    rule({ And: [sample, sure], Or: [sample, sure] }),
    rule({ And: [sample, { Or: [sure, weak] }] }),
    rule(condition("Sampling", { RandomSamplingPercentage: "5" })),
    rule(condition("NothingDetected", { ConfidenceLessThan: 60 })),
    rule(condition("LabelConfidenceCheck", { LabelName: 7, ConfidenceLessThan: 60 })),
    rule(condition("WorstFrame", { ConfidenceLessThanEquals: 60, ConfidenceLessThanOrEqual: 50 })),
    rule(condition("WorstFrame", { __proto__: null, constructor: 5 })),
    rule(condition("Disagreement", { Between: "Models" })),
  ]) {
    assert.equal(rowsOf(one), null, JSON.stringify(one));
  }
});

test("a number that is being typed is not there yet", () => {
  const [reason] = rowsOf(rule(sample));
  reason.conditions[0].percentage = null;
  const written = documentOf([reason]);
  assert.equal(written.Conditions[0].ConditionParameters.RandomSamplingPercentage, null);
  assert.deepEqual(documentOf(rowsOf(written)), written);
});

test("what is added has what it needs, and no limit twice", () => {
  const { kind, limits } = fresh("LabelConfidenceCheck");
  assert.deepEqual([kind, limits], ["LabelConfidenceCheck", [{ key: "ConfidenceLessThan", value: 60 }]]);
  for (let n = 0; n < 4; n += 1) limits.push(freshLimit(limits));
  assert.equal(new Set(limits.map(({ key }) => key)).size, 5);
  assert.equal(freshLimit(limits), null);
});
