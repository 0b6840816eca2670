"""What encoders made of a workspace's assets, read for making and teaching spaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.crossmodal.encodings import Encodings as Packed
from analysis.crossmodal.encodings import items_of, rows_of
from analysis.crossmodal.items import Items, Whole
from analysis.errors import AnalysisError, UnusableModel
from webapp.accounts.models import Workspace
from webapp.encodings.kept import Encodings


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of an asset, as one encoder sees it."""

    asset: int
    packed: Packed


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """All stretches of one modality that were read, and their items that are not blank.

    which, rows: of each item its stretch and its row there.
    """

    stretches: Sequence[Stretch]
    items: Items
    which: Whole
    rows: Whole

    @classmethod
    def of(cls, stretches: Sequence[Stretch]) -> Kind:
        """Raises AnalysisError where nothing is left to go by."""
        packed = [one.packed for one in stretches]
        return cls(stretches, items_of(packed), *rows_of(packed))

    def asset(self, item: int) -> int:
        return self.stretches[int(self.which[item])].asset

    def times(self, item: int) -> tuple[float, float, float]:
        """time_s, start_s, end_s."""
        packed = self.stretches[int(self.which[item])].packed
        time_s, start_s, end_s = packed.times[int(self.rows[item])].tolist()
        return time_s, start_s, end_s

    def some(self, most: int) -> Kind:
        """Evenly some of its items, where it has more than `most`."""
        if len(self.items) <= most:
            return self
        chosen = np.unique(np.linspace(0, len(self.items) - 1, most).astype(np.int64))
        return Kind(
            self.stretches, self.items.chosen(chosen), self.which[chosen], self.rows[chosen]
        )


def newest(workspace: Workspace | int, modality: str, engine: str) -> list[Encodings]:
    """Of each asset the encodings of its newest indexing by this engine that was not deleted."""
    rows = (
        Encodings.objects.in_sight()
        .filter(asset__workspace=workspace, modality=modality, engine=engine)
        .select_related("segment")
        .defer("times")  # of all that is encoded, to read a few thousand items
        .order_by("asset", "segment__start_s")
    )
    latest: dict[int, int] = {}
    for row in rows:
        at = row.segment.indexing_id
        latest[row.asset_id] = max(latest.get(row.asset_id, at), at)
    return [row for row in rows if row.segment.indexing_id == latest[row.asset_id]]


def read(
    rows: Iterable[Encodings], most: int, tick: Callable[[], None]
) -> tuple[list[Stretch], list[str]]:
    """The stretches of some rows, evenly fewer where they hold more than `most` items, and
    sentences on those that cannot be read."""
    chosen = _evenly(list(rows), most)
    found, damaged = [], 0
    for row in chosen:
        tick()
        try:
            found.append(Stretch(row.asset_id, row.read()))
        except (OSError, UnusableModel):
            damaged += 1
    told = []
    if damaged:
        told.append(
            f"{damaged} stretch{'es' if damaged > 1 else ''} of what was encoded could not be "
            "read, and nothing was learnt from it: encode it again."
        )
    return found, told


def _evenly(rows: list[Encodings], most: int) -> list[Encodings]:
    total = sum(row.n_items for row in rows)
    if total <= most:
        return rows
    n = max(int(len(rows) * most / total), 1)
    return [rows[at] for at in np.unique(np.linspace(0, len(rows) - 1, n).astype(int)).tolist()]


def kinds_of(
    workspace: Workspace, engines: dict[str, str], most: int, tick: Callable[[], None]
) -> tuple[dict[str, Kind], list[str]]:
    """What there is of each modality, by the encoder that is named for it, and sentences.

    Raises AnalysisError where there is nothing at all to go by.
    """
    kinds: dict[str, Kind] = {}
    told: list[str] = []
    problem = "Nothing that was encoded can be read. Encode the library's pictures again."
    for modality, engine in engines.items():
        stretches, said = read(newest(workspace, modality, engine), most, tick)
        told += said
        if not stretches:
            continue
        try:
            kinds[modality] = Kind.of(stretches)
        except AnalysisError as error:  # black frames, silence
            problem = error.message
            told.append(f"No {modality} was taken. {error.message}")
    if not kinds:
        raise AnalysisError(problem)
    return kinds, told
