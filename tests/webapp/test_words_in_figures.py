"""What is said and written of a brand: on the page, in reports, in files and over a season."""

from __future__ import annotations

import csv
import io

import pytest
from django.urls import reverse

from tests.spoken import transcribed
from webapp.indexing.indexing import Indexing
from webapp.indexing.text_regions import TextRegion
from webapp.leases import Status
from webapp.reports.models import Report

pytestmark = pytest.mark.django_db

# Kestrel is on screen from 10 to 20 s; sentences begin at 2, 12, 22 and 32 s
SAID = ["welcome to the harbour", "Kestrel leads here", "and nora bank is close", "Kestrel it is"]


def read(asset, *rows):
    """A done indexing of what is written: text, start and end of each."""
    indexing = Indexing.objects.create(
        asset=asset, step="text", status=Status.DONE, engine_title="Reader (test)"
    )
    segment = indexing.segments.create(index=0, start_s=0, end_s=60, status=Status.DONE)
    for text, start_s, end_s in rows:
        TextRegion.objects.create(
            indexing=indexing,
            segment=segment,
            text=text,
            start_s=start_s,
            end_s=end_s,
            box=[0.1, 0.8, 0.4, 0.9],
            confidence=0.9,
            kind="overlay",
        )
    return indexing


@pytest.fixture
def told(run, owner):
    transcribed(run.asset, by=owner, said=SAID)
    read(run.asset, ("Presented by KESTREL", 31.0, 36.0), ("Score 2:1", 0.0, 40.0))
    return run


def figures_of(browser, run, name="Kestrel"):
    brands = browser.get(f"/api/v1/runs/{run.pk}/exposure/").json()["brands"]
    return next(brand for brand in brands if brand["name"] == name)


def test_the_figures_have_what_is_said_and_written(told, viewer, client_for):
    found = figures_of(client_for(viewer), told)
    assert (found["mentions"], found["mentions_seen"], found["written"]) == (2, 1, 1)
    assert found["written_s"] == pytest.approx(5)
    assert (found["together"], found["said_only"], found["written_only"]) == (2, 0, 0)


def test_without_an_engine_there_are_no_figures_instead_of_noughts(run, viewer, client_for):
    found = figures_of(client_for(viewer), run)
    assert (found["mentions"], found["written"], found["seen_only"]) == (None, None, None)


def test_the_panel_opens_on_each_time_a_brand_is_said_and_written(told, viewer, client_for):
    kestrel = told.project.labels.get(name="Kestrel")
    answer = client_for(viewer).get(reverse("run-view", args=[told.pk]), {"open": kestrel.pk})
    panel = answer.json()["panel"]
    assert "Presented by" not in panel, "the words of the mention, not of the whole caption"
    assert panel.count("“Kestrel”") == 2
    assert "“KESTREL”" in panel
    assert "1 of 2 while it is seen" in panel


def test_a_brand_that_is_only_said_can_be_opened(told, owner, client_for):
    kestrel = told.project.labels.get(name="Kestrel")
    kestrel.aliases = ["harbour"]
    kestrel.threshold = 1.0
    kestrel.save()
    browser = client_for(owner)
    asked = {"open": kestrel.pk, "threshold": 1}
    panel = browser.get(reverse("run-view", args=[told.pk]), asked).json()["panel"]
    assert "not seen, 3 said, 1 written" in panel
    assert "“harbour”" in panel


def rows(browser, run, kind):
    answer = browser.get(reverse("run-file", args=[run.pk, kind]))
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_files_carry_every_mention_and_the_counts(told, analyst, client_for):
    browser = client_for(analyst)
    mentions = rows(browser, told, "mentions")
    assert [(m["brand"], m["source"], m["start_s"], m["text"]) for m in mentions] == [
        ("Kestrel", "said", "12.0", "Kestrel"),
        ("Norra Bank", "said", "22.5", "nora bank"),
        ("Kestrel", "written", "31.0", "KESTREL"),
        ("Kestrel", "said", "32.0", "Kestrel"),
    ]
    assert mentions[1]["by"] == "spelling"
    brands = {row["brand"]: row for row in rows(browser, told, "brands")}
    assert (brands["Kestrel"]["mentions"], brands["Kestrel"]["written"]) == ("2", "1")


def test_an_issued_report_keeps_its_words_when_they_are_corrected_later(told, owner, client_for):
    browser = client_for(owner)
    browser.post(reverse("report-issue", args=[told.pk]), {"title": "Final"})
    report = Report.objects.get()
    page = browser.get(reverse("report", args=[report.pk])).content.decode()
    assert "“Kestrel”" in page
    assert report.manifest["words"]["text"]["engine"] == "Reader (test)"
    line = Indexing.objects.get(step="speech").speech_segments.order_by("start_s")[1]
    edit = {"segment": line.pk, "word": 0, "text": "Somebody"}
    browser.post(reverse("indexing-edit-word", args=[line.indexing_id]), edit)
    assert figures_of(browser, told)["mentions"] == 1
    assert [m["source"] for m in report.numbers["mentions"]].count("said") == 3
    kept = browser.get(reverse("report-file", args=[report.pk, "mentions"])).content.decode()
    assert kept.count(",said,") == 3


def test_a_report_of_before_words_were_counted_still_opens(report, told, owner, client_for):
    for key in ("mentions", "mentions.csv"):
        report.numbers.pop(key, None)
        report.numbers["files"].pop(key, None)
    for brand in report.numbers["exposure"]["brands"]:
        del brand["mentions"], brand["written"]
    del report.numbers["exposure"]["is_heard"], report.numbers["exposure"]["is_read"]
    report.save()
    browser = client_for(owner)
    for name, args in (("report", [report.pk]), ("report-file", [report.pk, "mentions"])):
        assert browser.get(reverse(name, args=args)).status_code == 200


def test_the_paper_names_who_listened(told, analyst, client_for):
    answer = client_for(analyst).get(reverse("run-file", args=[told.pk, "pdf"]))
    assert answer.content.startswith(b"%PDF")


def test_a_season_adds_up_mentions_and_knows_when_they_change(told, owner, client_for):
    browser = client_for(owner)
    address = reverse("compare-file", args=["json"])
    asked = {"project": told.project_id}

    def mentions():
        brands = browser.get(address, asked).json()["brands"]
        return next(b for b in brands if b["name"] == "Kestrel")["mentions"]

    assert mentions() == 2
    kestrel = told.project.labels.get(name="Kestrel")
    kestrel.aliases = ["harbour"]
    kestrel.save()
    assert mentions() == 3
    page = browser.get(reverse("compare"), asked | {"show": "mentions"}).content.decode()
    assert "Said, asset by asset" in page


def test_a_methodology_of_ones_own_credits_mentions(workspace, owner, client_for, key_for):
    browser = client_for(owner)
    made = browser.post(
        "/api/v1/methodologies/",
        {"workspace": workspace.pk, "name": "Ours", "mention_s": 7},
        content_type="application/json",
    )
    assert made.status_code == 201, made.content
    assert made.json()["rules"]["mention_s"] == 7
