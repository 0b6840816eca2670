"""A part of an index: placed items in files that are mapped into memory and never written again.

Of each item there are its vector in half precision and the sign of each number of the vector,
turned at random (Charikar 2002, "Similarity estimation techniques from rounding algorithms": in
how many signs two vectors differ is their angle); its weightiest codes, by code as an inverted
index and by item, for the first stages; and the whole distribution of its codes, a byte each, for
the last. Items lie in order of their owners; what the first stage goes through lies by the cell
that each is in (`cells`), so that it reads what it looks at in one piece.
"""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal.cells import Cells, cells_of
from analysis.crossmodal.space import Placed
from analysis.crossmodal.types import Floats

Whole = NDArray[np.int64]
CODES = 16  # of an item, that it is listed under
FINALISTS = 400  # rows whose whole distribution is looked at
_FINE = 12  # steps of a weight, for each e-fold that it is smaller: 255 of them reach `_LEAST`
_LEAST = 1e-9  # of a distribution, below its logarithm
_ASKED = 32  # codes of a question that the first stage looks up
_SOME = 0.01  # of the rows: below it they are scored one by one, and not looked for
_FEW = 4096  # rows, of which the same holds
_LOOKED_INTO = 0.12  # of the rows: those in the cells that promise most are guessed at
_SAMPLED = 61  # one in so many scores is looked at, to tell where the best begin
_BY_ITEM = (
    *("keys", "owners", "vectors"),
    *("codes", "weights", "rest", "log_rest", "logs"),
)
_BY_CODE = ("posting_places", "posting_weights", "posting_starts")
_BY_CELL = ("signs", "cell_rows", "cell_starts", "cell_centres")


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """N items to be found.

    keys: int64 (N,), by which they are named in an answer. owners: int64 (N,), what each belongs to
    (an asset), by which answers are filtered and items removed. crowds: float32 (N, 2) by the
    modality of a question, from `Space.crowds`.
    """

    keys: Whole
    owners: Whole
    placed: Placed
    crowds: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What is looked for: a vector (C,) of unit length, a distribution of codes (V,) and its
    logarithm, of which modality it is, and how much codes count beside the cosine. Muted codes are
    0 in both: then nothing of them counts in a score."""

    vector: Floats
    codes: Floats
    logs: Floats
    modality: str
    weight: float

    @classmethod
    def of(
        cls, vector: Floats, codes: Floats, modality: str, weight: float, muted: Whole | None = None
    ) -> Question:
        logs = np.log(np.maximum(codes, _LEAST))
        if muted is not None and len(muted):
            codes, logs = codes.copy(), logs.copy()
            codes[muted] = logs[muted] = 0.0
        return cls(vector, codes, logs, modality, weight)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Rows of a segment, (n,), with both parts of their scores, less what they score with
    everything; the total adds the second by its weight."""

    rows: Whole
    near: Floats
    codes: Floats
    total: Floats


class Segment:
    """Items on disk, by owner. A question of two stages: `likely` and `score`."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError or ValueError where it is gone or damaged."""
        self.folder = folder
        about = json.loads((folder / "about.json").read_text())
        self.n_codes = int(about["codes"])
        self.modalities: list[str] = list(about["modalities"])
        columns = {name: _mapped(folder / f"{name}.npy") for name in _BY_ITEM + _BY_CODE + _BY_CELL}
        self.keys: Whole = columns["keys"]
        self.owners: Whole = columns["owners"]
        self.columns = columns
        self.crowds = {
            name: _mapped(folder / f"crowd-{at}.npy") for at, name in enumerate(self.modalities)
        }
        self.cells = Cells(*(columns[f"cell_{name}"] for name in ("rows", "starts", "centres")))
        self._usual: dict[tuple[str, float], tuple[Floats, Floats]] = {}
        self._mean: float | None = None
        self._whose: Whole | None = None
        if any(len(columns[name]) != len(self.keys) for name in ("owners", "vectors", "signs")):
            raise ValueError(f"{folder.name} has columns of different lengths")

    def __len__(self) -> int:
        return len(self.keys)

    def rows_of(self, owners: Whole) -> Whole:
        """The rows of some owners (sorted), ascending."""
        starts = np.searchsorted(self.owners, owners, "left")
        counts = np.searchsorted(self.owners, owners, "right") - starts
        before = np.concatenate([[0], np.cumsum(counts)])
        return np.arange(before[-1]) + np.repeat(starts - before[:-1], counts)

    def whose(self) -> Whole:
        """The owners of its items, ascending, each once."""
        if self._whose is None:
            is_first = np.ones(len(self), bool)
            is_first[1:] = self.owners[1:] != self.owners[:-1]
            self._whose = self.owners[is_first]
        return self._whose

    def likely(self, question: Question, looks: int, among: Whole | None) -> tuple[Whole, Floats]:
        """Rows that may score best, of all or of some owners (sorted), and about what they score:
        at most `looks`, or all of the owners' where they are few, which score infinitely."""
        if among is not None:
            counts = np.searchsorted(self.owners, among, "right")
            counts -= np.searchsorted(self.owners, among, "left")
            if counts.sum() <= max(_FEW, _SOME * len(self)):
                rows = self.rows_of(among)
                return rows, np.full(len(rows), np.inf, np.float32)
        share = 1.0 if among is None else float(counts.sum()) / len(self)
        places = self._places(question, max(looks, _LOOKED_INTO * len(self) / share))
        guess = self._guess(question, places)
        of = self.cells.rows if places is None else self.cells.rows[places]
        if among is not None:
            guess[~self._is_of(among)[of]] = -np.inf
        best = best_of(guess, looks)
        best = best[np.isfinite(guess[best])]
        return of[best].astype(np.int64), guess[best]

    def _places(self, question: Question, least: float) -> Whole | None:
        """Where, by cells, what may score best lies; None: anywhere."""
        if least >= len(self) or len(self.cells) < 2:
            return None
        _, usual = self._whatever_is_asked(question.modality, question.weight)
        return self.cells.promising(self.cells.centres @ question.vector + usual, int(least))

    def _is_of(self, owners: Whole) -> NDArray[np.bool_]:
        """Which rows are of some owners (sorted): (n,)."""
        steps = np.zeros(len(self) + 1, np.int8)
        np.add.at(steps, np.searchsorted(self.owners, owners, "left"), 1)
        np.add.at(steps, np.searchsorted(self.owners, owners, "right"), -1)
        return np.cumsum(steps[:-1], dtype=np.int8).astype(bool)

    def score(self, question: Question, rows: Whole) -> Scored:
        """Both parts of the scores of these rows, from what is kept of them; where codes count and
        rows are many, of the best `FINALISTS` alone."""
        columns = self.columns
        near = columns["vectors"][rows].astype(np.float32) @ question.vector
        crowd = np.zeros((len(rows), 2), np.float32)
        if question.modality in self.crowds:
            crowd = self.crowds[question.modality][rows].astype(np.float32)
        near -= crowd[:, 0]
        if not question.weight:
            return Scored(rows, near, np.zeros_like(near), near)
        codes = self._codes_score(question, rows) - crowd[:, 1]
        if len(rows) > FINALISTS:
            total = near + question.weight * codes
            best = best_of(total, FINALISTS)
            rows, near, crowd = rows[best], near[best], crowd[best]
        codes = self._whole_codes_score(question, rows) - crowd[:, 1]
        return Scored(rows, near, codes, near + question.weight * codes)

    def _codes_score(self, question: Question, rows: Whole) -> Floats:
        """Σ P log Q + Q log P of the question's P and each item's Q, as if all but its weightiest
        codes were alike."""
        codes = self.columns["codes"][rows].astype(np.int64)
        log_kept = self.columns["weights"][rows].astype(np.float32) / -_FINE
        rest = self.columns["rest"][rows].astype(np.float32)
        log_rest = self.columns["log_rest"][rows].astype(np.float32)
        asked, told = question.codes, question.logs
        score: Floats = (asked[codes] * (log_kept - log_rest[:, None])).sum(1)
        score += ((np.exp(log_kept) - rest[:, None]) * told[codes]).sum(1)
        score += log_rest * asked.sum() + rest * told.sum()
        return score

    def _whole_codes_score(self, question: Question, rows: Whole) -> Floats:
        """The same from whole distributions."""
        logs = self.columns["logs"][rows]
        shares = np.exp(np.arange(256, dtype=np.float32) / -_FINE)[logs]
        score: Floats = logs.astype(np.float32) @ (question.codes / np.float32(-_FINE))
        score += (shares @ question.logs) / shares.sum(1)
        return score

    def _guess(self, question: Question, places: Whole | None) -> Floats:
        """About what each row scores, by cells: from the signs of its vector, and by inverted
        lists."""
        usual, _ = self._whatever_is_asked(question.modality, question.weight)
        kept = self.columns["signs"]
        guess = _cosines(kept if places is None else kept[places], signs(question.vector[None])[0])
        guess += usual if places is None else usual[places]
        if question.weight:
            codes = self._looked_up(question)
            guess += codes if places is None else codes[places]
        return guess

    def _whatever_is_asked(self, modality: str, weight: float) -> tuple[Floats, Floats]:
        """What of a guess is the same for all questions of a modality, by cells, and the mean of
        each cell: kept once it was asked."""
        key = modality, weight
        if key not in self._usual:
            usual = np.zeros(len(self), np.float32)
            if weight:
                usual += weight * self.columns["log_rest"].astype(np.float32)
            if modality in self.crowds:
                counts = np.array([1, weight], np.float32)
                usual -= self.crowds[modality].astype(np.float32) @ counts
            usual = usual[self.cells.rows]
            ends = np.concatenate([[0], np.cumsum(usual, dtype=np.float64)])[self.cells.starts]
            sizes = np.maximum(np.diff(self.cells.starts), 1)
            self._usual = {key: (usual, (np.diff(ends) / sizes).astype(np.float32))}
        return self._usual[key]

    def _looked_up(self, question: Question) -> Floats:
        """About the score of the codes of each row, by cells, from the lists of the question's
        weightiest."""
        asked, told = question.codes, question.logs
        starts = self.columns["posting_starts"]
        places, weights = self.columns["posting_places"], self.columns["posting_weights"]
        usual = self._mean_log_rest()
        top = np.argsort(-asked, kind="stable")[:_ASKED]
        floor = float(np.delete(told, top).mean()) if len(told) > len(top) else 0.0
        log_kept = np.arange(256, dtype=np.float32) / -_FINE
        score = np.zeros(len(self), np.float32)
        for code in top.tolist():
            worth = asked[code] * (log_kept - usual) + np.exp(log_kept) * (told[code] - floor)
            of = slice(int(starts[code]), int(starts[code + 1]))
            score[places[of]] += (question.weight * worth).astype(np.float32)[weights[of]]
        return score

    def _mean_log_rest(self) -> float:
        if self._mean is None:
            self._mean = float(self.columns["log_rest"].mean(dtype=np.float64))
        return self._mean


def best_of(scores: Floats, n: int) -> Whole:
    """Where the n highest are, in no order; all of them where there are fewer."""
    if n >= len(scores):
        return np.arange(len(scores))
    some, above = scores[::_SAMPLED], n // _SAMPLED * 3 // 2 + 32
    if above < len(some) // 4:
        # A sample tells what lies far below; where it errs, all are looked at.
        likely = np.flatnonzero(scores >= np.partition(some, -above)[-above])
        if n <= len(likely) < len(scores) // 2:
            return likely[best_of(scores[likely], n)]
    return np.argpartition(scores, len(scores) - n)[len(scores) - n :]


def _mapped(path: Path) -> NDArray[Any]:
    """A column that stays on disk. As a plain array: of a `memmap` each small look costs more."""
    return np.load(path, mmap_mode="r").view(np.ndarray)


def write(folder: Path, entries: Entries) -> str:
    """A new segment in a folder: its name. There is all of it or nothing."""
    order = np.argsort(entries.owners, kind="stable")
    kept = _weightiest(entries.placed.codes[order])
    kept |= {
        "keys": entries.keys[order],
        "owners": entries.owners[order],
        "vectors": entries.placed.continuous[order].astype(np.float16),
    }
    crowds = {name: crowd[order].astype(np.float16) for name, crowd in entries.crowds.items()}
    return put(folder, kept, crowds, entries.placed.codes.shape[1])


def put(
    folder: Path, columns: dict[str, NDArray[Any]], crowds: dict[str, NDArray[Any]], n_codes: int
) -> str:
    """Columns that are in order of their owners, with their cells and inverted lists."""
    cells = cells_of(columns["vectors"])
    columns = columns | _by_cell(cells, columns["vectors"])
    by_cell = columns["codes"][cells.rows], columns["weights"][cells.rows]
    columns |= _lists(*by_cell, n_codes)
    name = f"part-{uuid.uuid4().hex}"
    aside = folder / f".{name}"
    aside.mkdir(parents=True)
    try:
        for column, values in columns.items():
            np.save(aside / f"{column}.npy", values)
        for at, crowd in enumerate(crowds.values()):
            np.save(aside / f"crowd-{at}.npy", crowd)
        about = {"codes": n_codes, "modalities": list(crowds)}
        (aside / "about.json").write_text(json.dumps(about))
        aside.rename(folder / name)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return name


def joined(folder: Path, segments: list[tuple[Segment, Whole]]) -> str:
    """One segment of some rows of several, as they are kept: nothing is rounded twice."""
    owners = np.concatenate([segment.owners[rows] for segment, rows in segments])
    order = np.argsort(owners, kind="stable")
    columns = {
        name: np.concatenate([segment.columns[name][rows] for segment, rows in segments])[order]
        for name in _BY_ITEM
    }
    crowds = {
        name: np.concatenate([segment.crowds[name][rows] for segment, rows in segments])[order]
        for name in segments[0][0].modalities
    }
    return put(folder, columns, crowds, segments[0][0].n_codes)


def _by_cell(cells: Cells, vectors: NDArray[np.float16]) -> dict[str, NDArray[Any]]:
    """What the first stage goes through, cell by cell."""
    strips = np.array_split(cells.rows, max(len(cells.rows) // 65_536, 1))
    return {
        "signs": np.concatenate([signs(vectors[rows].astype(np.float32)) for rows in strips]),
        "cell_rows": cells.rows,
        "cell_starts": cells.starts,
        "cell_centres": cells.centres,
    }


def signs(vectors: Floats) -> NDArray[np.uint64]:
    """The signs of (n, C) vectors after a turn that is the same for all: (n, W) of 64 bits each."""
    bits = vectors @ _turn(vectors.shape[1]) > 0
    packed: NDArray[np.uint64] = np.ascontiguousarray(np.packbits(bits, axis=1)).view(np.uint64)
    return packed


@cache
def _turn(size: int) -> Floats:
    """(C, B) with B ≥ C, B ≥ 256: orthogonal rows or columns, from a fixed seed."""
    bits = max(256, 64 * -(-size // 64))
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(bits, bits)))
    return np.ascontiguousarray(turn[:size], np.float32)


def _cosines(kept: NDArray[np.uint64], asked: NDArray[np.uint64]) -> Floats:
    """About the cosine of the question with each row: (n,), a strip of rows after another, so that
    what lies between stays in the processor's cache."""
    words = len(asked)
    cosine = np.cos(np.pi * np.arange(64 * words + 1) / (64 * words)).astype(np.float32)
    about = np.empty(len(kept), np.float32)
    for at in range(0, len(kept), 16_384):
        differ = np.bitwise_count(kept[at : at + 16_384] ^ asked)
        about[at : at + 16_384] = cosine[differ.sum(1, dtype=np.uint16)]
    return about


def _weightiest(codes: Floats) -> dict[str, NDArray[Any]]:
    """Distributions (n, V) as steps of a logarithm; their weightiest codes, and of the others the
    mean and the mean logarithm."""
    kept = min(CODES, codes.shape[1])
    top = np.argpartition(-codes, kept - 1, axis=1)[:, :kept]
    logs = np.log(np.maximum(codes, _LEAST))
    log_kept = np.take_along_axis(logs, top, 1)
    others = max(codes.shape[1] - kept, 1)
    left = np.maximum(1 - np.take_along_axis(codes, top, 1).sum(1), 0)
    return {
        "codes": top.astype(np.uint16),
        "weights": _steps(log_kept),
        "logs": _steps(logs),
        "rest": (left / others).astype(np.float32),
        "log_rest": ((logs.sum(1) - log_kept.sum(1)) / others).astype(np.float16),
    }


def _steps(logs: Floats) -> NDArray[np.uint8]:
    """Logarithms of shares as whole steps down from 0."""
    return np.rint(logs * -_FINE).clip(0, 255).astype(np.uint8)


def _lists(
    codes: NDArray[np.uint16], weights: NDArray[np.uint8], n_codes: int
) -> dict[str, NDArray[Any]]:
    """By code: the places that have it and with which weight, and where each code's begin."""
    flat = codes.ravel()
    order = np.argsort(flat, kind="stable")
    return {
        "posting_places": (order // codes.shape[1]).astype(np.uint32),
        "posting_weights": weights.ravel()[order],
        "posting_starts": np.searchsorted(flat, np.arange(n_codes + 1), sorter=order),
    }
