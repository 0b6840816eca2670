"""When brands, people and topics occur in the assets of a project: a handful of queries, however
many assets there are, out of what is kept for the search and out of outlines.

A brand occurs while it is seen (an episode), said or written; a person and a topic during the
topic of an outline that names them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Max, QuerySet
from django.urls import reverse
from django.utils import timezone

from analysis.graph import Items, Node
from webapp.assets.models import Asset
from webapp.leases import Status
from webapp.moments.moments import Moment, MomentEdit
from webapp.moments.outlines import Outline
from webapp.projects.models import Label, Project
from webapp.projects.spoken_brands import brand_of
from webapp.runs.run import Run
from webapp.search.mentions import find_brand
from webapp.search.passages import Passage, PassageSet
from webapp.search.vocabulary import Vocabulary
from webapp.timeline.recent import Recent

HOW = ("seen", "said", "written", "topic", "all of it")
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
    n_outlined: int = 0  # assets with an outline
    items: Items = field(default_factory=lambda: Items.of([]))

    def add(self, node: Node, asset: int, start_s: float, end_s: float, how: str) -> None:
        number = self.numbers.setdefault(node.key, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
        self.rows.append((number, asset, start_s, end_s))
        self.how.append(HOW.index(how))


def gather(project: Project, after: date | None, before: date | None) -> Gathered:
    """Of the assets that a project has looked at and that were uploaded in these days."""
    key = _key(project, after, before)
    return _gathered.get(key, lambda: _gather(key, project, after, before))


def forget() -> None:
    """Drop what is kept in memory."""
    _gathered.clear()


def _key(project: Project, *days: date | None) -> Hashable:
    labels = project.labels.filter(archived=None).order_by("pk")
    sets = PassageSet.objects.filter(asset__workspace=project.workspace_id)
    outlines = Outline.objects.filter(asset__workspace=project.workspace_id, status=Status.DONE)
    edits = MomentEdit.objects.filter(moment__outline__asset__workspace=project.workspace_id)
    return (
        *(project.pk, *days),
        tuple((x.pk, x.name, x.colour, *x.aliases, *x.not_in, x.is_ordinary) for x in labels),
        *_last(_assets(project, *days)),
        *_last(sets),
        *_last(outlines),
        *_last(edits),
        edits.standing().count(),
        Passage.objects.aggregate(last=Max("pk"))["last"],  # a corrected word makes a new one
    )


def _last(rows: QuerySet[Any]) -> tuple[int, int | None]:
    found = rows.order_by().aggregate(n=Count("pk"), last=Max("pk"))
    return found["n"], found["last"]


def _assets(project: Project, after: date | None, before: date | None) -> QuerySet[Asset]:
    looked = Run.objects.finished().filter(project=project).values("asset")
    found = Asset.objects.filter(workspace=project.workspace_id, pk__in=looked)
    if after:
        found = found.filter(created__gte=_midnight(after))
    if before:
        found = found.filter(created__lt=_midnight(before) + timedelta(days=1))
    return found


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _gather(key: Hashable, project: Project, after: date | None, before: date | None) -> Gathered:
    found = Gathered(key)
    assets = {asset.pk: asset for asset in _assets(project, after, before).only(*_OF_AN_ASSET)}
    found.durations_s = {pk: asset.duration_s for pk, asset in assets.items()}
    labels = list(project.labels.filter(archived=None))
    _add_seen(found, project, labels)
    _add_told(found, project, labels)
    _add_topics(found, project, assets, labels)
    for pk, asset in assets.items():
        node = Node(f"asset:{pk}", "asset", asset.stem, url=reverse("asset", args=[pk]))
        found.add(node, pk, 0.0, asset.duration_s, "all of it")
    found.items = Items.of(found.rows)
    found.rows.clear()  # a tenth of the memory is in the columns
    return found


_OF_AN_ASSET = ("pk", "name", "duration_s")


def _brand(label: Label) -> Node:
    url = f"{reverse('project', args=[label.project_id])}?open={label.pk}#label-{label.pk}"
    return Node(f"brand:{label.pk}", "brand", label.name, label.colour, url)


def _add_seen(found: Gathered, project: Project, labels: Iterable[Label]) -> None:
    nodes = {label.pk: _brand(label) for label in labels}
    sets = PassageSet.objects.in_sight().filter(run__project=project)
    rows = Passage.objects.filter(set__in=sets.order_by(), label__in=nodes)
    columns = ("label_id", "set__asset_id", "start_s", "end_s")
    for label, asset, start_s, end_s in rows.order_by().values_list(*columns).iterator():
        if asset in found.durations_s:
            found.add(nodes[label], asset, start_s, end_s, "seen")


def _add_told(found: Gathered, project: Project, labels: Iterable[Label]) -> None:
    assert project.workspace is not None
    vocabulary = Vocabulary(project.workspace)
    for label in labels:
        for one in find_brand(project.workspace, brand_of(label), vocabulary):
            if one.asset in found.durations_s:
                at = one.mention.start_s, one.mention.end_s
                found.add(_brand(label), one.asset, *at, one.source)


def _add_topics(
    found: Gathered, project: Project, assets: dict[int, Asset], labels: Iterable[Label]
) -> None:
    """Topics as people corrected them, and the people that they name."""
    brands = {name.casefold() for label in labels for name in (label.name, *label.aliases)}
    mine = [topic for topic in _topics(project) if topic.asset in assets]
    found.n_outlined = len({topic.asset for topic in mine})
    said = _Spelling()
    for topic in mine:
        for kind, name in topic.names(brands):
            said.count(kind, name)
    for topic in mine:
        for kind, name in topic.names(brands):
            node = Node(f"{kind}:{name.casefold()}", kind, said.of(kind, name))
            found.add(node, topic.asset, topic.start_s, topic.end_s, "topic")


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


def _topics(project: Project) -> Iterator[_Topic]:
    """Of each asset those of the outline that is shown."""
    done = Outline.objects.filter(
        status=Status.DONE, indexing__removed=None, asset__workspace=project.workspace_id
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
