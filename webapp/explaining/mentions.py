"""Why some words are taken for a brand: asked anew of the matcher, as a mention is no row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from analysis.text.mentions import Spoken
from analysis.text.why import Why, explain
from webapp.accounts.models import Refused
from webapp.indexing.mention_verdicts import MentionVerdict
from webapp.indexing.transcript import placed_words
from webapp.projects.models import Label
from webapp.projects.spoken_brands import brand_of
from webapp.runs.run import Run
from webapp.timeline.mentions import BY, LEAST, Item, Mentions

_NEAR_MS = 20  # times that are sent are rounded
_AROUND = 6  # words that are shown on either side


@dataclass(frozen=True, slots=True)
class MentionWhy:
    """A mention with what it goes by, and what a person said of it."""

    item: Item
    why: Why
    label: Label  # that it was found as
    verdict: MentionVerdict | None
    before: str
    after: str
    names: dict[int, str]  # of brands, by their numbers

    @property
    def by(self) -> str:
        """What makes it a match, in words."""
        return BY[self.why.by]

    @property
    def alternatives(self) -> list[dict[str, Any]]:
        return [
            asdict(one) | {"brand": self.names.get(one.brand, "")} for one in self.why.alternatives
        ]

    def to_json(self) -> dict[str, Any]:
        why = asdict(self.why)
        alternatives = [
            {**one, "label": one["brand"], "brand": self.names.get(one["brand"], "")}
            for one in why["alternatives"]
        ]
        return {
            **why,
            "alternatives": alternatives,
            "label": self.label.pk,
            "source": self.item.source,
            "start_s": self.item.mention.start_s,
            "end_s": self.item.mention.end_s,
            "text": self.item.mention.text,
            "before": self.before,
            "after": self.after,
            "shown_from": LEAST,
            "verdict": self.verdict.kind if self.verdict else None,
        }


def why_mention(run: Run, *, source: str, label: int, start_ms: int) -> MentionWhy:
    """Of the mention of a label that begins then, also one that was turned down. Raises Refused
    where there is none."""
    found = Mentions.of(run)
    every = [*found.said, *found.written, *(item for item, _ in found.turned_down)]
    for item in every:
        verdict = item.found.verdict
        as_found = verdict.label if verdict else item.label
        near = abs(item.mention.start_s * 1000 - start_ms) <= _NEAR_MS
        if near and item.source == source and label in (as_found.pk, item.label.pk):
            return _why(found, item, as_found)
    raise Refused("There is no such mention any more. Somebody may have changed the words.")


def _why(found: Mentions, item: Item, label: Label) -> MentionWhy:
    written = item.found.item
    words: Sequence[Spoken] = []
    if written is not None:
        words = written.words
    elif found.indexing is not None:
        words = list(placed_words(found.indexing))
    brands = [brand_of(one) for one in found.labels]
    mention = replace(item.mention, brand=label.pk)
    try:
        why = explain(words, brands, mention, least=LEAST)
    except ValueError as error:
        raise Refused("The words changed just now: ask again.") from error
    start, end = mention.words
    return MentionWhy(
        *(item, why, label, item.found.verdict),
        before=" ".join(word.text for word in words[max(start - _AROUND, 0) : start]),
        after=" ".join(word.text for word in words[end : end + _AROUND]),
        names={one.pk: one.name for one in found.labels},
    )
