"""What a segment found is stored once, and what crosses a border is joined at the end."""

from __future__ import annotations

import numpy as np
import pytest
from django.utils import timezone

from analysis.film.columns import Columns
from analysis.film.stretch import StretchResult
from analysis.media.frames import CHANGE
from analysis.types import Box, Detection, FrameResult, Sample
from webapp.contracts.models import Contract
from webapp.leases import Status, lease_end
from webapp.runs.run import Run
from webapp.runs.segments import Segment, SegmentResult
from workers.contracts.check import check_contracts
from workers.runs import store
from workers.runs.finish import finish

pytestmark = pytest.mark.django_db

STEP_S = 0.5


@pytest.fixture
def film(project, asset, owner):
    """A run of two segments of ten seconds, both being worked on."""
    run = Run.objects.request(asset, project, by=owner)
    Run.objects.filter(pk=run.pk).update(
        status=Run.Status.RUNNING, stage=Run.Stage.FINISH, worker="one", duration_s=20
    )
    for index in range(2):
        Segment.objects.create(
            run=run,
            index=index,
            start_s=10 * index,
            end_s=10 * index + 10,
            status=Status.WORKING,
            lease_token=f"token{index}",
            lease_until=lease_end(),
            frames_total=20,
        )
    run.refresh_from_db()
    return run


def found(start_s: float, *tracks: tuple[str, int, float, float, float], **more) -> StretchResult:
    """Ten seconds; each track is a label, a number, from when to when, and how sure it is."""
    frames = []
    for time_s in np.arange(start_s, start_s + 10, STEP_S).tolist():
        boxes = [
            Detection(Box(0.1, 0.1, 0.3, 0.3), label, sure, "yolo", track=number)
            for label, number, first, last, sure in tracks
            if first <= time_s < last
        ]
        frames.append(FrameResult(Sample(time_s, time_s, time_s + STEP_S), boxes))
    changes = more.pop("changes", np.zeros(0, CHANGE))
    values = {"n_held": 0, "n_missing": 0, "problem": None} | more
    return StretchResult(frames, changes, [], seconds=1.0, thumbnails=[], **values)


def keep(segment: Segment, result: StretchResult) -> bool:
    return store.segment(segment, result, sprite=("", {})).kept


def columns_of(run: Run) -> list[Columns]:
    kept = SegmentResult.objects.filter(segment__run=run).order_by("segment__index")
    return [Columns.unpack(result.columns) for result in kept]


def test_a_segment_keeps_its_boxes_and_says_its_tracks(film):
    first = film.segments.get(index=0)
    assert keep(first, found(0, ("Kestrel", 0, 2, 5, 0.4), ("Norra Bank", 1, 3, 4, 0.9)))
    (columns,) = columns_of(film)
    assert len(columns.frames) == 20
    assert len(columns.detections) == 6 + 2
    rows = film.tracks.order_by("number").values_list(
        "number", "label__name", "start_s", "end_s", "count"
    )
    assert list(rows) == [(0, "Kestrel", 2, 5, 6), (1, "Norra Bank", 3, 4, 2)]
    assert film.tracks.get(number=1).confidence == pytest.approx(0.9)


def test_done_twice_it_is_there_once(film):
    segment = film.segments.get(index=0)
    assert keep(segment, found(0, ("Kestrel", 0, 2, 5, 0.4), ("Kestrel", 1, 7, 8, 0.4)))
    Segment.objects.filter(pk=segment.pk).update(status=Status.WORKING, lease_until=lease_end())
    assert keep(segment, found(0, ("Kestrel", 0, 2, 6, 0.4)))
    (columns,) = columns_of(film)
    assert len(columns.detections) == 8
    assert list(film.tracks.values_list("count", flat=True)) == [8]


def test_whoever_lost_the_lease_changes_nothing(film):
    segment = film.segments.get(index=0)
    Segment.objects.filter(pk=segment.pk).update(lease_token="somebody else's")
    assert not keep(segment, found(0, ("Kestrel", 0, 2, 5, 0.4)))
    assert not columns_of(film)
    assert not film.tracks.exists()


def test_a_segment_without_a_box_keeps_its_frames(film):
    assert keep(film.segments.get(index=0), found(0))
    (columns,) = columns_of(film)
    assert (len(columns.frames), len(columns.detections)) == (20, 0)


def test_numbers_of_tracks_are_of_their_segment(film):
    assert keep(film.segments.get(index=1), found(10, ("Kestrel", 0, 12, 13, 0.4)))
    (columns,) = columns_of(film)
    assert set(columns.detections["track"].tolist()) == {100_000}


def test_a_track_that_crosses_a_border_becomes_one(film):
    keep(film.segments.get(index=0), found(0, ("Kestrel", 0, 8, 10, 0.4)))
    keep(film.segments.get(index=1), found(10, ("Kestrel", 0, 10, 13, 0.7)))
    finish(film)
    film.refresh_from_db()
    assert film.status == Run.Status.SUCCEEDED
    track = film.tracks.get()
    assert (track.number, track.start_s, track.end_s, track.count) == (0, 8, 13, 10)
    assert track.confidence == pytest.approx(0.7)
    assert [set(c.detections["track"].tolist()) for c in columns_of(film)] == [{0}, {0}]


def test_contracts_of_the_project_are_looked_at_again(film, workspace, kestrel):
    day = timezone.now().date()
    about = {"name": "Cup", "label": kestrel, "starts": day, "ends": day}
    made = Contract.objects.make(workspace, by=None, promises={"seconds": 9.0}, **about)
    check_contracts()
    assert not Contract.objects.due().exists()
    keep(film.segments.get(index=0), found(0, ("Kestrel", 1, 2, 5, 0.9)))
    keep(film.segments.get(index=1), found(10))
    finish(film)
    check_contracts()
    made.refresh_from_db()
    assert made.figures["promises"][0]["delivered"] == pytest.approx(3)


def test_a_track_over_a_cut_stays_two(film):
    changes = np.zeros(250, CHANGE)
    changes["time_s"] = np.arange(250) * 0.04 + 10.0
    changes["score"][0] = 1.0  # another picture from 10 s on
    keep(film.segments.get(index=0), found(0, ("Kestrel", 0, 8, 10, 0.4)))
    keep(film.segments.get(index=1), found(10, ("Kestrel", 0, 10, 13, 0.7), changes=changes))
    finish(film)
    assert film.tracks.count() == 2
    assert list(film.shots.values_list("start_s", "end_s")) == [(0, 10), (10, 20)]


def test_the_notes_say_what_was_held_missing_and_damaged(film):
    keep(film.segments.get(index=0), found(0, n_held=3, problem="A part is damaged."))
    keep(film.segments.get(index=1), found(10, n_missing=2, problem="A part is damaged."))
    finish(film)
    film.refresh_from_db()
    assert film.notes[-3:] == [
        "A part is damaged.",
        "3 of 40 samples looked like the one before and kept its result.",
        "2 of 40 samples could not be decoded.",
    ]


def test_only_the_worker_that_holds_the_run_finishes_it(film):
    Run.objects.filter(pk=film.pk).update(worker="another", started=timezone.now())
    finish(film)
    film.refresh_from_db()
    assert film.status == Run.Status.RUNNING


def test_cancelled_while_it_is_finished_and_asked_for_again_it_counts_each_box_once(film):
    keep(film.segments.get(index=0), found(0, ("Kestrel", 0, 8, 10, 0.4)))
    keep(film.segments.get(index=1), found(10, ("Kestrel", 0, 10, 13, 0.7)))
    assert Run.objects.get(pk=film.pk).cancel()
    finish(film)
    assert film.tracks.count() == 2
    assert Run.objects.get(pk=film.pk).retry()
    finish(film)
    assert list(film.tracks.values_list("number", "count")) == [(0, 10)]
    assert film.shots.count() == 1
