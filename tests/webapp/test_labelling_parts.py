"""A film is labelled in parts by several people: each sees their own, and its tracks are joined."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from analysis.media.frame_table import FrameTable
from webapp.accounts.models import Refused
from webapp.assets.models import Rendition
from webapp.labelling import making, parts
from webapp.labelling.items import Clip, Item
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.works import Work

TIMES = [10 + number / 25 for number in range(20)]


def test_parts_share_the_frames_of_their_overlap():
    cut = making.cut(TIMES, 0.4, 3)
    assert [time for part in cut for time in part[: len(part) - 3]] + cut[-1][-3:] == TIMES
    for before, after in pairwise(cut):
        assert before[-3:] == after[:3]
    assert making.cut(TIMES, 100, 3) == [TIMES]
    with pytest.raises(Refused, match="overlap is as long as a part"):
        making.cut(TIMES, 0.12, 3)


@pytest.fixture
def lena(person, workspace):
    return person("lena", "labeller", workspace)


@pytest.fixture
def film_job(pictures, asset, analyst, labeller, lena):
    """A film in two parts that share three frames, one for Lars and one for Lena."""
    job = LabelingJob.objects.begin(
        pictures(0, "Clips"),
        "Film",
        clips=[Clip(asset, TIMES[:12]), Clip(asset, TIMES[9:])],
        by=analyst,
    )
    for who in (labeller, lena):
        job.assign(who, by=analyst)
    assert parts.share_out(job, by=analyst) == 2
    return job


def track(label, box, first=0, last=None):
    keys = {str(first): {"box": box, "occluded": False, "outside": False}}
    if last is not None:
        keys[str(last)] = {"box": box, "occluded": False, "outside": True}
    return {"label": label.pk, "keys": keys, "rev": 1}


def draw(job, who, **shapes):
    (work,) = job.claim(who)
    document = {"shapes": shapes, "nothing": not shapes}
    Work.objects.filter(pk=work.pk).update(document=document, version=1)
    Work.objects.get(pk=work.pk).finish()
    return work


HERE = [0.1, 0.1, 0.3, 0.3]
NEARLY = [0.12, 0.1, 0.32, 0.3]


def film(job, asset):
    return parts.Film.of(job, asset.pk, accepted_only=False)


def test_each_is_handed_their_own_part_alone(film_job, labeller, lena, analyst, client_for):
    (of_lars,), (of_lena,) = film_job.claim(labeller), film_job.claim(lena)
    assert (of_lars.item.times_s, of_lena.item.times_s) == (TIMES[:12], TIMES[9:])
    film_job.assign(analyst, by=analyst)
    assert film_job.claim(analyst) == []
    assert LabelingJob.objects.with_work_for(analyst, film_job.workspace).count() == 0
    url = reverse("labelling-frame", args=[of_lars.pk, 12])
    assert client_for(labeller).get(url).status_code == 404


def test_a_track_goes_on_from_part_to_part(film_job, asset, labeller, lena, kestrel):
    draw(film_job, labeller, a=track(kestrel, HERE))
    draw(film_job, lena, b=track(kestrel, NEARLY), c=track(kestrel, [0.6, 0.6, 0.9, 0.9], 5))
    found = film(film_job, asset)
    first, second = film_job.items.order_by("position")
    assert found.joined.doubts == []
    assert {one.track for on in found.boxes(first) for one in on} == {1}
    assert [{one.track for one in on} for on in found.boxes(second)] == [{1}] * 5 + [{1, 2}] * 6
    shared = found.boxes(first)[9:]
    assert shared == found.boxes(second)[:3]
    assert shared[0][0].box == pytest.approx((0.11, 0.1, 0.31, 0.3))


def test_what_does_not_meet_is_asked_about_kept_and_settled(
    film_job, asset, labeller, lena, kestrel, analyst, client_for
):
    draw(film_job, labeller, a=track(kestrel, HERE))
    draw(film_job, lena)
    first, second = film_job.items.order_by("position")
    (doubt,) = parts.doubts(film_job)
    assert (doubt.item, doubt.shape, doubt.other, doubt.frame) == (first, "a", None, 9)
    assert [len(on) for on in film(film_job, asset).boxes(second)] == [1] * 3 + [0] * 8
    browser = client_for(analyst)
    page = browser.get(reverse("labelling-job", args=[film_job.pk])).content.decode()
    assert "Where parts meet" in page
    url = reverse("labelling-part-join", args=[film_job.pk, first.pk])
    assert browser.post(url, {"shape": "a", "same": "0"}).status_code == 302
    assert parts.doubts(film_job) == []


def test_a_part_that_is_taken_out_comes_back_as_it_was(
    film_job, asset, labeller, lena, kestrel, analyst, client_for
):
    work = draw(film_job, labeller, a=track(kestrel, HERE))
    browser, first = client_for(analyst), film_job.items.order_by("position")[0]
    out = reverse("labelling-part-out", args=[film_job.pk, first.pk])
    assert browser.post(out).status_code == 302
    assert [one.item for one in film(film_job, asset).parts] == []
    assert film_job.claim(labeller) == []
    browser.post(reverse("labelling-part-back", args=[film_job.pk, first.pk]))
    assert [one.item for one in film(film_job, asset).parts] == [first]
    assert Work.objects.get(pk=work.pk).document["shapes"]["a"]["label"] == kestrel.pk
    assert Item.objects.get(pk=first.pk).n_open == 0
    draw(film_job, lena)
    assert LabelingJob.objects.get(pk=film_job.pk).status == "complete"


def test_a_part_changes_hands_but_not_while_somebody_is_at_it(
    film_job, labeller, lena, analyst, client_for
):
    first = film_job.items.order_by("position")[0]
    url = reverse("labelling-part-give", args=[film_job.pk, first.pk])
    browser = client_for(analyst)
    browser.post(url, {"user": lena.pk})
    assert Item.objects.get(pk=first.pk).assigned_to == lena
    assert first in [work.item for work in film_job.claim(lena)]
    browser.post(url, {"user": labeller.pk})
    assert Item.objects.get(pk=first.pk).assigned_to == lena
    browser.post(url, {"user": ""})
    assert Item.objects.get(pk=first.pk).assigned_to is None


def test_programs_add_parts(film_job, asset, analyst, labeller, key_for, client):
    table = FrameTable(np.asarray(TIMES), np.arange(len(TIMES)) == 0, 20.0)
    file = default_storage.save("tables/t", ContentFile(table.pack()))
    Rendition.keep(asset, "frame_table", file)
    url = f"/api/v1/labelling-jobs/{film_job.pk}/parts/"
    ask = {"content_type": "application/json", **key_for(analyst)}
    wish = {"asset": asset.pk, "start_s": 10.2, "end_s": 10.6, "seconds": 0.25, "overlap": 2}
    made = client.post(url, wish | {"people": [labeller.pk]}, **ask)
    assert made.status_code == 201, made.json()
    assert [(p["start_s"], p["end_s"]) for p in made.json()] == [(10.2, 10.44), (10.4, 10.6)]
    assert {p["assigned_to"] for p in made.json()} == {labeller.pk}
    assert client.post(url, wish | {"start_s": 90.0, "end_s": 99.0}, **ask).status_code == 422


def test_programs_settle_give_take_out_and_bring_back(
    film_job, labeller, lena, kestrel, analyst, reviewer, client, key_for
):
    draw(film_job, labeller, a=track(kestrel, HERE))
    draw(film_job, lena)
    first, second = film_job.items.order_by("position")
    job, head = f"/api/v1/labelling-jobs/{film_job.pk}", key_for(analyst)
    send = {"content_type": "application/json", **head}
    (doubt,) = client.get(f"{job}/doubts/", **head).json()
    assert (doubt["part"], doubt["shape"], doubt["other"]) == (first.pk, "a", None)
    said = {"part": first.pk, "shape": "a", "same": False}
    refused = client.post(
        f"{job}/doubts/", said, content_type="application/json", **key_for(reviewer)
    )
    assert refused.status_code == 403
    assert client.post(f"{job}/doubts/", said, **send).json() == []
    part = f"/api/v1/labelling-parts/{second.pk}"
    assert client.post(f"{part}/give/", {"user": None}, **send).json()["assigned_to"] is None
    assert client.post(f"{part}/give/", {"user": 10**6}, **send).status_code == 422
    given = client.post(f"{part}/give/", {"user": labeller.pk}, **send).json()
    assert given["assigned_to"] == labeller.pk
    film_job.reopen(by=analyst)
    assert client.post(f"{part}/take-out/", **send).json()["set_aside"]
    assert client.post(f"{part}/bring-back/", **send).json()["set_aside"] is None


def test_the_figures_of_a_project_are_for_who_may_change_it(
    film_job, labeller, analyst, viewer, client, key_for
):
    draw(film_job, labeller)
    url = reverse("api-project-labelling-figures", args=[film_job.dataset.project_id])
    told = client.get(url, **key_for(analyst)).json()
    assert [row["pictures"] for row in told["people"]] == [1]
    assert client.get(url, **key_for(viewer)).status_code == 403
