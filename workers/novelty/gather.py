"""All that the newest analyses of a project keep → groups that may be new brands."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from analysis.novelty.grouping import ALIKE, Group, group, one_a_sight
from analysis.novelty.regions import NONE, SIZE, Floats
from webapp.novelty.groups import NewBrand
from webapp.novelty.known import SURE, KnownLooks, novel_rows
from webapp.novelty.moments import sight_json, spans
from webapp.novelty.work import NoveltyWork
from webapp.runs.regions import RunRegions, regions_of
from webapp.runs.run import Run
from webapp.search.keeping import newest_runs
from workers.engine.heartbeat import Heartbeat
from workers.novelty.known import Known, known_of
from workers.novelty.sheets import Sheets

MOST_GROUPS = 60  # that are offered
MOST_SIGHTS = 12  # of a group that are shown
_MOST_JUDGED = 300  # groups, of which it is looked whether they look like a logo
_LEAST_S = 1.0  # on screen, of what was seen once
_MOST_REGIONS = 100_000  # of all analyses together, those longest on screen


class _Unknown(NamedTuple):
    """Sights of no known label, of all analyses."""

    looks: Floats
    runs: NDArray[np.intp]  # which analysis each is of
    rows: NDArray[np.intp]  # the region that stands for it
    spans: NDArray[np.float64]


def gather(row: NoveltyWork, beat: Heartbeat) -> dict[str, Any] | None:
    """Put together what is new in a project. Stored with the finish, or not at all."""

    runs = list(newest_runs().filter(project=row.project).select_related("asset").order_by("pk"))
    beat.note(step="reading what the analyses keep", progress=0.05)
    found = [(run, kept) for run in runs if (kept := regions_of(run)) is not None]
    beat.note(step="looking at what is known", progress=0.1)
    known = known_of(row.project, [kept.regions for _, kept in found], beat.tick)
    beat.note(step="putting together what looks alike", progress=0.6)
    unknown = _unknown(found, known)
    beat.tick()
    groups = group(unknown.looks, _files(found, unknown), unknown.spans)
    made = _brands(row, [one for one in groups if _is_seen(one)], unknown, found, beat)
    _store(row, known, made, n_without=len(runs) - len(found))
    return None


def _unknown(found: list[tuple[Run, RunRegions]], known: Known) -> _Unknown:
    """One look for each sight of no known label, those longest on screen first."""
    looks, runs, rows, times = [], [], [], []
    for number, (_, kept) in enumerate(found):
        some = kept.regions
        is_sure = (some.rows["label"] != NONE) & (some.rows["confidence"] >= SURE)
        which = np.flatnonzero(novel_rows(some, known.prototypes, known.fit) & ~is_sure)
        means, first = one_a_sight(some.looks[which], some.rows["sight"][which])
        looks.append(means)
        rows.append(which[first])
        runs.append(np.full(len(first), number, np.intp))
        times.append(spans(some.rows[which[first]]))
    joined = (
        np.concatenate([np.empty((0, SIZE), np.float32), *looks]),
        np.concatenate([np.empty(0, np.intp), *runs]),
        np.concatenate([np.empty(0, np.intp), *rows]),
        np.concatenate([np.empty((0, 2)), *times]),
    )
    lasts = joined[3][:, 1] - joined[3][:, 0]
    order = np.argsort(-lasts, kind="stable")[:_MOST_REGIONS]
    return _Unknown(*(values[order] for values in joined))


def _files(found: list[tuple[Run, RunRegions]], unknown: _Unknown) -> NDArray[np.intp]:
    assets = np.array([run.asset_id for run, _ in found], np.intp)
    return assets[unknown.runs] if len(assets) else unknown.runs


def _is_seen(one: Group) -> bool:
    """Seen more than once or for a while; of a picture, which has no time, once is all there is."""
    return len(one.sights) > 1 or one.seconds >= _LEAST_S or one.seconds == 0


def _brands(
    row: NoveltyWork,
    groups: list[Group],
    unknown: _Unknown,
    found: list[tuple[Run, RunRegions]],
    beat: Heartbeat,
) -> list[NewBrand]:
    """As they are offered: those that look less like a logo than logos do come last."""
    sheets = Sheets()
    made = []
    for one in groups[:_MOST_JUDGED]:
        beat.tick()
        brand = _brand(row, one, unknown, found)
        runs, rows = unknown.runs[one.sights], unknown.rows[one.sights]
        some = zip(runs.tolist(), rows.tolist(), strict=True)
        brand.is_doubtful = sheets.doubts([(*found[run], at) for run, at in some])
        made.append(brand)
    return sorted(made, key=lambda brand: brand.is_doubtful)


def _brand(
    row: NoveltyWork, one: Group, unknown: _Unknown, found: list[tuple[Run, RunRegions]]
) -> NewBrand:
    shown = one.sights[:MOST_SIGHTS]
    sights = [
        sight_json(found[run][0], found[run][1], at)
        for run, at in zip(unknown.runs[shown].tolist(), unknown.rows[shown].tolist(), strict=True)
    ]
    return NewBrand(
        project=row.project,
        look=one.look.astype("<f4").tobytes(),
        sights=sights,
        n_sights=len(one.sights),
        n_files=one.n_files,
        seconds=round(one.seconds, 3),
    )


@transaction.atomic
def _store(row: NoveltyWork, known: Known, made: list[NewBrand], *, n_without: int) -> None:
    """What was decided stays decided: what looks like it is not offered again."""
    note = f"{n_without} analyses are older than regions and keep none." if n_without else ""
    if not row.finish(progress=1.0, step="", note=note):
        return
    KnownLooks.objects.update_or_create(
        project=row.project,
        defaults={
            "prototypes": known.packed,
            "fit": known.fit.to_json() if known.fit else None,
            "source": known.source,
            "problem": known.problem,
        },
    )
    before = list(NewBrand.objects.select_for_update().filter(project=row.project))
    decided = [one for one in before if one.state != NewBrand.State.OPEN]
    offered = [one for one in before if one.state == NewBrand.State.OPEN]
    new = [one for one in made if _most_alike(one, decided) is None][:MOST_GROUPS]
    for place, one in enumerate(new):
        one.place = place
        if (same := _most_alike(one, offered)) is not None:
            one.pk, one.created = same.pk, same.created
            offered.remove(same)
        one.save()
    NewBrand.objects.filter(pk__in=[one.pk for one in offered]).delete()


def _most_alike(brand: NewBrand, others: list[NewBrand]) -> NewBrand | None:
    """The one that it is, as far as looks tell."""
    if not others:
        return None
    likeness = np.stack([one.read_look() for one in others]) @ brand.read_look()
    best = int(likeness.argmax())
    return others[best] if likeness[best] >= ALIKE else None
