"""Frames of past analyses in which the version in use is sure of all that it sees.

Read from what the analyses kept, so that no model is asked again; only the chosen frames are
decoded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from analysis.datasets.types import LabelledSet
from analysis.errors import AnalysisError, Stopped
from analysis.film.columns import Columns
from analysis.measuring.predictions import Predictions
from analysis.media.frames import FrameReader
from analysis.media.thumbnails import jpeg
from analysis.pseudo_labels.positives import scores_of_truth
from analysis.pseudo_labels.selection import MANY, Choosing, Span, SureFrame, spread, sure_frames
from analysis.pseudo_labels.thresholds import Threshold, thresholds
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.pseudo_pictures import PseudoPicture
from webapp.datasets.versions import DatasetVersion
from webapp.improving.rounds import Round
from webapp.review_queue.items import ReviewItem, State
from webapp.reviewing.corrections import Correction
from webapp.reviewing.verdicts import Verdict
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from workers.datasets.pictures import Shown
from workers.datasets.pseudo import measured_films
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path

MOST_RUNS = 20
NEAR_S = 0.5  # of what a person said of a moment
_CHOOSING = Choosing()


class Found(NamedTuple):
    """A run with what it found; `names` are of the numbers of its labels."""

    run: Run
    columns: Columns
    names: Mapping[int, str]


@dataclass(slots=True)
class Mined:
    """Frames that are not stored yet as rows, and what a person is told."""

    pictures: list[PseudoPicture] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)


def mine(
    row: Round, labelled: LabelledSet, predictions: Predictions | None, stage: int, beat: Heartbeat
) -> Mined:
    """The frames of this round. Their files are stored, called by what is in them.

    predictions: of the version in use on the frozen pictures; the golden ones of them say nothing
    here, since they are to judge. stage: how often this loop has learnt in this way before.
    """
    dataset, version = row.loop.dataset, row.version
    assert dataset is not None
    assert version is not None
    found = [_found(run) for run in _runs(row, dataset, measured_films(labelled))]
    limits = _limits(labelled, predictions, found, stage)
    chosen, left_out = _chosen(found, limits, labelled)
    mined = Mined()
    notes: list[str] = []
    for one, frames in chosen:
        try:
            mined.pictures += _pictures(one, frames, dataset, version, beat)
        except (AnalysisError, FileNotFoundError) as error:
            notes.append(f"{one.run.asset}: {error}")
    mined.report = {
        "n": len(mined.pictures),
        "stage": stage,
        "runs": [one.run.pk for one in found],
        "thresholds": _rows(limits, mined.pictures),
        "left_out": left_out,
        "notes": notes[:10],
    }
    return mined


def _runs(row: Round, dataset: Dataset, measured: set[str]) -> list[Run]:
    """The newest analysis of each film with the version in use; none of a film measured on."""
    if row.production is None:
        return []
    runs = Run.objects.finished().filter(
        project=dataset.project_id,
        asset__kind=Asset.Kind.VIDEO,
        asset__removed=None,
        inputs__model__id=row.production.pk,
    )
    newest: dict[int, Run] = {}
    for run in runs.select_related("asset").order_by("-pk")[: 10 * MOST_RUNS]:
        if run.asset.name not in measured and run.options.get("track") is None:
            newest.setdefault(run.asset_id, run)
    return list(newest.values())[:MOST_RUNS]


def _found(run: Run) -> Found:
    return Found(run, columns_of(run), {pk: name for name, pk in run.label_ids().items()})


# --- how sure -------------------------------------------------------------------------------------


def _limits(
    labelled: LabelledSet, predictions: Predictions | None, found: Sequence[Found], stage: int
) -> dict[str, Threshold]:
    golden = {p.source for p in labelled.pictures if p.is_golden}
    true: dict[str, list[float]] = {}
    if predictions is not None:
        others = [p for p in predictions["pictures"] if p["source"] not in golden]
        true = scores_of_truth({**predictions, "pictures": others})
    said: dict[str, list[float]] = defaultdict(list)
    for one in found:
        for name, scores in _of_tracks(one):
            said[name] += scores
    return thresholds(labelled.labels, true, said, stage=stage)


def _of_tracks(one: Found) -> Iterator[tuple[str, list[float]]]:
    """How sure it is of each track of a label: many frames of one say the same thing."""
    boxes = one.columns.detections
    for label, name in one.names.items():
        own = boxes[(boxes["label"] == label) & (boxes["track"] >= 0)]
        tracks, place = np.unique(own["track"], return_inverse=True)
        best = np.zeros(len(tracks))
        np.maximum.at(best, place, own["confidence"])
        yield name, best.tolist()


def _rows(limits: Mapping[str, Threshold], pictures: Sequence[PseudoPicture]) -> list[Any]:
    n = {name: sum(any(b["label"] == name for b in p.boxes) for p in pictures) for name in limits}
    return [{"label": name, "n": n[name]} | asdict(limit) for name, limit in limits.items()]


# --- which frames ---------------------------------------------------------------------------------


def _chosen(
    found: Sequence[Found], limits: Mapping[str, Threshold], labelled: LabelledSet
) -> tuple[list[tuple[Found, list[SureFrame]]], dict[str, int]]:
    left_out: dict[str, int] = defaultdict(int)
    every: list[SureFrame] = []
    owner: dict[int, Found] = {}
    for one in found:
        by_label = {n: limits[name].value for n, name in one.names.items() if name in limits}
        barred = _barred(one.run, labelled)
        some = sure_frames(one.columns, by_label, barred=barred, choosing=_CHOOSING)
        for why, n in some.left_out.items():
            left_out[why] += n
        every += some.frames
        owner |= {id(frame): one for frame in some.frames}
    kept = spread(every, _CHOOSING.most)
    if len(kept) < len(every):
        left_out[MANY] += len(every) - len(kept)
    mine = [(one, [f for f in kept if owner[id(f)] is one]) for one in found]
    return [(one, frames) for one, frames in mine if frames], dict(left_out)


def _barred(run: Run, labelled: LabelledSet) -> list[Span]:
    """When people said something of this film, or were asked to by an audit."""
    asset = run.asset
    audits = Asset.objects.filter(pk=asset.pk, runs__audit__labels__items__isnull=False)
    times = list(audits.values_list("runs__audit__labels__items__time_s", flat=True))
    items = ReviewItem.objects.filter(run__asset=asset, state=State.DONE)
    times += list(items.values_list("time_s", flat=True))
    times += [p.time_s for p in labelled.pictures if p.video == asset.name and p.time_s is not None]
    spans = [(time_s, time_s) for time_s in times]
    for verdict in Verdict.objects.standing().filter(asset=asset):
        start, end = verdict.start_s, verdict.end_s  # None: of this frame alone
        at = verdict.time_s
        spans.append((at if start is None else start, at if end is None else end))
    said = Correction.objects.standing().filter(asset=asset)
    spans += list(said.values_list("start_s", "end_s"))
    return [(start - NEAR_S, end + NEAR_S) for start, end in spans]


def _pictures(
    one: Found,
    frames: Sequence[SureFrame],
    dataset: Dataset,
    version: DatasetVersion,
    beat: Heartbeat,
) -> Iterator[PseudoPicture]:
    asset = one.run.asset
    times = [frame.time_s for frame in frames]
    with FrameReader(local_path(asset.file), times, hop=True) as reader:
        for decoded in reader:
            if beat.should_stop():
                raise Stopped
            frame = min(frames, key=lambda f: abs(f.time_s - decoded.time_s))
            image = decoded.bgr()
            stored = Shown(jpeg(image, quality=93), ".jpg", image).stored(dataset)
            yield PseudoPicture(
                version=version,
                source=f"{asset.name}@{frame.time_s:.3f}"[-255:],
                asset=asset,
                video=asset.name,
                time_s=frame.time_s,
                boxes=[
                    {
                        "label": one.names[box.label],
                        "box": [round(v, 5) for v in box.box],
                        "confidence": round(box.confidence, 4),
                    }
                    for box in frame.boxes
                ],
                **stored,
            )
