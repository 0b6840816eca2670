"""The figures of the review: what they count, for whom, and what they say of nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.trained import dataset_version, evaluation, model_version
from webapp.leases import Status
from webapp.review_figures.asked import Asked
from webapp.review_figures.drift import drift
from webapp.review_figures.people import people
from webapp.review_figures.versions import versions
from webapp.review_figures.waiting import waiting
from webapp.review_queue.choosing import choose, n_tracks_of
from webapp.review_queue.deciding import decide
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.rules import ReviewRule
from webapp.review_queue.siftings import Sifting
from webapp.reviewing.verdicts import Verdict
from webapp.runs.run import Run

pytestmark = pytest.mark.django_db
PAGE = "/review/figures"
FIRST = {"ConditionType": "FirstAppearance", "ConditionParameters": {}}


def lot(percentage: float) -> dict:
    return {
        "ConditionType": "Sampling",
        "ConditionParameters": {"RandomSamplingPercentage": percentage},
    }


@pytest.fixture
def sifted(project):
    """sifted(run, conditions): as the worker leaves it, with the items in their order of time."""

    def make(run, *conditions, people: int = 1) -> list[ReviewItem]:
        about = {"people": people, "by": None}
        name = f"Rule {ReviewRule.objects.count()}"
        rule = ReviewRule.objects.make(project, name, {"Conditions": list(conditions)}, **about)
        chosen = choose(run, [rule])
        there = {"n_frames": chosen.n_frames, "n_tracks": chosen.n_tracks}
        there["n_tracks_sent"] = n_tracks_of(item.boxes for item in chosen.items)
        Sifting.objects.create(run=run, status=Status.DONE, **there)
        known = set(ReviewItem.objects.filter(run=run).values_list("frame", flat=True))
        ReviewItem.objects.bulk_create(i for i in chosen.items if i.frame not in known)
        return list(ReviewItem.objects.filter(run=run).order_by("time_s"))

    return make


def said(item: ReviewItem, *, rename: int | None = None) -> list[dict]:
    """What is drawn, accepted; or renamed."""
    return [
        {"prediction": box["id"], "label": rename or box["label"], "box": box["box"]}
        for box in item.boxes
    ]


@pytest.fixture
def asked(project):
    return Asked(project, "all")


# --- decided without a person -----------------------------------------------------------------


def test_effort_saved_is_the_share_of_frames_and_tracks_that_nobody_is_asked_about(
    run, sifted, asked
):
    items = sifted(run, FIRST)
    (one,) = versions(asked)
    assert one.name == "Logo pictures"
    assert (one.frames, one.frames_sent) == (Sifting.objects.get().n_frames, len(items))
    assert one.effort_saved == pytest.approx(1 - len(items) / one.frames)
    assert (one.tracks, one.tracks_saved) == (4, 0.0), "each track was sent once"


def test_an_analysis_that_met_no_rule_saved_nobody_anything(run, asked, analyst, client_for):
    (one,) = versions(asked)
    assert (one.n_sifted, one.effort_saved) == (0, None)
    page = client_for(analyst).get(PAGE).content.decode()
    assert "no rule was applied" in page
    assert "Make one" in page


def test_of_what_a_lot_alone_sent_the_share_that_was_right(run, sifted, asked, reviewer):
    items = sifted(run, lot(30))
    assert all(item.is_by_lot for item in items)
    with_box = next(item for item in items if item.boxes)
    for item in items[:20]:
        boxes = [] if item == with_box else said(item)
        decide(item, boxes, by=reviewer)
    (one,) = versions(asked)
    assert one.lots is not None
    assert (one.lots.n, one.lots.share) == (20, pytest.approx(0.95))
    assert one.lots.low < 0.95 < one.lots.high


def test_what_a_rule_sent_says_nothing_of_what_was_decided_without_a_person(
    run, sifted, asked, reviewer
):
    for item in sifted(run, FIRST):
        assert not item.is_by_lot
        decide(item, said(item), by=reviewer)
    assert versions(asked)[0].lots is None


def test_who_could_not_tell_says_nothing(run, sifted, asked, reviewer):
    decide(sifted(run, lot(30))[0], [], by=reviewer, is_unsure=True)
    assert versions(asked)[0].lots is None


def test_an_audit_counts_by_the_frames_that_its_answers_stand_for(run, kestrel, asked, reviewer):
    from webapp.auditing import rounds
    from webapp.auditing.items import AuditItem

    (audited,) = rounds.start(run, [kestrel.pk], 40, by=reviewer)
    items = list(audited.items.order_by("place"))
    for item in items:
        item.answer = AuditItem.Answer.THERE if item.stratum <= 1 else AuditItem.Answer.NOT_THERE
        item.answered, item.answered_by = timezone.now(), reviewer
        item.save()
    (one,) = versions(asked)
    assert one.audits is not None
    assert (one.audits.share, one.audits.n) == (1.0, len(items))
    wrong = next(item for item in items if item.stratum == 4)
    audited.items.filter(pk=wrong.pk).update(answer=AuditItem.Answer.THERE)
    after = versions(asked)[0].audits
    assert after is not None
    assert after.low < after.share < 1.0
    audited.items.filter(pk=wrong.pk).update(answer="")
    assert versions(asked)[0].audits is None, "nothing is read while a round is open"


def test_novel_is_what_the_version_could_not_find(run, sifted, asked, project, reviewer):
    new = project.add_label("Newcomer", by=None)
    sent, *_ = sifted(run, FIRST)
    decide(sent, said(sent, rename=new.pk), by=reviewer)
    (one,) = versions(asked)
    assert (one.novel_sent, one.novel_found) == (1, 0)
    by_lot = next(item for item in sifted(run, lot(20)) if item.is_by_lot)
    drawn = {"prediction": None, "label": new.pk, "box": [0.6, 0.6, 0.8, 0.8]}
    decide(by_lot, [*said(by_lot), drawn], by=reviewer)
    (one,) = versions(asked)
    assert one.novel is not None
    assert (one.novel.share, one.novel.n) == (0.5, 2)


def test_a_label_that_it_knows_is_nothing_new(run, sifted, asked, kestrel, reviewer):
    item = next(item for item in sifted(run, lot(30)) if not item.boxes)
    drawn = {"prediction": None, "label": kestrel.pk, "box": [0.6, 0.6, 0.8, 0.8]}
    decide(item, [drawn], by=reviewer)
    (one,) = versions(asked)
    assert one.novel is None
    assert one.lots is not None
    assert one.lots.share == 0.0, "it was missed"


def test_each_model_version_has_a_row_of_its_own(asset, project, run_of, asked, analyst):
    run_of(asset, project)
    project.model_version = model_version(project.workspace, "Boards", labels=["Kestrel"])
    project.save()
    run_of(asset, project)
    assert [one.name for one in versions(asked)] == ["Logo pictures", "Boards v1"]


# --- people, queue, labels --------------------------------------------------------------------


def test_how_far_two_agree_and_who_was_confirmed(run, sifted, asked, reviewer, analyst, owner):
    first, second, *_ = sifted(run, FIRST, people=2)
    decide(first, said(first), by=reviewer, spent_s=2.0)
    decide(first, said(first), by=analyst, spent_s=4.0)
    decide(second, said(second), by=reviewer, spent_s=6.0)
    decide(second, [], by=analyst, spent_s=8.0)
    decide(second, said(second), by=owner, spent_s=3.0)
    found = {one.pk: one.all for one in people(asked)}
    mine = found[reviewer.pk]
    assert (mine.n, mine.median_s, mine.n_compared) == (2, 4.0, 2)
    assert mine.agreement == found[analyst.pk].agreement
    assert 0 < (mine.agreement or 0) < 1
    assert (mine.n_confirmed, mine.n_settled) == (1, 1)
    assert found[analyst.pk].n_confirmed == 0
    assert found[owner.pk].n_compared == 0, "who settled it knew what others had said"


def test_what_was_taken_back_counts_nowhere(run, sifted, asked, reviewer):
    from webapp.review_queue.deciding import undo

    first, *_ = sifted(run, FIRST)
    decide(first, [], by=reviewer)
    undo(first, by=reviewer)
    assert people(asked) == []
    assert drift(asked).rows == []


def test_the_age_of_what_waits_and_what_came_beside_what_was_decided(
    run, sifted, asked, project, reviewer
):
    items = sifted(run, FIRST)
    old = timezone.now() - timedelta(days=9)
    ReviewItem.objects.filter(pk=items[0].pk).update(created=old)
    decide(items[-1], said(items[-1]), by=reviewer)
    found = waiting(Asked(project, "30"))
    assert (found.n, found.over_a_day, found.over_a_week) == (len(items) - 1, 1, 1)
    assert found.oldest == old
    assert (found.came, found.decided) == (len(items), 1)
    assert [step.came for step in found.flow if step.came] == [1, len(items) - 1]
    assert len(found.flow) == 10, "days on which nothing came are there too"


@pytest.mark.parametrize(("now", "change"), [((12, 28), -1), ((36, 4), 0)])
def test_a_label_is_marked_where_fewer_are_confirmed_by_more_than_chance(
    asset, project, run_of, asked, kestrel, reviewer, now, change
):
    shares = {run_of(asset, project): (38, 2)}
    project.model_version = model_version(project.workspace, "Boards", labels=["Kestrel"])
    project.save()
    shares[run_of(asset, project)] = now
    for run, (right, wrong) in shares.items():
        item = ReviewItem.objects.create(
            run=run, project=project, workspace=project.workspace, frame=0, time_s=0.0
        )
        decision = item.decisions.create(by=reviewer)
        for n in range(right + wrong):
            actually = kestrel if n < right else None
            about = {"label": kestrel, "actually": actually, "time_s": 0.0, "box": [0, 0, 1, 1]}
            decision.verdicts.add(Verdict.objects.create(asset=asset, by=reviewer, **about))
    found = drift(asked)
    (row,) = found.rows
    assert found.columns == ["Logo pictures", "Boards v1"]
    assert [cell.n for cell in row.cells] == [40, 40]
    assert [cell.change for cell in row.cells] == [0, change]
    assert len(drift(Asked(project, "all", "month")).columns) == 1


# --- the page and the API ---------------------------------------------------------------------


def test_the_page_says_all_of_it_and_links_to_it(run, sifted, project, analyst, client_for):
    items = sifted(run, FIRST)
    decide(items[0], said(items[0]), by=analyst)
    frozen = dataset_version(project)
    measured = evaluation(model_version(project.workspace), frozen)
    browser = client_for(analyst)
    page = browser.get(PAGE, {"period": "30", "by": "month"}).content.decode()
    assert "72.2" in page
    assert "not measured" in page
    assert "none seen" in page
    assert "1 % by lot" in page
    assert reverse("evaluation", args=[measured.pk]) in page
    assert str(analyst) in page
    assert reverse("review-figures") in browser.get(reverse("review")).content.decode()


def test_nonsense_in_the_address_is_no_choice(run, viewer, client_for):
    browser = client_for(viewer)
    assert browser.get(PAGE, {"period": "-1", "by": "colour", "project": "x"}).status_code == 200
    assert browser.get(PAGE, {"project": "999999"}).status_code == 404
    assert browser.get("/review/figures/exposure", {"project": "999999"}).status_code == 404


def test_without_a_project_the_page_says_what_to_do(viewer, client_for):
    page = client_for(viewer).get(PAGE).content.decode()
    assert "Nothing to count yet" in page


def test_a_jump_of_seconds_is_named_with_the_asset(
    workspace, asset_in, project, run_of, viewer, client_for, key_for
):
    """Nine films in which Kestrel is seen some seconds, and one that is full of it."""
    for n in range(9):
        seen = [("Kestrel", 2.0, 6.0 + n, (0.1, 0.1, 0.3, 0.3), 0.9)]
        run_of(asset_in(workspace, f"match{n}.mp4"), project, found=seen)
    seen = [("Kestrel", 0.0, 58.0, (0.1, 0.1, 0.3, 0.3), 0.9)]
    final = run_of(asset_in(workspace, "Final.mp4"), project, found=seen)
    browser = client_for(viewer)
    part = browser.get("/review/figures/exposure", {"project": project.pk}).content.decode()
    assert "Kestrel 58 s in Final, usually" in part
    assert f"?run={final.pk}" in part
    answer = browser.get(reverse("api-unusual-seconds", args=[project.pk])).json()
    (one,) = [one for one in answer["unusual"] if one["brand"] == "Kestrel"]
    assert (one["run"], one["z"] > 3.5, one["is_by_length"]) == (final.pk, True, False)


def test_with_few_films_nothing_is_called_unusual(run, viewer, client_for):
    part = client_for(viewer).get("/review/figures/exposure").content.decode()
    assert "from 8 analysed films on; there is 1" in part


def test_the_api_answers_what_the_page_says_and_no_stranger(
    run, sifted, project, viewer, stranger, client_for, reviewer
):
    items = sifted(run, FIRST, lot(10))
    decide(items[0], said(items[0]), by=reviewer)
    address = reverse("api-review-figures", args=[project.pk])
    answer = client_for(viewer).get(address, {"period": "all"}).json()
    (one,) = answer["versions"]
    assert one["effort_saved"] == pytest.approx(1 - len(items) / one["frames"])
    assert one["frames_by_lot"] == sum(item.is_by_lot for item in items)
    assert answer["study"]["effort_saved"] == 0.722
    assert [row["decided"] for row in answer["people"]] == [1]
    assert client_for(stranger).get(address).status_code == 404
    assert client_for(viewer).get(address, {"period": "sometimes"}).status_code == 400


def test_a_film_that_was_deleted_counts_no_more(run, sifted, asked):
    sifted(run, FIRST)
    Run.objects.filter(pk=run.pk).update(removed=timezone.now())
    assert versions(asked) == []
    assert waiting(asked).n == 0
