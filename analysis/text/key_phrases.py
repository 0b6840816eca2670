"""What a part of a text is about, in its own words.

A phrase is worth more the more often it is said in the part and the fewer other parts say it
(Spärck Jones, 1972), and the more words it has; a name is worth more than other words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import log

from analysis.text.reading import Phrase

_Key = tuple[str, ...]
_NAME = 1.4
_LENGTHS = {1: 1.0, 2: 1.5, 3: 1.7}
_ALONE = 0.75  # the share of a word's uses in a longer phrase from which it is only said there


def key_phrases(parts: Sequence[Iterable[Phrase]], most: int = 6) -> list[list[tuple[str, float]]]:
    """The phrases of each part that tell it from the others, best first, each with its worth.

    No word stands in two of one part's, and none that is said once alone is taken, unless it is a
    name. A part that says nothing has none.
    """
    said = [list(part) for part in parts]
    counts = [Counter(phrase.key for phrase in part) for part in said]
    in_parts = Counter(key for count in counts for key in count)
    return [
        list(_best(_worths(part, count, in_parts, len(said)), part, most))
        for part, count in zip(said, counts, strict=True)
    ]


def title(phrases: Sequence[str]) -> str:
    """A line out of a part's best phrases: two where both are short. "" where there is none."""
    if not phrases:
        return ""
    words = ", ".join(phrases[:2])
    words = words if len(words) <= 48 else phrases[0]
    return words[:1].upper() + words[1:]


def _worths(
    part: Sequence[Phrase], count: Counter[_Key], in_parts: Counter[_Key], n: int
) -> dict[_Key, float]:
    names = {phrase.key for phrase in part if phrase.is_name}
    worths = {
        key: log(1 + times) * log((n + 1) / in_parts[key] + 1) * _LENGTHS[len(key)]
        for key, times in count.items()
    }
    return {
        key: worth * (_NAME if key in names else 1)
        for key, worth in worths.items()
        if not _is_only_inside(key, count) and (len(key) > 1 or count[key] > 1 or key in names)
    }


def _is_only_inside(key: _Key, count: Counter[_Key]) -> bool:
    """Whether it is nearly always said as a part of one longer phrase."""
    longer = (
        times for other, times in count.items()
        if len(other) > len(key) and times > 1 and _holds(other, key)
    )  # fmt: skip
    return max(longer, default=0) >= _ALONE * count[key]


def _holds(phrase: _Key, part: _Key) -> bool:
    return any(phrase[at : at + len(part)] == part for at in range(len(phrase) - len(part) + 1))


def _best(
    worths: dict[_Key, float], part: Sequence[Phrase], most: int
) -> Iterator[tuple[str, float]]:
    spelt: defaultdict[_Key, Counter[str]] = defaultdict(Counter)
    for phrase in part:
        spelt[phrase.key][phrase.text] += 1
    used: set[str] = set()
    # of two that are worth the same, the one that is said first
    order = {key: place for place, key in enumerate(dict.fromkeys(p.key for p in part))}
    for key in sorted(worths, key=lambda k: (-worths[k], order[k])):
        if used.isdisjoint(key):
            used.update(key)
            yield spelt[key].most_common(1)[0][0], worths[key]
            most -= 1
        if not most:
            return
