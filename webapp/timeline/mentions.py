"""Brands in what is said and written, beside what is seen of them.

Looked for when somebody asks, in the words that are kept: a brand or an alias that is added today
is found in what was said last year, and a corrected word counts at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from django.db.models import Count, Max, Q
from numpy.typing import NDArray

from analysis.exposure.measure import Words
from analysis.exposure.mentions import TOGETHER_S
from analysis.text import Brand, Mention, find_mentions
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.indexing.line_edits import LineEdit
from webapp.indexing.mention_verdicts import MentionVerdict, said_of
from webapp.indexing.spotting import SpottedTerm, spotted
from webapp.indexing.transcript import PlacedWord, placed_words, shown
from webapp.indexing.word_edits import WordEdit
from webapp.indexing.written import WrittenItem, read_text, written_items
from webapp.leases import Status
from webapp.moments.names import names_key, used_as_names
from webapp.projects.models import Label
from webapp.projects.spoken_brands import brand_of
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.timeline.labels import labels_of
from webapp.timeline.recent import Recent

_ROUNDED_S = 0.002  # times are kept to the thousandth
LEAST = 0.5  # score below which nothing is shown

BY = {
    "name": "as it is written",
    "inflection": "in the plural or genitive",
    "spelling": "spelled nearly like it",
    "sound": "sounding like it",
    "heard": "heard in the sound",
}
Source = Literal["said", "written"]
_said: Recent[list[Found]] = Recent(size=32)
_written: Recent[list[Found]] = Recent(size=32)


@dataclass(frozen=True, slots=True)
class Found:
    """A mention and where it stands: in words of the transcript, or in an item on the picture."""

    mention: Mention
    words: Sequence[PlacedWord] = ()
    item: WrittenItem | None = None
    verdict: MentionVerdict | None = None  # what a person said of it

    @property
    def source(self) -> Source:
        return "written" if self.item else "said"

    @property
    def by(self) -> str:
        """By what it was found, in words."""
        return BY[self.mention.by]

    def judged(self, said: Sequence[MentionVerdict]) -> Found:
        """The same with what was said last of it; of another brand where that was said."""
        mention = self.mention
        last = said_of(said, mention.brand, self.source, mention.start_s, mention.end_s)
        if last is None:
            return self
        brand = mention.brand if last.actually_id is None else last.actually_id
        return replace(self, mention=replace(mention, brand=brand), verdict=last)


@dataclass(frozen=True)
class Told:
    """What is said and written of some labels in an asset, looked for when it is asked for."""

    labels: Sequence[Label]
    speech: Indexing | None  # None: nobody has listened
    text: Indexing | None  # nobody has read
    verdicts: Sequence[MentionVerdict]  # what people say of single ones, in the order they did
    key: Hashable  # changes with anything that they rest on
    is_as_found: bool = False

    @classmethod
    def of(cls, asset: Asset, labels: Sequence[Label], *, as_found: bool = False) -> Told:
        """as_found: as if nobody had corrected a word or said anything of a mention."""
        speech, text = shown(asset), read_text(asset)
        brands = _brands(labels)
        names = names_key(speech) if any(b.is_ordinary for b in brands) else None
        key = _state(speech), _state_of_text(text), tuple(brands), names
        is_told = not as_found and (speech or text)
        said = MentionVerdict.objects.of(asset, labels) if is_told else []
        return cls(labels, speech, text, said, (key, as_found), as_found)

    @property
    def whole_key(self) -> Hashable:
        """Changes with what people say of single mentions as well."""
        return self.key, tuple(one.pk for one in self.verdicts)

    @cached_property
    def said(self) -> list[Found]:
        return self._counting(self._said)

    @cached_property
    def written(self) -> list[Found]:
        return self._counting(self._written)

    @property
    def turned_down(self) -> list[tuple[Found, MentionVerdict]]:
        """What was found and does not count, because a person said so; by time."""
        found = [*self._said, *self._written] if self.verdicts else []
        judged = (one.judged(self.verdicts) for one in found)
        kept = [(one, v) for one in judged if (v := one.verdict) and v.actually_id is None]
        return sorted(kept, key=lambda pair: pair[0].mention.start_s)

    def _counting(self, found: list[Found]) -> list[Found]:
        """Without those that are none, each once of a brand that is asked about."""
        if not self.verdicts:
            return found
        wanted = {label.pk for label in self.labels}
        counting: dict[tuple[int, float, float, str], Found] = {}
        for one in (each.judged(self.verdicts) for each in found):
            mention = one.mention
            is_none = one.verdict is not None and one.verdict.actually_id is None
            if mention.brand in wanted and not is_none:
                text = one.item.text if one.item else mention.text
                key = mention.brand, mention.start_s, mention.end_s, text
                counting.setdefault(key, one)
        return list(counting.values())

    @property
    def of_mentions(self) -> str:
        """ "mentions: 3 confirmed, 1 rejected", or nothing where none was judged."""
        counts = Counter(one.kind for one in self.judged.values())
        kinds = [f"{counts[k]:,} {k}" for k in ("confirmed", "rejected", "renamed") if counts[k]]
        n = sum(counts.values())
        return f"{'mention' if n == 1 else 'mentions'}: {', '.join(kinds)}" if kinds else ""

    @property
    def judged(self) -> dict[int, MentionVerdict]:
        """Those verdicts that something that was found rests on now, by their numbers."""
        found = [*self._said, *self._written] if self.verdicts else []
        held = (one.judged(self.verdicts).verdict for one in found)
        return {verdict.pk: verdict for verdict in held if verdict is not None}

    @cached_property
    def _said(self) -> list[Found]:
        if (speech := self.speech) is None or not self.labels:
            return []
        about = speech, _brands(self.labels)
        edited = not self.is_as_found
        return _said.get((self.key, speech.pk), lambda: _heard(*about, edited=edited))

    @cached_property
    def _written(self) -> list[Found]:
        if (text := self.text) is None or not self.labels:
            return []
        about = text.asset, _brands(self.labels)
        edited = not self.is_as_found
        return _written.get((self.key, text.pk), lambda: _read(*about, edited=edited))

    def words(self) -> Words:
        """The times of all mentions by label, for `analysis.exposure`."""
        return Words(
            said=None if self.speech is None else _spans(self.said),
            written=None if self.text is None else _spans(self.written),
        )


def _brands(labels: Iterable[Label]) -> list[Brand]:
    return [brand_of(label) for label in labels]


def _state(speech: Indexing | None) -> Hashable:
    """How much can be read of a transcript, and how: each edit and each undo moves it."""
    if speech is None:
        return None
    segments = speech.segments.filter(status=Status.DONE).count()
    edits = WordEdit.objects.filter(speech_segment__indexing=speech)
    n_edits = edits.count(), edits.filter(undone=None).count()
    spotted = SpottedTerm.objects.filter(spotting__indexing=speech)
    heard = spotted.count(), spotted.aggregate(last=Max("pk"))["last"]
    return speech.pk, speech.created, speech.status, segments, n_edits, heard


def _state_of_text(text: Indexing | None) -> Hashable:
    """The same of what was read."""
    if text is None:
        return None
    edits = LineEdit.objects.filter(region__indexing=text)
    counts = edits.aggregate(made=Count("pk"), stand=Count("pk", filter=Q(undone=None)))
    return text.pk, text.created, *counts.values()


def _heard(speech: Indexing, brands: Sequence[Brand], *, edited: bool) -> list[Found]:
    words = list(placed_words(speech, edited=edited))
    names = _names(speech, words) if any(brand.is_ordinary for brand in brands) else None
    found = (m for m in find_mentions(words, brands, names) if m.score >= LEAST)
    said = [Found(m, words[slice(*m.words)]) for m in found]
    more = _in_the_sound(speech, words, said, brands)
    return sorted([*said, *more], key=lambda one: one.mention.start_s)


def _in_the_sound(
    speech: Indexing, words: Sequence[PlacedWord], said: Sequence[Found], brands: Sequence[Brand]
) -> Iterator[Found]:
    """Names that a worker heard where the transcript still has the words that it had then."""
    by_name = {name.casefold(): brand for brand in brands for name in brand.names}
    starts = [word.start_s for word in words]
    taken = [(one.mention.start_s, one.mention.end_s) for one in said]
    for row in sorted(spotted(speech), key=lambda row: -row.score):
        brand = by_name.get(row.term.casefold())
        first = bisect_left(starts, row.start_s - _ROUNDED_S)
        last = bisect_left(starts, row.end_s - _ROUNDED_S)
        now = " ".join(word.text for word in words[first:last])
        is_free = all(row.start_s >= end_s or row.end_s <= start_s for start_s, end_s in taken)
        if brand is None or now != row.text or not is_free:
            continue
        taken.append((row.start_s, row.end_s))
        at = row.start_s, row.end_s, row.text
        yield Found(
            Mention(brand.key, row.term, (first, last), *at, "heard", row.score, row.score),
            words[first:last],
        )


def _names(speech: Indexing, words: Sequence[PlacedWord]) -> set[int] | None:
    """The positions of words that are used as names; None where no outline says so."""
    names = used_as_names(speech)
    if names is None:
        return None
    return {at for at, word in enumerate(words) if (word.line, word.place) in names}


def _read(asset: Asset, brands: Sequence[Brand], *, edited: bool) -> list[Found]:
    """Item by item: words of two signs are no name together. A brand counts once in each."""
    found: list[Found] = []
    for item in written_items(asset, edited=edited):
        once = {m.brand: m for m in find_mentions(item.words, brands) if m.score >= LEAST}
        found += (Found(mention, item=item) for mention in once.values())
    return found


def _spans(found: Iterable[Found]) -> dict[int, list[tuple[float, float]]]:
    spans: dict[int, list[tuple[float, float]]] = {}
    for one in found:
        mention = one.mention
        spans.setdefault(mention.brand, []).append((mention.start_s, mention.end_s))
    return spans


@dataclass(frozen=True, slots=True)
class Item:
    """A mention of a label: when, where it stands, and whether the brand is on screen then."""

    label: Label
    source: Source
    mention: Mention
    found: Found
    is_seen: bool

    @property
    def ms(self) -> int:
        """When it begins, for addresses."""
        return round(self.mention.start_s * 1000)


@dataclass(frozen=True, slots=True)
class Mentions:
    """What was said and written of the brands of a run's project."""

    indexing: Indexing | None  # the transcript
    text: Indexing | None  # what was read on the picture
    labels: list[Label]
    said: list[Item]
    written: list[Item]
    turned_down: list[tuple[Item, MentionVerdict]]  # by people: they count nowhere

    @classmethod
    def of(cls, run: Run) -> Mentions:
        labels = labels_to_hear(run)
        told = Told.of(run.asset, labels)
        by_key = {label.pk: label for label in labels}
        turned_down = told.turned_down
        named = {f.mention.brand for f in [*told.said, *told.written]}
        named |= {f.mention.brand for f, _ in turned_down}
        named &= by_key.keys()
        frames = {key: _frames_with(run, by_key[key]) for key in named}

        def item(one: Found) -> Item:
            key = one.mention.brand
            is_seen = _is_near(frames[key], one.mention)
            return Item(by_key[key], one.source, one.mention, one, is_seen)

        return cls(
            *(told.speech, told.text, labels),
            said=[item(one) for one in told.said],
            written=[item(one) for one in told.written],
            turned_down=[(item(one), by) for one, by in turned_down],
        )

    def by_label(self, source: Source = "said") -> list[tuple[Label, list[Item]]]:
        """Those of each label that has any, in the project's order."""
        items: list[Item] = getattr(self, source)
        groups = ((label, [i for i in items if i.label == label]) for label in self.labels)
        return [(label, some) for label, some in groups if some]

    def written_by_label(self) -> list[tuple[Label, list[Item]]]:
        return self.by_label("written")


def labels_to_hear(run: Run) -> list[Label]:
    """Those the run looked for, then those that the project has got since."""
    return labels_of(run) + others(run)


def names_to_hear(run: Run) -> list[str]:
    """The names of these."""
    return names_of(labels_to_hear(run))


def names_of(labels: Iterable[Label]) -> list[str]:
    """What these are called, as people say it."""
    return [name for label in labels for name in (label.name, *label.aliases)]


def _frames_with(run: Run, label: Label) -> NDArray[np.void]:
    """The analysed frames that show a box of the brand that counts."""
    columns = columns_of(run)
    rows = columns.detections
    counts = (rows["label"] == label.pk) & (rows["confidence"] >= np.float32(label.threshold))
    return columns.frames[np.unique(rows["frame"][counts])]


def _is_near(frames: NDArray[np.void], mention: Mention) -> bool:
    """Whether one of the frames is on screen near the words."""
    near = (frames["end_s"] > mention.start_s - TOGETHER_S) & (
        frames["start_s"] < mention.end_s + TOGETHER_S
    )
    return bool(near.any())


def rows_json(mentions: Mentions) -> dict[str, Any]:
    """By label the lanes: columns of starts, ends and words; and where each word stands."""
    return {
        str(label.pk): {
            **columns([i.found for i in some]),
            "words": word_places([i.found for i in some]),
        }
        for label, some in mentions.by_label("said")
    }


def written_json(mentions: Mentions) -> dict[str, Any]:
    """By label the lanes of what is written: as above, and the box and row of each."""
    return {
        str(label.pk): {
            **columns([i.found for i in some]),
            "region": [i.found.item.region for i in some if i.found.item],
            "box": [[round(side, 4) for side in i.found.item.box] for i in some if i.found.item],
        }
        for label, some in mentions.by_label("written")
    }


def columns(some: Sequence[Found]) -> dict[str, list]:
    """A lane of mentions."""
    return {
        "start": [round(one.mention.start_s, 3) for one in some],
        "end": [round(one.mention.end_s, 3) for one in some],
        "text": [one.mention.text for one in some],
    }


def word_places(some: Sequence[Found]) -> list[list[list[int]]]:
    """For each the line and the place of its words in the transcript."""
    return [[[word.line, word.place] for word in one.words] for one in some]


def others(run: Run) -> list[Label]:
    """Labels that may be said and that the run did not look for."""
    looked_for = [label["id"] for label in run.inputs["labels"]]
    return list(run.project.labels.filter(archived=None).exclude(pk__in=looked_for))
