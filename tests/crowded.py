"""A library of many assets as analysing, indexing and outlining leave it, made at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.utils import timezone

PEOPLE = ["Vera Virtanen", "Ana Silva", "Kim Okafor", "Lars Berg", "Nora Haddad", "Jun Mori"]
TOPICS = ["harbour race", "stadium lights", "ticket prices", "new season", "youth team", "weather"]
_SECONDS = 600.0


def fill(project: Any, n_assets: int, *, by: Any, episodes: int = 8, seed: int = 7) -> list[Any]:
    """Assets of ten minutes. The first two brands are seen together far more often than by chance,
    the first person is named in the topics in which the first brand is seen."""
    from webapp.assets.models import Asset
    from webapp.leases import Status
    from webapp.runs.run import Run
    from webapp.search import vocabulary
    from webapp.search.passages import Passage, PassageSet

    workspace, rng, now = project.workspace, np.random.default_rng(seed), timezone.now()
    assets = Asset.objects.bulk_create(
        Asset(
            workspace=workspace,
            name=f"matchday {n:04}.mp4",
            sha256=hashlib.sha256(f"{workspace.pk}:{n}".encode()).hexdigest(),
            size_bytes=1,
            file=f"assets/{n}.mp4",
            status=Status.DONE,
            kind=Asset.Kind.VIDEO,
            duration_s=_SECONDS,
            width=1920,
            height=1080,
        )
        for n in range(n_assets)
    )
    runs = Run.objects.bulk_create(
        Run(
            asset=asset,
            project=project,
            requested_by=by,
            options={},
            inputs={},
            input_hash="0" * 64,
            software_version="0",
            status=Run.Status.SUCCEEDED,
            duration_s=_SECONDS,
            started=now,
            finished=now,
        )
        for asset in assets
    )
    sets = PassageSet.objects.bulk_create(
        PassageSet(asset=run.asset, source=PassageSet.Source.SEEN, run=run) for run in runs
    )
    labels = list(project.labels.order_by("pk"))
    starts = rng.uniform(0, _SECONDS - 30, (n_assets, episodes))
    passages = [
        passage
        for made, times in zip(sets, starts, strict=True)
        for passage in _episodes(made, times, labels, rng)
    ]
    Passage.objects.bulk_create(passages, batch_size=2000)
    vocabulary.count_in(workspace.pk, passages, len(passages))
    _outlines(assets, starts, by, rng)
    return assets


def _episodes(made: Any, times: Any, labels: Sequence[Any], rng: Any) -> list[Any]:
    """The first brand and, nine times in ten, the second beside it; the others anywhere."""
    from webapp.search.keeping import names_of
    from webapp.search.passages import Passage

    def seen(label: Any, start_s: float) -> Any:
        at = {"start_s": start_s, "end_s": start_s + 6, "confidence": 0.9}
        return Passage(set=made, label=label, text=label.name, tokens=names_of(label), **at)

    found = []
    for number, start_s in enumerate(times.tolist()):
        if number % 4 == 0:
            found.append(seen(labels[0], start_s))
            if rng.random() < 0.9:
                found.append(seen(labels[1], start_s + 1))
        else:
            found.append(seen(labels[2 + number % max(len(labels) - 2, 1)], start_s))
    return found


def _outlines(assets: Sequence[Any], starts: Any, by: Any, rng: Any) -> None:
    from webapp.indexing.indexing import Indexing
    from webapp.leases import Status
    from webapp.moments.moments import Moment
    from webapp.moments.outlines import Outline

    done = {"status": Status.DONE}
    indexings = Indexing.objects.bulk_create(
        Indexing(asset=asset, step=Indexing.Step.SPEECH, version=1, **done) for asset in assets
    )
    outlines = Outline.objects.bulk_create(
        Outline(asset=indexing.asset, indexing=indexing, **done) for indexing in indexings
    )
    moments = []
    for outline, times in zip(outlines, starts.tolist(), strict=True):
        for start_s in np.arange(0, _SECONDS, 60.0).tolist():
            with_first = any(start_s <= t < start_s + 60 for t in times[::4])
            who = PEOPLE[0] if with_first else PEOPLE[1 + int(rng.integers(len(PEOPLE) - 1))]
            what = TOPICS[0] if with_first else TOPICS[int(rng.integers(len(TOPICS)))]
            moments.append(
                Moment(
                    outline=outline,
                    kind=Moment.Kind.TOPIC,
                    start_s=start_s,
                    end_s=start_s + 60,
                    title=what.capitalize(),
                    phrases=[what],
                    entities=[{"text": who, "kind": "person", "count": 2}],
                )
            )
    Moment.objects.bulk_create(moments, batch_size=2000)
