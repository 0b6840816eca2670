"""The pictures beside a set's labels: found by the name a file gives them, named, put in place."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection, Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image, UnidentifiedImageError

from analysis.datasets.types import LabelledPicture, Problem
from analysis.errors import UnreadableMedia

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
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            width, height = picture.size
            turned = picture.getexif().get(_ORIENTATION) in _TURNED
    except _UNREADABLE:
        raise UnreadableMedia(f"{path.name} is not a picture that can be read.") from None
    return (height, width) if turned else (width, height)


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

    def __init__(self, folder: Path, suffixes: Collection[str] = SUFFIXES) -> None:
        self.folder = folder
        self.files = sorted(
            path
            for path in folder.rglob("*")
            if path.suffix.lower() in suffixes and not path.is_symlink() and path.is_file()
        )
        self._own = {path: _parts(path.relative_to(folder).as_posix()) for path in self.files}
        self._by_end: dict[tuple[str, ...], list[Path]] = {}  # name, and name with its folder
        self._answered: dict[Path, list[str]] = {}
        for path, own in self._own.items():
            for end in {tuple(own[-1:]), tuple(own[-2:])}:
                self._by_end.setdefault(end, []).append(path)

    def expect(self, names: Iterable[str]) -> None:
        """Hear all names that will be asked for: a file then answers to the one that is nearest
        to its own, and of several that are equally near to none."""
        claims: dict[Path, dict[tuple[str, ...], tuple[int, int]]] = {}
        for parts in {tuple(_parts(name)) for name in names}:
            if (path := self._best([*parts], "")) is not None:
                shared = _shared_end(self._own[path], [*parts])
                claims.setdefault(path, {})[parts] = shared, -len(parts)
        for path, ranks in claims.items():
            nearest = [parts for parts, rank in ranks.items() if rank == max(ranks.values())]
            self._answered[path] = [*nearest[0]] if len(nearest) == 1 else []

    def find(self, called: str, near: str = "") -> Path | None:
        """The file that shares the longest end of its path with `called`.

        Between equals the one with a folder called `near` in its path, then the one with fewer
        folders. None when none is the best, or when the best answers to another name.
        """
        parts = _parts(called)
        best = self._best(parts, near.casefold())
        if best is None or self._answered.setdefault(best, parts) != parts:
            return None
        return best

    def _best(self, parts: list[str], near: str) -> Path | None:
        ends = (tuple(parts[-2:]), tuple(parts[-1:]))
        alike = next((self._by_end[end] for end in ends if end in self._by_end), [])
        ranks = {}
        for path in alike:
            own = self._own[path]
            ranks[path] = (_shared_end(own, parts), near in own[:-1], -len(own))
        best = [path for path, rank in ranks.items() if rank == max(ranks.values())]
        return best[0] if len(best) == 1 else None


def _parts(name: str) -> list[str]:
    return [p for p in name.casefold().replace("\\", "/").split("/") if p not in ("", ".")]


def _shared_end(one: list[str], other: list[str]) -> int:
    n = 0
    while n < min(len(one), len(other)) and one[-1 - n] == other[-1 - n]:
        n += 1
    return n


def measured(
    shelf: Shelf, called: str, said: tuple[int, int] | None, near: str = ""
) -> tuple[Path | None, tuple[int, int] | None, list[Problem]]:
    """The file called so, the size of the picture (else the size `said`), and what is amiss.

    A missing file is no reason to lose its labels where the size is known; no size is.
    """
    path = shelf.find(called, near)
    if path is None:
        if said is None:
            return None, None, [Problem(called, "ERROR_INVALID_IMAGE", "The picture is missing.")]
        message = "The picture is missing; its labels are kept."
        missing = Problem(called, "WARNING_MISSING_IMAGE", message, is_error=False)
        return None, said, [missing] if shelf.files else []
    try:
        size = displayed_size(path)
    except UnreadableMedia as error:
        return None, None, [Problem(called, "ERROR_INVALID_IMAGE", error.message)]
    if said is not None and said != size:
        message = (
            f"The labels are for {said[0]} × {said[1]} pixels, the picture has {size[0]} × "
            f"{size[1]}. The boxes were scaled."
        )
        problem = Problem(called, "ERROR_INVALID_IMAGE_DIMENSION", message, is_error=False)
        return path, size, [problem]
    return path, size, []


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
