"""What lies in a folder beside what a format read: told, so that nothing is left out in silence.

Pictures that nothing speaks of may come along without labels, and never count as empty ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from analysis.datasets.picture_files import Shelf, displayed_size
from analysis.datasets.split_names import split_named
from analysis.datasets.types import LabelledPicture, LabelledSet, Problem
from analysis.errors import UnreadableMedia

UNMENTIONED = "WARNING_UNMENTIONED_IMAGE"
# Folders in which a picture says which pixels of another one belong to a thing.
_MASKS = {"segmentationclass", "segmentationobject", "annotations", "masks", "mask"}


def with_rest(
    folder: Path, labelled: LabelledSet, problems: Sequence[Problem], *, take: bool
) -> tuple[LabelledSet, list[Problem]]:
    """The set of `folder` with the pictures that nothing speaks of, or without them; and what is
    to be told of the rest of its files.

    `problems` is what its format told.
    """
    pictures = [*labelled.pictures]
    told: list[Problem] = []
    pictures += _unmentioned(folder, pictures, {p.message for p in problems}, told)
    does = "comes in without labels" if take else "is left out"
    told += [
        Problem(p.source, UNMENTIONED, f"Nothing says what is on it; it {does}.", is_error=False)
        for p in pictures
        if not p.is_mentioned
    ]
    kept = [p for p in pictures if take or p.is_mentioned]
    return replace(labelled, pictures=tuple(kept)), [*told, *_broken_json(folder)]


def unmentioned(problems: Sequence[Problem]) -> list[str]:
    """The pictures that nothing speaks of, by what was told of a set that was read."""
    return [p.where for p in problems if p.code == UNMENTIONED]


def _unmentioned(
    folder: Path, known: Sequence[LabelledPicture], said: set[str], told: list[Problem]
) -> Iterator[LabelledPicture]:
    """The pictures of the folder that are none of `known`; a word on what is no picture."""
    used = {p.file for p in known}
    taken = {p.source for p in known}
    beneath = _beneath(folder, known)
    masks: dict[str, int] = {}
    for path in Shelf(folder).files:
        if str(path) in used:
            continue
        inside = path.relative_to(folder)
        if any(p.lower() in _MASKS or p.startswith("panoptic_") for p in inside.parts[:-1]):
            place = inside.parent.as_posix()
            masks[place] = masks.get(place, 0) + 1
            continue
        where = inside.as_posix()
        try:
            size = displayed_size(path)
        except UnreadableMedia as error:
            if error.message not in said:
                told.append(Problem(where, "ERROR_INVALID_IMAGE", error.message))
            continue
        short = next((where.removeprefix(b) for b in beneath if where.startswith(b)), where)
        source = short if short not in taken else where
        taken.add(source)
        yield LabelledPicture(
            source,
            *size,
            is_labelled=False,
            is_mentioned=False,
            split=split_named(inside.parent.as_posix()),
            file=str(path),
        )
    for place, n in masks.items():
        message = f"{n:,} {'mask is' if n == 1 else 'masks are'} left out: only boxes are read."
        told.append(Problem(place, "LOST_MASKS", message, is_error=False))


def _beneath(folder: Path, known: Sequence[LabelledPicture]) -> list[str]:
    """The folders that sources are told from, the deepest first: `images/train/`."""
    found = set()
    for picture in known:
        if picture.file and Path(picture.file).is_relative_to(folder):
            where = Path(picture.file).relative_to(folder).as_posix()
            if where.endswith(f"/{picture.source}"):
                found.add(where.removesuffix(picture.source))
    return sorted(found, key=lambda f: -len(PurePosixPath(f).parts))


def _broken_json(folder: Path) -> Iterator[Problem]:
    """Files that are called JSON and are none: nobody can say what they would have told."""
    for path in sorted(folder.rglob("*.json")):
        if path.is_symlink() or not path.is_file():
            continue
        try:
            json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            where = path.relative_to(folder).as_posix()
            yield Problem(where, "ERROR_INVALID_JSON", "It is damaged, and nothing of it is read.")
