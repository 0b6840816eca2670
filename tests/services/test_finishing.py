"""kill -9 while a run's tracks are joined: it happens once, by whoever comes next."""

from __future__ import annotations

import numpy as np
import pytest
from django.utils import timezone

from analysis.film.columns import DETECTION, FRAME, Columns
from analysis.media.frames import CHANGE
from tests.services.test_surviving import over
from webapp.accounts.models import User, Workspace
from webapp.assets.models import Asset
from webapp.leases import Status
from webapp.projects.models import Label, Project, snapshot
from webapp.runs.found import Track
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.runs.segments import Segment, SegmentResult

pytestmark = pytest.mark.services

SEGMENTS, SEGMENT_S, TRACKS, TIMES = 400, 2.0, 20, 4


@pytest.fixture
def analysed(site) -> Run:
    """A run whose segments are done: twenty logos that stay for the whole film, each in as many
    pieces as there are segments. To join them takes seconds."""
    owner = User.objects.create_user("owner@example.org")
    workspace = Workspace.found("Services", by=owner)
    duration_s = SEGMENTS * SEGMENT_S
    film = {"name": "film.mp4", "sha256": "a" * 64, "size_bytes": 9, "file": "originals/film.mp4"}
    known = {"kind": Asset.Kind.VIDEO, "duration_s": duration_s, "status": Status.DONE}
    asset = Asset.objects.create(workspace=workspace, **film, **known)
    project = Project.objects.create(workspace=workspace, name="Logos")
    label = Label.objects.create(project=project, name="Acme", colour="#d1495b")
    run = Run.objects.create(
        asset=asset,
        project=project,
        options={"mode": "interval", "interval_s": SEGMENT_S / TIMES, "change": 0.0, "tile": None},
        inputs=snapshot(project),
        software_version="0",
        input_hash="0" * 64,
        status=Run.Status.RUNNING,
        stage=Run.Stage.ANALYSE,
        duration_s=duration_s,
        started=timezone.now(),
    )
    segments = Segment.objects.bulk_create(
        Segment(
            run=run,
            index=index,
            start_s=index * SEGMENT_S,
            end_s=(index + 1) * SEGMENT_S,
            status=Status.DONE,
            frames_total=TIMES,
            frames_done=TIMES,
        )
        for index in range(SEGMENTS)
    )
    changes = np.empty(0, CHANGE).tobytes()
    SegmentResult.objects.bulk_create(
        SegmentResult(segment=s, columns=columns(s, label).pack(), changes=changes)
        for s in segments
    )
    Track.objects.bulk_create(piece(s, label, n) for s in segments for n in range(TRACKS))
    return run


def columns(segment: Segment, label: Label) -> Columns:
    step = SEGMENT_S / TIMES
    starts = segment.start_s + step * np.arange(TIMES)
    frames = np.array([(t, t, t + step) for t in starts], FRAME)
    rows = []
    for frame in range(TIMES):
        for n in range(TRACKS):
            x, y = n % 5 / 5, n // 5 / 4
            track = segment.index * Track.PER_SEGMENT + n
            rows.append((frame, label.pk, track, x, y, x + 0.1, y + 0.1, 0.9, 0.5, 0, 0))
    return Columns(frames, np.array(rows, DETECTION))


def piece(segment: Segment, label: Label, n: int) -> Track:
    return Track(
        run_id=segment.run_id,
        segment=segment,
        label=label,
        number=segment.index * Track.PER_SEGMENT + n,
        start_s=segment.start_s,
        end_s=segment.end_s,
        count=TIMES,
        confidence=0.9,
    )


def test_a_run_killed_while_its_tracks_are_joined_has_each_once(site, analysed):
    run = analysed
    finishing = Run.objects.filter(pk=run.pk, stage=Run.Stage.FINISH, status=Run.Status.RUNNING)
    assert Run.objects.all_analysed() == 1  # as the last segment's worker does
    for n in (1, 2):
        worker = site.start_worker("analysis")
        site.wait(
            finishing.filter(attempt=n, lease_until__isnull=False).exists,
            "the worker to join tracks",
        )
        site.kill(worker)
        assert finishing.exists(), "killed in the middle"
        assert run.tracks.count() == SEGMENTS * TRACKS
        assert not run.shots.exists()

    site.start_worker("analysis")
    site.wait(lambda: over(run), "the run to end")
    assert run.status == Run.Status.SUCCEEDED
    assert run.lease_until is None
    whole = [(n, 0.0, SEGMENTS * SEGMENT_S, SEGMENTS * TIMES) for n in range(TRACKS)]
    tracks = run.tracks.order_by("number")
    assert list(tracks.values_list("number", "start_s", "end_s", "count")) == whole
    found = columns_of(run)
    assert len(found.frames) == SEGMENTS * TIMES
    numbers, counts = np.unique(found.detections["track"], return_counts=True)
    assert dict(zip(numbers.tolist(), counts.tolist(), strict=True)) == dict.fromkeys(
        range(TRACKS), SEGMENTS * TIMES
    )
    assert list(run.shots.values_list("start_s", "end_s")) == [(0.0, SEGMENTS * SEGMENT_S)]
    kept = site.folder / "cache" / "columns"
    site.wait(lambda: any(kept.glob("*.npy")), "the results to be ready on the disk")
    assert len(list(kept.iterdir())) == 1
    site.wait(lambda: not any(kept.with_name("scratch").iterdir()), "nothing to be left over")
