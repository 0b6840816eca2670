"""One set out of several: keyed by source, and of a source the newest wins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from analysis.datasets.types import LabelledPicture, LabelledSet, Task

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def merge(sets: Iterable[LabelledSet]) -> LabelledSet:
    """All pictures of the sets, each once, and all their labels in order of appearance.

    Where two say when they were labelled, the later wins; else the one of the later set. The
    pixels of the loser stay where the winner has none. Raises ValueError without a set.
    """
    together = list(sets)
    if not together:
        raise ValueError("there is nothing to merge")
    pictures: dict[str, LabelledPicture] = {}
    labels: dict[str, None] = {}
    for labelled in together:
        labels |= dict.fromkeys(labelled.labels)
        for picture in labelled.pictures:
            before = pictures.get(picture.source)
            pictures[picture.source] = newest(before, picture) if before else picture
    first = together[0]
    task: Task = "boxes" if any(s.task == "boxes" for s in together) else "concept"
    return replace(first, task=task, labels=tuple(labels), pictures=tuple(pictures.values()))


def newest(before: LabelledPicture, after: LabelledPicture) -> LabelledPicture:
    """Of two that have the same source the one labelled later; `after` where nobody knows."""
    winner, loser = (before, after) if is_newer(before, after) else (after, before)
    if winner.file or not loser.file:
        return winner
    return replace(winner, file=loser.file, sha256=loser.sha256)


def is_newer(one: LabelledPicture, other: LabelledPicture) -> bool:
    """Whether `one` was labelled later than `other`, as far as both say when.

    A picture that nobody labelled is never newer than one that somebody did.
    """
    if one.is_labelled != other.is_labelled:
        return one.is_labelled
    return bool(one.changed and other.changed) and _when(one.changed) > _when(other.changed)


def _when(text: str) -> datetime:
    """An ISO 8601 time; without a zone it is UTC, and what is no time was long ago."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return _LONG_AGO
    return time if time.tzinfo else time.replace(tzinfo=UTC)
