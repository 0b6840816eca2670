"""Moments of a run: where a brand is named again and again, and where it is longest on screen.

They rest on what a project looks for, so they are found when somebody asks, as mentions are. One
that is wrong is flagged by its time and brand.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.text.bursts import bursts
from webapp.moments.flags import Flag
from webapp.projects.models import Label
from webapp.runs.run import Run
from webapp.timeline.choices import Choices
from webapp.timeline.exposure import Looked

_EPISODES = 2  # of each brand
_LONG_S = 2.0  # on screen
_MOST = 60


@dataclass(frozen=True, slots=True)
class RunMoment:
    """kind: as a flag has it."""

    kind: str
    label: Label
    start_s: float
    end_s: float
    title: str


def moments_of_run(run: Run) -> list[RunMoment]:
    """By time, at most so many as a page can hold: the longest of each brand."""
    looked = Looked.at(run, Choices())
    found = [*_named(looked), *_shown(looked)]
    longest = sorted(found, key=lambda one: one.start_s - one.end_s)[:_MOST]
    return sorted(longest, key=lambda one: (one.start_s, one.label.pk))


def _named(looked: Looked) -> list[RunMoment]:
    labels = {label.pk: label for label in looked.labels}
    spans: dict[int, list[tuple[float, float]]] = {}
    for one in looked.told.said:
        spans.setdefault(one.mention.brand, []).append((one.mention.start_s, one.mention.end_s))
    return [
        RunMoment(Flag.Kind.MENTIONS, labels[pk], start_s, end_s, f"named {n} times")
        for pk, some in spans.items()
        if pk in labels
        for start_s, end_s, n in bursts(some)
    ]


def _shown(looked: Looked) -> list[RunMoment]:
    if not looked.run.duration_s:
        return []
    labels = {label.pk: label for label in looked.labels}
    found = []
    for brand in looked.exposure().brands:
        by_length = sorted(brand.episodes, key=lambda e: e.start_s - e.end_s)
        for episode in by_length[:_EPISODES]:
            if (seconds := episode.end_s - episode.start_s) >= _LONG_S:
                span = episode.start_s, episode.end_s
                said = f"on screen for {seconds:.1f} s"
                found.append(RunMoment(Flag.Kind.EPISODE, labels[brand.label], *span, said))
    return found
