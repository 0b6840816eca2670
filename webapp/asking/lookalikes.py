"""Regions of the library that look like what is asked by: those that analyses keep, and cells of
frames where nobody has looked. Nothing is decoded for it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from analysis.boxes import ious
from analysis.crossmodal.localising import strongest_box, where_shared
from analysis.crossmodal.types import PICTURE
from analysis.errors import UnusableModel
from analysis.novelty.likeness import ALIKE, nearest
from analysis.novelty.regions import SIDES, Floats
from webapp.accounts.models import Refused, User, Workspace
from webapp.asking.answering import Answer, Answers
from webapp.asking.asks import Ask
from webapp.asking.wishes import Wish
from webapp.novelty.crops import shown
from webapp.novelty.groups import NewBrand
from webapp.novelty.moments import sight_json
from webapp.pictures import PictureRefused
from webapp.projects.models import Label, Project
from webapp.projects.pictures import read_picture
from webapp.runs.regions import RunRegions, regions_of
from webapp.runs.run import Run
from webapp.search.keeping import newest_runs
from webapp.search.searching import assets_for
from webapp.spaces.searching import encoded, read_space

MOST = 60
_MOST_CELLS = 12  # frames of which the likeliest cell is told
_TYPICAL = 6  # sights that a label's group keeps
_SAME = 0.5  # intersection over union with the region that is asked by
_SAME_S = 1.0
_MOST_KEPT = 48  # runs whose regions a process keeps unpacked
_lock = Lock()
_kept: dict[int, RunRegions] = {}


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """sights: as `webapp.novelty.crops.shown` has them, with “likeness”, the most alike first.
    cells: places in frames of what was never analysed, as {"asset", "time_s", "box"}. n_runs:
    analyses that were looked through; n_without: that keep no regions."""

    sights: list[dict[str, Any]] = field(default_factory=list)
    cells: list[dict[str, Any]] = field(default_factory=list)
    n_runs: int = 0
    n_without: int = 0


def looks_of(wishes: Sequence[Wish]) -> tuple[list[Ask], list[Ask]]:
    """The asks whose region or picture is looked for, and those that are not meant."""
    usable = [w for w in wishes if w.ask.kind in (Ask.Kind.REGION, Ask.Kind.PICTURE) and w.ask.look]
    wanted = [wish.ask for wish in usable if not wish.is_unwanted]
    return wanted, [wish.ask for wish in usable if wish.is_unwanted]


def lookalikes(workspace: Workspace, answers: Answers) -> LookAlikes:
    """Of the newest analysis of each film and project that the filters of the search leave."""
    wanted, unwanted = looks_of(answers.wishes)
    if not wanted:
        return LookAlikes()
    assets = assets_for(workspace, answers.found.query.filters)
    runs = list(newest_runs().filter(asset__in=assets).select_related("asset"))
    looks, against = _looks(wanted), _looks(unwanted)
    sights: list[dict[str, Any]] = []
    looked_at: set[int] = set()
    n_without = 0
    for run in runs:
        if (kept := _regions(run)) is None:
            n_without += 1
            continue
        looked_at.add(run.asset_id)
        sights += _alike(run, kept, looks, against, wanted)
    sights.sort(key=lambda one: (-one["likeness"], one["run"], one["time_s"]))
    cells = _cells(answers, looked_at)
    return LookAlikes(shown(sights[:MOST]), cells, len(runs), n_without)


def _regions(run: Run) -> RunRegions | None:
    """What a run keeps never changes once it is there; a run without may be given it later."""
    with _lock:
        if (kept := _kept.get(run.pk)) is not None:
            return kept
    found = regions_of(run)
    with _lock:
        while len(_kept) >= _MOST_KEPT:
            # any: all are asked for in turn, so that the oldest is the one that is needed next
            _kept.pop(random.choice(list(_kept)))  # noqa: S311  no secret
        if found is not None:
            _kept[run.pk] = found
    return found


def _looks(asks: Sequence[Ask]) -> Floats:
    rows = [look for ask in asks if (look := ask.read_look()) is not None]
    return np.stack(rows) if rows else np.empty((0, 128), np.float32)


def _alike(
    run: Run, kept: RunRegions, looks: Floats, against: Floats, wanted: Sequence[Ask]
) -> list[dict[str, Any]]:
    """One for each sight: its most alike region."""
    rows = kept.regions.rows
    if not len(rows):
        return []
    likeness, _ = nearest(kept.regions.looks, looks)
    if len(against):
        likeness = np.where(nearest(kept.regions.looks, against)[0] < likeness, likeness, -1.0)
    order = np.lexsort((-likeness, rows["sight"]))
    _, first = np.unique(rows["sight"][order], return_index=True)
    best = order[first]
    best = best[likeness[best] >= ALIKE]
    return [
        sight_json(run, kept, at) | {"likeness": round(float(likeness[at]), 3)}
        for at in best.tolist()
        if not any(_is_itself(run, rows[at], ask) for ask in wanted)
    ]


def _is_itself(run: Run, row: np.void, ask: Ask) -> bool:
    if ask.asset_id != run.asset_id or ask.time_s is None or not ask.box:
        return False
    is_then = row["start_s"] - _SAME_S <= ask.time_s <= row["end_s"] + _SAME_S
    there = np.array([[float(row[side]) for side in SIDES]])
    return bool(is_then and ious(there, ask.box)[0, 0] >= _SAME)


# --- where nobody has looked ----------------------------------------------------------------------


def _cells(answers: Answers, looked_at: set[int]) -> list[dict[str, Any]]:
    """Of the best frames of assets that no analysis keeps regions of, the cell that is likest."""
    if answers.space is None:
        return []
    found: list[dict[str, Any]] = []
    for one in sorted(answers.hits.values(), key=lambda answer: answer.rank):
        row = one.question.wish.ask if one.question.wish else None
        is_part = row is not None and row.kind == Ask.Kind.REGION
        is_meant = one.hit.modality == PICTURE and is_part
        if one.hit.asset in looked_at or not is_meant or one.question.weight < 0:
            continue
        if (box := _likest(answers, one)) is not None:
            found.append({"asset": one.hit.asset, "time_s": one.hit.time_s, "box": box})
        if len(found) >= _MOST_CELLS:
            break
    return found


def _likest(answers: Answers, one: Answer) -> list[float] | None:
    assert answers.space is not None
    question = one.question
    try:
        taught = read_space(answers.space)
        shared = taught.explain(question.modality, question.encoded, PICTURE, encoded(one.hit))
    except UnusableModel:
        return None
    box = strongest_box(where_shared(shared))
    return None if box is None else [round(side, 4) for side in box]


# --- a label of it --------------------------------------------------------------------------------


@transaction.atomic
def make_label(ask: Ask, project: Project, name: str, *, by: User) -> Label:
    """A label that is known by what is asked by, so that past analyses can be looked through for it
    and new ones find it. Raises Refused."""
    label = project.add_label(name, by=by)
    be_label(ask, label, by=by)
    return label


@transaction.atomic
def be_label(ask: Ask, label: Label, *, by: User) -> None:
    """What is asked by is a look of this label. Done again, nothing is doubled. Raises Refused."""
    look = ask.read_look()
    if look is None or not ask.file:
        raise Refused("What is asked by has not been looked at yet. Wait a moment.")
    values = look.astype("<f4").tobytes()
    if NewBrand.objects.filter(label=label, look=values).exists():
        return
    given = _give_picture(ask, label, by)
    state = NewBrand.State.KNOWN if label.references.count() > len(given) else NewBrand.State.NAMED
    NewBrand.objects.create(
        project=label.project,
        state=state,
        label=label,
        look=values,
        given=given,
        sights=_typical(label.project, look),
        decided_by=by,
        decided=timezone.now(),
    )


def _give_picture(ask: Ask, label: Label, by: User) -> list[str]:
    """Its own picture, where a logo can be known by it."""
    try:
        with default_storage.open(ask.file) as file:
            picture = read_picture(file)
        label.add_reference(picture, str(ask), by=by)
    except (PictureRefused, Refused) as refused:
        if not label.references.exists():
            raise Refused(str(refused)) from refused
        return []
    return [picture.sha256]


def _typical(project: Project, look: Floats) -> list[dict[str, Any]]:
    """Where the project's own analyses show it most alike."""
    sights: list[dict[str, Any]] = []
    for run in newest_runs().filter(project=project).select_related("asset"):
        if (kept := _regions(run)) is not None:
            sights += _alike(run, kept, look[None], _looks([]), [])
    sights.sort(key=lambda one: -one["likeness"])
    return [{k: v for k, v in one.items() if k != "likeness"} for one in sights[:_TYPICAL]]
