"""Highlight reels of the brands of an issued report: cut from the exposures that it counts, as it
counted them, and shown by those of its links that show reels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from analysis.cutting import Clip, Shown
from webapp.accounts.models import Refused, User
from webapp.cuts.choosing import ReelWish, best_of
from webapp.cuts.cut import Cut
from webapp.cuts.renderings import Rendering
from webapp.cuts.sources import source_of
from webapp.reports.models import Report, ReportReel


@dataclass(frozen=True, slots=True)
class Reel:
    """As it stands. `done`: the film, None where there is none to be seen yet; `latest`: the newest
    rendering, which may be going on."""

    cut: Cut
    done: Rendering | None
    latest: Rendering | None


def reels_of(report: Report) -> dict[int, Reel]:
    """Those that were made of a report, by label. A deleted cut is no reel."""
    rows = ReportReel.objects.filter(report=report, cut__removed=None).select_related("cut")
    renderings = Rendering.objects
    return {
        row.label: Reel(row.cut, renderings.done(row.cut), renderings.newest(row.cut))
        for row in rows
    }


def film_of(report: Report, label: int) -> Rendering | None:
    """The film of a brand's reel; None where there is none, or what it shows was deleted."""
    reel = reels_of(report).get(label)
    return reel.done if reel else None


@transaction.atomic
def make_reel(report: Report, label: int, *, by: User) -> Cut:
    """Cut a brand's best exposures of a report, and have them rendered. Raises Refused."""
    Report.objects.select_for_update().get(pk=report.pk)  # two may ask at once
    if label in reels_of(report):
        raise Refused("This brand has a highlight reel here already.")
    brand = _brand(report, label)
    clips = _clips(report, brand)
    title = f"{brand['name']}: highlights of {report.title}"
    chosen = {"report": report.pk, "label": label}
    cut = Cut.objects.make(report.workspace, clips, title=title, by=by, chosen=chosen)
    ReportReel.objects.update_or_create(report=report, label=label, defaults={"cut": cut})
    Rendering.objects.request(cut, by=by)
    return cut


def _brand(report: Report, label: int) -> dict[str, Any]:
    brands = report.numbers["exposure"]["brands"]
    found = next((b for b in brands if b["label"] == label and not b["is_hidden"]), None)
    if found is None:
        raise Refused("This report counts no such brand.")
    return dict(found)


def _clips(report: Report, brand: dict[str, Any]) -> list[Clip]:
    run = report.run()
    if run is None:
        raise Refused("The film behind this report was deleted.")
    source = source_of(run.asset)
    seen = [
        Shown(source, e["start_s"], e["end_s"], e["mean_size"], e["peak_confidence"], brand["name"])
        for e in brand["episodes"]
    ]
    return best_of(seen, ReelWish(), brand["name"])
