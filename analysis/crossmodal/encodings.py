"""What an encoder makes of a stretch of film or sound, packed: kept once, for every space.

Half precision (a frame of our own embedding costs about 7 kB, five seconds of Whisper's 20 kB), in
numpy's own zip, whose checksums tell damage. Read without torch and without cv2.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal.items import Items, Whole
from analysis.crossmodal.types import CLIP, Encoded, Place
from analysis.errors import AnalysisError, UnusableModel
from analysis.film.columns import FRAME
from analysis.types import Box

Halves = NDArray[np.float16]
VERSION = 1
NO_NUMBERS = "The encoder made no numbers of this (NaN)."
_MOST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True, eq=False)
class Encodings:
    """N items of one modality, in time order, by one encoder.

    times: dtype FRAME (time_s, start_s, end_s), shape (N,), seconds of the film. summaries: float16
    (N, S). parts: float16 (M, P), those of item i from offsets[i] to offsets[i + 1]; offsets: int64
    (N + 1,). layouts: the places of an item's parts, each kind once, and layout (N,) which kind an
    item has. sentences: why items are blank, each once, and blank (N,): 0, or one more than the
    place of its sentence.
    """

    modality: str
    engine: str
    times: NDArray[np.void]
    summaries: Halves
    parts: Halves
    offsets: Whole
    layouts: tuple[tuple[Place, ...], ...]
    layout: Whole
    sentences: tuple[str, ...]
    blank: Whole

    @classmethod
    def of(
        cls, modality: str, engine: str, times: NDArray[np.void], encoded: Sequence[Encoded]
    ) -> Encodings:
        """From what an encoder gave. What is no number makes its item blank."""
        if len(times) != len(encoded):
            raise ValueError(f"{len(encoded)} items at {len(times)} times")
        layouts: dict[tuple[Place, ...], int] = {}
        sentences: dict[str, int] = {"": 0}
        for one in encoded:
            layouts.setdefault(one.places, len(layouts))
            sentences.setdefault(_blank(one), len(sentences))
        empty = np.empty((0, 0), np.float16)
        return cls(
            modality,
            engine,
            np.asarray(times, FRAME),
            np.stack([_half(one.summary) for one in encoded]) if encoded else empty,
            np.concatenate([_half(one.parts) for one in encoded]) if encoded else empty,
            np.cumsum([0, *(len(one.parts) for one in encoded)]).astype(np.int64),
            tuple(layouts),
            np.array([layouts[one.places] for one in encoded], np.int64),
            tuple(sentences)[1:],
            np.array([sentences[_blank(one)] for one in encoded], np.int64),
        )

    def __len__(self) -> int:
        return len(self.times)

    def encoded(self, row: int) -> Encoded:
        """One item, as the encoder gave it but for its precision."""
        blank = int(self.blank[row])
        return Encoded(
            self.summaries[row].astype(np.float32),
            self.parts[self.offsets[row] : self.offsets[row + 1]].astype(np.float32),
            self.layouts[int(self.layout[row])],
            self.sentences[blank - 1] if blank else "",
        )

    def clip(self, first: int, frames: int) -> Encoded:
        """Some frames that follow each other as one clip, as `pictures.ClipEncoder` joins them: its
        times are seconds from the clip's start."""
        rows = [self.encoded(row) for row in range(first, first + frames)]
        told = [one for one in rows if not one.blank]
        times = self.times[first : first + frames]
        start_s = float(times["start_s"][0])
        places = tuple(
            replace(place, start_s=begins - start_s, end_s=ends - start_s)
            for one, (_, begins, ends) in zip(rows, times.tolist(), strict=True)
            if not (one.blank and told)
            for place in one.places
        )
        kept = told or rows
        return Encoded(
            np.mean([one.summary for one in kept], 0).astype(np.float32),
            np.concatenate([one.parts for one in kept]),
            places,
            "" if told else rows[0].blank,
        )

    def kept(self) -> Whole:
        """The rows in which there is something to go by."""
        return np.flatnonzero(self.blank == 0)

    def pack(self) -> bytes:
        """Bytes for `unpack`."""
        places = [place for layout in self.layouts for place in layout]
        words = [place.word for place in places]
        about = {
            "version": VERSION,
            "modality": self.modality,
            "engine": self.engine,
            "sentences": self.sentences,
            "words": words if any(words) else [],
        }
        file = io.BytesIO()
        columns: dict[str, NDArray[Any]] = {
            "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
            "places": np.array([_numbers(place) for place in places]).reshape(-1, 6),
            "layout_sizes": np.array([len(layout) for layout in self.layouts], np.uint32),
            "times": self.times,
            "summaries": self.summaries,
            "parts": self.parts,
            "sizes": np.diff(self.offsets).astype(np.uint32),
            "layout": self.layout.astype(np.uint32),
            "blank": self.blank.astype(np.uint16),
        }
        np.savez(file, allow_pickle=False, **columns)
        return file.getvalue()

    @classmethod
    def unpack(cls, data: bytes) -> Encodings:
        """What `pack` wrote. Raises UnusableModel for what is damaged or something else."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                columns = {name: file[name] for name in file.files}
            about = json.loads(columns["about"].tobytes())
            if about["version"] != VERSION:
                raise UnusableModel(
                    "Another version of Sightline wrote what was encoded here: encode it again."
                )
            return cls._from(about, columns)
        except (BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as error:
            raise UnusableModel(_DAMAGED) from error
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise UnusableModel(_DAMAGED) from error

    @classmethod
    def _from(cls, about: dict[str, Any], columns: dict[str, NDArray[Any]]) -> Encodings:
        words = about["words"] or [""] * len(columns["places"])
        places = [_place(*one) for one in zip(words, columns["places"].tolist(), strict=True)]
        ends = np.cumsum([0, *columns["layout_sizes"].tolist()]).tolist()
        offsets = np.cumsum([0, *columns["sizes"].tolist()]).astype(np.int64)
        found = cls(
            str(about["modality"]),
            str(about["engine"]),
            columns["times"],
            columns["summaries"],
            columns["parts"],
            offsets,
            tuple(tuple(places[a:b]) for a, b in pairwise(ends)),
            columns["layout"].astype(np.int64),
            tuple(about["sentences"]),
            columns["blank"].astype(np.int64),
        )
        lengths = {len(found.times), len(found.summaries), len(found.layout), len(found.blank)}
        if lengths != {len(offsets) - 1} or len(found.parts) != offsets[-1]:
            raise ValueError("columns of different lengths")
        if found.times.dtype != FRAME or ends[-1] != len(places):
            raise ValueError("columns of another kind")
        return found


_DAMAGED = "What was encoded here is damaged, or was never encoded: encode it again."


def items_of(many: Sequence[Encodings], groups: Sequence[Whole] | None = None) -> Items:
    """All items of several stretches that are not blank, in order; `rows_of` says which each is.

    groups: of each stretch a number for every row (see `Items.groups`); by default all differ.
    Raises AnalysisError where none is left, or where encoders differ.
    """
    rows = [one.kept() for one in many]
    if not sum(map(len, rows)):
        said = next((one.sentences[0] for one in many if one.sentences), "There are none.")
        raise AnalysisError(f"There is nothing to compare. {said}")
    some = [(one, kept) for one, kept in zip(many, rows, strict=True) if len(kept)]
    first = some[0][0]
    if any((one.modality, one.engine) != (first.modality, first.engine) for one, _ in some):
        raise AnalysisError("Numbers of different encoders are never compared.")
    sizes = [np.diff(one.offsets) for one, _ in some]
    has = [one.blank == 0 for one, _ in some]
    counts = np.concatenate([size[kept] for size, (_, kept) in zip(sizes, some, strict=True)])
    numbers = np.arange(len(counts))
    if groups is not None:
        numbers = np.concatenate([g[kept] for g, kept in zip(groups, rows, strict=True)])
    return Items(
        first.modality,
        first.engine,
        np.concatenate([one.summaries[kept] for one, kept in some]).astype(np.float32),
        np.concatenate(
            [
                one.parts[np.repeat(told, size)]
                for (one, _), told, size in zip(some, has, sizes, strict=True)
            ]
        ),
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        numbers.astype(np.int64),
        sum(map(len, many)) - len(counts),
    )


def rows_of(many: Sequence[Encodings]) -> tuple[Whole, Whole]:
    """Of each of the items of `items_of`: which of the stretches it is from, and its row there."""
    rows = [one.kept() for one in many]
    which = np.repeat(np.arange(len(many)), [len(kept) for kept in rows])
    return which, np.concatenate(rows) if rows else np.empty(0, np.int64)


# --- clips ----------------------------------------------------------------------------------------

STRETCH_S = 10.0  # of a clip where no shots are known
MOST = 64  # frames of a clip, as `pictures.MOST_FRAMES`
SHOT_S = 30.0  # of a clip that is a part of a longer shot


def clip_spans(
    times: NDArray[np.void], cuts: NDArray[np.floating], longest_s: float
) -> list[tuple[int, int]]:
    """Frames of one shot as clips no longer than `longest_s`, and of no more than 64 frames: of
    each its first row and how many.

    times: dtype FRAME (N,). cuts: when shots begin, in seconds, ascending; where there are none,
    all is one.
    """
    if not len(times):
        return []
    starts = np.concatenate([[-np.inf], np.asarray(cuts, np.float64)])
    shot = np.searchsorted(starts, times["time_s"], "right") - 1
    began = np.where(np.isfinite(starts[shot]), starts[shot], 0.0)
    piece = np.floor((times["time_s"] - began) / longest_s)
    is_new = np.ones(len(times), bool)
    is_new[1:] = (np.diff(shot) != 0) | (np.diff(piece) != 0)
    rows, first = np.arange(len(times)), np.flatnonzero(is_new)
    into = rows - first[np.searchsorted(first, rows, "right") - 1]  # frames before, in its clip
    first = np.flatnonzero(into % MOST == 0)
    return list(zip(first.tolist(), np.diff([*first, len(times)]).tolist(), strict=True))


def clips_of(one: Encodings, spans: Sequence[tuple[int, int]]) -> tuple[Items, Whole]:
    """Clips of a stretch's frames, and which of the spans each is: those in which all is blank are
    left out. Raises AnalysisError where none is left.

    Their engine is that of `pictures.ClipEncoder` over the same encoder.
    """
    frames = items_of([one])
    firsts = np.array([first for first, _ in spans], np.int64)
    number = np.searchsorted(firsts, one.kept(), "right") - 1
    chosen, starts, counts = np.unique(number, return_index=True, return_counts=True)
    total = np.add.reduceat(frames.summaries, starts, axis=0)
    items = Items(
        CLIP,
        f"clip-{one.engine}",
        (total / counts[:, None]).astype(np.float32),
        frames.parts,
        np.append(frames.offsets[starts], frames.offsets[-1]),
        chosen,
        len(spans) - len(chosen),
    )
    return items, chosen


# --- one place, one item --------------------------------------------------------------------------


def _half(numbers: NDArray[np.floating]) -> Halves:
    return np.clip(np.nan_to_num(numbers, nan=0.0), -_MOST, _MOST).astype(np.float16)


def _blank(one: Encoded) -> str:
    is_told = np.isfinite(one.summary).all() and np.isfinite(one.parts).all()
    return one.blank or ("" if is_told else NO_NUMBERS)


def _numbers(place: Place) -> Iterable[float]:
    times = [np.nan if at is None else at for at in (place.start_s, place.end_s)]
    return [*times, *(place.box or [np.nan] * 4)]


def _place(word: str, numbers: Sequence[float]) -> Place:
    start_s, end_s = (None if np.isnan(at) else at for at in numbers[:2])
    box = None if np.isnan(numbers[2]) else Box(*numbers[2:])
    return Place(str(word), start_s, end_s, box)
