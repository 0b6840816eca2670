"""The values that pass between formats, splits, training and evaluation.

Boxes are xyxy fractions of the displayed picture, as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from analysis.types import Box

Split = Literal["train", "val", "test"]
Task = Literal["boxes", "concept"]


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """One thing on a picture. `track` numbers the instance where the picture is a video's frame."""

    label: str
    box: Box
    occluded: bool = False
    track: int | None = None
    confidence: float = 1.0  # below 1 only where a machine said it
    attributes: Mapping[str, Any] = field(default_factory=dict)  # what a format holds beyond this


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture with what is known of it. No boxes and no labels, yet labelled: a negative.

    `source` is its key: merging two sets, the newest of a source wins.
    """

    source: str
    width: int
    height: int
    boxes: Sequence[LabelledBox] = ()
    labels: Sequence[str] = ()  # of the whole picture
    is_labelled: bool = True
    is_mentioned: bool = True  # False: it lay beside the labels, and nothing spoke of it
    split: Split | None = None
    group: str = ""  # pictures of one group stay on one side of a split
    is_synthetic: bool = False
    is_pseudo: bool = False  # the model labelled it, and no person: it trains and never tests
    is_golden: bool = False  # always in the test split
    file: str = ""  # where its pixels are: a path, or a name in the media storage
    sha256: str = ""
    video: str = ""  # of a frame: the video it was cut from …
    time_s: float | None = None  # … when …
    frame: int | None = None  # … and which of its frames
    changed: str = ""  # ISO 8601, when it was labelled
    extra: Mapping[str, Any] = field(default_factory=dict)  # what a format wants kept


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Pictures and the labels they may bear, in order: a label's number is its position."""

    task: Task
    labels: Sequence[str]
    pictures: Sequence[LabelledPicture]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What an import or an export could not keep: where, a stable code, and a sentence."""

    where: str  # a file, a file and line, a picture's source
    code: str  # of seed_systems §3 where it has one: "ERROR_INVALID_BOUNDING_BOX"
    message: str
    is_error: bool = True  # False: kept, but not quite as it was
