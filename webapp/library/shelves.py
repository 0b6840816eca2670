"""The library: which assets a person asked to see, and what a card says of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import QueryDict

from webapp.accounts.models import Workspace
from webapp.assets.links import media_link
from webapp.assets.models import Asset, Rendition
from webapp.indexing.indexing import Indexing
from webapp.indexing.standing import Standing
from webapp.leases import Status
from webapp.library.forms import LibraryForm
from webapp.runs.answers import Answer, answers_of
from webapp.runs.run import Run

PAGE_SIZE = 48
_SORTS = {
    "": ("-created", "-pk"),
    "name": ("name", "pk"),
    "duration": ("-duration_s", "-pk"),
    "size": ("-size_bytes", "-pk"),
}
_UNREADY = (Status.WAITING, Status.WORKING)
_WAITING = "Waiting"  # the word of a step that nothing has begun


@dataclass(frozen=True, slots=True)
class Card:
    """What the library says of one asset."""

    asset: Asset
    poster: str = ""
    answers: list[Answer] = field(default_factory=list)
    indexing: list[Standing] = field(default_factory=list)  # while it is listened to, or read
    is_transcribed: bool = False

    @property
    def changes(self) -> bool:
        """Something is under way, so the card should ask again."""
        is_going_on = any(answer.is_going_on for answer in self.answers)
        return self.asset.status in _UNREADY or is_going_on or bool(self.indexing)

    @property
    def indexed(self) -> str:
        """How its indexing stands, in a line: what goes on, and how many steps more there are."""
        if not self.indexing:
            return ""
        first = max(self.indexing, key=lambda one: (one.word != _WAITING, one.share))
        if first.word == _WAITING:
            return "Waiting to be indexed"
        more = len(self.indexing) - 1
        return f"{first.said} · {more} more step{'s' * (more != 1)}" if more else first.said


def assets_for(workspace: Workspace, form: LibraryForm) -> QuerySet[Asset]:
    """The workspace's assets as the form filters and sorts them."""
    found = narrowed(workspace, form)
    for word in form.cleaned_data["q"].split()[:8]:
        found = found.filter(name__icontains=word)
    return found.order_by(*_SORTS[form.cleaned_data["sort"]])


def narrowed(workspace: Workspace, form: LibraryForm) -> QuerySet[Asset]:
    """Those the form asks for, whatever they are called."""
    wish = form.cleaned_data
    found = workspace.assets.all()
    if wish["kind"]:
        found = found.filter(kind=wish["kind"])
    if wish["collection"] == "none":
        found = found.filter(collection=None)
    elif wish["collection"]:
        found = found.filter(collection=wish["collection"])
    return _standing(found, wish["status"])


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
        "not-analysed": lambda: found.filter(~Exists(succeeded)).exclude(kind=Asset.Kind.SKY),
    }[status]()


def page_of(found: QuerySet[Asset], number: str | None) -> Page:
    """A page; the last one when there are fewer by now, so that deleting loses nobody's place."""
    rows = found.select_related("collection", "sky").defer("sky__header", "sky__plate")
    return Paginator(rows, PAGE_SIZE).get_page(number)


def cards_of(assets: Iterable[Asset]) -> list[Card]:
    """Cards for some assets, in a handful of queries however many they are."""
    assets = list(assets)
    posters = dict(
        Rendition.objects.filter(asset__in=assets, recipe="poster", status=Status.DONE).values_list(
            "asset_id", "file"
        )
    )
    answers = answers_of(assets)
    indexings = Indexing.objects.filter(asset__in=assets)
    heard = indexings.succeeded().filter(step=Indexing.Step.SPEECH)
    done = set(heard.values_list("asset_id", flat=True))
    standing: dict[int, list[Standing]] = {}
    for one in indexings.unfinished().order_by("step"):
        standing.setdefault(one.asset_id, []).append(one.standing())
    return [
        Card(
            asset,
            media_link(posters[asset.pk]) if asset.pk in posters else "",
            answers.get(asset.pk, []),
            standing.get(asset.pk, []),
            asset.pk in done,
        )
        for asset in assets
    ]


def address(query: QueryDict, **changes: str) -> str:
    """The library's query string with some of it changed; what is empty is left out."""
    values = {k: query.get(k, "") for k in ("q", "kind", "collection", "status", "sort", "view")}
    values |= changes
    kept = QueryDict(mutable=True)
    kept.update({k: v for k, v in values.items() if v})
    return f"?{kept.urlencode()}" if kept else "?"
