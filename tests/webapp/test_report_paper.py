"""The PDF that is sent on: who, what, when; and for each brand its evidence."""

from __future__ import annotations

import io

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from PIL import Image
from pypdf import PdfReader

from webapp.assets.models import Rendition
from webapp.leases import Status
from webapp.reports.models import Report

FRAME = (640, 360)


@pytest.fixture
def paper(at_report, report):
    def get() -> list:
        answer = at_report.get(reverse("report-file", args=[report.pk, "pdf"]))
        return PdfReader(io.BytesIO(answer.content)).pages

    return get


def words(page) -> str:
    return " ".join(page.extract_text().split())


def make_frames() -> None:
    """As a worker does."""
    data = io.BytesIO()
    Image.new("RGB", FRAME, "navy").save(data, "JPEG")
    for row in Rendition.objects.all():
        file = default_storage.save(f"renditions/{row.pk}.jpg", ContentFile(data.getvalue()))
        Rendition.objects.filter(pk=row.pk).update(status=Status.DONE, file=file)


def test_the_cover_says_what_of_when_and_who(paper, report):
    cover = words(paper()[0])
    for part in (
        *("Cup final", "Harbour Cup", "matchday.mp4", "The whole film, 2:00.0", "1-second"),
        *(f"{report.issued:%B %Y}", "Ana, Harbour Cup"),
    ):
        assert part in cover
    assert "draft" not in cover


def test_a_draft_says_that_it_is_one(at_report, run):
    answer = at_report.get(reverse("run-file", args=[run.pk, "pdf"]) + "?in=10&out=60")
    cover = words(PdfReader(io.BytesIO(answer.content)).pages[0])
    assert "Not issued; a draft" in cover
    assert "0:10.0 to 1:00.0 of 2:00.0" in cover


def test_the_cover_keeps_the_names_of_the_day_of_issue(paper, report, run, analyst, workspace):
    run.project.name = "Renamed"
    run.project.save()
    analyst.name = "Somebody Else"
    analyst.save()
    workspace.rename("Sold Ltd", by=analyst)
    cover = words(paper()[0])
    assert "Ana, Harbour Cup" in cover
    assert not any(new in cover for new in ("Renamed", "Somebody Else", "Sold Ltd"))


def test_the_cover_carries_the_logo_of_the_workspace(at_report, run, workspace, owner):
    from webapp.accounts.letterhead import letterhead

    logo = io.BytesIO()
    Image.new("RGB", (300, 90), "teal").save(logo, "PNG")
    workspace.show_logo(*letterhead(io.BytesIO(logo.getvalue())), by=owner)
    answer = at_report.get(reverse("run-file", args=[run.pk, "pdf"]))
    (shown,) = PdfReader(io.BytesIO(answer.content)).pages[0].images
    assert shown.image.size == (300, 90)


def test_each_brand_that_was_seen_has_a_page_with_its_frame(paper, report):
    asked = {row.recipe for row in Rendition.objects.all()}
    assert len(asked) == 2  # asked for when it was issued, one for each brand that was seen
    assert all(recipe.startswith("frame@") for recipe in asked)
    make_frames()
    pages = {words(page).split(" On screen ")[0]: page for page in paper()[2:4]}
    assert pages.keys() == {"Norra Bank", "Kestrel"}
    for page in pages.values():
        (frame,) = page.images
        assert frame.image.size == FRAME
    text = words(pages["Kestrel"])
    for part in (
        *("1 box", "confidence 0.90", "2.0", "When it was on screen", "Where in the frame"),
        *("not checked by a person", "Prominence", "Reported 0:12.0"),
    ):
        assert part in text.replace("\u202f", " ")


def test_a_frame_that_is_not_made_yet_is_said_to_be_missing(paper):
    page = paper()[2]
    assert "still being made" in words(page)
    assert not page.images


def test_a_frame_that_cannot_be_made_says_why(paper):
    Rendition.objects.update(status=Status.FAILED, error="The film ends before.", can_retry=False)
    assert "could not be made: The film ends before." in words(paper()[2])


def test_a_picture_that_went_missing_is_said_to_be(paper):
    make_frames()
    for row in Rendition.objects.all():
        default_storage.delete(row.file)
    assert "can no longer be read" in words(paper()[2])


def test_without_its_film_the_report_stands_and_says_so(paper, run):
    run.asset.delete()
    pages = paper()
    assert "Ana, Harbour Cup" in words(pages[0])
    assert "The film was deleted" in words(pages[2])


def test_a_report_from_before_frames_were_kept_still_prints(paper, report):
    numbers = {key: value for key, value in report.numbers.items() if key != "evidence"}
    Report.objects.filter(pk=report.pk).update(numbers=numbers, cover={})
    pages = paper()
    assert "Ana, Harbour Cup" in words(pages[0])
    assert "No frame was kept" in words(pages[2])


def test_the_map_has_nine_equal_cells_whose_seconds_add_up(report):
    for brand in report.numbers["exposure"]["brands"]:
        assert sum(map(sum, brand["zones"])) == pytest.approx(brand["on_screen_s"])


def test_a_picture_has_no_time_on_paper(at_report, asset_in, workspace, project, run_of):
    still = asset_in(workspace, "podium.jpg", kind="image", duration_s=0.0)
    answer = at_report.get(reverse("run-file", args=[run_of(still, project).pk, "pdf"]))
    pages = PdfReader(io.BytesIO(answer.content)).pages
    assert "One picture" in words(pages[0])
    assert "When it was on screen" not in "".join(words(page) for page in pages)


def test_a_stranger_gets_neither_paper_nor_frames(
    client_for, stranger, other_workspace, report, run
):
    client = client_for(stranger)
    for at in (
        reverse("report-file", args=[report.pk, "pdf"]),
        reverse("run-file", args=[run.pk, "pdf"]),
    ):
        assert client.get(at).status_code == 404
