"""How many pairs each source would give, told before a training is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum

from webapp.accounts.models import Workspace
from webapp.datasets.samples import Annotation
from webapp.encodings.kept import Encodings
from webapp.indexing.indexing import Indexing
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.text_regions import TextRegion
from webapp.reviewing.verdicts import Verdict
from webapp.spaces.making import engines_of
from webapp.spaces.options import SOURCES, Source

# Of sources that lie in apps above this one: how many pairs there are, told by these.
COUNTED: dict[str, Callable[[Workspace], int]] = {}
_STRETCH_S = 5.0  # of a film that is one pair


@dataclass(frozen=True, slots=True)
class Offered:
    """A source, about how many pairs it gives at most, and why it gives none."""

    source: Source
    count: int
    why_none: str


def offered(workspace: Workspace) -> list[Offered]:
    """All sources, in a handful of queries."""
    engines = engines_of(workspace)
    rows = Encodings.objects.in_sight().filter(asset__workspace=workspace).order_by()
    has = {
        modality: rows.filter(modality=modality, engine=engine).values("asset")
        for modality, engine in engines.items()
    }
    counts = {
        "spoken": _said(has.get("picture")),
        "written": _written(has.get("picture")),
        "labelled": _labelled(has.get("picture")),
        "heard": _said(has.get("sound")),
        "beside": _beside(has),
        **{key: count(workspace) if engines else 0 for key, count in COUNTED.items()},
    }
    return [
        Offered(source, n := counts.get(source.key, 0), _why_none(source, engines, n))
        for source in SOURCES
    ]


def _why_none(source: Source, engines: dict[str, str], count: int) -> str:
    if count:
        return ""
    lacking = [name for name in source.needs if name not in engines]
    if lacking:
        what = " and ".join({"picture": "pictures", "sound": "sound"}[name] for name in lacking)
        return f"No {what} of the library is encoded yet."
    return {
        "spoken": "Nothing that was said in these films is transcribed yet.",
        "written": "No text was read on these pictures yet.",
        "labelled": "Nobody drew or accepted a box on these frames yet.",
        "heard": "Nothing that was said in these films is transcribed yet.",
        "beside": "No film has both its pictures and its sound encoded.",
        "judged": "Nobody has called an answer right yet.",
    }[source.key]


def _newest(assets: QuerySet, step: str) -> QuerySet[Indexing]:
    """Of each asset the version of a step that is read."""
    done = Indexing.objects.succeeded().filter(asset=OuterRef("asset"), step=step)
    newest = done.order_by("-version").values("pk")[:1]
    return Indexing.objects.filter(asset__in=assets, step=step, pk=Subquery(newest))


def _said(assets: QuerySet | None) -> int:
    """By how long there is speech."""
    if assets is None:
        return 0
    rows = SpeechSegment.objects.filter(indexing__in=_newest(assets, Indexing.Step.SPEECH))
    seconds = rows.order_by().aggregate(s=Sum(F("end_s") - F("start_s"), default=0.0))["s"]
    return round(float(seconds) / _STRETCH_S + 0.499)


def _written(assets: QuerySet | None) -> int:
    if assets is None:
        return 0
    rows = TextRegion.objects.filter(indexing__in=_newest(assets, Indexing.Step.TEXT))
    return rows.order_by().values("text").distinct().count()


def _labelled(assets: QuerySet | None) -> int:
    if assets is None:
        return 0
    said = Verdict.objects.standing().filter(asset__in=assets).exclude(actually=None)
    drawn = Annotation.objects.filter(sample__asset__in=assets, sample__removed=None)
    frames = set(said.values_list("asset", "time_s", "actually"))
    return len(frames | set(drawn.values_list("sample__asset", "sample__time_s", "label")))


def _beside(has: dict[str, QuerySet]) -> int:
    if len(has) < 2:
        return 0
    rows = Encodings.objects.in_sight().filter(modality="sound", asset__in=has["picture"])
    found = rows.filter(asset__in=has["sound"]).aggregate(n=Sum("n_items", default=0))
    return int(found["n"])
