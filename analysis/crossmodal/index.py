"""Placed items, by the million, found by where they lie and by their codes.

An index is a folder: segments that are mapped into memory (`segments`), and a list of them with
what was removed since. Adding writes one more segment; `merge` joins those that are small or hold
much that was removed. Readers go on with what they opened, and see what came since when they
`refresh`; no search mixes both. One process writes at a time.

A question is answered in two stages (as in Jégou et al. 2011, "Searching in one billion vectors:
re-rank with source coding"): rows in the neighbourhoods that promise most are guessed at from 32
bytes each and from the inverted lists of the question's codes, then the best of them are scored
from all that is kept of them. A filter belongs to the first stage: the less it keeps the more
neighbourhoods are looked into, and where it keeps little its rows are all scored, so it empties no
answer.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal.segments import (
    Entries,
    Question,
    Scored,
    Segment,
    Whole,
    best_of,
    joined,
    write,
)
from analysis.crossmodal.space import Placed
from analysis.crossmodal.types import Floats
from analysis.errors import UnusableModel
from analysis.models.formats import written_aside

VERSION = 3
LOOKS = 6000  # rows of the first stage that are scored
_PARTS = 8  # segments, above which they are joined
_GONE = 0.2  # of a segment, above which it is written anew
_LEFT_S = 3600.0  # since a part was written that no list names: nobody is about to name it
_LIST = "index.json"


@dataclass(frozen=True, slots=True)
class Found:
    """An answer. score: near + weight · codes, both less what the item scores with everything."""

    key: int
    owner: int
    score: float
    near: float
    codes: float


@dataclass(slots=True)
class _Part:
    name: str
    gone: list[int] = field(default_factory=list)  # owners that were removed since it was written


class Index:
    """The items of one modality in one version of a space.

    Raises UnusableModel where the folder holds another version, another modality, or what is no
    index.
    """

    def __init__(
        self, folder: Path, space: str, modality: str, parts: Mapping[str, list[int]] | None = None
    ) -> None:
        """parts: where the list of them is kept elsewhere: what each is called, and the owners that
        were removed since (see `parts`). By default it lies in the folder."""
        self.folder, self.space, self.modality = folder, space, modality
        self._told = parts
        self._parts: list[_Part] = []
        self._segments: dict[str, Segment] = {}
        self._joined: set[str] = set()  # parts that were joined to others here
        self._stamp: tuple[int, ...] | None = None
        self.refresh()

    def refresh(self) -> None:
        """See what was added and removed since, by whichever process."""
        for _ in range(10):  # segments may be joined between reading the list and opening them
            stamp = self._stamped()
            if stamp == self._stamp:
                return
            parts = self._listed()
            try:
                opened = {
                    part.name: self._segments.get(part.name) or Segment(self.folder / part.name)
                    for part in parts
                }
            except FileNotFoundError:
                continue
            except (OSError, ValueError, KeyError, EOFError) as error:
                raise UnusableModel("A part of this index is damaged: build it anew.") from error
            self._parts, self._segments, self._stamp = parts, opened, stamp
            return
        raise UnusableModel("Parts of this index are missing: build it anew.")

    def parts(self) -> dict[str, list[int]]:
        """What each part is called, and which owners were removed since it was written."""
        return {part.name: part.gone for part in self._parts}

    def __len__(self) -> int:
        """Items that can be found."""
        return sum(len(self._there(part)) for part in self._parts)

    def owners(self) -> Whole:
        """What its items belong to, ascending, each once."""
        owners = [self._segments[part.name].owners[self._there(part)] for part in self._parts]
        return np.unique(np.concatenate(owners)) if owners else np.empty(0, np.int64)

    def search(
        self,
        modality: str,
        question: Placed,
        weight: float,
        count: int = 10,
        *,
        owners: Whole | None = None,
        muted: Whole | None = None,
        looks: int = LOOKS,
    ) -> list[Found]:
        """The best `count` items for a question, best first.

        question: one row, of `modality`, placed in the same version of the space. weight: of the
        codes, from `Space.weight`. owners: int64, of which the answers may be; None for all.
        muted: codes that count in no score. looks: rows of the first stage; more finds more and
        takes longer.
        """
        if len(question) != 1:
            raise ValueError(f"a question is one item, not {len(question)}")
        if not self._parts:
            return []
        asked = Question.of(question.continuous[0], question.codes[0], modality, weight, muted)
        wanted = None if owners is None else np.unique(owners)
        likely = [
            self._segments[part.name].likely(asked, max(looks, count), self._among(part, wanted))
            for part in self._parts
        ]
        guesses = [guess for _, guess in likely]
        chosen = _over_all(guesses, max(looks, count))
        found: list[Found] = []
        for part, (rows, _), some in zip(self._parts, likely, chosen, strict=True):
            segment = self._segments[part.name]
            found += _best(segment, segment.score(asked, rows[some]), count)
        return sorted(found, key=lambda one: (-one.score, one.key))[:count]

    # --- for who writes ---------------------------------------------------------------------------

    def add(self, entries: Entries) -> None:
        """Items that are found from now on, in place of what there was of their owners."""
        self.refresh()
        gone = set(np.unique(entries.owners).tolist())
        parts = [self._without(part, gone) for part in self._parts]
        if len(entries):
            parts.append(_Part(write(self.folder, entries)))
        self._list(parts)

    def remove(self, owners: Whole) -> None:
        """Take all items of some owners out of every answer."""
        self.refresh()
        gone = set(owners.tolist())
        self._list([self._without(part, gone) for part in self._parts])

    def merge(self) -> bool:
        """Join what is small or holds much that was removed, if it is worth it; True if it was.

        What was joined is still there where the list is kept elsewhere: `clear_up` once it is.
        """
        self.refresh()
        stale = {part.name for part in self._parts if self._is_stale(part)}
        if not stale and len(self._parts) <= _PARTS:
            return False
        by_size = sorted(self._parts, key=lambda part: len(self._segments[part.name]))
        small = {part.name for part in by_size[: max(len(by_size) - _PARTS // 2, 0)]}
        chosen = [part for part in self._parts if part.name in stale | small]
        rows = [(self._segments[part.name], self._there(part)) for part in chosen]
        rows = [(segment, some) for segment, some in rows if len(some)]
        kept = [part for part in self._parts if part not in chosen]
        if rows:
            kept.append(_Part(joined(self.folder, rows)))
        self._joined |= {part.name for part in chosen}
        self._list(kept)
        if self._told is None:
            self.clear_up()
        return True

    def clear_up(self) -> None:
        """Remove the segments that were joined to others here; who has them open goes on reading
        them. Others that no list names go when they are an hour old: before that another process
        may be writing, fetching or storing them."""
        named = {part.name for part in self._parts}
        for path in self.folder.glob("*part-*"):
            is_own = path.name in self._joined
            if path.name not in named and (is_own or _age_s(path) > _LEFT_S):
                shutil.rmtree(path, ignore_errors=True)
        self._joined.clear()

    def bytes(self) -> int:
        """Its size on disk."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    def _without(self, part: _Part, gone: set[int]) -> _Part:
        segment = self._segments[part.name]
        here = segment.owners[segment.rows_of(np.array(sorted(gone), np.int64))]
        return _Part(part.name, sorted({*here.tolist(), *part.gone}))

    def _is_stale(self, part: _Part) -> bool:
        n = len(self._segments[part.name])
        return n - len(self._there(part)) > _GONE * n

    def _there(self, part: _Part) -> Whole:
        """The rows of a segment that were not removed."""
        segment = self._segments[part.name]
        there = np.ones(len(segment), bool)
        there[segment.rows_of(np.array(part.gone, np.int64))] = False
        return np.flatnonzero(there)

    def _among(self, part: _Part, wanted: Whole | None) -> Whole | None:
        """The owners of which answers may be, ascending; None where it is all of them."""
        whose = self._segments[part.name].whose()
        left = whose if wanted is None else np.intersect1d(whose, wanted, assume_unique=True)
        left = np.setdiff1d(left, np.array(part.gone, np.int64), assume_unique=True)
        return left if len(left) < len(whose) else None

    def _stamped(self) -> tuple[int, ...]:
        if self._told is not None:
            return (id(self._told),)
        try:
            told = (self.folder / _LIST).stat()
        except FileNotFoundError:
            return ()
        return told.st_mtime_ns, told.st_ino, told.st_size

    def _listed(self) -> list[_Part]:
        if self._told is not None:
            return [_Part(name, list(gone)) for name, gone in self._told.items()]
        try:
            about = json.loads((self.folder / _LIST).read_text())
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise UnusableModel("This index is damaged: build it anew.") from error
        if about.get("version") != VERSION:
            raise UnusableModel("Another version of Sightline wrote this index: build it anew.")
        if about["space"] != self.space:
            raise UnusableModel(
                f"This index is of {about['space']}, and what is asked for lies in {self.space}: "
                "they are never compared. Build the index anew."
            )
        if about["modality"] != self.modality:
            raise UnusableModel(f"This index holds {about['modality']}, not {self.modality}.")
        return [_Part(part["name"], part["gone"]) for part in about["parts"]]

    def _list(self, parts: list[_Part]) -> None:
        if self._told is not None:
            self._told = {part.name: part.gone for part in parts}
            self.refresh()
            return
        about = {
            "version": VERSION,
            "space": self.space,
            "modality": self.modality,
            "parts": [{"name": part.name, "gone": part.gone} for part in parts],
        }
        with written_aside(self.folder / _LIST) as file:
            file.write_text(json.dumps(about))
        self.refresh()


def _age_s(path: Path) -> float:
    """Since something was put into a folder; 0 where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _over_all(guesses: list[Floats], looks: int) -> list[Whole]:
    """Of what was guessed in each segment, where the best of all together are."""
    together = np.concatenate(guesses)
    is_best = np.isinf(together)  # so few in their segment that they are scored in any case
    guessed = np.flatnonzero(~is_best)
    is_best[guessed[best_of(together[guessed], looks)]] = True
    ends = np.cumsum([len(some) for some in guesses])[:-1]
    return [np.flatnonzero(some) for some in np.split(is_best, ends)]


def _best(segment: Segment, scored: Scored, count: int) -> list[Found]:
    order = np.argsort(-scored.total, kind="stable")[:count]
    rows = scored.rows[order]
    columns: list[NDArray[Any]] = [
        segment.keys[rows],
        segment.owners[rows],
        *(values[order] for values in (scored.total, scored.near, scored.codes)),
    ]
    return [Found(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
