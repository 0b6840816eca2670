"""Which picture of a dataset each picture is that comes in: by its name, and then by its pixels.

Exports call different pictures alike: each CVAT task begins with `frame_000000.png`. Of a name
that is here with other pixels is another picture; it comes in beside the one here, with the name
of its file before its own: `south/frame_000000.png`. A film is one as a whole: where one of its
frames is another picture than the frame here, it is another film.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from analysis.datasets.near_duplicates import differ_by_packing
from analysis.datasets.picture_files import file_names
from analysis.datasets.types import LabelledPicture, LabelledSet, Problem
from analysis.errors import Stopped, UnreadableMedia
from webapp.datasets.samples import Sample
from workers.datasets.pictures import shown
from workers.engine.originals import local_path

_LONGEST = 255  # letters of a source, and of a film's name
_ARCHIVES = re.compile(r"(\.tar)?\.(zip|tar|gz|tgz|bz2|tbz2|xz|txz)$", re.IGNORECASE)

Frames = dict[int, Sample]  # of one film, by their numbers


def as_called_here(
    labelled: LabelledSet,
    samples: Mapping[str, Sample],
    file: str,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[LabelledSet, list[Problem]]:
    """The set with its pictures and films called as they are in the dataset, each once.

    `samples` are those of the dataset, by source; `file` is what the set came in. Says what came
    in under another name, and what nobody can tell. Raises Stopped.
    """
    matching = _Matching(labelled, samples, file, should_stop)
    pictures = tuple(matching.pictures())
    return replace(labelled, pictures=pictures), matching.problems


class _Matching:
    """The pictures that come, held against those that are here."""

    def __init__(
        self,
        labelled: LabelledSet,
        samples: Mapping[str, Sample],
        file: str,
        should_stop: Callable[[], bool],
    ) -> None:
        self.coming = labelled.pictures
        self.prefix = _ARCHIVES.sub("", file).replace("/", "_").strip(" .")[:60] or "import"
        self.should_stop = should_stop
        self.problems: list[Problem] = []
        self.here = {s.source: s for s in samples.values() if not s.removed}
        self.own = {_cut(p.source) for p in self.coming}
        self.claimed: set[str] = set()
        self._index()
        self.films = {
            video: self._film(video, frames) for video, frames in _films(self.coming).items()
        }

    def _index(self) -> None:
        """What is here, by all that a picture that comes may be known by."""
        plain = [LabelledPicture(s.source, s.width, s.height, file=s.file) for s in self._current()]
        self.by_file = {name: source for source, name in file_names(plain).items()}
        self.by_last: dict[str, list[Sample]] = {}
        self.frames: dict[str, Frames] = {}
        for sample in self._current():
            self.by_last.setdefault(_last(sample.source), []).append(sample)
            if sample.video_name and sample.frame is not None:
                self.frames.setdefault(sample.video_name, {})[sample.frame] = sample
        # Labels that come without pictures are known by the last part of their path as well.
        self.loose = Counter(_last(p.source) for p in self.coming if not p.file)

    def _current(self) -> Iterable[Sample]:
        return self.here.values()

    def pictures(self) -> Iterator[LabelledPicture]:
        """Each picture as it is called here. What is here by that very name goes first."""
        names: dict[int, str] = {}
        order = sorted(
            range(len(self.coming)), key=lambda n: _cut(self.coming[n].source) not in self.here
        )
        for number in order:
            if self.should_stop():
                raise Stopped
            names[number] = self._name(self.coming[number])
            self.claimed.add(names[number])
        for number, picture in enumerate(self.coming):
            video = self.films.get(picture.video, picture.video)
            yield replace(picture, source=names[number], video=video)

    # --- a picture ------------------------------------------------------------------------

    def _name(self, picture: LabelledPicture) -> str:
        film = self.films.get(picture.video, "") if picture.frame is not None else ""
        if film and picture.frame is not None:
            frame = self.frames.get(film, {}).get(picture.frame)
            if frame is not None and frame.source not in self.claimed and _fits(picture, frame):
                return frame.source
            if film != picture.video:
                return self._free(picture.source, film.removesuffix(f"/{_plain(picture.video)}"))
        alike = [s for s in self._alike(picture) if s.source not in self.claimed]
        if not picture.file:
            return self._without_pixels(picture, alike)
        for sample in alike:
            if is_same(picture, sample):
                return sample.source
        name = _cut(picture.source)
        if name not in self.here and name not in self.claimed:
            return name
        name = self._free(picture.source, self.prefix)
        message = f"Another picture is called so; this one is “{name}” here."
        self.problems.append(Problem(picture.source, "WARNING_SAME_NAME", message, is_error=False))
        return name

    def _alike(self, picture: LabelledPicture) -> Iterator[Sample]:
        """What is here under a name that the picture may have, the likeliest first."""
        name = picture.source
        names = [_cut(name), self.by_file.get(name, "")]
        if not picture.file and self.loose[_last(name)] == 1:
            names.append(self.by_file.get(_last(name), ""))
        yield from (self.here[known] for known in names if known in self.here)
        yield from self._beside(name)

    def _beside(self, name: str) -> Iterator[Sample]:
        """What came in under this name when another picture had it already."""
        plain = _plain(name)
        for sample in self.by_last.get(_last(name), ()):
            rest = sample.source.partition("/")[2]
            is_cut = len(sample.source) == _LONGEST and bool(rest) and plain.endswith(rest)
            is_it = sample.source.endswith(f"/{plain}") or is_cut
            if is_it and sample.source not in self.own:
                yield sample

    def _without_pixels(self, picture: LabelledPicture, alike: list[Sample]) -> str:
        """Labels alone go to the only picture they can mean; which of several, nobody can say."""
        name = _cut(picture.source)
        several = {s.source for s in alike if _has_size(picture, s)} | {
            s.source for s in alike[:1] if s.source == name
        }
        mine = f"{self.prefix}/{_plain(picture.source)}"
        if mine in several:
            return mine
        if len(several) > 1:
            called = ", ".join(sorted(several)[:3])
            message = (
                f"{len(several)} pictures here may be meant ({called}), and it came without its "
                "pixels. Import it together with its picture."
            )
            self.problems.append(Problem(picture.source, "ERROR_INVALID_IMAGE", message))
            return self._free(picture.source, self.prefix)
        known = next(iter(several), "") or next((s.source for s in alike), name)
        return known if known not in self.claimed else self._free(picture.source, self.prefix)

    def _free(self, name: str, prefix: str) -> str:
        """A name that nothing has, here or in the set, with `prefix` as its folder."""
        taken = self.here.keys() | self.claimed | self.own
        n = 1
        while (free := _cut(_plain(name), f"{prefix} ({n})/" if n > 1 else f"{prefix}/")) in taken:
            n += 1
        return free

    # --- a film ---------------------------------------------------------------------------

    def _film(self, video: str, coming: list[LabelledPicture]) -> str:
        """What a film is called here: of those of its name the one whose frames it shows."""
        shared: dict[str, int] = {}  # frames, by the films that it may be
        others = (film for film in self.frames if film.endswith(f"/{_plain(video)}"))
        for film in dict.fromkeys([video, *others]):
            n = self._n_shared(coming, self.frames.get(film, {}))
            if n is not None:
                shared[film] = n
        meant = [film for film, n in shared.items() if n]
        mine = f"{self.prefix}/{_plain(video)}"
        if len(meant) > 1 and mine not in meant and not any(p.file for p in coming):
            message = (
                f"{len(meant)} films here may be meant ({', '.join(meant[:3])}), and it came "
                "without its frames. Import it together with them."
            )
            self.problems.append(Problem(video, "ERROR_INVALID_IMAGE", message))
            return self._free_film(video)
        if meant:
            return mine if mine in meant else max(meant, key=lambda film: shared[film])
        if video in shared:
            return video
        name = self._free_film(video)
        frames = "1 frame is" if len(coming) == 1 else f"{len(coming):,} frames are"
        message = f"Another film is called so; its {frames} of “{name}” here."
        self.problems.append(Problem(video, "WARNING_SAME_NAME", message, is_error=False))
        return name

    def _n_shared(self, coming: list[LabelledPicture], here: Frames) -> int | None:
        """How many frames are here too; None where one of them is another picture."""
        n = 0
        for picture in coming:
            sample = here.get(picture.frame or 0)
            if sample is None:
                continue
            if self.should_stop():
                raise Stopped
            if picture.file and not is_same(picture, sample):
                return None
            n += bool(picture.file) or _has_size(picture, sample)
        return n

    def _free_film(self, video: str) -> str:
        n = 1
        while True:
            prefix = f"{self.prefix} ({n})/" if n > 1 else f"{self.prefix}/"
            if (name := _cut(_plain(video), prefix)) not in self.frames:
                return name
            n += 1


def _films(pictures: Iterable[LabelledPicture]) -> dict[str, list[LabelledPicture]]:
    found: dict[str, list[LabelledPicture]] = {}
    for picture in pictures:
        if picture.video and picture.frame is not None:
            found.setdefault(picture.video, []).append(picture)
    return found


# --- names ------------------------------------------------------------------------------------


def _cut(name: str, prefix: str = "") -> str:
    """As much of the end of a name as fits behind `prefix`."""
    return prefix + name[-(_LONGEST - len(prefix)) :]


def _plain(name: str) -> str:
    """A name that can stand in a folder: of an address what follows its kind."""
    return name.rpartition("://")[2]


def _last(name: str) -> str:
    return name.rpartition("/")[2]


# --- pixels -----------------------------------------------------------------------------------


def is_same(picture: LabelledPicture, sample: Sample) -> bool:
    """Whether the file of a picture shows what the sample shows, be it packed anew.

    What cannot be read is told when it is stored, and counts as the same until then.
    """
    if not _has_size(picture, sample):
        return False
    path = Path(picture.file)
    if hashlib.sha256(path.read_bytes()).hexdigest() == sample.sha256:
        return True
    try:
        came = shown(path)
    except UnreadableMedia:
        return True
    if came.sha256 == sample.sha256:
        return True
    try:
        kept = shown(local_path(sample.file)).image
    except (FileNotFoundError, UnreadableMedia):
        return False
    if came.suffix == Path(sample.file).suffix == ".png":
        return np.array_equal(came.image, kept)
    return differ_by_packing(came.image, kept)


def _has_size(picture: LabelledPicture, sample: Sample) -> bool:
    return (picture.width, picture.height) == (sample.width, sample.height)


def _fits(picture: LabelledPicture, frame: Sample) -> bool:
    """Frames with pixels were looked at when the film was."""
    return bool(picture.file) or _has_size(picture, frame)
