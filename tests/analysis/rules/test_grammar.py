"""What may stand in a rule, and the sentence for each thing that may not."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from analysis.rules import CONDITIONS, RefusedRule, Rule, in_words, usual
from tests.analysis.rules.filmed import condition

SAMPLING = condition("Sampling", RandomSamplingPercentage=5)
KINDS = (
    "“LabelConfidenceCheck”, “ModerationLabelConfidenceCheck”, “Sampling”, “NothingDetected”, "
    "“WorstFrame”, “FirstAppearance”, “Disagreement”, “Novelty”, “Mention”, “Word”"
)
PAIRS = "“TrackerAndDetector”, “Analyses”, “LogoAndWritten”, “LogoAndSpoken”"
CHECK = condition("LabelConfidenceCheck", LabelName="*", ConfidenceLessThan=60)


def check(**parameters: object) -> dict:
    return condition("LabelConfidenceCheck", **parameters)


WRONG = [
    ([], "A rule is an object with “Conditions”, a list."),
    ({}, "A rule is an object with “Conditions”, a list."),
    ({"Conditions": {}}, "“Conditions” is a list of conditions."),
    (
        {"Conditions": [], "Version": 1},
        "A rule has “Conditions” and nothing else; “Version” is not known.",
    ),
    ({"Conditions": [SAMPLING] * 101}, "A rule has at most 100 conditions."),
    ({"Conditions": [{"Or": [SAMPLING] * 60}] * 2}, "A rule has at most 100 conditions."),
]
WRONG_CONDITIONS = [
    (7, "Conditions[0]: a condition is an object with “ConditionType”, “And” or “Or”."),
    ({}, "Conditions[0]: “ConditionType” is missing."),
    (
        condition("Strangeness"),
        f"Conditions[0]: “Strangeness” is not known as a condition. There are {KINDS}.",
    ),
    (
        {"ConditionType": ["Sampling"]},
        f'Conditions[0]: “["Sampling"]” is not known as a condition. There are {KINDS}.',
    ),
    (
        {**SAMPLING, "Weight": 2},
        "Conditions[0]: “Weight” is not known beside “ConditionType”.",
    ),
    (
        {"ConditionType": "Sampling", "ConditionParameters": 5},
        "Conditions[0]: “ConditionParameters” is an object.",
    ),
    (
        condition("Sampling", Percentage=5),
        "Conditions[0]: Sampling does not know “Percentage”. It takes “RandomSamplingPercentage”.",
    ),
    (condition("Sampling"), "Conditions[0]: Sampling needs “RandomSamplingPercentage”."),
    (
        condition("NothingDetected", ConfidenceLessThan=60),
        "Conditions[0]: NothingDetected does not know “ConfidenceLessThan”. It takes “LabelName”.",
    ),
    (
        check(ConfidenceLessThan=60),
        "Conditions[0]: LabelConfidenceCheck needs either “LabelName” or “ModerationLabelName”.",
    ),
    (
        check(LabelName="*", ModerationLabelName="*", ConfidenceLessThan=60),
        "Conditions[0]: LabelConfidenceCheck needs either “LabelName” or “ModerationLabelName”.",
    ),
    (
        check(LabelName="Kestrel"),
        "Conditions[0]: LabelConfidenceCheck needs a comparison, such as “ConfidenceLessThan”.",
    ),
    (
        check(LabelName=" ", ConfidenceLessThan=60),
        "Conditions[0]: “LabelName” is the name of a label, or “*” for all.",
    ),
    (
        check(LabelName="Kestrel\0", ConfidenceLessThan=60),
        "Conditions[0]: “LabelName” is the name of a label, or “*” for all.",
    ),
    (
        check(LabelName="*", ConfidenceLessThan=None),
        "Conditions[0]: “ConfidenceLessThan” is a number from 0 to 100, not “null”.",
    ),
    (
        check(LabelName=4, ConfidenceLessThan=60),
        "Conditions[0]: “LabelName” is the name of a label, or “*” for all.",
    ),
    (condition("Disagreement"), f"Conditions[0]: Disagreement needs “Between”: one of {PAIRS}."),
    (
        condition("Disagreement", Between="Models"),
        f"Conditions[0]: “Between” is one of {PAIRS}, not “Models”.",
    ),
    ({"And": [SAMPLING]}, "Conditions[0]: “And” needs a list of two conditions or more."),
    ({"Or": SAMPLING}, "Conditions[0]: “Or” needs a list of two conditions or more."),
    (
        {"Or": [SAMPLING, CHECK], "And": [SAMPLING, CHECK]},
        "Conditions[0]: “And” stands alone, without “Or” beside it.",
    ),
    (
        {"Or": [SAMPLING, {"And": [CHECK, {"Or": [CHECK, SAMPLING]}]}]},
        "Conditions[0].Or[1].And[1]: “And” and “Or” go two levels deep and no deeper.",
    ),
    (
        {"And": [SAMPLING, check(LabelName="*", ConfidenceLessThan="60")]},
        "Conditions[0].And[1]: “ConfidenceLessThan” is a number from 0 to 100, not “60”.",
    ),
]


@pytest.mark.parametrize(("document", "sentence"), WRONG)
def test_what_is_no_rule_is_refused(document, sentence):
    with pytest.raises(RefusedRule) as refused:
        Rule.parse(document)
    assert refused.value.message == sentence


@pytest.mark.parametrize(("document", "sentence"), WRONG_CONDITIONS)
def test_what_is_no_condition_is_refused_with_its_place(document, sentence):
    with pytest.raises(RefusedRule) as refused:
        Rule.parse({"Conditions": [document]})
    assert refused.value.message == sentence


@pytest.mark.parametrize("value", [-0.1, 100.1, math.nan, math.inf, True, None, 10**400])
def test_numbers_out_of_range_are_refused(value):
    for document in (
        check(LabelName="*", ConfidenceEquals=value),
        condition("Sampling", RandomSamplingPercentage=value),
    ):
        with pytest.raises(RefusedRule, match="is a number from"):
            Rule.parse({"Conditions": [document]})
    with pytest.raises(RefusedRule, match=r"from 0\.01 to 100, not “0”"):
        Rule.parse({"Conditions": [condition("Sampling", RandomSamplingPercentage=0)]})


def test_a_long_value_is_cited_in_short():
    with pytest.raises(RefusedRule) as refused:
        Rule.parse({"Conditions": [condition("x" * 10_000)]})
    assert len(refused.value.message) < 400


@pytest.mark.parametrize("document", [*(u.document for u in usual("Kestrel")), {"Conditions": []}])
def test_a_rule_is_written_as_it_was_read(document):
    assert Rule.parse(document).to_json() == document


def test_a_rule_says_what_must_be_known_for_it():
    pairs = ("TrackerAndDetector", "Analyses", "LogoAndWritten")
    conditions = [condition("Disagreement", Between=pair) for pair in pairs]
    assert Rule.parse({"Conditions": [{"Or": conditions}]}).needs == {"other", "written"}
    assert Rule.parse(usual()[3].document).needs == {"said", "written"}
    assert not Rule.parse({"Conditions": [CHECK]}).needs


def test_the_examples_of_the_manual_are_rules():
    text = (Path(__file__).parents[3] / "docs/rules.md").read_text()
    documents = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.S)]
    rules = [Rule.parse(d if "Conditions" in d else {"Conditions": [d]}) for d in documents]
    shown = {c.type for rule in rules for c in rule.conditions()}
    assert shown == set(CONDITIONS) - {"ModerationLabelConfidenceCheck"}
    assert all(f"| {name.replace(chr(0x202F), ' ')} |" in text for name, _ in usual())


SAID = [
    ([], "every frame"),
    ([SAMPLING], "5\u202f% of all frames"),
    ([CHECK, condition("NothingDetected")],
     "the frames with a box below 60; and the frames with nothing found"),
    (usual()[0].document["Conditions"],
     "the worst frame of each track at least 30 and below 60; and 5\u202f% of the frames with "
     "a box above 90"),
    (usual("Kestrel")[1].document["Conditions"], "the first frame of each track of Kestrel"),
    (usual("Kestrel")[2].document["Conditions"], "1\u202f% of the frames without Kestrel"),
    ([condition("Disagreement", Between="Analyses", LabelName="Kestrel"),
      condition("Disagreement", Between="LogoAndSpoken")],
     "one frame of each stretch where two analyses disagree about Kestrel; and "
     "one frame of each stretch where a label is said and not found"),
    ([{"And": [condition("Sampling", RandomSamplingPercentage=0.5), condition("WorstFrame"),
               SAMPLING, {"Or": [CHECK, condition("FirstAppearance")]}]}],
     "0.5\u202f% of the worst frames of tracks and at once "
     "(the frames with a box below 60 or the first frame of each track)"),
]  # fmt: skip


@pytest.mark.parametrize(("conditions", "words"), SAID)
def test_a_rule_is_said_in_words(conditions, words):
    assert in_words(Rule.parse({"Conditions": conditions})) == words
