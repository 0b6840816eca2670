"""What a rule would send to people, before it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.rules import RefusedRule, Rule
from webapp.accounts.models import Refused
from webapp.projects.models import Project
from webapp.review_queue.choosing import count
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.pace import Pace
from webapp.review_queue.siftings import newest
from webapp.runs.results import columns_of

MOST_RUNS = 12  # gone through while somebody waits


@dataclass(frozen=True, slots=True)
class Preview:
    """Of the newest analysis of each asset, as many as can be gone through while one waits."""

    runs: int
    frames: int
    items: int
    mentions: int  # of these
    sentences: int
    seconds: float
    is_measured: bool
    is_all: bool

    @property
    def asked_frames(self) -> int:
        """Of the items."""
        return self.items - self.mentions - self.sentences


def preview(project: Project, conditions: Any) -> Preview:
    """Raises Refused for conditions that are none."""
    try:
        rule = Rule.parse(conditions)
    except RefusedRule as refused:
        raise Refused(str(refused)) from refused
    runs = newest(project)
    some = list(runs[:MOST_RUNS])
    counts = [count(run, rule) for run in some]
    n = sum(one.items for one in counts)
    took = Pace.by_kind(project.workspace)
    asked = {
        ReviewItem.Kind.FRAME: sum(one.frames for one in counts),
        ReviewItem.Kind.MENTION: sum(one.mentions for one in counts),
        ReviewItem.Kind.WORDS: sum(one.sentences for one in counts),
    }
    return Preview(
        runs=len(some),
        frames=sum(len(columns_of(run).frames) for run in some),
        items=n,
        mentions=asked[ReviewItem.Kind.MENTION],
        sentences=asked[ReviewItem.Kind.WORDS],
        seconds=sum(took[kind].seconds(of_kind) for kind, of_kind in asked.items()),
        is_measured=all(took[kind].is_measured for kind, of_kind in asked.items() if of_kind),
        is_all=runs.count() == len(some),
    )
