"""The library: which assets a person asked to see, and what a card says of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Exists, F, Max, OuterRef, QuerySet, Sum
from django.http import QueryDict

from webapp.accounts.models import Workspace
from webapp.assets.links import media_link
from webapp.assets.models import Asset, Rendition
from webapp.leases import Status
from webapp.library.forms import LibraryForm
from webapp.projects.models import Label
from webapp.runs.models import Run, Track

PAGE_SIZE = 48
_SORTS = {
    "": ("-created", "-pk"),
    "name": ("name", "pk"),
    "duration": ("-duration_s", "-pk"),
    "size": ("-size_bytes", "-pk"),
}
_UNREADY = (Status.WAITING, Status.WORKING)


@dataclass(frozen=True, slots=True)
class Card:
    """What the library says of one asset."""

    asset: Asset
    poster: str = ""
    run: Run | None = None
    progress: dict[str, Any] = field(default_factory=dict)
    brands: list[Label] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Something is under way, so the card should ask again."""
        return self.asset.status in _UNREADY or (self.run is not None and not self.run.is_over)


def assets_for(workspace: Workspace, form: LibraryForm) -> QuerySet[Asset]:
    """The workspace's assets as the form filters and sorts them."""
    wish = form.cleaned_data
    found = workspace.assets.all()
    if wish["q"]:
        for word in wish["q"].split()[:8]:
            found = found.filter(name__icontains=word)
    if wish["kind"]:
        found = found.filter(kind=wish["kind"])
    if wish["collection"] == "none":
        found = found.filter(collection=None)
    elif wish["collection"]:
        found = found.filter(collection=wish["collection"])
    return _standing(found, wish["status"]).order_by(*_SORTS[wish["sort"]])


def _standing(found: QuerySet[Asset], status: str) -> QuerySet[Asset]:
    succeeded = Run.objects.finished().filter(asset=OuterRef("pk"))
    unfinished = Run.objects.unfinished().filter(asset=OuterRef("pk"))
    return {
        "": lambda: found,
        "preparing": lambda: found.filter(status__in=_UNREADY),
        "failed": lambda: found.filter(status=Status.FAILED),
        "ready": lambda: found.filter(status=Status.DONE),
        "analysing": lambda: found.filter(Exists(unfinished)),
        "analysed": lambda: found.filter(Exists(succeeded)),
        "not-analysed": lambda: found.filter(~Exists(succeeded)),
    }[status]()


def page_of(found: QuerySet[Asset], number: str | None) -> Page:
    """A page; the last one when there are fewer by now, so that deleting loses nobody's place."""
    return Paginator(found.select_related("collection"), PAGE_SIZE).get_page(number)


def cards_of(assets: Iterable[Asset]) -> list[Card]:
    """Cards for some assets, in a handful of queries however many they are."""
    assets = list(assets)
    posters = dict(
        Rendition.objects.filter(asset__in=assets, recipe="poster", status=Status.DONE).values_list(
            "asset_id", "file"
        )
    )
    runs = _latest_runs(assets)
    brands = _brands_of(runs.values())
    return [_card(asset, posters.get(asset.pk, ""), runs.get(asset.pk), brands) for asset in assets]


def _card(asset: Asset, poster: str, run: Run | None, brands: dict[int, list[Label]]) -> Card:
    return Card(
        asset=asset,
        poster=media_link(poster) if poster else "",
        run=run,
        progress=run.progress() if run and not run.is_over else {},
        brands=brands.get(run.pk, []) if run else [],
    )


def _latest_runs(assets: list[Asset]) -> dict[int, Run]:
    """The latest run of each asset, by asset."""
    latest = (
        Run.objects.filter(asset__in=assets)
        .order_by()
        .values("asset")
        .annotate(latest=Max("pk"))
        .values("latest")
    )
    runs = Run.objects.filter(pk__in=latest).select_related("project").defer("inputs")
    return {run.asset_id: run for run in runs}


def _brands_of(runs: Iterable[Run]) -> dict[int, list[Label]]:
    """The labels each run found above their thresholds, most seen first, by run."""
    seen = (
        Track.objects.filter(run__in=[run.pk for run in runs])
        .filter(confidence__gte=F("label__threshold"))
        .order_by()
        .values("run_id", "label_id")
        .annotate(seconds=Sum(F("end_s") - F("start_s")))
        .order_by("-seconds", "label_id")
    )
    labels = Label.objects.in_bulk({row["label_id"] for row in seen})
    found = defaultdict(list)
    for row in seen:
        found[row["run_id"]].append(labels[row["label_id"]])
    return found


def address(query: QueryDict, **changes: str) -> str:
    """The library's query string with some of it changed; what is empty is left out."""
    values = {k: query.get(k, "") for k in ("q", "kind", "collection", "status", "sort", "view")}
    values |= changes
    kept = QueryDict(mutable=True)
    kept.update({k: v for k, v in values.items() if v})
    return f"?{kept.urlencode()}" if kept else "?"
