"""Pictures that are encoded while a run decodes them for its detector: when it ends they are an
indexing like any other, and nobody decodes the film for it again."""

from __future__ import annotations

import logging
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from analysis.crossmodal.encodings import Encodings as Packed
from analysis.crossmodal.pictures import Pixels
from analysis.crossmodal.types import Encoder
from analysis.crossmodal.watching import EVERY_S, Watcher
from analysis.errors import AnalysisError
from analysis.media.frames import Frame
from webapp import erasing
from webapp.assets.models import Asset
from webapp.encodings.kept import EncodedInPassing, Encodings
from webapp.indexing.encoders import of_workspace
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.leases import UNFINISHED, Status
from webapp.runs.run import Run
from webapp.runs.segments import Segment
from webapp.spaces.indexes import SpaceIndex
from workers.encodings import encoders
from workers.encodings.segment import keep_packed
from workers.engine.piece import NotYet

log = logging.getLogger("sightline.encode")


class Passing:
    """Encodes the frames that a run shows it. What goes wrong in it is logged: a run is not failed
    for what nobody asked of it."""

    def __init__(self, encoder: Encoder[Pixels]) -> None:
        self._watcher: Watcher | None = Watcher(encoder)

    def __call__(self, frame: Frame) -> None:
        if self._watcher is None:
            return
        try:
            self._watcher(frame)
        except Exception:
            log.exception("Encoding in passing failed")
            self._watcher = None

    def finish(self, start_s: float, end_s: float) -> Packed | None:
        return self._watcher.finish(start_s, end_s) if self._watcher else None


def watcher(run: Run) -> Passing | None:
    """Who encodes the frames of a run. None where they are encoded already, or will be; where the
    run sees too few, or another picture track than players show; where the encoder is not here."""
    options, workspace = run.options, run.asset.workspace
    is_dense = options["mode"] == "every" or options["interval_s"] <= EVERY_S
    if run.again or run.is_shadow or options.get("track") is not None:
        return None
    if options["mode"] == "key" or not is_dense:
        return None
    try:
        encoder = encoders.of_pictures(of_workspace(workspace), workspace)
    except (AnalysisError, NotYet) as error:
        log.info("%s is not encoded in passing: %s", run.asset, error)
        return None
    return None if _known(run.asset, encoder.engine).exists() else Passing(encoder)


def _known(asset: Asset, engine: str) -> QuerySet[Indexing]:
    """Indexings of its pictures by an encoder that are done, or are going on."""
    is_same = Q(status=Status.DONE, engine_digest=engine[:80]) | Q(status__in=UNFINISHED)
    return Indexing.objects.filter(is_same, asset=asset, step=Indexing.Step.PICTURES)


def keep(segment: Segment, seen: Passing | None) -> EncodedInPassing | None:
    """Store what was encoded of a segment; its row is saved with the segment's finish."""
    made = seen.finish(segment.start_s, segment.end_s) if seen else None
    if made is None:
        return None
    name = keep_packed(f"encodings/run-{segment.run_id}", segment.index, made)
    return EncodedInPassing(
        segment=segment,
        engine=made.engine,
        file=name,
        n_items=len(made),
        times=made.times.tobytes(),
    )


def store(segment: Segment, encoded: EncodedInPassing | None) -> None:
    """In place of what was encoded of this segment, in the caller's transaction."""
    before = EncodedInPassing.objects.filter(segment=segment)
    if encoded is None or before.filter(file=encoded.file).exists():
        return
    erasing.delete(before)
    encoded.save()


class Wanted(NamedTuple):
    """How a workspace encodes pictures: what it chose, and the weights that this is by now."""

    key: str
    engine: str


def wanted_now(run: Run) -> Wanted | None:
    """How the workspace of a run encodes now; None where nothing was encoded, or nothing here can.

    It may load a network, which takes seconds: ask before rows are held.
    """
    if not EncodedInPassing.objects.filter(segment__run=run).exists():
        return None
    workspace = run.asset.workspace
    key = of_workspace(workspace)
    try:
        return Wanted(key, encoders.of_pictures(key, workspace).engine)
    except (AnalysisError, NotYet):
        return None


@transaction.atomic
def become_indexing(run: Run, wanted: Wanted | None) -> None:
    """What was encoded of the whole film is an indexing that is done; of a part of it, or where
    another has come to be meanwhile, or the workspace encodes otherwise than `wanted` (see
    `wanted_now`), it goes."""
    rows = EncodedInPassing.objects.filter(segment__run=run).select_related("segment")
    encoded = list(rows.order_by("segment__index"))
    if not encoded:
        return
    asset = Asset.objects.select_for_update(of=("self",)).select_related("workspace")
    held = asset.filter(pk=run.asset_id).first()
    engines = {one.engine for one in encoded}
    is_whole = len(encoded) == run.segments.count() and len(engines) == 1
    if held is None or wanted is None or not is_whole or not _is_wanted(held, wanted, *engines):
        erasing.delete(rows)
        return
    _make(run, held, wanted.key, encoded)
    rows.delete()  # their files are the indexing's now
    SpaceIndex.objects.request_for(held.workspace_id)


def _is_wanted(asset: Asset, wanted: Wanted, engine: str) -> bool:
    """Whether the workspace still encodes so, and nobody else has."""
    still = of_workspace(asset.workspace) == wanted.key and engine == wanted.engine
    return still and not _known(asset, engine).exists()


def _make(run: Run, asset: Asset, key: str, encoded: list[EncodedInPassing]) -> None:
    versions = Indexing.everything.filter(asset=asset, step=Indexing.Step.PICTURES)
    done = {"status": Status.DONE, "started": run.started, "finished": timezone.now()}
    indexing = Indexing.objects.create(
        asset=asset,
        step=Indexing.Step.PICTURES,
        version=(versions.aggregate(n=Max("version"))["n"] or 0) + 1,
        options=Indexing.DEFAULTS[Indexing.Step.PICTURES] | {"encoder": key},
        engine=key,
        engine_title=encoders.title_of(key, asset.workspace_id)[:120],
        engine_digest=encoded[0].engine[:80],
        stage=Indexing.Stage.FINISH,
        notes=[f"Encoded while run {run.pk} looked at the film."],
        duration_s=run.duration_s,
        **done,
    )
    segments = IndexingSegment.objects.bulk_create(
        IndexingSegment(
            indexing=indexing,
            index=one.segment.index,
            start_s=one.segment.start_s,
            end_s=one.segment.end_s,
            done_s=one.segment.end_s - one.segment.start_s,
            frames={"sampled": one.n_items, "read": one.n_items},
            **done,
        )
        for one in encoded
    )
    Encodings.objects.bulk_create(
        Encodings(
            segment=segment,
            asset=asset,
            modality=Encodings.Modality.PICTURE,
            engine=one.engine,
            file=one.file,
            n_items=one.n_items,
            times=one.times,
        )
        for segment, one in zip(segments, encoded, strict=True)
    )
