"""One person's work on a picture or clip: every change is kept, none overwrites another."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse

from analysis.datasets.types import LabelledBox
from analysis.types import Box
from tests.labelled import box, operation, put
from webapp.labelling.works import Operation, Work
from webapp.leases import Status

HERE = [0.1, 0.1, 0.3, 0.3]
THERE = [0.5, 0.5, 0.8, 0.9]


@pytest.fixture
def work(job, labeller):
    job.assignments.create(user=labeller)
    return job.claim(labeller)[0]


@pytest.fixture
def page(client_for, labeller):
    return client_for(labeller)


@pytest.fixture
def send(page, work):
    def post(*operations, seconds=0.0, on=None, by=None):
        url = reverse("labelling-operations", args=[(on or work).pk])
        body = {"operations": list(operations), "seconds": seconds}
        return (by or page).post(url, json.dumps(body), content_type="application/json")

    return post


def document(work) -> dict:
    work.refresh_from_db()
    return work.document


def post(client, name, work, **body):
    return client.post(
        reverse(f"labelling-{name}", args=[work.pk]),
        json.dumps(body),
        content_type="application/json",
    )


# --- changes -------------------------------------------------------------------------------


def test_a_box_is_saved_at_once(send, work, kestrel):
    answer = send(put("s-1", box(kestrel, HERE)))
    assert answer.status_code == 200
    assert answer.json() == {"version": 1, "revs": {"s-1": 1}, "nothing": False}
    shape = {"label": kestrel.pk, "box": HERE, "occluded": False, "rev": 1}
    assert document(work) == {"shapes": {"s-1": shape}, "nothing": False}


def test_the_same_operation_twice_counts_once_and_is_answered_alike(send, work, kestrel):
    first = send(put("s-1", box(kestrel, HERE), key="k1"))
    again = send(put("s-1", box(kestrel, HERE), key="k1"))
    assert again.json() == first.json()
    assert work.operations.count() == 1


def test_what_is_sent_again_is_answered_with_its_own_rev_not_a_later_one(send, work, kestrel):
    """Else the page would take another page's change for its own, and overwrite it unseen."""
    send(put("s-1", box(kestrel, HERE), key="k1"))
    send(put("s-1", box(kestrel, THERE), key="other", rev=1))
    again = send(put("s-1", box(kestrel, HERE), key="k1"))
    assert again.json()["revs"] == {"s-1": 1}
    assert document(work)["shapes"]["s-1"]["box"] == THERE


def test_changes_made_offline_one_after_another_follow_each_other(send, work, kestrel):
    answer = send(
        put("s-1", box(kestrel, HERE), rev=0),
        put("s-1", box(kestrel, THERE), rev=0),
        operation({"delete": "s-1"}, rev=0),
        put("s-1", box(kestrel, HERE), rev=0),
    )
    assert answer.status_code == 200
    assert answer.json()["revs"] == {"s-1": 4}
    assert document(work)["shapes"]["s-1"]["box"] == HERE


def test_a_queue_that_was_half_taken_goes_on_where_it_stopped(send, work, kestrel):
    send(put("s-1", box(kestrel, HERE), key="a"))  # the answer was lost
    answer = send(put("s-1", box(kestrel, HERE), key="a"), put("s-1", box(kestrel, THERE), key="b"))
    assert answer.status_code == 200
    assert document(work)["shapes"]["s-1"]["box"] == THERE


def test_two_pages_never_overwrite_each_other(send, work, kestrel, project):
    send(put("s-1", box(kestrel, HERE)))
    send(put("s-1", box(kestrel, THERE), rev=1))  # the other page was quicker
    norra = project.labels.get(name="Norra Bank")
    mine = box(norra, HERE)
    answer = send(put("s-1", mine, rev=1, key="mine"), put("s-2", box(kestrel, HERE)))
    assert answer.status_code == 409
    assert answer["Content-Type"] == "application/problem+json"
    said = answer.json()
    (conflict,) = said["conflicts"]
    assert (conflict["key"], conflict["id"]) == ("mine", "s-1")
    assert conflict["mine"]["shape"]["label"] == norra.pk
    assert conflict["theirs"]["box"] == THERE
    assert "s-2" in said["document"]["shapes"], "what does not clash is kept"
    assert said["revs"] == {"s-2": 3}
    # and deliberately, on what is there now, mine wins
    answer = send(put("s-1", mine, rev=conflict["theirs"]["rev"], key="mine-2"))
    assert answer.status_code == 200
    assert document(work)["shapes"]["s-1"]["label"] == norra.pk


def test_what_was_deleted_elsewhere_is_a_conflict_and_can_be_put_back(send, work, kestrel):
    send(put("s-1", box(kestrel, HERE)))
    send(operation({"delete": "s-1"}, rev=1))
    answer = send(put("s-1", box(kestrel, THERE), rev=1))
    assert answer.status_code == 409
    assert answer.json()["conflicts"][0]["theirs"] is None
    assert send(put("s-1", box(kestrel, THERE), rev=0)).status_code == 200


def test_deleting_what_was_changed_elsewhere_is_a_conflict(send, work, kestrel):
    send(put("s-1", box(kestrel, HERE)))
    send(put("s-1", box(kestrel, THERE), rev=1))
    assert send(operation({"delete": "s-1"}, rev=1)).status_code == 409
    assert send(operation({"delete": "s-1"}, rev=2)).status_code == 200
    assert send(operation({"delete": "s-1"}, rev=2)).status_code == 200, "gone is gone"


def test_nothing_here(send, work, kestrel):
    assert send(operation({"nothing": True})).json()["nothing"]
    assert send(put("s-1", box(kestrel, HERE))).json()["nothing"] is False
    answer = send(operation({"nothing": True}))
    assert answer.status_code == 409
    assert document(work)["nothing"] is False


# --- bad input -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sides", "kept"),
    [
        ([-0.2, 0.1, 0.4, 1.7], [0.0, 0.1, 0.4, 1.0]),
        ([1.1, 0.1, 1.4, 0.4], None),
        ([0.4, 0.4, 0.4, 0.8], None),
        ([0.6, 0.4, 0.4, 0.8], None),
        ([0.1, 0.2, 0.3], None),
        ([0.1, 0.2, 0.3, "0.4"], None),
        ([0.1, 0.2, 0.3, True], None),
        ([0.1, 0.2, 0.3, None], None),
        ("0.1 0.2 0.3 0.4", None),
    ],
)
def test_a_box_is_cut_to_the_picture_or_refused(send, work, kestrel, sides, kept):
    answer = send(put("s-1", box(kestrel, sides), key="k"), put("s-2", box(kestrel, HERE)))
    shapes = document(work)["shapes"]
    assert shapes["s-2"]["box"] == HERE
    if kept is None:
        assert answer.status_code == 422
        assert answer.json()["refused"][0]["key"] == "k"
        assert answer.json()["detail"].startswith(("A box has four", "The box lies outside"))
        assert "s-1" not in shapes
    else:
        assert shapes["s-1"]["box"] == kept


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_no_number_is_no_box(page, work, kestrel, word):
    body = (
        '{"operations": [{"key": "k", "rev": 0, "change": {"put": "s-1", "shape": '
        f'{{"label": {kestrel.pk}, "box": [0.1, 0.1, 0.3, {word}]}}}}}}]}}'
    )
    url = reverse("labelling-operations", args=[work.pk])
    answer = page.post(url, body, content_type="application/json")
    assert answer.status_code in (400, 422)
    assert document(work) == {} or not document(work)["shapes"]


def test_labels_of_nobody_and_of_other_projects_are_refused(send, work, kestrel, workspace):
    from webapp.projects.models import Project

    other = Project.objects.create(workspace=workspace, name="Other")
    foreign = other.labels.create(name="Acme", colour="#d1495b")
    for label in (foreign.pk, 10**9, "1", None, True):
        answer = send(put("s-1", {"label": label, "box": HERE}))
        assert answer.status_code == 422
        assert "label" in answer.json()["detail"]


def test_a_label_removed_while_somebody_draws_keeps_what_is_drawn(send, work, kestrel, owner):
    send(put("s-1", box(kestrel, HERE)))
    kestrel.archive(by=owner)
    assert send(put("s-1", box(kestrel, THERE), rev=1)).status_code == 200
    answer = send(put("s-2", box(kestrel, THERE)))
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("Kestrel was removed from the project")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{",
        '{"operations": 3}',
        '{"operations": [3]}',
        '{"operations": [{"change": {}, "rev": 0}]}',
        '{"operations": [{"key": "k", "rev": -1, "change": {"nothing": true}}]}',
        '{"operations": [{"key": "' + "k" * 41 + '", "rev": 0, "change": {"nothing": true}}]}',
        '{"operations": [], "seconds": "long"}',
        '{"operations": [], "seconds": -1}',
        "[" * 100_000,
    ],
)
def test_nonsense_is_answered_in_words(page, work, body):
    url = reverse("labelling-operations", args=[work.pk])
    answer = page.post(url, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert not Operation.objects.exists()


# --- clips ----------------------------------------------------------------------------------


def key(sides, **more):
    return {"box": sides, "occluded": False, "outside": False} | more


def test_a_track_has_keys_on_frames_of_the_clip(send, clip_job, labeller, kestrel):
    clip_job.assignments.create(user=labeller)
    (work,) = clip_job.claim(labeller)
    track = {"label": kestrel.pk, "keys": {"11": key(THERE, outside=True), "2": key(HERE)}}
    assert send(put("s-1", track), on=work).status_code == 200
    assert list(document(work)["shapes"]["s-1"]["keys"]) == ["2", "11"]
    for keys in ({"12": key(HERE)}, {"-1": key(HERE)}, {"two": key(HERE)}, {"01": key(HERE)}, {}):
        assert send(put("s-2", track | {"keys": keys}), on=work).status_code == 422
    assert send(put("s-2", box(kestrel, HERE)), on=work).status_code == 422


# --- time -----------------------------------------------------------------------------------


def test_time_is_counted_once_and_never_more_than_has_passed(send, page, work, kestrel):
    from datetime import timedelta

    from django.utils import timezone

    Work.objects.filter(pk=work.pk).update(touched=timezone.now() - timedelta(minutes=10))
    send(put("s-1", box(kestrel, HERE), key="a"), seconds=30)
    send(put("s-1", box(kestrel, HERE), key="a"), seconds=30)  # the same again
    work.refresh_from_db()
    assert work.seconds == 30
    post(page, "seconds", work, seconds=5000)
    work.refresh_from_db()
    assert work.seconds < 40


# --- finishing ------------------------------------------------------------------------------


def test_finishing_leads_to_the_next_piece(send, page, work, kestrel, labeller):
    assert post(page, "finish", work).status_code == 422, "nothing is drawn and nothing is said"
    send(put("s-1", box(kestrel, HERE)))
    answer = post(page, "finish", work).json()
    following = Work.objects.get(user=labeller, item__position=1)
    assert answer == {"next": reverse("labelling-work", args=[following.pk])}
    work.refresh_from_db()
    assert work.status == "done"
    assert work.finished is not None


def test_what_is_done_can_still_be_mended(send, page, work, kestrel):
    send(put("s-1", box(kestrel, HERE)))
    post(page, "finish", work)
    assert send(put("s-1", box(kestrel, THERE), rev=1)).status_code == 200


def test_skipping_needs_a_reason(page, work):
    assert post(page, "skip", work, reason="  ").status_code == 422
    assert post(page, "skip", work).status_code == 422
    assert post(page, "skip", work, reason="too dark").status_code == 200
    work.refresh_from_db()
    assert (work.status, work.reason) == ("skipped", "too dark")


def test_what_is_given_back_is_somebody_elses(page, work, job, labeller, person, workspace):
    post(page, "give-back", work)
    lena = person("lena", "labeller", workspace)
    assert work.item in [other.item for other in job.claim(lena)]


# --- history --------------------------------------------------------------------------------


def test_any_earlier_state_comes_back(send, page, work, kestrel, project):
    norra = project.labels.get(name="Norra Bank")
    send(put("s-1", box(kestrel, HERE)))
    send(put("s-1", box(kestrel, THERE), rev=1))
    send(put("s-1", box(norra, THERE), rev=2), put("s-2", box(norra, HERE)))
    send(operation({"delete": "s-1"}, rev=3), operation({"delete": "s-2"}, rev=4))
    send(operation({"nothing": True}))
    rows = page.get(reverse("labelling-history", args=[work.pk])).json()
    assert [row["words"] for row in rows] == [
        "said that nothing is here",
        "deleted Norra Bank",
        "deleted Norra Bank",
        "drew Norra Bank",
        "made Kestrel a Norra Bank",
        "moved Kestrel",
        "drew Kestrel",
    ]
    assert [row["number"] for row in rows] == list(range(7, 0, -1))
    answer = post(page, "restore", work, number=4)
    said = answer.json()
    assert {name: shape["label"] for name, shape in said["document"]["shapes"].items()} == {
        "s-1": norra.pk,
        "s-2": norra.pk,
    }
    assert said["document"]["nothing"] is False
    assert said["version"] == 9
    post(page, "restore", work, number=7)  # and nothing was lost by going back
    assert document(work) == {"shapes": {}, "nothing": True}
    post(page, "restore", work, number=0)
    assert document(work) == {"shapes": {}, "nothing": False}


@pytest.mark.parametrize("number", [99, -1, "1", None, True])
def test_there_is_no_such_moment(page, work, number):
    assert post(page, "restore", work, number=number).status_code in (400, 422)


# --- who --------------------------------------------------------------------------------------

PARTS = [
    "work",
    "data",
    "history",
    "operations",
    "finish",
    "skip",
    "give-back",
    "restore",
    "predict",
]


# What the page's scripts may send, and what of it.
CHANGES = {
    "operations": {"operations": [operation({"nothing": True})]},
    "seconds": {"seconds": 3},
    "finish": {},
    "skip": {"reason": "too dark"},
    "give-back": {},
    "restore": {"number": 0},
    "predict": {"shape": "s-1", "frame": 0},
}


@pytest.fixture
def others(person, workspace, other_workspace, stranger):
    return {
        "stranger": stranger,
        "labeller": person("lena", "labeller", workspace),
        "reviewer": person("rita", "reviewer", workspace),
        "elsewhere": person("erik", "labeller", other_workspace),
    }


@pytest.mark.parametrize("who", ["stranger", "labeller", "reviewer", "elsewhere"])
def test_work_of_others_does_not_exist(client_for, others, work, who):
    client = client_for(others[who])
    for part in PARTS:
        url = reverse(f"labelling-{part}", args=[work.pk])
        ask = client.get if part in ("work", "data", "history") else client.post
        assert ask(url).status_code == 404, part
    assert client.get(reverse("labelling-frame", args=[work.pk, 0])).status_code == 404
    assert client.get(reverse("labelling-job", args=[work.job.pk])).status_code == 404


def test_another_labeller_of_the_same_job_sees_only_their_own(client_for, others, work):
    work.job.assignments.create(user=others["labeller"])
    client = client_for(others["labeller"])
    assert client.get(reverse("labelling-job", args=[work.job.pk])).status_code == 200
    assert client.get(reverse("labelling-data", args=[work.pk])).status_code == 404


def test_an_analyst_looks_and_does_not_touch(client_for, analyst, send, work, kestrel):
    send(put("s-1", box(kestrel, HERE)))
    before = document(work)
    client = client_for(analyst)
    data = client.get(reverse("labelling-data", args=[work.pk])).json()
    assert data["may_change"] is False
    assert data["document"] == before, "what was drawn is there to see"
    for name, body in CHANGES.items():
        answer = post(client, name, work, **body)
        assert answer.status_code == 403, name
        assert str(work.user) in answer.json()["detail"]
    assert document(work) == before
    assert (work.status, work.seconds) == (Work.Status.CLAIMED, 0)


def test_who_may_only_look_is_shown_no_control_that_changes(client_for, analyst, page, work, job):
    def shown(client) -> tuple[bool, bool]:
        html = client.get(reverse("labelling-work", args=[work.pk])).content.decode()
        said = re.search(r'<div class="notice" id="work-locked"( hidden)?>', html)
        return '<body class="labelling looking"' in html, not said[1]

    assert shown(client_for(analyst)) == (True, True)
    assert shown(page) == (False, False)
    job.close(by=analyst)
    assert shown(page) == (True, True), "a job that is over is to look at, for everybody"


def test_no_version_is_frozen_while_what_a_job_found_is_written_down(client_for, analyst, job):
    client, dataset = client_for(analyst), job.dataset
    sample = dataset.samples.first()
    sample.annotate([LabelledBox("Kestrel", Box(0.1, 0.1, 0.4, 0.4))], by=analyst)
    job.close(by=analyst)
    address = reverse("dataset-versions", args=[dataset.pk])
    answer = client.post(address, {"train": 70, "val": 20, "test": 10, "seed": 1, "near": 4})
    assert f"What was labelled in “{job}” is being written down." in answer.content.decode()
    assert not dataset.versions.exists()
    answer = client.post("/api/v1/dataset-versions/", {"dataset": dataset.pk})
    assert answer.status_code == 422
    assert "is being written down" in answer.content.decode()

    job.chores.update(status=Status.DONE)
    assert "is being written down" not in client.get(address).content.decode()
    assert client.post("/api/v1/dataset-versions/", {"dataset": dataset.pk}).status_code == 202
    assert dataset.versions.count() == 1


def test_a_viewer_has_no_place_here(client_for, viewer, work):
    client = client_for(viewer)
    for name in ("labelling", "labelling-job", "labelling-work", "labelling-data"):
        args = {"labelling": [], "labelling-job": [work.job.pk]}.get(name, [work.pk])
        assert client.get(reverse(name, args=args)).status_code == 403, name
    for name, body in CHANGES.items():
        assert post(client, name, work, **body).status_code == 403, name
    assert document(work) == {}


def test_who_was_taken_off_a_job_no_longer_sees_it(page, work, job, labeller):
    job.assignments.filter(user=labeller).delete()
    assert page.get(reverse("labelling-data", args=[work.pk])).status_code == 404


def test_who_is_signed_out_is_told_so_and_not_led_away(client, work):
    answer = client.post(reverse("labelling-operations", args=[work.pk]))
    assert answer.status_code == 401
    assert "Sign in" in answer.json()["detail"]


# --- what the page is told ----------------------------------------------------------------------


def test_the_page_is_told_everything(page, work, job, project):
    data = page.get(reverse("labelling-data", args=[work.pk])).json()
    assert data["job"]["title"] == "Boards"
    assert data["kind"] == "picture"
    assert data["task"] == "boxes"
    assert (data["width"], data["height"]) == (64, 48)
    assert data["times"] == []
    assert data["frame_url"] == f"/labelling/work/{work.pk}/frames/{{n}}.jpg"
    assert [label["name"] for label in data["labels"]] == ["Kestrel", "Norra Bank", "Vitalo"]
    assert data["document"] == {"shapes": {}, "nothing": False}
    assert data["progress"] == {"position": 1, "total": 5, "done": 0, "left_s": None}
    assert data["previous"] is None
    assert data["next"] == Work.objects.get(item__position=1).pk
    assert len(data["preload"]) == 2  # the rest of the batch of three
    for url in data["urls"].values():
        assert url.startswith("/labelling/")
    assert page.get(reverse("labelling-work", args=[work.pk])).status_code == 200


def test_instructions_are_safe(job):
    from webapp.labelling.sheet import instructions_html

    job.instructions = (
        "# Draw\n\n<script>alert(1)</script> **every** [link](javascript:alert(1)) "
        "![x](https://example.org/x.png)\n\n<img src=x onerror=alert(1)>"
    )
    html = instructions_html(job)
    assert "<h1>Draw</h1>" in html
    assert "<strong>every</strong>" in html
    for bad in ("<script", "<img", 'href="javascript'):
        assert bad not in html


# --- pictures -----------------------------------------------------------------------------------


def test_a_picture_is_served_to_the_person_and_kept_by_their_browser(page, work):
    url = reverse("labelling-frame", args=[work.pk, 0])
    answer = page.get(url)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/png"
    assert answer["Cache-Control"].startswith("private, max-age=")
    assert b"".join(answer.streaming_content).startswith(b"\x89PNG")
    assert page.get(url, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert page.get(reverse("labelling-frame", args=[work.pk, 1])).status_code == 404
