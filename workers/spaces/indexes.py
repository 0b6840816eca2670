"""The index of a modality in a space, brought up to date: what was encoded since is placed, what is
gone is dropped. Gone on with after a crash from the last assets that were stored."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import Max

from analysis.crossmodal.encodings import (
    SHOT_S,
    STRETCH_S,
    clip_spans,
    clips_of,
    items_of,
    rows_of,
)
from analysis.crossmodal.encodings import (
    Encodings as Packed,
)
from analysis.crossmodal.index import VERSION, Index
from analysis.crossmodal.items import Items
from analysis.crossmodal.segments import Entries
from analysis.crossmodal.space import Placed
from analysis.crossmodal.space import Space as Taught
from analysis.errors import Stopped, UnusableModel
from webapp import erasing
from webapp.accounts.models import Event
from webapp.assets.models import Asset
from webapp.encodings.kept import Encodings
from webapp.indexing.indexing import Indexing
from webapp.indexing.refusals import IndexingRefused, going_on
from webapp.leases import Status
from webapp.runs.found import Shot
from webapp.runs.run import Run
from webapp.spaces import parts
from webapp.spaces.indexes import IndexPart, SpaceIndex, key_of
from webapp.spaces.searching import read_space
from webapp.spaces.space import Space
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep_file, scratch_file
from workers.engine.piece import NotYet, piece
from workers.spaces.growth import name_anew_where_grown

log = logging.getLogger("sightline.spaces")

_AT_ONCE = 8192  # items that are placed together, about
_LOOKS_EVERY_S = 300.0
_last = -_LOOKS_EVERY_S
_CLIP = "clip-"  # before the name of a picture encoder


@piece(SpaceIndex, tries=3)
def index_space(row: SpaceIndex, beat: Heartbeat) -> None:
    """Place what is missing in an index, and drop what is gone."""
    asked = SpaceIndex.objects.values_list("asked", flat=True).get(pk=row.pk)
    work = _Work.begun(row)
    wanted = wanted_of(row.space, row.modality)
    work.drop([int(asset) for asset in work.placed if int(asset) not in wanted])
    missing = [asset for asset in wanted if work.placed.get(str(asset)) != wanted[asset]]
    missing.sort(reverse=True)  # what came last is looked for first
    done = len(wanted) - len(missing)
    notes: list[str] = []
    for made in _batches(work.space, row.modality, {a: wanted[a] for a in missing}, notes):
        if beat.should_stop():
            raise Stopped
        done += len(made.assets)
        work.add(made, {asset: wanted[asset] for asset in made.assets})
        work.save(progress=round(done / max(len(wanted), 1), 4))
    work.save(progress=1.0)
    name_anew_where_grown(row.space, work.space, beat.tick)
    with transaction.atomic():
        now = SpaceIndex.objects.select_for_update().values_list("asked", flat=True)
        if now.get(pk=row.pk) != asked:
            raise NotYet  # something came meanwhile
        if row.finish(progress=1.0, notes=notes):
            SpaceIndex.objects.serve(row.space)
            SpaceIndex.objects.note_named(row.space)


def wanted_of(space: Space, modality: str) -> dict[int, list[int]]:
    """Which assets belong into an index: of each its newest indexing by the space's encoder, and
    the run whose shots its clips are (0: none)."""
    engine = space.engines.get(modality, "")
    newest = Encodings.objects.newest(space.workspace_id, engine.removeprefix(_CLIP))
    if modality != "clip":
        return {asset: [indexing, 0] for asset, indexing in newest.items()}
    runs = Run.living.finished().filter(asset__workspace=space.workspace_id)
    latest = dict(runs.order_by().values_list("asset").annotate(newest=Max("pk")))
    # Not `pk__in=newest`: a database takes only so many numbers in one question.
    videos = Asset.objects.filter(workspace=space.workspace_id, kind=Asset.Kind.VIDEO)
    films = videos.values_list("pk", flat=True)
    return {one: [newest[one], latest.get(one, 0)] for one in films if one in newest}


def drop_what_is_gone() -> None:
    """Have a worker look at indexes that hold what was erased, or lack what was encoded, now and
    then: nothing depends on it, since what is answered is looked for among what is there."""
    global _last
    if time.monotonic() - _last < _LOOKS_EVERY_S:
        return
    _last = time.monotonic()
    for row in SpaceIndex.objects.filter(status=Status.DONE).select_related("space__workspace"):
        wanted = wanted_of(row.space, row.modality)
        if row.placed != {str(asset): of for asset, of in wanted.items()} and not row.notes:
            SpaceIndex.objects.request_for(row.space.workspace_id)
    parts.forget_all_but(SpaceIndex.objects.values_list("pk", flat=True))


# --- placing --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """Items of some assets, placed; of an asset in which all is blank there are none."""

    assets: list[int]
    entries: list[Entries]


def _batches(
    space: Taught, modality: str, wanted: dict[int, list[int]], notes: list[str]
) -> Iterator[_Made]:
    made = _Made([], [])
    for asset, (indexing, run) in wanted.items():
        try:
            made.entries.extend(_placed(space, modality, asset, indexing, run))
        except UnusableModel as error:
            log.warning("Asset %s cannot be placed: %s", asset, error)
            notes.append(_encode_anew(asset, indexing))
            continue
        made.assets.append(asset)
        if sum(map(len, made.entries)) >= _AT_ONCE or len(made.assets) >= _AT_ONCE:
            yield made
            made = _Made([], [])
    if made.assets:
        yield made


def _placed(space: Taught, modality: str, asset: int, indexing: int, run: int) -> Iterator[Entries]:
    rows = list(Encodings.objects.filter(segment__indexing=indexing).order_by("segment__index"))
    packed = [row.read() for row in rows]
    if modality == "clip":
        yield from _placed_clips(space, asset, rows, packed, run)
        return
    if not sum(len(one.kept()) for one in packed):
        return
    which, at = rows_of(packed)
    keys = [key_of(rows[w].pk, row) for w, row in zip(which.tolist(), at.tolist(), strict=True)]
    yield _entries(space, modality, asset, keys, items_of(packed))


def _placed_clips(
    space: Taught, asset: int, rows: list[Encodings], packed: list[Packed], run: int
) -> Iterator[Entries]:
    starts = Shot.objects.filter(run=run).order_by("start_s").values_list("start_s", flat=True)
    cuts = np.array(list(starts), np.float64)
    for row, one in zip(rows, packed, strict=True):
        if not len(one.kept()):
            continue
        spans = clip_spans(one.times, cuts, SHOT_S if len(cuts) else STRETCH_S)
        items, chosen = clips_of(one, spans)
        keys = [key_of(row.pk, *spans[at]) for at in chosen.tolist()]
        yield _entries(space, "clip", asset, keys, items)


def _entries(space: Taught, modality: str, asset: int, keys: list[int], items: Items) -> Entries:
    placed = space.place(modality, items)
    owners = np.full(len(keys), asset, np.int64)
    return Entries(np.array(keys, np.int64), owners, placed, space.crowds(modality, placed))


def _encode_anew(asset: int, indexing: int) -> str:
    """What is damaged is told, and encoded again: it is found again when that is done."""
    row = Indexing.objects.select_related("asset__workspace").get(pk=indexing)
    does = "It is being encoded again."
    if going_on(row.asset, row.step) is None:
        try:
            Indexing.objects.request(row.asset, row.step, by=None, options=row.options)
            Event.record(row.asset.workspace, None, "found damaged encodings", str(row.asset))
        except IndexingRefused as refused:
            does = str(refused)
    return f"{row.asset.name}: what was encoded of it is damaged or gone. {does}"


# --- the index itself -----------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Work:
    """An index of which this machine has all parts, and its row."""

    row: SpaceIndex
    space: Taught
    index: Index
    placed: dict[str, list[int]]

    @classmethod
    def begun(cls, row: SpaceIndex) -> _Work:
        """With all that was placed; from nothing where that is damaged or written otherwise."""
        space = read_space(row.space)
        folder = parts.folder_of(row.pk)
        there = list(row.parts.all()) if row.version == VERSION else []
        for _ in range(2):  # what is damaged on this machine may be whole where it is stored
            try:
                parts.fetch(there)
                index = Index(folder, space.version, row.modality, parts.gone_of(there))
                return cls(row, space, index, dict(row.placed) if there else {})
            except UnusableModel:
                parts.distrust(there)
        return cls(row, space, Index(folder, space.version, row.modality, {}), {})

    def drop(self, assets: list[int]) -> None:
        if assets:
            self.index.remove(np.array(assets, np.int64))
            for asset in assets:
                self.placed.pop(str(asset), None)

    def add(self, made: _Made, wanted: dict[int, list[int]]) -> None:
        empty = {*made.assets} - {int(one.owners[0]) for one in made.entries}
        self.index.remove(np.array(sorted(empty), np.int64))
        if made.entries:
            self.index.add(_together(made.entries))
        self.placed |= {str(asset): of for asset, of in wanted.items()}

    def save(self, *, progress: float) -> None:
        """Store what is new before anything names it. Raises Stopped where the lease was lost."""
        self.index.merge()
        now = self.index.parts()
        known = {part.name: part for part in self.row.parts.all()}
        new = [self._put(name) for name in now if name not in known]
        with transaction.atomic():
            about = {"placed": self.placed, "n_items": len(self.index), "version": VERSION}
            if not self.row.progressed(**about, progress=progress):
                raise Stopped
            for part in new:
                part.gone = now[part.name]
            IndexPart.objects.bulk_create(new)
            for name, part in known.items():
                if name in now and part.gone != now[name]:
                    IndexPart.objects.filter(pk=part.pk).update(gone=now[name])
            erasing.delete(self.row.parts.exclude(name__in=now))
        self.index.clear_up()  # only now: who lost the lease removes nothing

    def _put(self, name: str) -> IndexPart:
        with scratch_file(".tar") as scratch:
            part = parts.put(self.row, name, scratch)
            keep_file(part.file, scratch)
        return part


def _together(some: list[Entries]) -> Entries:
    return Entries(
        np.concatenate([one.keys for one in some]),
        np.concatenate([one.owners for one in some]),
        Placed(
            np.concatenate([one.placed.continuous for one in some]),
            np.concatenate([one.placed.codes for one in some]),
        ),
        {name: np.concatenate([one.crowds[name] for one in some]) for name in some[0].crowds},
    )
