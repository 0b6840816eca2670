"""“New brands?” and past analyses over the web: what is offered, decided and refused."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image

from analysis.novelty.regions import REGION, Regions
from webapp.datasets.dataset import Dataset
from webapp.novelty.groups import NewBrand
from webapp.novelty.known import KnownLooks, packed
from webapp.novelty.work import NoveltyWork
from webapp.projects.models import Label
from webapp.projects.pictures import read_picture
from webapp.review_queue.choosing import choose
from webapp.review_queue.deciding import decide
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.previews import preview
from webapp.review_queue.rules import ReviewRule
from webapp.reviewing.verdicts import Verdict
from webapp.runs.segments import SegmentRegions
from workers.novelty import pieces

pytestmark = pytest.mark.django_db

LOOKS = np.eye(128, dtype=np.float32)


@pytest.fixture
def regions(run, project):
    """In the run: something that nobody knows for 4 s, and a Kestrel that looks like nothing."""
    kestrel = project.labels.get(name="Kestrel")
    times = [float(t) for t in frames_of(run)[:2]]
    rows = np.zeros(2, REGION)
    rows["time_s"], rows["start_s"], rows["end_s"] = times, [0, 10], [4, 11]
    rows["label"], rows["track"], rows["sight"] = [-1, kestrel.pk], -1, [0, 1]
    rows["x2"], rows["y2"], rows["confidence"] = 0.5, 0.25, 0.4
    segment = run.segments.order_by("index").first()
    data = Regions(rows, LOOKS[[5, 6]]).pack()
    return SegmentRegions.objects.create(segment=segment, data=data)


def frames_of(run):
    from webapp.runs.results import columns_of

    return columns_of(run).frames["time_s"]


@pytest.fixture
def known(project):
    kestrel = project.labels.get(name="Kestrel")
    fit = {"temperature": 0.05, "threshold": 0.5, "n_known": 40, "n_called_novel": 2, "n_right": 38}
    return KnownLooks.objects.create(
        project=project, prototypes=packed({kestrel.pk: LOOKS[[1]]}), fit=fit, source="sights"
    )


@pytest.fixture
def brand(project, run):
    sight = {"run": run.pk, "asset": run.asset_id, "segment": 0, "tile": 0, "time_s": 1.0}
    sight |= {"start_s": 0.0, "end_s": 4.0, "box": [0.1, 0.1, 0.3, 0.2]}
    look = LOOKS[5].astype("<f4").tobytes()
    return NewBrand.objects.create(
        project=project, look=look, sights=[sight], n_sights=3, n_files=1, seconds=4.0
    )


def test_the_page_offers_names_dismisses_and_puts_back(brand, project, known, client_for, analyst):
    browser = client_for(analyst)
    page = reverse("new-brands", args=[project.pk])
    text = browser.get(page).content.decode()
    assert "4.0 s" in text
    assert "2 of 40 known sights new" in text
    url = reverse("new-brand-decide", args=[brand.pk])
    said = browser.post(url, {"do": "name", "name": "Kestrel"}, follow=True).content.decode()
    assert "There is a label called Kestrel already" in said
    browser.post(url, {"do": "name", "name": "Acme", "dataset": "new"})
    brand.refresh_from_db()
    assert (brand.state, brand.label.name) == ("named", "Acme")
    assert Dataset.objects.get(project=project).name == "New brands"
    assert NoveltyWork.objects.get(brand=brand).kind == "name"
    again = browser.post(url, {"do": "dismiss"}, follow=True).content.decode()
    assert "decided about it already" in again
    browser.post(url, {"do": "put-back"})
    brand.refresh_from_db()
    assert (brand.state, brand.label) == ("open", None)
    assert not NoveltyWork.objects.filter(brand=brand).exists()


def test_a_label_that_was_deleted_leaves_its_group_decided(brand, project, client_for, analyst):
    brand.is_label(project.labels.get(name="Vitalo"), dataset=None, by=analyst)
    Label.objects.filter(name="Vitalo").delete()
    text = client_for(analyst).get(reverse("new-brands", args=[project.pk])).content.decode()
    assert "Its label was deleted" in text


def test_it_is_said_where_the_examples_go(brand, project, client_for, analyst):
    browser = client_for(analyst)
    url = reverse("new-brand-decide", args=[brand.pk])
    kestrel = project.labels.get(name="Kestrel").pk
    sent = {"do": "label", "label": kestrel, "name": "", "dataset": ""}
    assert "becomes its logo pictures" in browser.post(url, sent, follow=True).content.decode()
    back = browser.post(url, {"do": "put-back"}, follow=True).content.decode()
    assert "It is offered again." in back


def test_what_its_label_was_given_goes_when_it_is_put_back_and_what_people_added_stays(
    brand, project, client_for, analyst
):
    kestrel = project.labels.get(name="Kestrel")
    brand.is_label(kestrel, dataset=None, by=analyst)
    mine, given = (logo(kestrel, colour, by=analyst) for colour in ("red", "blue"))
    brand.was_given(given)
    url = reverse("new-brand-decide", args=[brand.pk])
    back = client_for(analyst).post(url, {"do": "put-back"}, follow=True).content.decode()
    assert "The picture that Kestrel was given of it went" in back
    there = set(kestrel.references.values_list("pk", flat=True))
    assert mine.pk in there
    assert given.pk not in there
    brand.refresh_from_db()
    assert brand.given == []


def logo(label, colour, *, by):
    file = io.BytesIO()
    picture = Image.new("RGB", (80, 60), colour)
    picture.paste("white", (20, 20, 60, 40))
    picture.save(file, "PNG")
    file.seek(0)
    return label.add_reference(read_picture(file), f"{colour}.png", by=by)


def test_older_analyses_are_named_and_their_regions_can_be_made(run, project, client_for, analyst):
    browser = client_for(analyst)
    text = browser.get(reverse("new-brands", args=[project.pk])).content.decode()
    assert "The analysis was made before regions were kept" in text
    browser.post(reverse("run-keep-regions", args=[run.pk]))
    assert NoveltyWork.objects.get(run=run).kind == "keep"


def test_what_looks_less_like_a_logo_is_folded_away_and_not_lost(
    brand, project, client_for, analyst
):
    look = LOOKS[9].astype("<f4").tobytes()
    NewBrand.objects.create(project=project, look=look, n_sights=7, seconds=99.0, is_doubtful=True)
    text = client_for(analyst).get(reverse("new-brands", args=[project.pk])).content.decode()
    before, _, folded = text.partition('<details class="nb-doubtful">')
    assert "4.0 s" in before
    assert "99.0 s" not in before
    assert "1 group that looks less like a logo" in folded
    assert "99.0 s" in folded
    assert "Name of group 2" in folded


def test_a_viewer_sees_and_does_not_decide(brand, project, client_for, viewer):
    browser = client_for(viewer)
    text = browser.get(reverse("new-brands", args=[project.pk])).content.decode()
    assert "Name it" not in text.split("<main")[-1].split("</dl>")[-1]
    answer = browser.post(reverse("new-brand-decide", args=[brand.pk]), {"do": "dismiss"})
    assert answer.status_code == 403


def test_past_analyses_are_searched_by_what_they_keep(
    regions, known, brand, project, client_for, key_for, analyst
):
    acme = project.add_label("Acme", by=analyst)
    url = reverse("label-past", args=[acme.pk])
    browser = client_for(analyst)
    assert "It is not known yet what Acme looks like" in browser.get(url).content.decode()
    brand.is_label(acme, dataset=None, by=analyst)
    text = browser.get(url).content.decode()
    assert "1.00" in text
    assert '<span class="quiet">nothing</span>' in text
    answer = browser.get(f"/api/v1/labels/{acme.pk}/past/", **key_for(analyst)).json()
    [moment] = answer["moments"]
    assert (moment["likeness"], moment["was"], answer["without"]) == (1.0, None, [])


def test_past_moments_are_sent_to_the_review_once_and_count_once_somebody_says_so(
    regions, known, brand, project, client_for, analyst, viewer, reviewer
):
    acme = project.add_label("Acme", by=analyst)
    brand.is_label(acme, dataset=None, by=analyst)
    browser, url = client_for(analyst), reverse("label-past-review", args=[acme.pk])
    assert client_for(viewer).post(url).status_code == 403
    for n in (1, 2):
        assert "Sending past moments" in browser.post(url, follow=True).content.decode()
        row = NoveltyWork.objects.get(label=acme, status="waiting")
        pieces.novelty(row.pk)
        row.refresh_from_db()
        assert (row.status, row.error) == ("done", "")
        assert ("One frame waits" if n == 1 else "already") in row.note
    item = ReviewItem.objects.get(label=acme)
    [box] = [box for box in item.boxes if box["is_matched"]]
    assert (box["label"], box["is_weak"], item.because[0]["words"]) == (
        acme.pk,
        True,
        "looks like Acme (1.00), detected as nothing",
    )
    said = [{"prediction": box["id"], "label": acme.pk, "box": box["box"]}]
    decide(item, said, by=reviewer, scope="track")
    verdict = Verdict.objects.get(label=acme)
    assert (verdict.kind, verdict.time_s) == ("drawn", item.time_s)


@pytest.mark.parametrize(("threshold", "n"), [(0.3, 0), (0.5, 1)])
def test_nobody_is_asked_about_what_counts_as_another_label(
    regions, known, project, client_for, analyst, threshold, n
):
    """A Kestrel of 0.4 that looks like Acme."""
    acme = project.add_label("Acme", by=analyst)
    KnownLooks.objects.update(prototypes=packed({acme.pk: LOOKS[[6]]}))
    project.labels.filter(name="Kestrel").update(threshold=threshold)
    client_for(analyst).post(reverse("label-past-review", args=[acme.pk]))
    row = NoveltyWork.objects.get(label=acme)
    pieces.novelty(row.pk)
    row.refresh_from_db()
    assert ReviewItem.objects.filter(label=acme).count() == n
    assert ("nothing to ask" in row.note) == (n == 0)


def test_programs_name_and_dismiss(brand, project, client, key_for, analyst):
    head = key_for(analyst)
    [row] = client.get(f"/api/v1/new-brands/?project={project.pk}", **head).json()["results"]
    assert (row["state"], row["sights"][0]["time_s"]) == ("open", 1.0)
    send = {"content_type": "application/json", **head}
    bad = client.post(f"/api/v1/new-brands/{brand.pk}/name/", json.dumps({"name": " "}), **send)
    assert bad.status_code in (400, 422)
    done = client.post(f"/api/v1/new-brands/{brand.pk}/dismiss/", "{}", **send)
    assert done.json()["state"] == "dismissed"
    assert client.post(f"/api/v1/new-brands/{brand.pk}/dismiss/", "{}", **send).status_code == 422
    back = client.post(f"/api/v1/new-brands/{brand.pk}/put-back/", "{}", **send)
    assert back.json()["state"] == "open"


def test_a_rule_sends_what_looks_like_no_known_label(regions, known, run, project):
    every = {"Conditions": [{"ConditionType": "Novelty", "ConditionParameters": {}}]}
    assert preview(project, every).items == 2
    rule = ReviewRule.objects.make(project, "New", every, by=None)
    assert rule.words == "one frame of each sight that looks like no known label"
    items = choose(run, [rule]).items
    words = {item.because[0]["words"] for item in items}
    assert words == {
        "like no known label, for 4.0 s",
        "taken for Kestrel, like no known label, for 1.0 s",
    }
    one = {"ConditionType": "Novelty", "ConditionParameters": {"LabelName": "Kestrel"}}
    assert preview(project, {"Conditions": [one]}).items == 1


def test_a_rule_about_novelty_says_where_nobody_has_looked(run, project):
    from analysis.rules import Rule, select
    from webapp.review_queue.choosing import evidence_of

    every = {"Conditions": [{"ConditionType": "Novelty", "ConditionParameters": {}}]}
    found = select(Rule.parse(every), evidence_of(run, {"novel"}))
    assert not len(found.frames)
    assert found.why(0)[0]["Words"] == "nobody has looked yet what is new"
