"""When brands, people and topics occur in the assets of a project, or of a workspace: a handful
of queries, however many assets there are, out of what is kept for the search and out of outlines.

A brand occurs while it is seen (an episode), said or written; a person while they speak, where
somebody named the voice; a person and a topic during the topic of an outline that names them.
Labels of one name, in several projects, are one brand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Max, QuerySet
from django.urls import reverse
from django.utils import timezone

from analysis.graph import Items, Node
from analysis.tokens import tokens
from webapp.assets.models import Asset
from webapp.graph.scope import Scope
from webapp.indexing.indexing import Indexing
from webapp.indexing.speaker_edits import SpeakerEdit
from webapp.indexing.voices import SpeakerTurn
from webapp.leases import Status
from webapp.moments.moments import Moment, MomentEdit
from webapp.moments.outlines import Outline
from webapp.projects.models import Label
from webapp.projects.spoken_brands import brand_of
from webapp.search.keeping import newest_indexings
from webapp.search.mentions import find_brand
from webapp.search.passages import Passage, PassageSet
from webapp.search.vocabulary import Vocabulary
from webapp.timeline.recent import Recent

HOW = ("seen", "said", "written", "speaks", "topic", "all of it")
_PHRASES = 2  # of a topic that nobody gave a title
_FEWEST = 3  # letters of a name or phrase

_gathered: Recent[Gathered] = Recent(size=8)


@dataclass(slots=True)
class Gathered:
    """Nodes by their number, and when each occurs; `how`: of each item, a place in HOW.

    `key` changes with anything that it rests on.
    """

    key: Hashable
    nodes: list[Node] = field(default_factory=list)
    rows: list[tuple[int, int, float, float]] = field(default_factory=list)
    how: list[int] = field(default_factory=list)
    durations_s: dict[int, float] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    brands: dict[int, Node] = field(default_factory=dict)  # by label
    n_outlined: int = 0  # assets with an outline
    items: Items = field(default_factory=lambda: Items.of([]))

    def add(self, node: Node, asset: int, start_s: float, end_s: float, how: str) -> None:
        number = self.numbers.setdefault(node.key, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
        self.rows.append((number, asset, start_s, end_s))
        self.how.append(HOW.index(how))


def gather(scope: Scope, after: date | None, before: date | None) -> Gathered:
    """Of the assets of a scope that were uploaded in these days."""
    key = _key(scope, after, before)
    return _gathered.get(key, lambda: _gather(key, scope, after, before))


def forget() -> None:
    """Drop what is kept in memory."""
    _gathered.clear()


def _key(scope: Scope, *days: date | None) -> Hashable:
    sets = PassageSet.objects.filter(asset__workspace=scope.workspace)
    outlines = Outline.objects.filter(asset__workspace=scope.workspace, status=Status.DONE)
    edits = MomentEdit.objects.filter(moment__outline__asset__workspace=scope.workspace)
    voices = SpeakerEdit.objects.filter(indexing__asset__workspace=scope.workspace)
    return (
        *(scope.key, *days),
        tuple(
            (x.pk, x.name, x.colour, *x.aliases, *x.not_in, x.is_ordinary) for x in scope.labels()
        ),
        *_last(_assets(scope, *days)),
        *_last(sets),
        *_last(outlines),
        *_last(edits),
        edits.standing().count(),
        *_last(_told_apart(scope)),
        *_last(voices),
        voices.standing().count(),
        Passage.objects.aggregate(last=Max("pk"))["last"],  # a corrected word makes a new one
    )


def _last(rows: QuerySet[Any]) -> tuple[int, int | None]:
    found = rows.order_by().aggregate(n=Count("pk"), last=Max("pk"))
    return found["n"], found["last"]


def _assets(scope: Scope, after: date | None, before: date | None) -> QuerySet[Asset]:
    found = scope.assets()
    if after:
        found = found.filter(created__gte=_midnight(after))
    if before:
        found = found.filter(created__lt=_midnight(before) + timedelta(days=1))
    return found


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _gather(key: Hashable, scope: Scope, after: date | None, before: date | None) -> Gathered:
    found = Gathered(key)
    assets = {asset.pk: asset for asset in _assets(scope, after, before).only(*_OF_AN_ASSET)}
    found.durations_s = {pk: asset.duration_s for pk, asset in assets.items()}
    labels = list(scope.labels())
    by_name = _by_name(labels)
    for some in by_name:
        found.brands |= dict.fromkeys((label.pk for label in some), _brand(some[0]))
    _add_seen(found, scope)
    _add_told(found, scope, by_name)
    _add_topics(found, scope, assets, labels)
    _add_speaking(found, scope)
    for pk, asset in assets.items():
        node = Node(f"asset:{pk}", "asset", asset.stem, url=reverse("asset", args=[pk]))
        found.add(node, pk, 0.0, asset.duration_s, "all of it")
    found.items = Items.of(found.rows)
    found.rows.clear()  # a tenth of the memory is in the columns
    return found


_OF_AN_ASSET = ("pk", "name", "duration_s")


def _by_name(labels: Iterable[Label]) -> list[list[Label]]:
    """Those of one name together, however it is written."""
    found: dict[str, list[Label]] = {}
    for label in labels:
        found.setdefault("".join(tokens(label.name)) or label.name.casefold(), []).append(label)
    return list(found.values())


def _brand(label: Label) -> Node:
    url = f"{reverse('project', args=[label.project_id])}?open={label.pk}#label-{label.pk}"
    return Node(f"brand:{label.pk}", "brand", label.name, label.colour, url)


def _add_seen(found: Gathered, scope: Scope) -> None:
    rows = Passage.objects.filter(set__in=scope.seen().order_by(), label__in=found.brands)
    columns = ("label_id", "set__asset_id", "start_s", "end_s")
    for label, asset, start_s, end_s in rows.order_by().values_list(*columns).iterator():
        if asset in found.durations_s:
            found.add(found.brands[label], asset, start_s, end_s, "seen")


def _add_told(found: Gathered, scope: Scope, by_name: Iterable[Sequence[Label]]) -> None:
    vocabulary = Vocabulary(scope.workspace)
    for labels in by_name:
        node = found.brands[labels[0].pk]
        for label in labels:  # a moment that several of them name is in one window all the same
            for one in find_brand(scope.workspace, brand_of(label), vocabulary):
                if one.asset in found.durations_s:
                    at = one.mention.start_s, one.mention.end_s
                    found.add(node, one.asset, *at, one.source)


def _add_topics(
    found: Gathered, scope: Scope, assets: dict[int, Asset], labels: Iterable[Label]
) -> None:
    """Topics as people corrected them, and the people that they name."""
    brands = {name.casefold() for label in labels for name in (label.name, *label.aliases)}
    mine = [topic for topic in _topics(scope) if topic.asset in assets]
    found.n_outlined = len({topic.asset for topic in mine})
    said = _Spelling()
    for topic in mine:
        for kind, name in topic.names(brands):
            said.count(kind, name)
    for topic in mine:
        for kind, name in topic.names(brands):
            node = Node(f"{kind}:{name.casefold()}", kind, said.of(kind, name))
            found.add(node, topic.asset, topic.start_s, topic.end_s, "topic")


def _add_speaking(found: Gathered, scope: Scope) -> None:
    """People while they speak, by the newest turns of each asset."""
    turns = SpeakerTurn.objects.filter(
        indexing__in=_told_apart(scope).order_by(), reads__speaker__isnull=False
    )
    columns = ("reads__speaker__name", "indexing__asset_id", "start_s", "end_s")
    for name, asset, start_s, end_s in turns.order_by().values_list(*columns).iterator():
        if asset in found.durations_s:
            node = Node(f"person:{name.casefold()}", "person", name)
            found.add(node, asset, start_s, end_s, "speaks")


def _told_apart(scope: Scope) -> QuerySet[Indexing]:
    mine = newest_indexings(Indexing.Step.SPEAKERS)
    return mine.filter(asset__workspace=scope.workspace)


@dataclass(slots=True)
class _Topic:
    asset: int
    start_s: float
    end_s: float
    title: str
    phrases: list[str]
    entities: list[dict[str, Any]]
    is_titled: bool = False  # by a person

    def names(self, brands: set[str]) -> Iterator[tuple[str, str]]:
        """(kind, name) of what it is about; a brand is known by itself already."""
        people = {e["text"].casefold(): e["text"] for e in self.entities if e["kind"] == "person"}
        words = [self.title] if self.is_titled else self.phrases[:_PHRASES] or [self.title]
        yield from (("person", n) for key, n in people.items() if _tells(n) and key not in brands)
        known = brands | people.keys()
        yield from (("topic", n) for n in words if _tells(n) and n.casefold() not in known)


def _tells(name: str) -> bool:
    return _FEWEST <= len(name.strip()) <= 120


class _Spelling:
    """One name is written in several ways: the most frequent stands for all."""

    def __init__(self) -> None:
        self._ways: dict[tuple[str, str], Counter[str]] = {}

    def count(self, kind: str, name: str) -> None:
        self._ways.setdefault((kind, name.casefold()), Counter())[name] += 1

    def of(self, kind: str, name: str) -> str:
        ways = self._ways[kind, name.casefold()]
        return max(ways, key=lambda way: (ways[way], way))


def _topics(scope: Scope) -> Iterator[_Topic]:
    """Of each asset those of the outline that is shown."""
    done = Outline.objects.filter(
        status=Status.DONE, indexing__removed=None, asset__workspace=scope.workspace
    ).order_by()
    shown = done.values("asset").annotate(newest=Max("pk")).values("newest")
    moments = Moment.objects.filter(outline__in=shown, kind=Moment.Kind.TOPIC).order_by()
    columns = ("outline__asset_id", "start_s", "end_s", "title", "phrases", "entities")
    found = {pk: _Topic(*rest) for pk, *rest in moments.values_list("pk", *columns)}
    edits = MomentEdit.objects.standing().filter(
        moment__outline__in=shown, moment__kind=Moment.Kind.TOPIC
    )
    for edit in edits.order_by("pk"):
        topic = found.get(edit.moment_id)
        if topic is None:
            continue
        if edit.is_gone:
            del found[edit.moment_id]
            continue
        for name, value in edit.values().items():
            setattr(topic, name, value)
        topic.is_titled = topic.is_titled or edit.title is not None
    yield from found.values()
