"""What a format cannot hold: taken out before writing, and told to the person who exports.

A format names what it holds beside pictures, their size and the boxes with their labels. What a
set says beyond that does not survive, so `reduced` is what a round trip must give back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from typing import Any

from analysis.datasets.boxes import in_pixels
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem
from analysis.types import Box

# What a set may say beyond that, and what it is called when a format has no place for it.
_OF_PICTURES = {
    "labels": "labels of the whole picture",
    "split": "the split into training, validation and test",
    "group": "groups of pictures that belong together",
    "is_synthetic": "the mark “synthetic”",
    "is_golden": "the mark “golden”",
    "video": "the moment of the video that a frame is from",
    "time_s": "the time of a frame (its number stays)",
    "changed": "the time of labelling",
    "extra": "notes of the format that a picture came in",
}
_OF_BOXES = {
    "occluded": "the mark “occluded”",
    "track": "the number of a track",
    "confidence": "the confidence of a machine",
    "attributes": "attributes of boxes",
}
_FRAME = ("video", "time_s", "frame")
_NO_BOX = LabelledBox("", Box(0, 0, 1, 1))
_NO_PICTURE = LabelledPicture("", 1, 1)
_EXAMPLES = 20  # places named for each kind of problem

# With one of these the whole file is refused; each other problem is of one line or one box.
FATAL = {
    "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST",
    "ERROR_EMPTY_MANIFEST",
    "ERROR_MANIFEST_SIZE_TOO_LARGE",
    "ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM",
    "ERROR_MANIFEST_TOO_MANY_LABELS",
    "ERROR_MANIFEST_TOO_FEW_LABELS",
}


def fatal(problems: Iterable[Problem]) -> Problem | None:
    """The problem for which everything is refused, if there is one."""
    return next((p for p in problems if p.code in FATAL), None)


def reduced(labelled: LabelledSet, holds: Set[str]) -> LabelledSet:
    """What of `labelled` a format can hold that holds these things."""
    return _reduce(labelled, holds)[0]


def reduce(labelled: LabelledSet, holds: Set[str], title: str) -> tuple[LabelledSet, list[Problem]]:
    """The part that the format called `title` can hold, and a sentence for each kind of loss."""
    kept, lost = _reduce(labelled, holds)
    where = labelled.name or "The dataset"
    problems = [
        Problem(where, f"LOST_{what.upper()}", _sentence(what, n, title), is_error=False)
        for what, n in lost.items()
    ]
    return kept, problems


def _sentence(what: str, n: int, title: str) -> str:
    if what == "is_labelled":
        are = "picture is" if n == 1 else "pictures are"
        return f"{title} cannot say that nobody labelled a picture: {n:,} {are} left out."
    if what == "fractions":
        move = "box moves" if n == 1 else "boxes move"
        return f"{title} counts in whole pixels: {n:,} {move} by up to half a pixel."
    if what == "size":
        are = "smaller box is" if n == 1 else "smaller boxes are"
        return f"{title} knows no box below one pixel: {n:,} {are} left out."
    if what in _OF_PICTURES:
        lose = "picture loses" if n == 1 else "pictures lose"
        return f"{title} has no place for {_OF_PICTURES[what]}: {n:,} {lose} it."
    lose = "box loses" if n == 1 else "boxes lose"
    return f"{title} has no place for {_OF_BOXES[what]}: {n:,} {lose} it."


def _reduce(labelled: LabelledSet, holds: Set[str]) -> tuple[LabelledSet, Counter[str]]:
    lost: Counter[str] = Counter()
    pictures = []
    for picture in labelled.pictures:
        if not picture.is_labelled and "is_labelled" not in holds:
            lost["is_labelled"] += 1
            continue
        pictures.append(_reduced_picture(picture, holds, lost))
    name = labelled.name if "name" in holds else ""
    task = labelled.task if "labels" in holds else "boxes"
    return replace(labelled, task=task, pictures=tuple(pictures), name=name), lost


def _reduced_picture(
    picture: LabelledPicture, holds: Set[str], lost: Counter[str]
) -> LabelledPicture:
    changes: dict[str, Any] = {}
    for what in _OF_PICTURES:
        if what in holds or (what == "time_s" and "video" not in holds):
            continue  # with the video its moment is lost already
        fields = _FRAME if what == "video" else (what,)
        default = {field: getattr(_NO_PICTURE, field) for field in fields}
        if any(getattr(picture, field) != value for field, value in default.items()):
            changes |= default
            lost[what] += 1
    boxes = [_reduced_box(box, picture, holds, lost) for box in picture.boxes]
    # Two that only a track or half a pixel told apart are one now.
    apart = {(b.label, b.track, b.box): b for b in reversed(boxes) if b is not None}
    return replace(picture, boxes=tuple(reversed(apart.values())), **changes)


def _reduced_box(
    box: LabelledBox, picture: LabelledPicture, holds: Set[str], lost: Counter[str]
) -> LabelledBox | None:
    changes: dict[str, Any] = {}
    for what in _OF_BOXES:
        if what not in holds and getattr(box, what) != (default := getattr(_NO_BOX, what)):
            changes[what] = default
            lost[what] += 1
    if "fractions" not in holds:
        x1, y1, x2, y2 = in_pixels(box.box, picture.width, picture.height)
        w, h = picture.width, picture.height
        whole = Box(round(x1) / w, round(y1) / h, round(x2) / w, round(y2) / h)
        if whole.width <= 0 or whole.height <= 0:
            lost["size"] += 1
            return None
        if (round(x1), round(y1), round(x2), round(y2)) != (x1, y1, x2, y2):
            lost["fractions"] += 1
        changes["box"] = whole
    return replace(box, **changes)


def summary(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """The problems by kind, errors first: how many, a sentence, and where the first ones are."""
    kinds: dict[tuple[str, bool], list[Problem]] = {}
    for problem in problems:
        kinds.setdefault((problem.code, problem.is_error), []).append(problem)
    return [
        {
            "code": code,
            "is_error": is_error,
            "count": len(found),
            "examples": [{"where": p.where, "message": p.message} for p in found[:_EXAMPLES]],
        }
        for (code, is_error), found in sorted(kinds.items(), key=lambda kind: not kind[0][1])
    ]
