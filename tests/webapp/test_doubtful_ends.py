"""A brand that begins or ends in the middle of a still shot is marked wherever its figures stand.

Of FOUND in conftest.py, with cuts at 10 and 40 s: Kestrel ends at 20 s and is there from 80 to
82 s, Norra Bank begins at 15 s, each in the middle of a shot.
"""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.urls import reverse
from pypdf import PdfReader

from webapp.runs.models import Shot

SENTENCE = "4 beginnings or ends are doubtful: the picture stood still there"


@pytest.fixture
def run(run):
    for index, start_s in enumerate((0.0, 10.0, 40.0)):
        Shot.objects.create(run=run, index=index, start_s=start_s, end_s=run.duration_s)
    return run


@pytest.fixture
def at_work(analyst, client_for):
    return client_for(analyst)


def panel(client, run, **query) -> str:
    return client.get(reverse("run-view", args=[run.pk]), query).json()["panel"]


def test_the_page_counts_them_beside_what_nobody_checked(at_work, run):
    assert SENTENCE in panel(at_work, run)


def test_an_opened_brand_leads_to_the_frame_of_each(at_work, run, kestrel):
    opened = panel(at_work, run, open=str(kestrel.pk))
    assert opened.count('class="doubt"') == 3
    assert 'data-frame="19.500"' in opened
    assert "Doubtful: ends at 0:19.5 while the picture stood still" in opened
    assert 'data-frame="80.000"' in opened
    assert 'data-frame="10.000"' not in opened, "a cut explains it"


def test_the_slider_asks_again(at_work, run, kestrel):
    opened = panel(at_work, run, open=str(kestrel.pk), threshold="0.8")
    assert "1 beginning or end is doubtful" not in opened  # Norra Bank's 0.8 counts still
    assert "2 beginnings or ends are doubtful" in opened
    assert opened.count('class="doubt"') == 1


def test_the_list_of_all_times_says_it_in_words(at_work, run):
    table = at_work.get(reverse("run-episodes", args=[run.pk])).content.decode()
    assert "<td>begins and ends</td>" in table
    assert "<td>ends</td>" in table


def test_a_run_whose_cuts_are_not_known_marks_nothing(at_work, run, kestrel):
    Shot.objects.all().delete()
    opened = panel(at_work, run, open=str(kestrel.pk))
    assert "doubtful" not in opened.lower()


def test_the_api_gives_the_moment_the_box_and_how_sure(at_work, run, kestrel):
    found = at_work.get(f"/api/v1/runs/{run.pk}/exposure/").json()
    brand = next(b for b in found["brands"] if b["label"] == kestrel.pk)
    assert brand["doubtful_ends"] == 3
    first = brand["episodes"][0]
    assert first["doubtful_begin"] is None
    assert first["doubtful_end"]["time_s"] == 19.5
    assert first["doubtful_end"]["box"] == pytest.approx([0.1, 0.1, 0.3, 0.2], abs=1e-6)
    assert first["doubtful_end"]["confidence"] == pytest.approx(0.9)


def test_the_report_says_it_and_keeps_it_when_issued(at_work, run):
    live = at_work.get(reverse("run-report", args=[run.pk])).content.decode()
    assert SENTENCE in live
    assert "doubtful: begins and ends while the picture stood still" in live
    made = at_work.post(reverse("report-issue", args=[run.pk]), {"title": "Cup final"})
    Shot.objects.all().delete()
    assert SENTENCE in at_work.get(made["Location"]).content.decode()


def file_of(client, run, kind: str) -> bytes:
    answer = client.get(reverse("run-file", args=[run.pk, kind]))
    assert answer.status_code == 200
    return b"".join(answer) if answer.streaming else answer.content


def test_the_files_say_it(at_work, run):
    rows = list(csv.DictReader(io.StringIO(file_of(at_work, run, "episodes").decode("utf-8-sig"))))
    assert [(row["brand"], row["doubtful"]) for row in rows] == [
        ("Kestrel", "ends"),
        ("Norra Bank", "begins"),
        ("Kestrel", "begins and ends"),
    ]
    rows = list(csv.DictReader(io.StringIO(file_of(at_work, run, "brands").decode("utf-8-sig"))))
    assert {row["brand"]: row["doubtful_ends"] for row in rows}["Kestrel"] == "3"
    brands = json.loads(file_of(at_work, run, "json"))["numbers"]["exposure"]["brands"]
    assert brands[0]["episodes"][0]["doubtful_end"]["time_s"] == 19.5
    paper = PdfReader(io.BytesIO(file_of(at_work, run, "pdf")))
    words = " ".join(" ".join(page.extract_text() for page in paper.pages).split())
    assert SENTENCE in words


def test_a_report_of_before_they_were_told_opens(at_work, run):
    made = at_work.post(reverse("report-issue", args=[run.pk]), {"title": "Cup final"})
    report = run.reports.get()
    for brand in report.numbers["exposure"]["brands"]:
        del brand["doubtful_ends"]
        for episode in brand["episodes"]:
            del episode["doubtful_begin"], episode["doubtful_end"]
    type(report).objects.filter(pk=report.pk).update(numbers=report.numbers)
    page = at_work.get(made["Location"])
    assert page.status_code == 200
    assert "doubtful" not in page.content.decode()


def test_a_season_adds_them_up(at_work, run):
    page = at_work.get(reverse("compare"), {"run": run.pk, "of": "chosen"}).content.decode()
    assert f"{SENTENCE}. Open a brand in its analysis to look at them" in page
    file = at_work.get(reverse("compare-file", args=["json"]), {"run": run.pk, "of": "chosen"})
    doubtful = {brand["name"]: brand["doubtful_ends"] for brand in file.json()["brands"]}
    assert doubtful == {"Kestrel": 3, "Norra Bank": 1, "Vitalo": 0}
