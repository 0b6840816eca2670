"""Speakers as workers leave them, out of voice prints that a test makes up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from analysis.speakers.types import SIZE, VoicePrints, unit
from tests.spoken import SOUND, finished, planned

ENGINE = "GE2E (test)"


def a_worker_that_tells_voices() -> Any:
    from django.utils import timezone

    from webapp.runs.workers import Worker

    about = {"queues": "batch", "voices": ENGINE}
    return Worker.objects.create(name="desk:1:voices", seen=timezone.now(), **about)


def a_print(person: int, noise: float = 0.0) -> Any:
    """The voice print of a made-up person: those of two have nothing in common."""
    made = np.zeros(SIZE, np.float32)
    made[person * 8 : person * 8 + 8] = 1
    return unit(made + np.float32(noise))


def prints(*turns: tuple[float, float, int], noise: float = 0.0) -> VoicePrints:
    """Of people who speak one after the other: (start, end, person)."""
    spans, vectors = [], []
    for start_s, end_s, person in turns:
        for at in np.arange(start_s, max(end_s - 1.6, start_s) + 0.01, 0.4):
            spans.append((at, min(at + 1.6, end_s)))
            vectors.append(a_print(person, noise))
    if not turns:
        return VoicePrints.none()
    breaths = [(start_s, end_s) for start_s, end_s, _ in turns]
    return VoicePrints(np.array(breaths), np.array(spans), np.stack(vectors))


TURNS = [(2.0, 8.0, 0), (9.0, 12.0, 1), (13.0, 17.0, 0)]


def told_apart(
    asset: Any, *, by: Any = None, turns: Iterable[tuple[float, float, int]] = TURNS
) -> Any:
    """A done indexing of who speaks when, in one segment."""
    from webapp.indexing.indexing import Indexing
    from webapp.indexing.segments import IndexingSegment
    from workers.speakers.segment import store

    if not asset.probe.get("audio"):
        asset.probe = asset.probe | SOUND
        asset.save(update_fields=["probe"])
    worker = a_worker_that_tells_voices()
    indexing = Indexing.objects.request(asset, "speakers", by=by)
    worker.delete()
    (segment,) = planned(indexing, 0, asset.duration_s or 20.0)
    mine = IndexingSegment.objects.claim(segment.pk, "desk:1:1")
    assert store(mine, prints(*turns), busy_s=1.0)
    return finished(indexing)
