"""What a rule sends, in words."""

from __future__ import annotations

from analysis.rules.grammar import ANY, Comparison, Condition, Group, Part, Rule

_OF_TRACKS = {
    "WorstFrame": ("the worst frame of each track", "the worst frames of tracks"),
    "FirstAppearance": ("the first frame of each track", "the first frames of tracks"),
}
_SOURCES = {"Both": "", "Spoken": "spoken ", "Written": "written "}
_STRETCHES = {
    "TrackerAndDetector": "{label} was followed and not detected",
    "Analyses": "two analyses disagree{of}",
    "LogoAndWritten": "{label} is written and not found",
    "LogoAndSpoken": "{label} is said and not found",
}


def in_words(rule: Rule) -> str:
    """One line for people.

    >>> check = {"ConditionType": "WorstFrame", "ConditionParameters": {"ConfidenceLessThan": 60}}
    >>> in_words(Rule.parse({"Conditions": [check]}))
    'the worst frame of each track below 60'
    """
    return "; and ".join(_phrase(part) for part in rule.parts) or "every frame"


def _phrase(part: Part) -> str:
    if isinstance(part, Condition):
        return _simple(part)
    if part.operator == "Or":
        return " or ".join(map(_phrase, part.parts))
    return _all_of(part)


def _all_of(group: Group) -> str:
    """A share of what fulfils the rest; of two shares the smaller, which is part of the other."""
    shares = [
        part.percentage
        for part in group.parts
        if isinstance(part, Condition) and part.type == "Sampling"
    ]
    rest = [
        _inside(part, is_share=bool(shares))
        for part in group.parts
        if isinstance(part, Group) or part.type != "Sampling"
    ]
    together = " and at once ".join(rest) or "all frames"
    return f"{_share(min(shares))} of {together}" if shares else together


def _inside(part: Part, *, is_share: bool) -> str:
    if isinstance(part, Group):
        return f"({_phrase(part)})"
    return _simple(part, several=is_share)


def _simple(condition: Condition, *, several: bool = False) -> str:
    """several: spoken of together, as in “5 % of the worst frames”."""
    of = "" if condition.label == ANY else f" of {condition.label}"
    limits = _limits(condition.limits)
    if condition.type == "Sampling":
        return f"{_share(condition.percentage)} of all frames"
    if condition.type == "NothingDetected":
        return f"the frames {f'without {condition.label}' if of else 'with nothing found'}"
    if condition.type == "Novelty":
        taken = f" that was taken for {condition.label}" if of else ""
        return f"one frame of each sight{taken} that looks like no known label"
    if condition.type == "Disagreement":
        label = condition.label if of else "a label"
        what = _STRETCHES[condition.between].format(
            label=label, of=f" about {condition.label}" if of else ""
        )
        return f"one frame of each stretch where {what}"
    if condition.type == "Mention":
        source = _SOURCES[str(condition.parameters.get("Source", "Both"))]
        seen = {None: "", True: " while it is seen", False: " while it is not seen"}
        return f"the {source}mentions{of}{limits}{seen[condition.is_seen]}"
    if condition.type == "Word":
        return f"the sentences with a word heard{limits}"
    if condition.type in _OF_TRACKS:
        return f"{_OF_TRACKS[condition.type][several]}{of}{limits}"
    return f"the frames with a box{of}{limits}"


def _share(percentage: float) -> str:
    return f"{percentage:g}\u202f%"


def _limits(limits: list[tuple[Comparison, float]]) -> str:
    said = " and ".join(f"{comparison.words} {limit:g}" for comparison, limit in limits)
    return f" {said}" if said else ""
