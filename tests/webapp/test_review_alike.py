"""Items that look alike are decided at once, and taken back at once."""

from __future__ import annotations

import json

import numpy as np
import pytest

from analysis.novelty.regions import REGION, Regions
from webapp.accounts.models import Refused
from webapp.review_queue import deciding
from webapp.review_queue.alike import alike
from webapp.review_queue.choosing import choose
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.rules import ReviewRule
from webapp.reviewing.verdicts import Verdict
from webapp.runs.results import columns_of
from webapp.runs.segments import SegmentRegions

pytestmark = pytest.mark.django_db

BOX = (0.10, 0.10, 0.30, 0.20)
FOUND = [("Kestrel", 1.0, 3.0, BOX, 0.4), ("Kestrel", 5.0, 7.0, BOX, 0.4)]
FOUND += [("Kestrel", 9.0, 11.0, BOX, 0.4), ("Vitalo", 13.0, 14.0, BOX, 0.4)]
LOOKS = np.eye(128, dtype=np.float32)[[0, 0, 1, 0]]  # the third Kestrel looks otherwise


@pytest.fixture
def items(run_of, asset, project) -> list[ReviewItem]:
    run = run_of(asset, project, found=FOUND)
    new = {"ConditionType": "FirstAppearance", "ConditionParameters": {}}
    rule = ReviewRule.objects.make(project, "New", {"Conditions": [new]}, by=None)
    ReviewItem.objects.bulk_create(choose(run, [rule]).items)
    columns = columns_of(run)
    numbers = list(dict.fromkeys(columns.detections["track"].tolist()))
    rows = np.zeros(len(numbers), REGION)
    rows["track"], rows["sight"] = numbers, np.arange(len(numbers))
    rows["x2"] = rows["y2"] = 0.5
    data = Regions(rows, LOOKS).pack()
    segment = run.segments.order_by("index").first()
    SegmentRegions.objects.create(
        segment=segment, data=data, sheet="runs/x.jpg", columns=4, tiles=4
    )
    return list(ReviewItem.objects.order_by("time_s"))


def said_of(item: ReviewItem, *, keep: bool = True) -> list[dict]:
    box = item.boxes[0]
    return [{"prediction": box["id"], "label": box["label"], "box": box["box"]}] if keep else []


def states() -> list[str]:
    return list(ReviewItem.objects.order_by("time_s").values_list("state", flat=True))


def test_what_looks_alike_is_offered_and_ends_with_one_decision_and_its_undo(items, reviewer):
    first, second, *_ = items
    [offered] = alike(first, reviewer)
    assert (offered["item"], offered["likeness"]) == (second.pk, 1.0)
    assert "background-position" in offered["style"]
    decision = deciding.decide(
        first, said_of(first, keep=False), by=reviewer, scope="track", alike=[second.pk]
    )
    assert states() == ["done", "done", "open", "open"]
    assert decision.verdicts.count() == 2
    taken = Verdict.objects.standing().get(time_s=second.time_s)
    assert (taken.actually, taken.start_s) == (None, second.boxes[0]["track"]["start_s"])
    assert alike(items[2], reviewer) == []
    deciding.undo(first, by=reviewer)
    assert states() == ["open"] * 4
    assert not Verdict.objects.standing().exists()


def test_only_what_was_offered_is_taken_along(items, reviewer):
    first, second, third, other = items
    pks = [third.pk, other.pk, 10**9]
    deciding.decide(first, said_of(first), by=reviewer, alike=pks)
    assert states() == ["done", "open", "open", "open"]
    deciding.undo(first, by=reviewer)
    deciding.decide(first, [], by=reviewer, is_unsure=True, alike=[second.pk])
    assert states() == ["done", "open", "open", "open"], "nobody could tell of this one either"


def test_what_another_person_has_is_left_to_them(items, reviewer, analyst):
    from webapp.review_queue.lending import lend

    first, second, *_ = items
    lend(ReviewItem.objects.filter(pk=second.pk), analyst, 1, "age", settles=False, have=set())
    assert alike(first, reviewer) == []


def test_an_analysis_that_keeps_nothing_offers_nothing(items, reviewer):
    SegmentRegions.objects.all().delete()
    assert alike(items[0], reviewer) == []


def test_programs_ask_and_take_along(items, client, key_for, reviewer, viewer):
    first, second, *_ = items
    url = f"/api/v1/review-items/{first.pk}"
    assert client.get(f"{url}/alike/", **key_for(viewer)).status_code == 403
    head = key_for(reviewer)
    assert [one["item"] for one in client.get(f"{url}/alike/", **head).json()["items"]] == [
        second.pk
    ]
    said = {"boxes": said_of(first), "scope": "track", "alike": [second.pk]}
    answer = client.post(
        f"{url}/decide/", json.dumps(said), content_type="application/json", **head
    )
    assert answer.json()["along"] == [second.pk]


def test_boxes_that_turn_out_to_be_different_things_say_nothing_of_others(items, reviewer, project):
    first, second, *_ = items
    two = [*first.boxes, first.boxes[0] | {"id": "b1"}]
    ReviewItem.objects.filter(pk=first.pk).update(boxes=two)
    first.refresh_from_db()
    with pytest.raises(Refused, match="different things"):
        deciding.decide(first, said_of(first), by=reviewer, alike=[second.pk])
    assert states() == ["open"] * 4
