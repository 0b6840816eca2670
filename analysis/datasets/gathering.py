"""Pictures as they are read, file after file: one of a name may be another picture, or the same.

Exports hold pictures of one name in several subsets and folders, and say of one picture in
several files or tasks what is on it. The file of the pixels tells which of the two it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from analysis.datasets.types import LabelledBox, LabelledPicture, Problem


class Gathered:
    """The pictures of a set by their sources; none ever takes another's place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self._alike: dict[str, list[tuple[LabelledPicture, str]]] = {}
        self._lost: set[tuple[str, int]] = set()  # source and place of those that lost something

    def add(self, picture: LabelledPicture, subset: str = "", *, has_lost: bool = False) -> None:
        """One more. `subset` is what its file calls the part of the set that it belongs to.

        `has_lost`: what was on it could not be kept, so that no other file makes a negative of it.
        """
        alike = self._alike.setdefault(picture.source, [])
        for place, (known, of) in enumerate(alike):
            if _is_same(known, of, picture, subset):
                both = self._merged(known, picture)
                if has_lost:
                    self._lost.add((picture.source, place))
                if (picture.source, place) in self._lost and not (both.boxes or both.labels):
                    both = replace(both, is_labelled=False)
                alike[place] = both, of
                return
        if has_lost:
            self._lost.add((picture.source, len(alike)))
        alike.append((picture, subset))

    def sources(self) -> set[str]:
        return set(self._alike)

    def pictures(self) -> tuple[LabelledPicture, ...]:
        """All of them, in the order in which they came; several of a name bear their folder."""
        taken = {source for source, alike in self._alike.items() if len(alike) == 1}
        found: list[LabelledPicture] = []
        for source, alike in self._alike.items():
            if len(alike) == 1:
                found.append(alike[0][0])
                continue
            message = f"{len(alike)} pictures are called so; each bears its folder now."
            self.problems.append(Problem(source, "WARNING_SAME_NAME", message, is_error=False))
            for number, (picture, subset) in enumerate(alike, 1):
                name = _free(self._told_apart(picture, subset), number, taken)
                taken.add(name)
                found.append(replace(picture, source=name))
        return tuple(found)

    def _told_apart(self, picture: LabelledPicture, subset: str) -> str:
        file = Path(picture.file)
        if picture.file and file.is_relative_to(self.folder):
            return file.relative_to(self.folder).as_posix()
        part = subset or picture.split or ""
        return f"{part}/{picture.source}" if part else picture.source

    def _merged(self, known: LabelledPicture, again: LabelledPicture) -> LabelledPicture:
        boxes = _each_once([*known.boxes, *again.boxes])
        if boxes != tuple(known.boxes) and known.boxes:
            message = "Its boxes are said in several places; all of them are kept."
            self.problems.append(
                Problem(known.source, "WARNING_SAID_TWICE", message, is_error=False)
            )
        return replace(
            known,
            boxes=boxes,
            labels=tuple(dict.fromkeys([*known.labels, *again.labels])),
            is_labelled=known.is_labelled or again.is_labelled,
            split=known.split or again.split,
            changed=max(known.changed, again.changed),
            extra={**again.extra, **known.extra},
        )


def _is_same(known: LabelledPicture, of: str, picture: LabelledPicture, subset: str) -> bool:
    if known.file and picture.file:
        return known.file == picture.file
    size = (known.width, known.height) == (picture.width, picture.height)
    return size and of == subset and known.file == picture.file


def _free(name: str, number: int, taken: set[str]) -> str:
    if name not in taken:
        return name
    stem, dot, ending = name.rpartition(".")
    numbered = f"{stem}-{number}{dot}{ending}" if dot else f"{name}-{number}"
    return numbered if numbered not in taken else _free(numbered, number, taken)


def _each_once(boxes: Iterable[LabelledBox]) -> tuple[LabelledBox, ...]:
    kept: dict[tuple[object, ...], LabelledBox] = {}
    for box in boxes:
        kept.setdefault((box.label, box.track, *(round(side, 6) for side in box.box)), box)
    return tuple(kept.values())


def is_known(
    boxes: Sequence[LabelledBox], tags: Sequence[str], problems: Iterable[Problem]
) -> bool:
    """Whether what was read says what is on a picture.

    Where something that was on it could not be kept and nothing else was, it says nothing: a
    picture that lost its only box must never be taken for one that shows nothing.
    """
    return bool(boxes or tags) or not any(problem.is_error for problem in problems)
