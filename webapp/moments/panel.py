"""What the asset page shows of an outline: as people read it, and how the newest stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from webapp.assets.models import Asset
from webapp.indexing import transcript
from webapp.indexing.indexing import Indexing
from webapp.indexing.speech import SpeechSegment
from webapp.leases import Status
from webapp.moments.chapters import FILES
from webapp.moments.flags import Flag
from webapp.moments.moments import Moment, MomentRead, moments_of
from webapp.moments.outlines import Outline

_TOGETHER_S = 1.0  # a shorter silence is part of speaking


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter with its topics; one without a title where there are no chapters."""

    moment: MomentRead | None
    topics: list[MomentRead]


@dataclass(frozen=True, slots=True)
class Panel:
    """`shown`: what is read. `latest`: the newest, where that one is not done. `of`: the transcript
    that another would be made of, None where there is none."""

    asset: Asset
    shown: Outline | None
    latest: Outline | None
    of: Indexing | None

    @classmethod
    def of_asset(cls, asset: Asset) -> Panel:
        latest = Outline.objects.newest(asset)
        if latest is not None and latest.status == Status.DONE:
            latest = None
        done = Indexing.objects.filter(asset=asset, step=Indexing.Step.SPEECH).succeeded()
        return cls(asset, Outline.objects.shown(asset), latest, done.order_by("-version").first())

    @property
    def is_stale(self) -> bool:
        """Whether words were corrected, or another transcript was done, since it was made."""
        if self.shown is None or self.of is None or self.latest is not None:
            return False
        return self.shown.indexing_id != self.of.pk or (
            self.shown.n_edits != transcript.n_edits(self.of)
        )

    def chapters(self) -> list[Chapter]:
        chapters = moments_of(self.shown, Moment.Kind.CHAPTER)
        topics = moments_of(self.shown, Moment.Kind.TOPIC)
        if not chapters:
            return [Chapter(None, topics)] if topics else []
        starts = [one.start_s for one in chapters]
        found = [Chapter(one, []) for one in chapters]
        for topic in topics:
            middle = (topic.start_s + topic.end_s) / 2
            place = max(sum(start <= middle for start in starts) - 1, 0)
            found[place].topics.append(topic)
        return found

    def standouts(self) -> list[MomentRead]:
        return moments_of(self.shown, Moment.Kind.LOUD, Moment.Kind.APPLAUSE)

    @property
    def files(self) -> list[tuple[str, str]]:
        return [(kind, title) for kind, (title, _, _) in FILES.items()]

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [(value, title) for value, title in Flag.Reason.choices if value != "brand"]

    def for_scripts(self) -> dict[str, Any]:
        """Times for the keys and the timeline."""
        return {
            "topics": _columns(moments_of(self.shown, Moment.Kind.TOPIC)),
            "standouts": _columns(self.standouts()),
            "speech": speech_spans(self.of) if self.of else [],
            "chapters": reverse("outline-chapters", args=[self.shown.pk]) if self.shown else "",
        }


def _columns(moments: list[MomentRead]) -> dict[str, list]:
    return {
        "id": [one.moment.pk for one in moments],
        "start": [round(one.start_s, 3) for one in moments],
        "end": [round(one.end_s, 3) for one in moments],
        "title": [one.title for one in moments],
    }


def speech_spans(indexing: Indexing) -> list[list[float]]:
    """When somebody speaks, without the short pauses: [start, end] each."""
    spans: list[list[float]] = []
    rows = SpeechSegment.objects.filter(indexing=indexing).order_by("start_s", "pk")
    for start_s, end_s in rows.values_list("start_s", "end_s"):
        if spans and start_s - spans[-1][1] < _TOGETHER_S:
            spans[-1][1] = max(spans[-1][1], round(end_s, 3))
        else:
            spans.append([round(start_s, 3), round(end_s, 3)])
    return spans
