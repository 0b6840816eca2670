"""The formats that labelled pictures come and go in, and how to tell which one is there.

Each is a module of this package with the same four names: `HOLDS`, `read(folder)`,
`write(labelled, folder, pictures)`, and `detects(folder)`. Add one by copying a neighbour, with a
line in each of the two tables here.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from analysis.datasets.archive import is_archive, unpack
from analysis.datasets.fidelity import fatal
from analysis.datasets.picture_files import Pictures
from analysis.datasets.rest import with_rest
from analysis.datasets.types import LabelledSet, Problem
from analysis.errors import AnalysisError

# In the order in which a folder is asked what it is: the surest signs first.
FORMATS = {
    "ground_truth_video": "analysis.datasets.formats.ground_truth.video",
    "ground_truth": "analysis.datasets.formats.ground_truth.pictures",
    "coco": "analysis.datasets.formats.coco",
    "label_studio_video": "analysis.datasets.formats.label_studio.video",
    "label_studio": "analysis.datasets.formats.label_studio.pictures",
    "cvat_video": "analysis.datasets.formats.cvat.video",
    "cvat": "analysis.datasets.formats.cvat.pictures",
    "voc": "analysis.datasets.formats.voc",
    "yolo": "analysis.datasets.formats.yolo",
}
TITLES = {
    "yolo": "YOLO",
    "coco": "COCO",
    "voc": "Pascal VOC",
    "cvat": "CVAT for images",
    "cvat_video": "CVAT for video",
    "label_studio": "Label Studio",
    "label_studio_video": "Label Studio for video",
    "ground_truth": "Ground Truth",
    "ground_truth_video": "Ground Truth for video",
}  # what a person chooses from, in this order
# Hold frames by their number, and no other pictures.
OF_VIDEOS = {"cvat_video", "label_studio_video", "ground_truth_video"}


class Format(Protocol):
    """What a module of a format has."""

    HOLDS: Set[str]

    def detects(self, folder: Path) -> bool: ...
    def read(self, folder: Path) -> tuple[LabelledSet, list[Problem]]: ...
    def write(
        self, labelled: LabelledSet, folder: Path, pictures: Pictures | None = None
    ) -> list[Problem]: ...


def load(name: str) -> Format:
    """The format of that name. Raises AnalysisError for one we do not know."""
    if name not in FORMATS:
        raise AnalysisError(f"There is no format “{name}”. We know {', '.join(TITLES)}.")
    return cast(Format, import_module(FORMATS[name]))


def detect_format(folder: Path) -> str:
    """Which format the files of a folder are in. Raises AnalysisError where none is recognised."""
    for name in FORMATS:
        if load(name).detects(folder):
            return name
    raise AnalysisError(
        "None of the files says what is on the pictures, in a format that is known: "
        f"{', '.join(TITLES.values())}."
    )


@contextmanager
def opened(path: Path, scratch: Path | None = None) -> Iterator[Path]:
    """A folder to read: `path` itself, or what an archive or one file of labels holds.

    What is unpacked lies in `scratch` (the system's own place for such by default) and is gone
    afterwards. Raises AnalysisError for an archive that is not safe.
    """
    if path.is_dir():
        yield path
        return
    if not path.is_file():
        raise AnalysisError(f"{path.name} is not there.")
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        folder = Path(place) / "set"
        if is_archive(path):
            unpack(path, folder)
        else:
            folder.mkdir()
            shutil.copyfile(path, folder / path.name)
        yield folder


def read(
    folder: Path, name: str = "", *, take_unmentioned: bool = True
) -> tuple[LabelledSet, list[Problem], str]:
    """The set in `folder`, what is wrong with it, and its format (recognised, or as named).

    `take_unmentioned`: with the pictures that nothing speaks of, as ones that nobody labelled.
    """
    name = name or detect_format(folder)
    labelled, problems = load(name).read(folder)
    if fatal(problems) is None:
        labelled, more = with_rest(folder, labelled, problems, take=take_unmentioned)
        problems = problems + more + _of_others(folder, name)
    return _legible(labelled), problems, name


def _is_there(name: str, folder: Path) -> bool:
    """Whether there are files of a format, be they damaged."""
    try:
        return load(name).detects(folder)
    except AnalysisError:
        return True


def _of_others(folder: Path, name: str) -> list[Problem]:
    """The other formats that are there too: only one is read, and what the rest says is lost."""
    own = name.removesuffix("_video")
    others = [
        TITLES[other]
        for other in TITLES
        if other.removesuffix("_video") != own and other not in OF_VIDEOS
        if _is_there(other, folder)
    ]
    return [
        Problem(
            "The files",
            "WARNING_OTHER_FORMAT",
            f"There are files of {title} too; only {TITLES[name]} was read. Import them by "
            "themselves, or choose that format.",
            is_error=False,
        )
        for title in others
    ]


def _legible(labelled: LabelledSet) -> LabelledSet:
    """The set with names that can be shown and stored: half characters and controls are “?”."""

    def plain(text: str) -> str:
        return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)

    names = {name: plain(name) for name in labelled.labels}
    if all(name == shown for name, shown in names.items()) and all(
        p.source.isprintable() and p.video.isprintable() for p in labelled.pictures
    ):
        return labelled
    pictures = tuple(
        replace(
            p,
            source=plain(p.source),
            video=plain(p.video),
            labels=tuple(plain(name) for name in p.labels),
            boxes=tuple(replace(b, label=plain(b.label)) for b in p.boxes),
        )
        for p in labelled.pictures
    )
    labels = tuple(dict.fromkeys(names.values()))
    return replace(labelled, labels=labels, pictures=pictures)


def write(
    labelled: LabelledSet, folder: Path, name: str, pictures: Pictures | None = None
) -> list[Problem]:
    """Lay the set out in a new folder. Raises AnalysisError where there is something already."""
    if folder.exists() and any(folder.iterdir()):
        raise AnalysisError(f"{folder.name} is not empty; choose a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    return load(name).write(labelled, folder, pictures)


def counts(labelled: LabelledSet) -> dict[str, int]:
    """What a person first wants to know of a set."""
    pictures: Sequence = labelled.pictures
    return {
        "pictures": len(pictures),
        "boxes": sum(len(p.boxes) for p in pictures),
        "labels": len(labelled.labels),
        "empty": sum(p.is_labelled and not p.boxes and not p.labels for p in pictures),
        "unlabelled": sum(not p.is_labelled for p in pictures),
        "without_file": sum(not p.file for p in pictures),
    }
