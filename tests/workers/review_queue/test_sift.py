"""What the rules of a project put into the queue when an analysis ends."""

from __future__ import annotations

import pytest
from django.utils import timezone

from webapp.leases import Status
from webapp.review_queue import deciding
from webapp.review_queue.decisions import Decision
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.pace import weigh
from webapp.review_queue.rules import ReviewRule
from webapp.review_queue.siftings import Sifting
from workers.review_queue.sift import sift

pytestmark = pytest.mark.django_db


def rule(project, name, kind, people=1, **parameters):
    one = {"ConditionType": kind, "ConditionParameters": parameters}
    return ReviewRule.objects.make(project, name, {"Conditions": [one]}, people=people, by=None)


def sifted(run) -> Sifting:
    row = Sifting.objects.request(run, by=None)
    assert row is not None
    sift(row.pk)
    row.refresh_from_db()
    assert (row.status, row.error) == (Status.DONE, "")
    return row


@pytest.fixture
def new_things(project):
    return rule(project, "New", "FirstAppearance")


def test_the_first_sight_of_each_track_is_asked_about_with_what_was_found_there(run, new_things):
    assert sifted(run).n_items == 4
    first, *_ = ReviewItem.objects.filter(time_s=10.0)
    assert [(box["confidence"], box["is_matched"]) for box in first.boxes] == [(0.9, True)]
    assert first.boxes[0]["track"] == {
        "start_s": 10.0, "end_s": 19.5, "n_frames": 20, "seconds": 10.0,
    }  # fmt: skip
    assert first.because[0]["rule"] == "New"
    assert "Kestrel" in first.because[0]["words"]


def test_a_box_that_does_not_count_is_drawn_only_where_it_is_why(run, project):
    rule(project, "Weak", "LabelConfidenceCheck", LabelName="Kestrel", ConfidenceLessThan=30)
    sifted(run)
    boxes = [box for item in ReviewItem.objects.all() for box in item.boxes]
    assert {(box["confidence"], box["is_weak"], box["is_matched"]) for box in boxes} == {
        (0.2, True, True)
    }


def test_what_most_of_the_report_depends_on_comes_first(run, new_things):
    sifted(run)
    stakes = ReviewItem.objects.order_by("-stake_s").values_list("time_s", "stake_s")
    # 25 s at 0.8, 10 s at 0.9, 5 s at 0.2 and 2 s at 0.7
    assert [time_s for time_s, _ in stakes] == [15.0, 10.0, 70.0, 80.0]
    assert stakes[0][1] == pytest.approx(25 * 4 * 0.8 * 0.2)


def test_of_two_that_settle_as_much_the_quicker_one_comes_first(run, project, reviewer):
    slow, quick = (
        ReviewItem(
            workspace=project.workspace, project=project, run=run, kind=kind, frame=0, time_s=0.0,
            stake_s=6.0,
        )
        for kind in (ReviewItem.Kind.MENTION, ReviewItem.Kind.FRAME)
    )  # fmt: skip
    weigh([slow, quick], project.workspace)
    assert (slow.worth, quick.worth) == (1.0, 1.5), "six seconds and four, until some are timed"
    quick.save()
    Decision.objects.bulk_create(
        Decision(item=quick, by=reviewer, spent_s=12.0, undone=timezone.now()) for _ in range(20)
    )
    weigh([slow, quick], project.workspace)
    assert (slow.worth, quick.worth) == (1.0, 0.5), "as long as people here really take"


def test_gone_through_twice_nothing_is_there_twice(run, new_things):
    sifted(run)
    assert sifted(run).n_items == 0
    assert ReviewItem.objects.count() == 4


def test_a_frame_that_two_rules_send_comes_once_and_says_both(run, project, new_things):
    rule(
        project, "Surest", "LabelConfidenceCheck", people=2, LabelName="*", ConfidenceGreaterThan=85
    )
    sifted(run)
    item = ReviewItem.objects.get(time_s=10.0)
    assert [why["rule"] for why in item.because] == ["New", "Surest"]
    assert item.people == 2, "as many as the stricter rule asks for"


def test_a_newer_analysis_takes_the_place_of_the_one_before_and_asks_nothing_twice(
    run, asset, project, run_of, new_things, reviewer
):
    sifted(run)
    done = ReviewItem.objects.get(time_s=10.0)
    boxes = [{"prediction": "b0", "label": done.label_id, "box": done.boxes[0]["box"]}]
    deciding.decide(done, boxes, by=reviewer)
    later = run_of(asset, project)
    assert sifted(later).n_items == 3
    assert not later.review_items.filter(time_s=10.0).exists(), "somebody said so already"
    states = run.review_items.order_by("time_s").values_list("state", flat=True)
    assert list(states) == [State.DONE, *[State.WITHDRAWN] * 3]


def test_a_rule_that_sends_everything_fills_the_queue_with_what_matters_and_says_so(
    run, project, monkeypatch
):
    monkeypatch.setattr("webapp.review_queue.choosing.MOST_ITEMS", 50)
    rule(project, "All", "Sampling", RandomSamplingPercentage=100)
    row = sifted(run)
    assert row.n_items == 50
    assert "ask for 240 items" in row.note
    assert run.review_items.filter(time_s__gte=15, time_s__lt=40).count() == 50


def test_without_a_rule_nothing_is_gone_through(run, project, new_things):
    new_things.change(is_on=False, by=None)
    assert Sifting.objects.request(run, by=None) is None


def test_the_newest_analysis_of_each_film_is_gone_through_when_it_is_asked_for(
    run, asset, project, run_of, new_things, owner
):
    later = run_of(asset, project)
    assert Sifting.objects.request_latest(new_things, by=owner) == 1
    assert Sifting.objects.get().run == later
