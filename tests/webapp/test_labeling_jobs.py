"""Jobs: who gets what, who is told, and how far it is."""

from __future__ import annotations

import re
from datetime import timedelta

import numpy as np
import pytest
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from analysis.media.frame_table import FrameTable
from webapp.accounts.models import Refused, User
from webapp.assets.models import Rendition
from webapp.datasets.samples import Sample
from webapp.labelling.chores import Chore
from webapp.labelling.figures import progress
from webapp.labelling.items import Item
from webapp.labelling.jobs import CLAIM_LASTS, LabelingJob
from webapp.labelling.works import Work

NOTHING = {"shapes": {}, "nothing": True}


@pytest.fixture
def team(person, workspace):
    return [person(name, "labeller", workspace) for name in ("lena", "lou", "lars")]


@pytest.fixture
def ana(client_for, analyst):
    return client_for(analyst)


def finish(work: Work) -> None:
    Work.objects.filter(pk=work.pk).update(document=NOTHING)
    work.refresh_from_db()
    work.finish()


def positions(works) -> list[int]:
    return [work.item.position for work in works]


# --- the queue ----------------------------------------------------------------------------------


def test_people_take_batches_and_never_the_same_piece(job, team):
    assert positions(job.claim(team[0])) == [0, 1, 2]
    assert positions(job.claim(team[1])) == [3, 4]
    assert job.claim(team[2]) == []
    assert positions(job.claim(team[0])) == [0, 1, 2], "what one has is finished first"


def test_no_piece_goes_to_more_people_than_wanted(pictures, analyst, team):
    dataset = pictures(4)
    job = LabelingJob.objects.begin(
        dataset,
        "Twice",
        samples=dataset.samples.values_list("pk", flat=True),
        people_per_item=2,
        by=analyst,
    )
    assert len(job.claim(team[0])) == 4
    assert len(job.claim(team[1])) == 4
    assert job.claim(team[2]) == []
    for item in job.items.all():
        assert item.n_open == 0
        assert item.works.count() == 2


def test_what_is_given_back_goes_to_others_first_and_comes_back_with_its_boxes(job, team):
    mine = job.claim(team[0])
    mine[0].give_back()
    assert positions(job.claim(team[1])) == [0, 3, 4]
    (other,) = [work for work in job.claim(team[1]) if work.item.position == 0]
    other.give_back()
    for work in [*mine[1:], *job.claimed_by(team[1])]:
        finish(work)
    Work.objects.filter(pk=mine[0].pk).update(document={"shapes": {"s": {"label": 1, "rev": 1}}})
    (again,) = job.claim(team[0])
    assert again.pk == mine[0].pk
    assert again.document["shapes"]


def test_a_forgotten_claim_is_free_again_and_what_was_drawn_still_counts(job, team):
    first, *rest = job.claim(team[0])
    long_ago = timezone.now() - CLAIM_LASTS - timedelta(minutes=1)
    Work.objects.filter(pk=first.pk).update(touched=long_ago)
    assert positions(job.claim(team[1])) == [0, 3, 4]
    first.refresh_from_db()
    assert first.status == "returned"
    finish(first)  # the person comes back to the open page
    first.refresh_from_db()
    assert first.status == "done"
    assert Item.objects.get(pk=first.item_id).n_open == 0
    assert positions(job.claimed_by(team[0])) == positions(rest)


def test_a_job_is_complete_with_its_last_piece(job, team, django_capture_on_commit_callbacks):
    for who in team[:2]:
        for work in job.claim(who):
            job.refresh_from_db()
            assert job.status == "open"
            work.skip("dark") if work.item.position == 2 else finish(work)
    job.refresh_from_db()
    assert job.status == "complete"
    assert job.completed
    assert Chore.objects.filter(job=job, kind="completion").count() == 1
    with pytest.raises(Refused, match="no longer taken"):
        job.works().first().operate([], seconds=0, by=team[0])


def test_what_was_skipped_can_be_asked_again(job, team, analyst):
    for who in team[:2]:
        for work in job.claim(who):
            work.skip("dark")
    assert job.ask_again(by=analyst) == 5
    job.refresh_from_db()
    assert job.is_open
    assert len(job.claim(team[2])) == 3


def test_who_leaves_leaves_their_open_pieces_to_others(job, team, analyst):
    for who in team:
        job.assign(who, by=analyst)
    finish(job.claim(team[0])[0])
    job.dismiss(team[0], by=analyst)
    assert positions(job.claim(team[1])) == [1, 2, 3]
    assert job.works().filter(user=team[0], status="done").count() == 1


def test_progress_and_the_time_that_is_left(job, team):
    assert progress(job) == {"total": 5, "done": 0, "left_s": None}
    first, second, _ = job.claim(team[0])
    finish(first)
    finish(second)
    Work.objects.filter(pk=first.pk).update(seconds=10)
    Work.objects.filter(pk=second.pk).update(seconds=20)
    assert progress(job, team[0]) == {"total": 5, "done": 2, "left_s": 45.0}


def test_what_is_labelled_already_is_corrected_and_not_lost(pictures, analyst, team, kestrel):
    dataset = pictures(3)
    boxed, negative, _ = dataset.samples.all()
    boxed.annotations.create(label=kestrel, x1=0.1, y1=0.2, x2=0.3, y2=0.4, occluded=True)
    Sample.objects.filter(pk__in=[boxed.pk, negative.pk]).update(state="labelled")
    everything = dataset.samples.values_list("pk", flat=True)
    job = LabelingJob.objects.begin(dataset, "Again", samples=everything, by=analyst)
    with_box, without, new = job.claim(team[0])
    (shape,) = with_box.document["shapes"].values()
    assert (shape["box"], shape["occluded"], shape["rev"]) == ([0.1, 0.2, 0.3, 0.4], True, 1)
    assert without.document == {"shapes": {}, "nothing": True}
    assert new.document == {}
    assert with_box.at(1) == with_box.document, "and its history knows"
    Sample.objects.filter(pk=negative.pk).update(is_golden=True)
    with pytest.raises(Refused, match="would stand out"):
        LabelingJob.objects.begin(
            dataset, "Checked", samples=[boxed.pk], check_share=0.2, by=analyst
        )


# --- making one ---------------------------------------------------------------------------------


@pytest.fixture
def video(asset):
    """Ten seconds of 25 frames a second, of which half a second is missing."""
    times = np.arange(250) / 25
    times = np.delete(times, slice(100, 112))
    table = FrameTable(times, np.arange(len(times)) % 25 == 0, 10.0)
    file = default_storage.save("tables/t", ContentFile(table.pack()))
    Rendition.keep(asset, "frame_table", file)
    return asset


def wish(dataset, /, **more) -> dict:
    return {
        "dataset": dataset.pk,
        "title": "Boards of the final",
        "pictures": "new",
        "clip_s": "4",
        "step": "2",
        "people_per_item": "1",
        "batch_size": "20",
        "check_share": "0",
        "examples": "0",
        "epochs": "50",
        **more,
    }


def test_a_job_is_made_of_pictures_and_clips(ana, pictures, video):
    dataset = pictures(6)
    dataset.samples.filter(source="0.png").update(state="labelled")
    dataset.samples.filter(source="1.png").update(removed=timezone.now())
    answer = ana.post(
        reverse("labelling-make"),
        wish(dataset, most="3", videos=[video.pk], instructions="**All** boards"),
    )
    job = LabelingJob.objects.get()
    assert answer["Location"] == reverse("labelling-job", args=[job.pk])
    items = list(job.items.all())
    assert [item.sample.source for item in items[:3]] == ["2.png", "3.png", "4.png"]
    assert [len(item.times_s) for item in items[3:]] == [50, 50, 19]
    first = items[3].times_s
    assert first[:2] == [0.0, 0.08]
    assert items[4].times_s[0] == 4.48, "the times are the film's own, with its gap"
    page = ana.get(reverse("labelling-job", args=[job.pk])).content.decode()
    assert "<strong>All</strong> boards" in page


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"title": " "}, "This field is required"),
        ({"pictures": "none"}, "There is nothing to label in it"),
        ({"check_share": "5"}, "There are no check pictures"),
        ({"check_share": "nan"}, "Enter a number"),
        ({"people": "lena@example.org, nobody"}, "nobody is no e-mail address"),
        ({"deadline": "2001-01-01T10:00"}, "This is past already"),
        ({"people_per_item": "0"}, "greater than or equal to 1"),
        ({"dataset": "10000"}, "Select a valid choice"),
        ({"clip_s": "inf"}, "Enter a number"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_kept(ana, pictures, video, more, sentence):
    answer = ana.post(reverse("labelling-make"), wish(pictures(2), **more))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not LabelingJob.objects.exists()
    assert not User.objects.filter(email="lena@example.org").exists()


def test_other_workspaces_lend_nothing(ana, pictures, other_asset, other_workspace):
    from webapp.datasets.dataset import Dataset
    from webapp.projects.models import Project

    project = Project.objects.create(workspace=other_workspace, name="Theirs")
    theirs = Dataset.objects.create(project=project, name="Theirs")
    assert ana.post(reverse("labelling-make"), wish(theirs)).status_code == 422
    mine = wish(pictures(2), videos=[other_asset.pk])
    assert ana.post(reverse("labelling-make"), mine).status_code == 422
    assert "elsewhere.mp4" not in ana.get(reverse("labelling-make")).content.decode()


def test_check_pictures_are_spread_and_not_more_than_asked(pictures, analyst, kestrel):
    dataset = pictures(120)
    golden = dataset.samples.all()[:20]
    for sample in golden:
        sample.annotations.create(label=kestrel, x1=0, y1=0, x2=1, y2=1)
    Sample.objects.filter(pk__in=[s.pk for s in golden]).update(is_golden=True, state="labelled")
    job = LabelingJob.objects.begin(
        dataset,
        "Checked",
        samples=dataset.samples.filter(is_golden=False).values_list("pk", flat=True),
        check_share=0.1,
        by=analyst,
    )
    at = list(job.items.filter(expected__isnull=False).values_list("position", flat=True))
    assert len(at) == 11
    assert job.items.count() == 111
    for start in range(0, 99, 33):
        assert any(start <= position < start + 33 for position in at)


# --- people -------------------------------------------------------------------------------------


def links(page: str) -> list[str]:
    return re.findall(r"<code>(\S+/sign-in/\S+)</code>", page)


def test_somebody_new_is_invited_by_a_link_and_sees_this_job_only(ana, client, job, pictures):
    answer = ana.post(
        reverse("labelling-invite", args=[job.pk]), {"people": "New@Example.org"}, follow=True
    )
    (link,) = links(answer.content.decode())
    assert "this server sends no e-mail" in answer.content.decode()
    assert answer["Cache-Control"].find("no-store") >= 0
    here = reverse("labelling-job", args=[job.pk])
    assert answer.request["PATH_INFO"] == here
    assert not links(ana.get(here).content.decode()), "it is shown once"
    path = "/sign-in/" + link.rsplit("/", 1)[1]
    client.post(path)  # signs in
    assert client.get(reverse("labelling-job", args=[job.pk])).status_code == 200
    home = client.get(reverse("home")).content.decode()
    assert job.title in home
    assert 'class="badge p n">1<' in home
    for elsewhere in ("library", "projects", "labelling-make"):
        assert client.get(reverse(elsewhere)).status_code == 403
    other = LabelingJob.objects.begin(
        pictures(1, "Other"), "Other", samples=Sample.objects.values_list("pk", flat=True), by=None
    )
    assert client.get(reverse("labelling-job", args=[other.pk])).status_code == 404
    assert "Other" not in client.get(reverse("labelling")).content.decode()
    answer = client.post(reverse("labelling-next", args=[job.pk]))
    assert answer["Location"].startswith("/labelling/work/")


def test_letters_are_sent_where_there_is_a_mail_server(ana, job, labeller, settings):
    settings.EMAIL_HOST = "mail.example.org"
    settings.SITE_URL = "https://sightline.example.org"
    people = f"new@example.org {labeller.email}"
    answer = ana.post(reverse("labelling-invite", args=[job.pk]), {"people": people}, follow=True)
    new, known = mail.outbox
    assert new.to == ["new@example.org"]
    (link,) = links(answer.content.decode())
    assert link in new.body
    assert "https://sightline.example.org/labelling/jobs/" in known.body
    assert "/sign-in/" not in known.body, "no way in as somebody who has an account"
    assert job.assignments.get(user=labeller).told
    ana.post(reverse("labelling-person-remind", args=[job.pk, labeller.pk]))
    assert len(mail.outbox) == 3


def test_a_mail_server_that_is_away_stops_nothing(ana, job, settings):
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = 1
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    answer = ana.post(
        reverse("labelling-invite", args=[job.pk]), {"people": "new@example.org"}, follow=True
    )
    assert len(links(answer.content.decode())) == 1


def test_who_may_not_label_is_not_given_a_job(ana, job, viewer):
    answer = ana.post(
        reverse("labelling-invite", args=[job.pk]), {"people": viewer.email}, follow=True
    )
    assert "is a viewer here and may not label" in answer.content.decode()
    assert not job.assignments.exists()


def test_no_link_lets_an_analyst_in_as_somebody_who_may_more(ana, job, reviewer, labeller, owner):
    for who in (reviewer, labeller):
        job.assignments.create(user=who)
    answer = ana.post(reverse("labelling-person-link", args=[job.pk, labeller.pk]), follow=True)
    assert len(links(answer.content.decode())) == 1
    answer = ana.post(reverse("labelling-person-link", args=[job.pk, reviewer.pk]), follow=True)
    assert not links(answer.content.decode())
    assert "is no labeller" in answer.content.decode()
    assert ana.post(reverse("labelling-person-link", args=[job.pk, owner.pk])).status_code == 404


def test_analysts_see_how_people_do(ana, job, team, analyst):
    job.assign(team[0], by=analyst)
    first, second, _ = job.claim(team[0])
    finish(first)
    second.skip("too dark")
    Work.objects.filter(pk=first.pk).update(seconds=12.3, agreement=0.875, score=0.5)
    page = ana.get(reverse("labelling-job", args=[job.pk])).content.decode()
    assert "88\u202f%" in page
    assert "too dark" in page
    skipped = ana.get(reverse("labelling-job", args=[job.pk]), {"show": "skipped"})
    assert [item.position for item in skipped.context["page"]] == [1]
    apart = ana.get(reverse("labelling-job", args=[job.pk]), {"show": "apart"})
    assert len(apart.context["page"].object_list) == 0


def test_labellers_see_neither_scores_nor_each_other(client_for, job, team, analyst):
    for who in team[:2]:
        job.assign(who, by=analyst)
    finish(job.claim(team[1])[0])
    page = client_for(team[0]).get(reverse("labelling-job", args=[job.pk])).content.decode()
    for secret in ("lou@example.org", "Agreement", ">Tasks<", "Add people"):
        assert secret not in page


# --- who ----------------------------------------------------------------------------------------

VERBS = ["invite", "propose", "close", "reopen", "ask-again"]


def test_jobs_are_not_for_strangers(client_for, job, stranger, other_workspace, labeller):
    for who in (stranger, labeller):
        client = client_for(who)
        assert client.get(reverse("labelling-job", args=[job.pk])).status_code == 404
        assert client.post(reverse("labelling-next", args=[job.pk])).status_code == 404
        assert job.title not in client.get(reverse("labelling")).content.decode()
    outside = client_for(stranger)
    for verb in VERBS:
        assert outside.post(reverse(f"labelling-{verb}", args=[job.pk])).status_code == 404
    job.assignments.create(user=labeller)
    inside = client_for(labeller)
    for verb in VERBS:
        assert inside.post(reverse(f"labelling-{verb}", args=[job.pk])).status_code == 403
    job.refresh_from_db()
    assert job.is_open


def test_an_analyst_joins_in_by_starting(ana, job, analyst):
    answer = ana.post(reverse("labelling-next", args=[job.pk]))
    assert answer["Location"] == reverse("labelling-work", args=[Work.objects.first().pk])
    assert job.assignments.get().user == analyst


def test_the_detector_can_look_again(ana, job):
    Chore.objects.filter(job=job).update(status="done", done=5)
    ana.post(reverse("labelling-propose", args=[job.pk]))
    chore = Chore.objects.get(job=job)
    assert (chore.kind, chore.status, chore.done) == ("proposals", "waiting", 0)


def test_closing_asks_where_somebody_has_a_piece_open(ana, job, labeller, analyst, client_for):
    job.assign(labeller, by=analyst)
    job.claim(labeller)
    address = reverse("labelling-close", args=[job.pk])
    asked = ana.post(address).content.decode()
    assert "Lars: 3 tasks open" in asked
    job.refresh_from_db()
    assert job.is_open
    closed = ana.post(address, {"sure": "1"}, follow=True).content.decode()
    assert f'action="{reverse("labelling-reopen", args=[job.pk])}"><' in closed  # with Undo
    lars = client_for(labeller)
    for page in ("/", reverse("labelling")):
        assert "was closed while you had a piece of it open" in lars.get(page).content.decode()
    ana.post(reverse("labelling-reopen", args=[job.pk]))
    assert "was closed" not in lars.get("/").content.decode()


def test_closing_and_opening_again(ana, job):
    ana.post(reverse("labelling-close", args=[job.pk]))
    job.refresh_from_db()
    assert job.status == "closed"
    assert Chore.objects.filter(job=job, kind="completion").exists()
    answer = ana.post(reverse("labelling-next", args=[job.pk]), follow=True)
    assert "The job is closed" in answer.content.decode()
    ana.post(reverse("labelling-reopen", args=[job.pk]))
    job.refresh_from_db()
    assert job.is_open


# --- size ---------------------------------------------------------------------------------------


def test_ten_thousand_pictures_open_at_once(
    ana, pictures, analyst, labeller, client_for, django_assert_max_num_queries
):
    """Neither the queries nor the page grow with the job."""
    dataset = pictures(1)
    Sample.objects.bulk_create(
        Sample(dataset=dataset, source=f"{n}.jpg", file="x", sha256="0", width=64, height=48)
        for n in range(10_000)
    )
    job = LabelingJob.objects.begin(
        dataset, "Large", samples=dataset.samples.values_list("pk", flat=True), by=analyst
    )
    job.assign(labeller, by=analyst)
    for client in (ana, client_for(labeller)):
        with django_assert_max_num_queries(40):
            page = client.get(reverse("labelling-job", args=[job.pk]))
        assert page.status_code == 200
        assert len(page.content) < 100_000
    client = client_for(labeller)
    url = client.post(reverse("labelling-next", args=[job.pk]))["Location"]
    with django_assert_max_num_queries(40):
        page = client.get(url)
    assert page.status_code == 200
    assert len(page.content) < 100_000


def test_the_newest_dataset_is_chosen(ana, job):
    from webapp.datasets.dataset import Dataset

    newest = Dataset.objects.order_by("-pk").first()
    form = ana.get(reverse("labelling-make")).content.decode()
    assert f'<option value="{newest.pk}" selected>' in form


def test_where_there_is_no_job_it_says_what_one_is_for(ana):
    page = ana.get(reverse("labelling")).content.decode()
    assert "No job yet" in page
    assert reverse("labelling-make") in page
