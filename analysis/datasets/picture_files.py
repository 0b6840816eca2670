"""The pictures beside a set's labels: found by the name a file gives them, named, put in place."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from PIL import Image, UnidentifiedImageError

from analysis.datasets.types import LabelledBox, LabelledPicture, Problem
from analysis.errors import UnreadableMedia
from analysis.types import Box

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)  # EXIF: a quarter turn for display
_FORBIDDEN = re.compile(r'[<>:"|?*%\x00-\x1f\x7f]')  # in a file's name, on some system

# ImportError: where ultralytics is loaded, it answers for PIL and looks for a plugin first.
_UNREADABLE = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    OSError,
    ValueError,
    SyntaxError,
    ImportError,
)

_LONGEST = 1_000_000  # pixels of a side

# Where the pixels of a picture are; None: not to be had.
Pictures = Callable[[LabelledPicture], Path | None]


def own_files(picture: LabelledPicture) -> Path | None:
    """Where the picture itself says its pixels are: the `pictures` of a set that was read."""
    return Path(picture.file) if picture.file else None


def displayed_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels as displayed, from the header alone. Raises UnreadableMedia."""
    (width, height), orientation = _header(path)
    return (height, width) if orientation in _TURNED else (width, height)


def _header(path: Path) -> tuple[tuple[int, int], int]:
    """Width and height as stored, and how the picture is turned for display, by EXIF's number."""
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            return picture.size, picture.getexif().get(_ORIENTATION, 1)
    except _UNREADABLE:
        raise UnreadableMedia(f"{path.name} is not a picture that can be read.") from None


def as_displayed(box: Box, orientation: int) -> Box:
    """A box of the stored pixels, in fractions, where it is seen once the picture is turned.

    `orientation` is EXIF's (CIPA DC-008, 4.6.4): 1 as stored, 3 by half a turn, 6 and 8 by a
    quarter clockwise and against it, the even ones below 6 and 5 and 7 mirrored as well.
    """
    x1, y1, x2, y2 = box
    match orientation:
        case 2:
            return Box(1 - x2, y1, 1 - x1, y2)
        case 3:
            return Box(1 - x2, 1 - y2, 1 - x1, 1 - y1)
        case 4:
            return Box(x1, 1 - y2, x2, 1 - y1)
        case 5:
            return Box(y1, x1, y2, x2)
        case 6:
            return Box(1 - y2, x1, 1 - y1, x2)
        case 7:
            return Box(1 - y2, 1 - x2, 1 - y1, 1 - x1)
        case 8:
            return Box(y1, 1 - x2, y2, 1 - x1)
    return box


def said_size(width: Any, height: Any) -> tuple[int, int] | None:
    """A size that a file of labels gives, or None where it is none that a picture can have."""
    for side in (width, height):
        if isinstance(side, bool) or not isinstance(side, int | float) or not 1 <= side <= _LONGEST:
            return None
    return int(width), int(height)


class Shelf:
    """The files of a folder, to be asked for by whatever a label file calls them: pictures, or
    what else has one of the `suffixes`.

    Links are not followed: an archive cannot point at the machine's own files.
    """

    def __init__(
        self, folder: Path, suffixes: Collection[str] = SUFFIXES, but: Collection[str] = ()
    ) -> None:
        """`but`: the names of folders that hold something else."""
        self.folder = folder
        self.files = sorted(
            path
            for path in folder.rglob("*")
            if path.suffix.lower() in suffixes and not path.is_symlink() and path.is_file()
            if not {*but}.intersection(path.relative_to(folder).parts[:-1])
        )
        self._own = {path: _parts(path.relative_to(folder).as_posix()) for path in self.files}
        self._by_end: dict[tuple[str, ...], list[Path]] = {}  # name, and name with its folder
        self._answered: dict[Path, list[str]] = {}
        for path, own in self._own.items():
            for parts in (own, _without_ending(own)):
                for end in {tuple(parts[-1:]), tuple(parts[-2:])}:
                    self._by_end.setdefault(end, []).append(path)

    def expect(self, names: Iterable[str]) -> None:
        """Hear all names that will be asked for: a file then answers to the one that is nearest
        to its own, and of several that are equally near to none."""
        claims: dict[Path, dict[tuple[str, ...], tuple[int, int]]] = {}
        for parts in {tuple(_parts(name)) for name in names}:
            if (path := self._best([*parts], ())) is not None:
                own = self._own[path]
                shared = max(
                    _shared_end(own, [*parts]), _shared_end(_without_ending(own), [*parts])
                )
                claims.setdefault(path, {})[parts] = shared, -len(parts)
        for path, ranks in claims.items():
            nearest = [parts for parts, rank in ranks.items() if rank == max(ranks.values())]
            self._answered[path] = [*nearest[0]] if len(nearest) == 1 else []

    def find(self, called: str, near: str | Iterable[str] = ()) -> Path | None:
        """The file that shares the longest end of its path with `called`, whose own ending may
        be missing.

        Between equals the one with most folders called as `near` says, then the one with fewer
        folders. None when none is the best, or when the best answers to another name.
        """
        parts = _parts(called)
        best = self._best(parts, [near] if isinstance(near, str) else near)
        if best is None or self._answered.setdefault(best, parts) != parts:
            return None
        return best

    def _best(self, parts: list[str], near: Iterable[str]) -> Path | None:
        folders = {name.casefold() for name in near}
        ends = (tuple(parts[-2:]), tuple(parts[-1:]))
        alike = next((self._by_end[end] for end in ends if end in self._by_end), [])
        ranks = {}
        for path in alike:
            own = self._own[path]
            shared = max(_shared_end(own, parts), _shared_end(_without_ending(own), parts))
            ranks[path] = (shared, len(folders.intersection(own[:-1])), -len(own))
        best = [path for path, rank in ranks.items() if rank == max(ranks.values())]
        return best[0] if len(best) == 1 else None


def _parts(name: str) -> list[str]:
    return [p for p in name.casefold().replace("\\", "/").split("/") if p not in ("", ".")]


def _without_ending(parts: list[str]) -> list[str]:
    stem, dot, _ = parts[-1].rpartition(".")
    return [*parts[:-1], stem] if dot and stem else parts


def _shared_end(one: list[str], other: list[str]) -> int:
    n = 0
    while n < min(len(one), len(other)) and one[-1 - n] == other[-1 - n]:
        n += 1
    return n


def folders_of(file: str) -> tuple[str, ...]:
    """The folders that a file of labels lies in: its pictures are most often in the same."""
    return PurePosixPath(file).parts[:-1]


class Measured(NamedTuple):
    """A picture that a file of labels speaks of."""

    path: Path | None
    size: tuple[int, int] | None  # as displayed; None where nothing says
    problems: list[Problem]
    orientation: int = 1  # of EXIF, where the labels are for the pixels as stored

    def turned(self, boxes: Iterable[LabelledBox]) -> list[LabelledBox]:
        """Boxes in fractions of what they were drawn on, as they lie in the displayed picture."""
        if self.orientation == 1:
            return list(boxes)
        return [replace(box, box=as_displayed(box.box, self.orientation)) for box in boxes]


def measured(
    shelf: Shelf,
    called: str,
    said: tuple[int, int] | None,
    near: str | Iterable[str] = (),
) -> Measured:
    """The file called so, the size of the picture (else the size `said`), and what is amiss.

    A missing file is no reason to lose its labels where the size is known; no size is.
    """
    path = shelf.find(called, near)
    if path is None:
        if said is None:
            problem = Problem(called, "ERROR_INVALID_IMAGE", "The picture is missing.")
            return Measured(None, None, [problem])
        message = "The picture is missing; its labels are kept."
        missing = Problem(called, "WARNING_MISSING_IMAGE", message, is_error=False)
        return Measured(None, said, [missing] if shelf.files else [])
    try:
        stored, orientation = _header(path)
    except UnreadableMedia as error:
        return Measured(None, None, [Problem(called, "ERROR_INVALID_IMAGE", error.message)])
    size = stored[::-1] if orientation in _TURNED else stored
    if said is None or said == size:
        return Measured(path, size, [])
    if said == stored:  # the labels know nothing of the turn
        message = "Its labels are for the picture as it is stored; they were turned as it is shown."
        problem = Problem(called, "WARNING_TURNED_IMAGE", message, is_error=False)
        return Measured(path, size, [problem], orientation)
    message = (
        f"The labels are for {said[0]} × {said[1]} pixels, the picture has {size[0]} × "
        f"{size[1]}. The boxes were scaled."
    )
    problem = Problem(called, "ERROR_INVALID_IMAGE_DIMENSION", message, is_error=False)
    return Measured(path, size, [problem])


def file_names(pictures: Iterable[LabelledPicture]) -> dict[str, str]:
    """A file name for each source, as `a.jpg` or `day 1/a.jpg`.

    The source itself where that is a good name. Each is unique without its ending and whatever
    the case, so that a label file beside it is too.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for picture in pictures:
        stem, suffix = _safe(picture.source, picture.file)
        name, n = stem, 2
        while name.casefold() in taken:
            name, n = f"{stem}-{n}", n + 1
        taken.add(name.casefold())
        names[picture.source] = name + suffix
    return names


def _safe(source: str, file: str) -> tuple[str, str]:
    """A relative path without its ending, and the ending."""
    if "://" in source:  # an address: its last part is the name
        source = source.rpartition("/")[2]
    parts = [_FORBIDDEN.sub("_", part).strip(" .") for part in re.split(r"[/\\]", source)]
    parts = [part for part in parts if part] or ["picture"]
    suffix = PurePosixPath(parts[-1]).suffix
    if suffix.lower() in SUFFIXES:
        parts[-1] = parts[-1].removesuffix(suffix)
    else:
        own = PurePosixPath(file).suffix.lower()
        suffix = own if own in SUFFIXES else ".jpg"
    return "/".join(part[:120].strip(" .") or "_" for part in parts), suffix


def put(
    labelled: Iterable[LabelledPicture],
    names: dict[str, str],
    pictures: Pictures | None,
    place: Callable[[LabelledPicture], Path],
) -> list[Problem]:
    """Copy each picture to `place(picture)`; tell what is renamed and what is not to be had."""
    problems = []
    for picture in labelled:
        if names[picture.source] != picture.source:
            message = f"Its file is called {names[picture.source]}."
            problems.append(Problem(picture.source, "RENAMED", message, is_error=False))
        if pictures is None:
            continue
        path = pictures(picture)
        if path is None or not path.is_file():
            problems.append(Problem(picture.source, "ERROR_INVALID_IMAGE", "The picture is gone."))
            continue
        target = place(picture)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return problems
