"""Brands in what is said, beside what is seen of them.

Looked for when somebody asks, in the words that are kept: a brand or an alias that is added today
is found in what was said last year, and a corrected word counts at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.text import Brand, Mention, find_mentions
from webapp.indexing.indexing import Indexing
from webapp.indexing.transcript import PlacedWord, placed_words, shown
from webapp.indexing.word_edits import WordEdit
from webapp.leases import Status
from webapp.projects.models import Label
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.timeline.labels import labels_of
from webapp.timeline.recent import Recent

TOGETHER_S = 2.0  # a brand that is on screen so near to its name is seen and said together
LEAST = 0.5  # score below which nothing is shown

BY = {
    "name": "as it is written",
    "inflection": "in the plural or genitive",
    "spelling": "spelled nearly like it",
    "sound": "sounding like it",
}
_found: Recent[tuple[list[PlacedWord], list[Mention]]] = Recent(size=32)


@dataclass(frozen=True, slots=True)
class Said:
    """A mention of a label: when, the words, and whether the brand is on screen then."""

    label: Label
    mention: Mention
    words: Sequence[PlacedWord]
    is_seen: bool

    @property
    def by(self) -> str:
        """By what it was found, in words."""
        return BY[self.mention.by]


@dataclass(frozen=True, slots=True)
class Mentions:
    """What was said of the brands of a run's project, in the transcript that is read."""

    indexing: Indexing | None
    labels: list[Label]
    said: list[Said]

    @classmethod
    def of(cls, run: Run) -> Mentions:
        labels = labels_to_hear(run)
        indexing = shown(run.asset)
        if indexing is None:
            return cls(None, labels, [])
        words, found = _mentions(indexing, labels)
        by_key = {label.pk: label for label in labels}
        frames = {key: _frames_with(run, by_key[key]) for key in {m.brand for m in found}}
        said = [
            Said(by_key[m.brand], m, words[slice(*m.words)], _is_near(frames[m.brand], m))
            for m in found
        ]
        return cls(indexing, labels, said)

    def by_label(self) -> list[tuple[Label, list[Said]]]:
        """Those of each label that was said, in the project's order."""
        groups = ((label, [s for s in self.said if s.label == label]) for label in self.labels)
        return [(label, some) for label, some in groups if some]


def labels_to_hear(run: Run) -> list[Label]:
    """Those the run looked for, then those that the project has got since."""
    return labels_of(run) + others(run)


def _mentions(
    indexing: Indexing, labels: Sequence[Label]
) -> tuple[list[PlacedWord], list[Mention]]:
    brands = [Brand(label.pk, (label.name, *label.aliases)) for label in labels]
    segments = indexing.segments.filter(status=Status.DONE).count()
    edits = WordEdit.objects.filter(speech_segment__indexing=indexing)
    n_edits = edits.count(), edits.filter(undone=None).count()  # each edit and undo moves them
    key = (indexing.pk, indexing.created, indexing.status, segments, n_edits, tuple(brands))

    def find() -> tuple[list[PlacedWord], list[Mention]]:
        words = list(placed_words(indexing))
        return words, [m for m in find_mentions(words, brands) if m.score >= LEAST]

    return _found.get(key, find)


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
            "start": [round(s.mention.start_s, 3) for s in some],
            "end": [round(s.mention.end_s, 3) for s in some],
            "text": [s.mention.text for s in some],
            "words": [[[word.line, word.place] for word in s.words] for s in some],
        }
        for label, some in mentions.by_label()
    }


def others(run: Run) -> list[Label]:
    """Labels that may be said and that the run did not look for."""
    looked_for = [label["id"] for label in run.inputs["labels"]]
    return list(run.project.labels.filter(archived=None).exclude(pk__in=looked_for))
