"""A film's own cut: what somebody wants to see of it, by topics, brands and speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from analysis.cutting import Clip, Rules, Span, clips_of, in_all
from webapp.accounts.models import Refused
from webapp.assets.models import Asset
from webapp.cuts.sources import source_of
from webapp.indexing.who import Who
from webapp.moments.moments import Moment, MomentRead, moments_of
from webapp.moments.outlines import Outline
from webapp.projects.models import Label
from webapp.search.passages import PassageSet
from webapp.search.searching import search

_RULES = Rules(handles_s=0.5, join_s=1.0, least_s=0.2)
_MOST_BRANDS = 200


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is asked for: any of those of one kind, and of each kind that is named. topics: numbers
    of moments of the outline; speakers: of voices of the film; brands: names."""

    topics: Sequence[int] = ()
    speakers: Sequence[int] = ()
    brands: Sequence[str] = ()

    def json(self) -> dict[str, Any]:
        """As a cut keeps what it was made of."""
        return {"topics": [*self.topics], "speakers": [*self.speakers], "brands": [*self.brands]}


@dataclass(frozen=True)
class Offer:
    """What an asset can be cut by."""

    asset: Asset
    who: Who = field(repr=False)

    @classmethod
    def of(cls, asset: Asset) -> Offer:
        return cls(asset, Who.of(asset))

    @cached_property
    def topics(self) -> list[MomentRead]:
        return moments_of(Outline.objects.shown(self.asset), Moment.Kind.TOPIC)

    @cached_property
    def speakers(self) -> dict[int, str]:
        """By voice, who is heard first in front."""
        return {turn.reads_id: str(turn.reads) for turn in self.who.turns}

    @cached_property
    def brands(self) -> list[str]:
        """Those that projects of the workspace look for."""
        labels = Label.objects.filter(project__workspace=self.asset.workspace_id, archived=None)
        names = labels.order_by("name").values_list("name", flat=True).distinct()
        return list(names[:_MOST_BRANDS])

    @property
    def is_empty(self) -> bool:
        return not (self.topics or self.speakers or self.brands)

    def clips(self, chosen: Chosen) -> list[Clip]:
        """By time. Raises Refused where nothing is chosen, or nothing is all of it."""
        kinds = [
            self._talked_about(chosen.topics),
            self._spoken_by(chosen.speakers),
            self._with_brands(chosen.brands),
        ]
        named = [spans for spans in kinds if spans is not None]
        if not named:
            raise Refused("Choose a topic, a brand or a speaker first.")
        clips = clips_of(source_of(self.asset), in_all(named), _RULES)
        if not clips:
            raise Refused("No part of this film is all of that: choose more of each kind.")
        return clips

    def _talked_about(self, topics: Sequence[int]) -> list[Span] | None:
        wanted = [one for one in self.topics if one.moment.pk in topics]
        return [Span(one.start_s, one.end_s, one.title) for one in wanted] if topics else None

    def _spoken_by(self, speakers: Sequence[int]) -> list[Span] | None:
        if not speakers:
            return None
        turns = [turn for turn in self.who.turns if turn.reads_id in speakers]
        return [Span(turn.start_s, turn.end_s, str(turn.reads)) for turn in turns]

    def _with_brands(self, brands: Sequence[str]) -> list[Span] | None:
        """While they are seen, and what is said and written of them."""
        if not brands:
            return None
        here = Asset.objects.filter(pk=self.asset.pk)
        sets = PassageSet.objects.exclude(source=PassageSet.Source.COMMENT)
        spans = []
        for name in brands:
            query = 'brand:"{}"'.format(name.replace('"', " "))
            workspace = self.asset.workspace
            found = search(workspace, query, assets=here, sets=sets, with_meaning=False)
            spans += [Span(one.start_s, one.end_s, name) for one in found.pieces.values()]
        return spans
