"""A brand is added later: regions that analyses keep are found by a picture of it, and become a
label that people are asked about, without decoding again."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from tests.services.film import logo
from tests.workers.novelty.test_novelty import run as _run
from tests.workers.novelty.test_novelty import work
from webapp.asking.asks import Ask
from webapp.novelty.work import NoveltyWork
from webapp.review_queue.items import ReviewItem
from workers.asking.pieces import ask

pytestmark = pytest.mark.django_db
run = _run


def asked(row: Ask) -> Ask:
    ask(row.pk)
    row.refresh_from_db()
    assert row.error == ""
    return row


def test_a_picture_finds_its_regions_and_becomes_a_label(run, project, analyst, client_for):
    work()
    row = asked(Ask.objects.by_picture(project.workspace, ContentFile(logo()), "x.png", by=analyst))
    browser = client_for(analyst)
    assert reverse("search-alike") in browser.get("/search", {"ask": row.pk}).content.decode()
    page = browser.get(reverse("search-alike"), {"ask": row.pk}).content.decode()
    assert "nb-crop" in page
    assert f"run={run.pk}" in page
    narrowed = {"ask": row.pk, "longer": "1h"}
    assert "nb-crop" not in browser.get(reverse("search-alike"), narrowed).content.decode()
    sent = {"project": project.pk, "name": "Acme", "do": "review"}
    answer = browser.post(reverse("ask-label", args=[row.pk]), sent)
    label = project.labels.get(name="Acme")
    assert answer.url == reverse("label-past", args=[label.pk])
    assert label.references.count() == 1
    assert NoveltyWork.objects.filter(label=label).exists()
    work()
    assert ReviewItem.objects.filter(label=label).exists()
    browser.post(reverse("ask-label", args=[row.pk]), sent | {"name": "acme"})
    assert label.references.count() == 1, "said again, nothing is doubled"


def test_a_drawn_box_finds_the_other_moments_and_not_itself(run, project, analyst, client_for):
    box = [(20 + 100) / 480, 60 / 270, (20 + 220) / 480, 150 / 270]
    row = asked(Ask.objects.by_moment(run.asset, 2.0, box, by=analyst))
    page = client_for(analyst).get(reverse("search-alike"), {"ask": row.pk}).content.decode()
    whole = asked(Ask.objects.by_picture(project.workspace, ContentFile(logo()), "x", by=analyst))
    other = client_for(analyst).get(reverse("search-alike"), {"ask": whole.pk}).content.decode()
    assert page.count("nb-crop") <= other.count("nb-crop")
    without = {"ask": whole.pk, "without": row.pk}
    less = client_for(analyst).get(reverse("search-alike"), without).content.decode()
    assert less.count("nb-crop") < other.count("nb-crop"), "what is like the unwanted goes"


def test_a_viewer_sees_them_and_makes_no_label(run, project, viewer, client_for):
    row = asked(Ask.objects.by_picture(project.workspace, ContentFile(logo()), "x", by=viewer))
    browser = client_for(viewer)
    page = browser.get(reverse("search-alike"), {"ask": row.pk}).content.decode()
    assert "Make this a label" not in page
    sent = {"project": project.pk, "name": "Acme", "do": "label"}
    assert browser.post(reverse("ask-label", args=[row.pk]), sent).status_code == 403
