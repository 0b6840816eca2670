"""Labelled work is reviewed: accepted, mended, sent back with what is wrong, given to somebody
else; nobody accepts unseen or their own, and nothing that was said or drawn is lost."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from tests.labelled import box, put
from webapp.accounts.models import Refused
from webapp.labelling import documents, quality
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.remarks import Remark
from webapp.labelling.reviews import Changed, Review, waiting
from webapp.labelling.working import Asked
from webapp.labelling.works import Work

HERE = [0.1, 0.1, 0.3, 0.3]
THERE = [0.12, 0.1, 0.32, 0.3]


def post(client, url, **body):
    return client.post(url, json.dumps(body), content_type="application/json")


def draw(work, label, sides, *, by, name="s-1", rev=0):
    change = {"put": name, "shape": box(label, sides)}
    key = f"k-{work.pk}-{work.version}-{name}"
    taken = work.operate([Asked(key, change, rev)], seconds=0.0, by=by)
    assert taken.made, (taken.conflicts, taken.refused)
    work.refresh_from_db()


@pytest.fixture
def reviewed(job, labeller, analyst):
    """A job that is reviewed, given to the labeller."""
    LabelingJob.objects.filter(pk=job.pk).update(is_reviewed=True)
    job.refresh_from_db()
    job.assign(labeller, by=analyst)
    return job


@pytest.fixture
def done(reviewed, labeller, kestrel):
    """The labeller's first picture, finished with one box."""
    work = reviewed.claim(labeller)[0]
    draw(work, kestrel, HERE, by=labeller)
    work.finish()
    return Work.objects.get(pk=work.pk)


def fresh(work):
    return Work.objects.get(pk=work.pk)


# --- what waits ------------------------------------------------------------------------------


def test_what_is_done_waits_for_a_reviewer_only_where_that_is_asked_for(done, reviewer, workspace):
    assert list(waiting(workspace, reviewer)) == [done]
    LabelingJob.objects.update(is_reviewed=False)
    assert not waiting(workspace, reviewer)
    done.job.dataset.project.ask_for_review(True, by=None)
    assert list(waiting(workspace, reviewer)) == [done]


def test_two_reviewers_never_have_the_same_piece(done, reviewer, analyst, workspace):
    assert Review.objects.next_for(reviewer, workspace) == done
    assert Review.objects.next_for(analyst, workspace) is None
    with pytest.raises(Refused, match="Rene is reviewing it just now"):
        Review.objects.begin(done, by=analyst)
    Work.objects.update(reviewing_until=timezone.now() - timedelta(seconds=1))
    assert Review.objects.next_for(analyst, workspace) == done


def test_a_job_is_complete_once_all_of_it_is_accepted(done, reviewed, labeller, reviewer, kestrel):
    while works := reviewed.claim(labeller):
        draw(works[0], kestrel, HERE, by=labeller)
        works[0].finish()
    reviewed.refresh_from_db()
    assert reviewed.is_open
    while work := Review.objects.next_for(reviewer, reviewed.workspace):
        Review.objects.accept(work, seen=work.version, by=reviewer)
    reviewed.refresh_from_db()
    assert reviewed.status == "complete"


def test_check_pictures_need_no_review(done, reviewer, workspace):
    done.item.expected = {"shapes": {}, "nothing": True}
    done.item.save()
    assert not waiting(workspace, reviewer)
    assert not fresh(done).waits_for_review


# --- whose it is -----------------------------------------------------------------------------


def test_nobody_reviews_their_own_work_where_somebody_else_can(reviewed, reviewer, kestrel):
    reviewed.assign(reviewer, by=reviewer)
    mine = reviewed.claim(reviewer)[0]
    draw(mine, kestrel, HERE, by=reviewer)
    mine.finish()
    assert Review.objects.next_for(reviewer, reviewed.workspace) is None
    with pytest.raises(Refused, match="your own work: somebody else reviews it"):
        Review.objects.accept(mine, seen=mine.version, by=reviewer)


def test_who_is_alone_reviews_their_own(job, owner, kestrel):
    LabelingJob.objects.update(is_reviewed=True)
    job.workspace.memberships.exclude(user=owner).delete()
    job.assign(owner, by=owner)
    mine = LabelingJob.objects.get(pk=job.pk).claim(owner)[0]
    draw(mine, kestrel, HERE, by=owner)
    mine.finish()
    assert Review.objects.next_for(owner, job.workspace) == mine
    assert Review.objects.accept(mine, seen=mine.version, by=owner).kind == "accepted"


def test_a_labeller_may_see_no_others_work_and_decide_nothing(done, client_for, labeller, person):
    theirs = client_for(person("lena", "labeller", done.job.workspace))
    own = client_for(labeller)
    for verb in ("accept", "send-back", "reassign"):
        url = reverse(f"labelling-review-{verb}", args=[done.pk])
        assert post(theirs, url, version=done.version).status_code == 404
        assert post(own, url, version=done.version).status_code == 403
    assert post(own, reverse("labelling-remarks", args=[done.pk]), text="x").status_code == 403
    assert fresh(done).verdict == ""


# --- accepting -------------------------------------------------------------------------------


def test_what_is_accepted_is_changed_no_more(done, reviewer, labeller, kestrel):
    review = Review.objects.accept(done, seen=done.version, by=reviewer)
    assert (review.kind, review.n_drawn, review.n_pairs, review.iou_sum) == ("accepted", 1, 1, 1.0)
    with pytest.raises(Refused, match="accepted in the review"):
        draw(fresh(done), kestrel, THERE, by=labeller, name="s-2")


def test_a_reviewer_mends_and_accepts_and_the_difference_is_kept(done, reviewer, labeller, kestrel):
    work = Review.objects.begin(done, by=reviewer)
    draw(work, kestrel, THERE, by=reviewer, rev=1)
    review = Review.objects.accept(work, seen=work.version, by=reviewer)
    assert review.kind == "fixed"
    assert review.iou_sum == pytest.approx(0.18 / 0.22)
    assert fresh(done).operations.last().by == reviewer
    assert documents.complete(fresh(done).at(1))["shapes"]["s-1"]["box"] == HERE


def test_a_reviewers_time_is_not_the_labellers(done, reviewer, client_for):
    Review.objects.begin(done, by=reviewer)
    Work.objects.update(touched=timezone.now() - timedelta(minutes=1))
    url = reverse("labelling-seconds", args=[done.pk])
    assert post(client_for(reviewer), url, seconds=12.0).status_code == 204
    assert (fresh(done).seconds, fresh(done).review_seconds) == (0.0, 12.0)


def test_only_who_has_it_in_review_changes_it(done, reviewer, client_for, kestrel):
    url = reverse("labelling-operations", args=[done.pk])
    body = {"operations": [put("s-9", box(kestrel, THERE))]}
    browser = client_for(reviewer)
    assert post(browser, url, **body).status_code == 403
    Review.objects.begin(done, by=reviewer)
    assert post(browser, url, **body).status_code == 200
    assert post(browser, reverse("labelling-finish", args=[done.pk])).status_code == 403


def test_nothing_is_accepted_unseen(done, labeller, reviewer, kestrel, client_for):
    draw(done, kestrel, THERE, by=labeller, name="s-2")
    with pytest.raises(Changed):
        Review.objects.accept(done, seen=1, by=reviewer)
    url = reverse("labelling-review-accept", args=[done.pk])
    answer = post(client_for(reviewer), url, version=1)
    assert answer.status_code == 409
    assert "changed after you opened it" in answer.json()["detail"]
    assert fresh(done).verdict == ""


def test_its_labeller_waits_while_it_is_reviewed(done, labeller, reviewer, kestrel):
    Review.objects.begin(done, by=reviewer)
    with pytest.raises(Refused, match="Rene is reviewing it just now"):
        draw(fresh(done), kestrel, THERE, by=labeller, name="s-2")


# --- sending back ----------------------------------------------------------------------------


def test_what_is_sent_back_comes_first_with_what_is_wrong(
    done, reviewed, reviewer, labeller, client_for, settings, django_capture_on_commit_callbacks
):
    settings.EMAIL_HOST = "mail.example.org"
    Review.objects.begin(done, by=reviewer)
    browser = client_for(reviewer)
    said = {"text": "Too tight on the left", "shape": "s-1"}
    answer = post(browser, reverse("labelling-remarks", args=[done.pk]), **said)
    assert answer.status_code == 201
    assert (answer.json()["place"], answer.json()["about"]) == (HERE, "Kestrel")
    with django_capture_on_commit_callbacks(execute=True):
        url = reverse("labelling-review-send-back", args=[done.pk])
        assert post(browser, url, version=done.version).json()["did"] == "sent back"
    (letter,) = mail.outbox
    assert letter.to == [labeller.email]
    assert "Too tight on the left" in letter.body
    assert reviewed.claim(labeller)[0].pk == done.pk
    sheet = client_for(labeller).get(reverse("labelling-data", args=[done.pk])).json()
    assert (sheet["mode"], sheet["reason"]) == ("label", "Too tight on the left")
    assert [(r["text"], r["by"]) for r in sheet["review"]["remarks"]] == [
        ("Too tight on the left", "Rene")
    ]


def test_the_labeller_resolves_answers_and_sends_it_to_review_again(
    done, reviewer, labeller, kestrel, client_for, workspace
):
    Review.objects.send_back(done, seen=done.version, by=reviewer, text="Tighter")
    remark = Remark.objects.get()
    url = reverse("labelling-remark", args=[remark.pk])
    own = client_for(labeller)
    assert post(own, url, resolved=True, answer="Done, it is the frame").status_code == 200
    remark.refresh_from_db()
    assert (remark.resolved_by, remark.answer) == (labeller, "Done, it is the frame")
    post(own, url, resolved=False)
    remark.refresh_from_db()
    assert remark.resolved is None
    work = fresh(done)
    draw(work, kestrel, THERE, by=labeller, rev=1)
    work.finish()
    assert list(waiting(workspace, reviewer)) == [work]
    review = Review.objects.accept(fresh(work), seen=work.version, by=reviewer)
    assert review.iou_sum == pytest.approx(0.18 / 0.22)  # beside what was drawn at first
    remark.refresh_from_db()
    assert remark.resolved is not None


def test_it_is_not_sent_back_without_a_word_nor_to_who_is_gone(done, reviewer, labeller):
    with pytest.raises(Refused, match="Say what is wrong"):
        Review.objects.send_back(done, seen=done.version, by=reviewer)
    done.job.assignments.all().delete()
    with pytest.raises(Refused, match="Lars is off the job"):
        Review.objects.send_back(done, seen=done.version, by=reviewer, text="No")
    done.job.workspace.memberships.filter(user=labeller).delete()
    with pytest.raises(Refused, match="Lars is no longer in Harbour Cup"):
        Review.objects.send_back(done, seen=done.version, by=reviewer, text="No")
    assert not Review.objects.exists()


def test_a_remark_outlives_its_box_and_its_label(done, reviewer, labeller, kestrel):
    Review.objects.begin(done, by=reviewer)
    Remark.objects.say(done, {"text": "Not ours", "shape": "s-1"}, by=reviewer)
    Review.objects.send_back(done, seen=done.version, by=reviewer)
    work = fresh(done)
    work.operate([Asked("gone", {"delete": "s-1"}, 1)], seconds=0.0, by=labeller)
    kestrel.archive(by=None)
    (remark,) = fresh(work).remarks.all()
    assert (remark.about, remark.place) == ("Kestrel", HERE)
    with pytest.raises(Refused, match="This box is gone"):
        Remark.objects.say(fresh(work), {"text": "again", "shape": "s-1"}, by=reviewer)


def test_what_was_sent_back_stays_with_its_labeller_over_night(done, reviewed, reviewer, labeller):
    Review.objects.send_back(done, seen=done.version, by=reviewer, text="Tighter")
    Work.objects.update(touched=timezone.now() - timedelta(days=3))
    reviewed.release_the_forgotten()
    assert fresh(done).status == "claimed"


BAD = [
    {"text": ""}, {"text": 5}, {"text": "x" * 1001}, {"text": "x", "at": [2, 0]}, {"text": "a\0b"},
    {"text": "x", "at": "here"}, {"text": "x", "frame": 7}, {"text": "x", "frame": True},
]  # fmt: skip


@pytest.mark.parametrize("body", BAD)
def test_remarks_that_make_no_sense_are_refused_in_words(done, reviewer, client_for, body):
    answer = post(client_for(reviewer), reverse("labelling-remarks", args=[done.pk]), **body)
    assert answer.status_code == 400
    assert answer.json()["detail"].endswith(".")


# --- giving it to somebody else -----------------------------------------------------------------


@pytest.fixture
def lena(person, workspace):
    return person("lena", "labeller", workspace)


def test_somebody_else_goes_on_from_what_is_drawn(done, reviewed, reviewer, labeller, lena):
    Remark.objects.say(done, {"text": "Look again", "shape": "s-1"}, by=reviewer)
    review = Review.objects.reassign(done, lena, seen=done.version, by=reviewer)
    (theirs,) = reviewed.claimed_by(lena)
    assert theirs.document["shapes"]["s-1"]["box"] == HERE
    assert theirs.reason == "Look again"
    assert theirs.remarks.get().shape == "s-1"
    assert fresh(done).status == "returned"
    assert review.to_work == theirs
    free = reviewed.items.get(pk=done.item_id).n_open
    assert free == 0


def test_it_is_not_given_to_who_has_it_or_may_not_label(done, reviewer, labeller, viewer):
    for whom, words in ((labeller, "has it already"), (viewer, "may not label")):
        with pytest.raises(Refused, match=words):
            Review.objects.reassign(done, whom, seen=done.version, by=reviewer)
    assert fresh(done).status == "done"


# --- taking back --------------------------------------------------------------------------------


def test_a_decision_is_taken_back_and_kept_in_the_history(done, reviewer, lena, labeller, kestrel):
    first = Review.objects.accept(done, seen=done.version, by=reviewer)
    work = Review.objects.take_back(first, by=reviewer)
    assert (work.verdict, work.reviewer) == ("", reviewer)
    second = Review.objects.send_back(work, seen=work.version, by=reviewer, text="No")
    work = Review.objects.take_back(second, by=reviewer)
    assert work.status == "done"
    third = Review.objects.reassign(work, lena, seen=work.version, by=reviewer)
    work = Review.objects.take_back(third, by=reviewer)
    assert (work.status, work.remarks.count()) == ("done", 1)
    assert not work.job.claimed_by(lena)
    kinds = [(r.kind, r.undone is not None) for r in work.reviews.all()]
    assert kinds == [("reassigned", True), ("sent_back", True), ("accepted", True)]
    with pytest.raises(Refused, match="taken back"):
        Review.objects.take_back(first, by=reviewer)


def test_what_somebody_went_on_from_is_not_taken_back(done, reviewer, labeller, analyst, kestrel):
    sent = Review.objects.send_back(done, seen=done.version, by=reviewer, text="No")
    draw(fresh(done), kestrel, THERE, by=labeller, name="s-2")
    with pytest.raises(Refused, match="Lars has gone on with it"):
        Review.objects.take_back(sent, by=reviewer)
    with pytest.raises(Refused, match="Only who decided"):
        Review.objects.take_back(sent, by=analyst)


def test_taking_the_last_acceptance_back_opens_the_job_again(
    done, reviewed, reviewer, labeller, kestrel
):
    while works := reviewed.claim(labeller):
        works[0].skip("dark")
    review = Review.objects.accept(done, seen=done.version, by=reviewer)
    assert LabelingJob.objects.get(pk=reviewed.pk).status == "complete"
    Review.objects.take_back(review, by=reviewer)
    assert LabelingJob.objects.get(pk=reviewed.pk).is_open


# --- programs ------------------------------------------------------------------------------------

WORKS = "/api/v1/labelled-works/"


def test_programs_review(done, reviewer, key_for, lena, client):
    ask = {"content_type": "application/json", **key_for(reviewer)}
    waits = client.get(WORKS, {"waits_for_review": True}, **key_for(reviewer)).json()["results"]
    assert [(w["id"], w["version"]) for w in waits] == [(done.pk, 1)]
    url = f"{WORKS}{done.pk}/"
    said = client.post(f"{url}remarks/", {"text": "Here", "at": [0.5, 0.25]}, **ask)
    assert (said.status_code, said.json()["place"]) == (201, [0.5, 0.25])
    assert client.post(f"{url}accept/", {"version": 7}, **ask).status_code == 409
    sent = client.post(f"{url}send-back/", {"version": 1}, **ask).json()
    assert (sent["status"], sent["verdict"], sent["reason"]) == ("claimed", "sent_back", "Here")
    assert client.post(f"{url}take-back/", **ask).json()["verdict"] == ""
    gone = client.post(f"{url}reassign/", {"version": 1, "user": 10**9}, **ask)
    assert gone.status_code == 422
    given = client.post(f"{url}reassign/", {"version": 1, "user": lena.pk}, **ask).json()
    assert given["status"] == "returned"
    assert client.post(f"{url}accept/", {"version": 1}, **ask).status_code == 422


# --- what counts ---------------------------------------------------------------------------------


@pytest.fixture
def closed(done, reviewed, analyst):
    """Closed with one picture done that nobody has reviewed."""
    reviewed.close(by=analyst)
    return reviewed


@pytest.mark.parametrize("only", [False, True])
def test_only_what_is_accepted_goes_into_the_dataset_where_that_is_asked_for(closed, done, only):
    from webapp.labelling.chores import Chore
    from workers.labelling.chores import chore

    closed.dataset.project.ask_for_review(only, by=None)
    chore(Chore.objects.get(job=closed, kind="completion").pk)
    assert done.item.sample.annotations.exists() is not only


def test_the_pages_say_what_waits_and_what_counts(done, reviewer, analyst, client_for):
    done.job.dataset.project.ask_for_review(True, by=analyst)
    page = client_for(reviewer).get(reverse("labelling")).content.decode()
    assert "To review" in page
    assert client_for(reviewer).post(reverse("labelling-review")).url == reverse(
        "labelling-work", args=[done.pk]
    )
    browser = client_for(analyst)
    job = browser.get(reverse("labelling-job", args=[done.job.pk])).content.decode()
    assert "Only what is accepted goes into the dataset." in " ".join(job.split())
    dataset = browser.get(reverse("dataset", args=[done.job.dataset_id])).content.decode()
    assert "reviewed only" in dataset
    url = reverse("project-reviewed", args=[done.job.dataset.project_id])
    assert browser.post(url, {"reviewed_only": "0"}).status_code == 302
    done.job.dataset.project.refresh_from_db()
    assert not done.job.dataset.project.reviewed_only


# --- figures -------------------------------------------------------------------------------------


def test_the_figures_say_who_was_accepted_at_first_and_how_far_boxes_were_off(
    done, reviewed, reviewer, labeller, kestrel, analyst, client_for, key_for, client
):
    second = reviewed.claim(labeller)[0]
    draw(second, kestrel, HERE, by=labeller)
    second.finish()
    Work.objects.update(seconds=10.0)
    Review.objects.accept(done, seen=done.version, by=reviewer)
    mended = Review.objects.begin(second, by=reviewer)
    draw(mended, kestrel, THERE, by=reviewer, rev=1)
    Review.objects.accept(mended, seen=mended.version, by=reviewer)
    (row,) = quality.rows(reviewed.works())
    assert (row.person, row.pictures, row.each_s, row.boxes) == ("Lars", 2, 10.0, 2)
    assert (row.judged, row.accepted_first, row.sent_back) == (2, 0.5, 0)
    assert row.mean_iou == pytest.approx((1 + 0.18 / 0.22) / 2)
    browser = client_for(analyst)
    page = browser.get(reverse("labelling-figures", args=[reviewed.pk])).content.decode()
    assert "Lars" in page
    assert "No picture was labelled by several people" in page
    text = browser.get(reverse("labelling-figures", args=[reviewed.pk]), {"format": "csv"})
    assert text.content.decode().splitlines()[1].startswith("Lars,2,10.0000,2,2,0.5000,0,0.909")
    project = reverse("project-labelling-figures", args=[reviewed.dataset.project_id])
    assert "Lars" in browser.get(project).content.decode()
    url = f"/api/v1/labelling-jobs/{reviewed.pk}/figures/"
    told = client.get(url, **key_for(analyst)).json()
    assert (told["people"][0]["judged"], told["alpha"], told["n_pictures"]) == (2, None, 0)


def test_two_who_labelled_the_same_pictures_agree_beyond_chance(
    done, reviewed, lena, kestrel, labeller
):
    norra = kestrel.project.labels.get(name="Norra Bank")
    second = reviewed.claim(labeller)[0]
    draw(second, norra, HERE, by=labeller)
    second.finish()
    for item, label in ((done.item, kestrel), (second.item, norra)):
        twin = Work.objects.create(item=item, user=lena)
        draw(twin, label, THERE, by=lena)
        Work.objects.filter(pk=twin.pk).update(status="done")
    agreed = quality.agreed(reviewed.works())
    assert (agreed.alpha, agreed.n_pictures) == (1.0, 2)


def test_who_labels_is_told_in_the_inbox_what_comes_back_and_what_is_given(
    done, reviewed, labeller, reviewer, analyst, viewer, client_for
):
    browser = client_for(labeller)
    given = browser.get(reverse("inbox")).content.decode()
    assert "gave you work" in given
    browser.post(reverse("inbox-seen"))
    rail = client_for(reviewer).get(reverse("labelling")).content.decode()
    assert '<span class="badge p n">1' in rail.split("Label</span>")[1].split("</a>")[0]
    Review.objects.begin(done, by=reviewer)
    sent = Review.objects.send_back(done, seen=fresh(done).version, by=reviewer, text="Too wide")
    page = browser.get(reverse("inbox")).content.decode()
    assert "sent a picture back" in page
    assert "Too wide" in page
    assert reverse("labelling-work", args=[done.pk]) in page
    assert '<span class="badge p n">1' in page.split("Inbox</span>")[1].split("</a>")[0]
    Review.objects.take_back(sent, by=reviewer)
    assert "sent a picture back" not in browser.get(reverse("inbox")).content.decode()
    assert "gave you work" not in client_for(viewer).get(reverse("inbox")).content.decode()
