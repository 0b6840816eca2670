"""A label of a labelling job → proposals on its pictures and frames, by a space and by regions that
analyses keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from analysis.crossmodal.localising import strongest_box, where_shared
from analysis.crossmodal.space import Placed
from analysis.crossmodal.space import Space as TaughtSpace
from analysis.crossmodal.types import PICTURE, TEXT, Encoded, Encoder
from analysis.errors import AnalysisError, Stopped, UnusableModel
from analysis.media.frames import read_picture
from analysis.novelty.likeness import ALIKE, nearest
from analysis.novelty.regions import SIDES
from analysis.types import Box
from webapp.asking.findings import Finding
from webapp.asking.questions import of_words
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Annotation, Sample
from webapp.encodings.kept import Encodings
from webapp.labelling.items import Item
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.works import Work
from webapp.novelty.past import looks_of
from webapp.runs.regions import regions_of
from webapp.search.keeping import newest_runs
from webapp.spaces.searching import read_space
from webapp.spaces.space import Space
from workers.asking import encoders
from workers.asking.bounds import LEAST_JUDGED, Bound, bound_of
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.engine.piece import NotYet, piece

MOST_REFERENCES = 8
MOST_OF_AN_ITEM = 40  # proposals
_NEAR_S = 0.5  # of a frame of a clip, from a region or an encoded frame
_JUDGED = 60  # labelled pictures with the label, and without, that say what is alike enough


@dataclass(frozen=True, slots=True)
class _Question:
    modality: str
    encoded: Encoded
    placed: Placed


@dataclass(frozen=True, slots=True)
class _Seen:
    """A frame of an item, and how well it matches."""

    item: int
    frame: int
    score: float
    box: Box | None


@piece(Finding)
def find_all(row: Finding, beat: Heartbeat) -> dict[str, Any]:
    """Done again after a crash, it is the same: what it proposed before goes first."""
    items = _open_items(row.job)
    space = Space.objects.serving(row.job.dataset.project.workspace)
    taught = read_space(space) if space else None
    asked = _questions(row, space, taught) if space and taught else []
    by_item: dict[int, list[dict[str, Any]]] = {item.pk: [] for item in items}
    n_regions = _by_regions(row, items, by_item)
    made = _Made.of(space, items) if asked and space else None
    seen: list[_Seen] = []
    for n, item in enumerate(items):
        if beat.should_stop():
            raise Stopped
        beat.note(progress=n / max(len(items), 1))
        if made and taught and not by_item[item.pk]:
            seen += _looked_at(item, made, taught, asked)
    says = ""
    if seen and made and taught:
        bound = _bound(row, made, taught, asked, beat)
        says = bound.says
        for one, confidence in zip(seen, bound.likely([one.score for one in seen]), strict=True):
            if confidence is not None:
                by_item[one.item].append(_proposal(row, one.frame, one.box, confidence))
    n_found = sum(keep(row, item, by_item[item.pk]) for item in items)
    note = _note(row, asked, n_found, n_regions, says)
    return {"progress": 1.0, "n_found": n_found, "note": note}


def _open_items(job: LabelingJob) -> list[Item]:
    """Those that somebody has still to label, or is at."""
    taken = Work.objects.filter(item=OuterRef("pk"), status=Work.Status.CLAIMED)
    there = job.items.filter(Q(n_open__gt=0) | Exists(taken), set_aside=None)
    return list(there.select_related("sample").order_by("position"))


def _note(row: Finding, asked: Sequence[_Question], n_found: int, n_regions: int, says: str) -> str:
    """says: of those that a space found, where the bound comes from."""
    name = row.words or row.label.name
    if not asked and not n_regions:
        return (
            f"There is nothing to find {name} by: give the label a logo picture, or teach a space "
            "from pairs of pictures and words, so that words find pictures."
        )
    if not n_found:
        return f"{name} was found nowhere in what is left to label."
    places = "place is" if n_found == 1 else f"{n_found:,} places are"
    told = f"{'One ' if n_found == 1 else ''}{places} proposed for {row.label.name}."
    return f"{told} {says}" if says and n_found > n_regions else told


# --- what is looked for ---------------------------------------------------------------------------


def _questions(row: Finding, space: Space, taught: TaughtSpace) -> list[_Question]:
    """The words, where the space knows words; and the label's logo pictures, unless other words
    were given than its name."""
    found = []
    name = row.words or row.label.name
    words = of_words(space, taught, name) if taught.compares(TEXT, PICTURE) else None
    if words is not None:
        found.append(_Question(TEXT, words.encoded, words.placed))
    if row.words and row.words.casefold() != row.label.name.casefold():
        return found
    return found + _logos(row, space, taught)


def _logos(row: Finding, space: Space, taught: TaughtSpace) -> list[_Question]:
    if PICTURE not in space.engines:
        return []
    encode = encoders.encoder_of(space.workspace, PICTURE, space.engines[PICTURE])
    files = row.label.references.filter(not_this=False).values_list("file", flat=True)
    pictures = [read_picture(local_path(name)) for name in files[:MOST_REFERENCES]]
    if encode is None or not pictures:
        return []
    made = [one for one in encode(pictures) if not one.blank]
    return [_Question(PICTURE, one, taught.place(PICTURE, [one])) for one in made]


# --- by a space -----------------------------------------------------------------------------------


def _looked_at(
    item: Item, made: _Made, taught: TaughtSpace, asked: Sequence[_Question]
) -> Iterator[_Seen]:
    for frame, one in _encoded(item, made):
        if one.blank:
            continue
        score, best = _score(one, taught, asked)
        shared = taught.explain(best.modality, best.encoded, PICTURE, one)
        yield _Seen(item.pk, frame, score, strongest_box(where_shared(shared)))


def _score(
    one: Encoded, taught: TaughtSpace, asked: Sequence[_Question]
) -> tuple[float, _Question]:
    """How well a picture matches, and what it matches best."""
    placed = taught.place(PICTURE, [one])
    scores = [float(taught.scores(q.modality, q.placed, PICTURE, placed)[0, 0]) for q in asked]
    best = int(np.argmax(scores))
    return scores[best], asked[best]


def _bound(
    row: Finding,
    made: _Made,
    taught: TaughtSpace,
    asked: Sequence[_Question],
    beat: Heartbeat,
) -> Bound:
    """From which score on a picture is proposed, by pictures of the dataset that are labelled."""
    name = row.words or row.label.name
    bearing, others = _labelled(row)
    if min(len(bearing), len(others)) < LEAST_JUDGED:
        return bound_of(name, [], [])
    if (encode := made.encode or _encoder_here(row)) is None:
        return Bound(
            None,
            f"They stand out among these, whether they show {name} or not: labelled pictures "
            "cannot be compared, because their encoder is not on this machine.",
        )
    scores = [
        [_score(one, taught, asked)[0] for one in _pictures(files, encode, beat)]
        for files in (bearing, others)
    ]
    return bound_of(name, *scores)


def _encoder_here(row: Finding) -> Encoder[Any] | None:
    """That of the space which answers, for a job of films alone; None where it is elsewhere."""
    workspace = row.job.dataset.project.workspace
    try:
        return encoders.encoder_of(workspace, PICTURE, encoders.wanted(workspace, PICTURE))
    except (AnalysisError, NotYet):
        return None


def _pictures(files: Sequence[str], encode: Encoder[Any], beat: Heartbeat) -> Iterator[Encoded]:
    """What there is to see in them."""
    for name in files:
        beat.tick()
        one = encode([read_picture(local_path(name))])[0]
        if not one.blank:
            yield one


def _labelled(row: Finding) -> tuple[list[str], list[str]]:
    """Files of labelled pictures of the dataset with the label, and without it."""
    current = row.job.dataset.samples.current().filter(state=Sample.State.LABELLED)
    real = current.exclude(origin=Sample.Origin.SYNTHETIC)
    has_box = Exists(Annotation.objects.filter(sample=OuterRef("pk"), label=row.label_id))
    bearing: list[str] = []
    others: list[str] = []
    for file, labels, boxed in real.annotate(boxed=has_box).values_list("file", "labels", "boxed"):
        (bearing if boxed or row.label_id in labels else others).append(file)
    return _evenly(bearing), _evenly(others)


def _evenly(files: list[str]) -> list[str]:
    return [
        files[at]
        for at in np.unique(
            np.linspace(0, len(files) - 1, min(len(files), _JUDGED)).astype(int)
        ).tolist()
    ]


@dataclass(frozen=True, slots=True)
class _Made:
    """What there is of pictures that a space compares, looked up once for all items of a job."""

    encode: Encoder[Any] | None  # None: it is not here any more, or there is no picture
    newest: dict[int, int]  # indexings, by asset

    @classmethod
    def of(cls, space: Space, items: Sequence[Item]) -> _Made:
        engine = space.engines.get(PICTURE, "")
        newest = Encodings.objects.newest(space.workspace, engine)
        if all(item.is_clip for item in items):  # films are encoded already: no encoder is missed
            return cls(None, newest)
        return cls(encoders.encoder_of(space.workspace, PICTURE, engine), newest)


def _encoded(item: Item, made: _Made) -> Iterator[tuple[int, Encoded]]:
    """The frames of an item: of a film those that are encoded already, of a picture itself."""
    if not item.is_clip:
        if made.encode is not None and item.sample is not None:
            yield 0, made.encode([read_picture(local_path(item.sample.file))])[0]
        return
    newest = made.newest.get(item.asset_id or 0)
    rows = Encodings.objects.in_sight().filter(segment__indexing=newest, modality=PICTURE)
    for row in rows.order_by("segment__index") if newest else ():
        yield from _frames(item, row)


def _frames(item: Item, row: Encodings) -> Iterator[tuple[int, Encoded]]:
    times = np.asarray(item.times_s)
    near = [(at, *_nearest(times, time_s)) for at, time_s in enumerate(row.frames()["time_s"])]
    wanted = [(at, frame) for at, frame, far_s in near if far_s <= _NEAR_S]
    if not wanted:
        return
    try:
        packed = row.read()
    except UnusableModel:  # it is encoded anew when the index meets it
        return
    for at, frame in wanted:
        yield frame, packed.encoded(at)


def _nearest(times: np.ndarray, time_s: float) -> tuple[int, float]:
    frame = int(np.argmin(np.abs(times - time_s)))
    return frame, float(abs(times[frame] - time_s))


# --- by regions that analyses keep ----------------------------------------------------------------


def _by_regions(
    row: Finding, items: Sequence[Item], by_item: dict[int, list[dict[str, Any]]]
) -> int:
    """Where the newest analysis of a clip's film keeps what looks like the label."""
    looks = looks_of(row.label)
    clips = [item for item in items if item.is_clip and item.asset_id]
    if not len(looks) or not clips:
        return 0
    runs = newest_runs().filter(
        project=row.job.dataset.project, asset__in={item.asset_id for item in clips}
    )
    n = 0
    for run in runs:
        kept = regions_of(run)
        if kept is None or not len(kept.regions.rows):
            continue
        likeness, _ = nearest(kept.regions.looks, looks)
        for at in np.flatnonzero(likeness >= ALIKE).tolist():
            region = kept.regions.rows[at]
            box = Box(*(float(region[side]) for side in SIDES))
            for item in (one for one in clips if one.asset_id == run.asset_id):
                frame, far_s = _nearest(np.asarray(item.times_s), float(region["time_s"]))
                if far_s <= _NEAR_S:
                    confidence = float(min(max(likeness[at], 0.0), 1.0))
                    by_item[item.pk].append(_proposal(row, frame, box, confidence))
                    n += 1
    return n


# --- keeping --------------------------------------------------------------------------------------


def _proposal(row: Finding, frame: int, box: Box | None, confidence: float) -> dict[str, Any]:
    is_whole = box is None or row.job.dataset.task != Dataset.Task.BOXES
    sides = Box(0.0, 0.0, 1.0, 1.0) if is_whole or box is None else box.clipped()
    return {
        "frame": frame,
        "label": row.label_id,
        "box": [round(side, 5) for side in sides],
        "confidence": round(confidence, 3),
    }


def keep(row: Finding, item: Item, found: list[dict[str, Any]]) -> int:
    """Beside what the detector proposed, in place of what was found of this label before."""
    mark = f"s{row.label_id}-"
    best = sorted(found, key=lambda one: -one["confidence"])[:MOST_OF_AN_ITEM]
    new = [{"id": f"{mark}{n}", **one} for n, one in enumerate(best)]
    with transaction.atomic():
        # As they are now: others proposed what they found while this was looked for.
        now = (
            Item.objects.select_for_update().filter(pk=item.pk).values_list("proposals", flat=True)
        )
        proposals = now.first()
        if proposals is None:  # the item was deleted
            return 0
        before = [one for one in proposals if not str(one["id"]).startswith(mark)]
        if new or len(before) != len(proposals):
            Item.objects.filter(pk=item.pk).update(proposals=[*before, *new])
    return len(new)
