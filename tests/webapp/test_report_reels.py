"""Highlight reels of a report: of what it counts, and shown by those of its links that may."""

from __future__ import annotations

import re

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from webapp.cuts.renderings import Rendering
from webapp.leases import Status
from webapp.reports.models import ReportReel

pytestmark = pytest.mark.django_db


@pytest.fixture
def brand(report):
    """The first brand that the report counts."""
    return next(b for b in report.numbers["exposure"]["brands"] if b["episodes"])


@pytest.fixture
def reel(at_report, report, brand) -> ReportReel:
    at_report.post(reverse("report-reel", args=[report.pk]), {"label": brand["label"]})
    return ReportReel.objects.get()


@pytest.fixture
def film(reel) -> Rendering:
    """The reel as a worker leaves it."""
    file = default_storage.save(f"cuts/{reel.cut_id}/1.mp4", ContentFile(b"0123456789"))
    about = {"duration_s": 9.0, "width": 96, "height": 64, "size_bytes": 10}
    Rendering.objects.filter(cut=reel.cut).update(status=Status.DONE, file=file, **about)
    return Rendering.objects.get()


def link_to(at_report, report, **asked: str) -> str:
    page = at_report.post(reverse("report-share", args=[report.pk]), asked, follow=True)
    address = page.content.decode().split('id="new-link">')[1].split("<")[0]
    return "/" + address.split("/", 3)[3]


def test_a_reel_is_cut_from_what_the_report_counts_whatever_is_said_later(
    at_report, report, brand, run, reel
):
    spans = [(e["start_s"], e["end_s"]) for e in brand["episodes"]]
    clips = list(reel.cut.standing())
    assert clips
    for clip in clips:
        assert clip.asset == run.asset
        assert any(start_s - 0.6 <= clip.start_s < end_s + 0.6 for start_s, end_s in spans)
    assert Rendering.objects.get().cut == reel.cut
    page = at_report.get(reverse("report", args=[report.pk])).content.decode()
    assert reverse("cut", args=[reel.cut_id]) in page
    assert "is being rendered" in page
    again = {"label": brand["label"]}
    answer = at_report.post(reverse("report-reel", args=[report.pk]), again, follow=True)
    assert "has a highlight reel here already" in answer.content.decode()
    assert ReportReel.objects.count() == 1
    reel.cut.remove(by=None)  # and another can be had where it was deleted
    at_report.post(reverse("report-reel", args=[report.pk]), again)
    assert ReportReel.objects.get().cut != reel.cut


def test_only_a_link_with_reels_shows_them_and_only_while_it_works(
    at_report, report, brand, film, asset, analyst
):
    plain, shown = link_to(at_report, report), link_to(at_report, report, with_reels="on")
    somebody = Client()
    assert "<video" not in somebody.get(plain).content.decode()
    assert somebody.get(f"{plain}/labels/{brand['label']}/reel").status_code == 404
    page = somebody.get(shown).content.decode()
    (source,) = re.findall(r'<video class="reel"[^>]* src="([^"]+)"', page)
    assert b"".join(somebody.get(source)) == b"0123456789"
    assert "/cuts/" not in page
    assert somebody.get(f"{shown}/labels/999999/reel").status_code == 404
    asset.remove(by=analyst)
    assert somebody.get(source).status_code == 404  # its pictures go with the film
    asset.restore(by=analyst)
    report.links.get(with_reels=True).revoke(by=analyst)
    assert somebody.get(source).status_code == 404


@pytest.mark.parametrize("label", ["", "x", "999999"])
def test_a_brand_that_the_report_does_not_count_has_none(at_report, report, label):
    answer = at_report.post(reverse("report-reel", args=[report.pk]), {"label": label}, follow=True)
    assert answer.status_code == 404 or "counts no such brand" in answer.content.decode()
    assert not ReportReel.objects.exists()


def test_who_may_not_issue_makes_none(report, brand, viewer, stranger, other_workspace, client_for):
    for person, status in ((viewer, 403), (stranger, 404)):
        address = reverse("report-reel", args=[report.pk])
        answer = client_for(person).post(address, {"label": brand["label"]})
        assert answer.status_code == status
    assert (
        reverse("report-reel", args=[report.pk])
        not in client_for(viewer).get(reverse("report", args=[report.pk])).content.decode()
    )
    assert not ReportReel.objects.exists()
