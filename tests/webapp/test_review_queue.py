"""The queue: who gets what, what a decision changes, and how it is taken back."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.trained import model_version
from webapp.review_queue.choosing import choose
from webapp.review_queue.decisions import Decision
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.rules import ReviewRule
from webapp.reviewing.verdicts import Verdict
from webapp.runs.run import Run

pytestmark = pytest.mark.django_db
NEXT = "/api/v1/review-items/next/"


@pytest.fixture
def queue(run, project):
    """queue(people=1): the first sight of each of the four tracks, and one frame of nothing."""

    def make(people: int = 1) -> list[ReviewItem]:
        conditions = [{"ConditionType": "FirstAppearance", "ConditionParameters": {}}]
        about = {"people": people, "by": None}
        rule = ReviewRule.objects.make(project, "New", {"Conditions": conditions}, **about)
        ReviewItem.objects.bulk_create(choose(run, [rule]).items)
        return list(ReviewItem.objects.order_by("time_s"))

    return make


@pytest.fixture
def browser(reviewer, client_for):
    return client_for(reviewer)


def send(browser, item: ReviewItem, *boxes, verb: str = "decide", **more):
    body = {"boxes": list(boxes), "scope": "track", "seconds": 2.0} | more
    address = reverse(f"api-review-item-{verb}", args=[item.pk])
    return browser.post(address, body if verb == "decide" else {}, "application/json")


def kept(item: ReviewItem, label: int | None = None) -> dict:
    found = item.boxes[0]
    return {"prediction": "b0", "label": label or found["label"], "box": found["box"]}


def seconds(browser, run, name: str, query: str = "") -> float:
    answer = browser.get(f"/api/v1/runs/{run.pk}/exposure/{query}").json()
    return next(b["on_screen_s"] for b in answer["brands"] if b["name"] == name)


# --- what a decision changes ------------------------------------------------------------------


def test_a_weak_track_that_is_accepted_counts(browser, run, queue):
    weak = next(item for item in queue() if item.time_s == 70.0)
    assert seconds(browser, run, "Kestrel") == pytest.approx(12.0)
    assert send(browser, weak, kept(weak)).json()["said"] == "Accepted 1"
    assert seconds(browser, run, "Kestrel") == pytest.approx(17.0)
    assert seconds(browser, run, "Kestrel", "?corrections=off") == pytest.approx(12.0)


def test_a_track_that_is_rejected_counts_no_more_and_the_prediction_stays(browser, run, queue):
    first, *_ = queue()
    before = first.boxes
    assert send(browser, first).json()["said"] == "Rejected 1"
    assert seconds(browser, run, "Kestrel") == pytest.approx(2.0)
    first.refresh_from_db()
    assert (first.boxes, first.state) == (before, State.DONE)


def test_of_this_frame_alone_only_this_frame_changes(browser, run, queue):
    first, *_ = queue()
    send(browser, first, scope="frame")
    assert seconds(browser, run, "Kestrel") == pytest.approx(11.5)


def test_a_track_that_is_another_brand_counts_there(browser, run, queue, project):
    first, *_ = queue()
    vitalo = project.labels.get(name="Vitalo")
    assert send(browser, first, kept(first, vitalo.pk)).json()["said"] == "Renamed 1"
    assert seconds(browser, run, "Kestrel") == pytest.approx(2.0)
    assert seconds(browser, run, "Vitalo") == pytest.approx(10.0)


def test_what_was_missed_is_drawn_and_counts_in_its_frame(browser, run, queue, project):
    first, *_ = queue()
    vitalo = project.labels.get(name="Vitalo")
    drawn = {"prediction": None, "label": vitalo.pk, "box": [0.6, 0.6, 0.8, 0.8]}
    assert send(browser, first, kept(first), drawn).json()["said"] == "Accepted 1, drew 1"
    assert seconds(browser, run, "Vitalo") == pytest.approx(0.5)


def test_who_could_not_tell_changes_nothing(browser, run, queue):
    first, *_ = queue()
    send(browser, first, unsure=True)
    assert seconds(browser, run, "Kestrel") == pytest.approx(12.0)
    first.refresh_from_db()
    assert first.state == State.DONE
    assert not Verdict.objects.exists()


def test_it_holds_for_a_later_analysis_and_is_named_in_the_report(
    browser, run, asset, project, queue, run_of, at_report
):
    first, second, *_ = queue()
    send(browser, first)
    bank = second.boxes[1]
    said = {"prediction": "b1", "label": bank["label"], "box": bank["box"]}
    assert send(browser, second, said).json()["said"] == "Accepted 1"
    assert seconds(browser, run_of(asset, project), "Kestrel") == pytest.approx(2.0)
    page = at_report.get(reverse("run-report", args=[run.pk])).content.decode()
    assert "People reviewed boxes: 1 confirmed, 1 rejected." in page
    shown = browser.get(reverse("run-view", args=[run.pk])).json()["panel"]
    assert "People reviewed boxes" in shown


def test_a_track_that_was_judged_is_not_asked_about_at_another_frame(browser, run, queue, project):
    first, second, *_ = queue()
    worst = {"ConditionType": "WorstFrame", "ConditionParameters": {"LabelName": "Kestrel"}}
    rule = ReviewRule.objects.make(project, "Worst", {"Conditions": [worst]}, by=None)
    again = ReviewItem(run=run, project=project, workspace=run.asset.workspace, rule=rule)
    again.frame, again.time_s, again.boxes = first.frame + 3, 11.5, first.boxes
    again.save()
    assert send(browser, first).json()["along"] == [again.pk]
    again.refresh_from_db()
    assert again.state == State.DONE
    asked = browser.post(f"{NEXT}?n=9").json()["items"]
    boxes = next(one["boxes"] for one in asked if one["id"] == second.pk)
    assert [box["id"] for box in boxes] == ["b1"], "the other is turned down"
    send(browser, first, verb="undo")
    again.refresh_from_db()
    assert again.state == State.OPEN


# --- taking back ------------------------------------------------------------------------------


def test_undone_everything_is_as_before_and_the_item_is_theirs_again(browser, run, queue):
    first, *_ = queue()
    send(browser, first)
    assert send(browser, first, verb="undo").status_code == 200
    assert seconds(browser, run, "Kestrel") == pytest.approx(12.0)
    assert [one["id"] for one in browser.post(f"{NEXT}?n=1").json()["items"]] == [first.pk]
    assert send(browser, first, kept(first)).status_code == 200


def test_the_same_sent_twice_counts_once(browser, queue):
    first, *_ = queue()
    assert send(browser, first).json() == send(browser, first).json()
    assert Decision.objects.count() == Verdict.objects.count() == 1


# --- who gets what ----------------------------------------------------------------------------


def test_no_two_people_are_given_the_same_and_what_matters_comes_first(
    browser, analyst, client_for, queue
):
    queue()
    other = client_for(analyst)
    mine = browser.post(f"{NEXT}?n=2").json()
    theirs = other.post(f"{NEXT}?n=20").json()
    assert [one["time_s"] for one in mine["items"]] == [15.0, 10.0]
    assert [one["time_s"] for one in theirs["items"]] == [70.0, 80.0]
    assert (theirs["left"], theirs["elsewhere"]) == (4, 2)
    again = browser.post(f"{NEXT}?n=2").json()
    assert [one["id"] for one in again["items"]] == [one["id"] for one in mine["items"]]
    project = mine["projects"][str(mine["items"][0]["project"])]
    assert [label["name"] for label in project["labels"]] == ["Kestrel", "Norra Bank", "Vitalo"]


def test_what_somebody_has_in_front_of_them_is_a_conflict_for_others(
    browser, analyst, client_for, queue
):
    queue()
    (item,) = browser.post(f"{NEXT}?n=1").json()["items"]
    row = ReviewItem.objects.get(pk=item["id"])
    answer = send(client_for(analyst), row)
    assert answer.status_code == 409
    assert "has it in front of them" in answer.json()["detail"]
    browser.post("/api/v1/review-items/hand-back/")
    assert send(client_for(analyst), row).status_code == 200
    assert "decided for it already" in send(browser, row).json()["detail"]


def test_what_is_before_somebody_already_stays_theirs_and_is_not_sent_again(
    browser, analyst, client_for, queue
):
    queue()
    (first,) = browser.post(f"{NEXT}?n=1").json()["items"]
    rows = ReviewItem.objects.filter(pk=first["id"])
    soon = timezone.now() + timedelta(seconds=60)
    rows.update(lease_until=soon)
    more = {"have": [first["id"]]}
    rest = browser.post(f"{NEXT}?n=2", more, content_type="application/json").json()["items"]
    assert len(rest) == 1
    assert rest[0]["id"] != first["id"]
    assert rows.get().lease_until > soon + timedelta(seconds=60)
    theirs = client_for(analyst).post(f"{NEXT}?n=20").json()["items"]
    assert not {first["id"], rest[0]["id"]} & {one["id"] for one in theirs}


def test_skipped_it_comes_after_all_else(browser, queue):
    queue()
    (first,) = browser.post(f"{NEXT}?n=1").json()["items"]
    send(browser, ReviewItem.objects.get(pk=first["id"]), verb="skip")
    order = [one["id"] for one in browser.post(f"{NEXT}?n=4").json()["items"]]
    assert order.index(first["id"]) == 3


def test_asked_for_one_brand_only_its_items_come(browser, queue, project):
    queue()
    bank = project.labels.get(name="Norra Bank")
    items = browser.post(f"{NEXT}?n=9&label={bank.pk}").json()["items"]
    assert [one["time_s"] for one in items] == [15.0]
    assert browser.post(f"{NEXT}?n=9&order=sideways").status_code == 400


def test_in_the_order_of_brands_each_is_done_before_the_next(browser, queue):
    queue()
    asked = browser.post(f"{NEXT}?n=4&order=brand").json()["items"]
    labels = [ReviewItem.objects.get(pk=item["id"]).label_id for item in asked]
    assert labels == sorted(labels)
    assert len(set(labels)) > 1


def test_the_page_says_what_waits_and_the_rail_how_much_of_it_is_yours(
    browser, viewer, client_for, queue
):
    queue()
    page = browser.get(reverse("review")).content.decode()
    assert "4 wait".replace(" ", "</b><span>") in page.replace("\n", "")
    assert '4<span class="hide"> with work for you' in page
    theirs = client_for(viewer).get(reverse("review")).content.decode()
    assert "with work for you" not in theirs
    assert "Somebody with the reviewer role can decide." in theirs


# --- second opinions --------------------------------------------------------------------------


def test_two_who_agree_settle_it_and_nothing_counts_before(
    browser, analyst, client_for, run, queue
):
    first, *_ = queue(people=2)
    send(browser, first)
    assert seconds(browser, run, "Kestrel") == pytest.approx(12.0)
    mine = [one["id"] for one in browser.post(f"{NEXT}?n=9").json()["items"]]
    assert first.pk not in mine, "nobody gives themselves a second opinion"
    browser.post("/api/v1/review-items/hand-back/")
    assert "waits for somebody else" in send(browser, first, kept(first)).json()["detail"]
    assert send(client_for(analyst), first).json()["state"] == State.DONE
    assert seconds(browser, run, "Kestrel") == pytest.approx(2.0)


def test_two_who_disagree_leave_it_to_a_third_who_sees_both(
    browser, analyst, owner, client_for, run, queue
):
    first, *_ = queue(people=2)
    send(browser, first)
    assert send(client_for(analyst), first, kept(first)).json()["state"] == State.DISPUTED
    assert seconds(browser, run, "Kestrel") == pytest.approx(12.0)
    third = client_for(owner)
    items = third.post(f"{NEXT}?n=9").json()["items"]
    others = next(one["others"] for one in items if one["id"] == first.pk)
    assert [len(one["boxes"]) for one in others] == [0, 1]
    assert send(third, first).json()["state"] == State.DONE
    assert seconds(browser, run, "Kestrel") == pytest.approx(2.0)
    assert send(third, first, verb="undo").json()["state"] == State.DISPUTED
    assert seconds(browser, run, "Kestrel") == pytest.approx(12.0)
    assert "decided for it since" in send(browser, first, verb="undo").json()["detail"]


def test_boxes_that_overlap_by_half_are_the_same(browser, analyst, client_for, queue):
    first, *_ = queue(people=2)
    send(browser, first, kept(first))
    x1, y1, x2, y2 = first.boxes[0]["box"]
    near = kept(first) | {"box": [x1 + 0.02, y1, x2 + 0.02, y2]}
    assert send(client_for(analyst), first, near).json()["state"] == State.DONE


# --- what makes no sense ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prediction": "b9"}, "none that was found"),
        ({"label": 987654}, "none of the project"),
        ({"box": [0.5, 0.5, 0.4, 0.9]}, "inside the frame"),
    ],
)
def test_it_is_refused_in_words_and_nothing_is_decided(browser, queue, change, sentence):
    first, *_ = queue()
    answer = send(browser, first, kept(first) | change)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
    assert not Decision.objects.exists()


def test_an_asset_that_is_deleted_while_it_is_reviewed_takes_its_items_along(
    browser, run, queue, asset
):
    first, *_ = queue()
    browser.post(f"{NEXT}?n=4")
    asset.remove(by=None)
    assert send(browser, first).status_code == 404
    assert browser.post(f"{NEXT}?n=4").json()["items"] == []


def test_a_label_that_is_archived_while_it_is_reviewed_stays_what_it_was(browser, queue, project):
    first, *_ = queue()
    project.labels.get(name="Kestrel").archive(by=None)
    assert send(browser, first, kept(first)).json()["said"] == "Accepted 1"


def test_the_version_that_found_it_may_be_archived_meanwhile(browser, run, queue, workspace):
    version = model_version(workspace)
    looked_with = {"id": version.pk, "name": "Boards v1", "sha256": version.sha256, "labels": []}
    Run.objects.filter(pk=run.pk).update(inputs=run.inputs | {"model": looked_with})
    first, *_ = queue()
    version.archive(by=None)
    assert len(browser.post(f"{NEXT}?n=4").json()["items"]) == 4
    assert send(browser, first, kept(first)).json()["said"] == "Accepted 1"
    report = browser.get(reverse("run-report", args=[run.pk])).content.decode()
    assert "Boards v1" in report, "what the figures rest on is still named"


def test_a_viewer_sees_the_queue_and_decides_nothing(viewer, client_for, queue):
    first, *_ = queue()
    browser = client_for(viewer)
    assert browser.get(reverse("review")).status_code == 200
    assert send(browser, first).status_code == 403
    assert browser.post(f"{NEXT}?n=1").json()["items"] == []
    assert browser.get(reverse("review-work")).status_code == 403


# --- for programs -----------------------------------------------------------------------------


def test_what_people_answered_is_written_as_amazon_a2i_writes_it(browser, queue, project):
    first, *_ = queue()
    send(browser, first, kept(first))
    told = browser.get(reverse("api-review-item-human-loop", args=[first.pk])).json()
    assert told["humanLoopStatus"] == "Completed"
    (answer,) = told["humanAnswers"]
    assert answer["answerContent"]["annotatedResult"] == {
        "boundingBoxes": [
            {"label": "Kestrel", "left": 192, "top": 108, "width": 384, "height": 108}
        ],
        "inputImageProperties": {"width": 1920, "height": 1080},
    }
    assert answer["timeSpentInSeconds"] == 2.0
    accepted, submitted = (
        datetime.strptime(answer[when], "%Y-%m-%dT%H:%M:%S.%fZ")
        for when in ("acceptanceTime", "submissionTime")
    )
    assert (submitted - accepted).total_seconds() == pytest.approx(2.0, abs=0.01)
    assert answer["workerMetadata"]["identityData"]["sub"] == answer["workerId"].split("-")[1]
    (why,) = told["inputContent"]["humanTaskActivationConditionResults"]["Conditions"]
    assert why["EvaluationResult"] is True
    rules = browser.get(reverse("review-rules", args=[project.pk])).content.decode()
    every = reverse("api-review-rule-human-loops", args=[first.rule_id])
    assert every in rules
    lines = b"".join(browser.get(every).streaming_content).decode().splitlines()
    assert [json.loads(line) for line in lines] == [told], "all that is decided, each as it is"


def test_the_next_of_a_long_queue_costs_few_questions(browser, queue):
    queue()
    browser.post(f"{NEXT}?n=4")  # pictures are asked for
    with CaptureQueriesContext(
        connection,
    ) as asked:
        browser.post(f"{NEXT}?n=4")
    assert len(asked) <= 30


def test_each_box_leads_to_why_it_was_found(browser, queue):
    queue()
    items = browser.post(f"{NEXT}?n=9").json()["items"]
    links = [box["why"] for one in items for box in one["boxes"]]
    assert links
    assert {browser.get(link).status_code for link in links} == {200}
