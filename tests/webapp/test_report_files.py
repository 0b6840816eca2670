"""Each file says what the page says, and harms nobody who opens it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re

import pytest
from django.urls import reverse
from pypdf import PdfReader

from webapp.reports.models import Report

FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture
def report(at_report, run):
    label = run.project.labels.get(name="Norra Bank")
    label.name = FORMULA
    label.save()
    query = "?rate=1200&currency=SEK"
    at_report.post(reverse("report-issue", args=[run.pk]) + query, {"title": "Cup final 1–0"})
    return Report.objects.get()


@pytest.fixture
def file_of(at_report, report):
    def get(kind: str):
        answer = at_report.get(reverse("report-file", args=[report.pk, kind]))
        assert answer.status_code == 200
        assert answer["Content-Disposition"].startswith('attachment; filename="cup-final-10')
        return answer

    return get


def seconds(report, name: str) -> float:
    brands = report.numbers["exposure"]["brands"]
    return next(brand["reported_s"] for brand in brands if brand["name"] == name)


def rows(answer) -> list[dict[str, str]]:
    text = answer.content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_pdf_says_what_the_page_says(file_of, report):
    pdf = PdfReader(io.BytesIO(file_of("pdf").content))
    text = "\n".join(page.extract_text() for page in pdf.pages)
    flat = " ".join(text.split())
    for part in (
        "Cup final 1–0",
        "Kestrel",
        "Vitalo",
        "0:12.0",
        "0:25.0",
        "480.00 SEK",
        "1-second",
    ):
        assert part in flat
    assert report.manifest["numbers_sha256"] in text.replace("\n", "")
    assert "One sample every 0.5 s" in flat or "Every frame was analysed" in flat
    assert pdf.metadata.title == "Cup final 1–0"


def test_the_tables_are_those_of_the_page_and_never_a_formula(file_of, report):
    brands = rows(file_of("brands"))
    assert [row["brand"] for row in brands] == ["Kestrel", "'" + FORMULA, "Vitalo"]
    assert float(brands[0]["reported_s"]) == seconds(report, "Kestrel") == 12.0
    exposures = rows(file_of("episodes"))
    assert len(exposures) == sum(b["count"] for b in report.numbers["exposure"]["brands"])
    for row in brands + exposures:
        assert not any(cell.startswith(("=", "+", "@")) for cell in row.values())
    assert file_of("brands").content.startswith(b"\xef\xbb\xbf")  # or Excel takes it for Latin-1


def test_each_row_names_the_file_the_project_the_report_and_the_run(file_of, at_report, run):
    origin = {"file": "matchday.mp4", "project": "Harbour Cup", "run": str(run.pk)}
    for kind in ("brands", "episodes"):
        for row in rows(file_of(kind)):
            assert row.items() >= (origin | {"report": "Cup final 1–0"}).items()
        live = at_report.get(reverse("run-file", args=[run.pk, kind]))
        assert {row["report"] for row in rows(live)} == {""}


def test_the_json_can_be_checked_against_its_own_digest(file_of, report):
    whole = json.loads(file_of("json").content)
    text = json.dumps(whole["numbers"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert whole["manifest"]["numbers_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert whole["title"] == "Cup final 1–0"
    assert whole["manifest"]["media"]["sha256"] == report.manifest["media"]["sha256"]
    assert whole["numbers"]["exposure"]["brands"][0]["reported_s"] == 12.0


def test_the_captions_hold_one_cue_for_each_exposure(file_of, report):
    answer = file_of("vtt")
    text = answer.content.decode()
    assert text.startswith("WEBVTT\n")
    cues = re.findall(r"^(\d\d:\d\d:\d\d\.\d{3}) --> (\d\d:\d\d:\d\d\.\d{3})\n(.+)$", text, re.M)
    assert len(cues) == sum(b["count"] for b in report.numbers["exposure"]["brands"])
    assert all(start < end for start, end, _ in cues)
    assert ("00:00:10.000", "00:00:20.000", "Kestrel: 10.0 s on screen") in cues


def test_a_live_run_offers_the_same_files_with_the_choices_of_its_page(at_report, run):
    at = reverse("run-file", args=[run.pk, "json"])
    default, low = at_report.get(at).json(), at_report.get(at + "?threshold=0.1").json()
    assert default["numbers"]["exposure"]["brands"][0]["reported_s"] == 12.0
    assert low["numbers"]["exposure"]["brands"][0]["reported_s"] == 17.0


def test_an_unknown_kind_is_not_found(at_report, report, run):
    for at in (
        reverse("report-file", args=[report.pk, "exe"]),
        reverse("run-file", args=[run.pk, "exe"]),
    ):
        assert at_report.get(at).status_code == 404


def test_names_in_any_script_make_a_pdf(at_report, run):
    label = run.project.labels.get(name="Kestrel")
    label.name = "Ζέφυρος 東京 🏆"
    label.save()
    answer = at_report.get(reverse("run-file", args=[run.pk, "pdf"]))
    assert len(PdfReader(io.BytesIO(answer.content)).pages) >= 1


def test_the_exposures_are_taken_to_an_editor_as_cuts_of_the_film(run, at_report):
    run.asset.probe = run.asset.probe | {"frame_rate": 29.97003}
    run.asset.save()
    text = at_report.get(reverse("run-file", args=[run.pk, "edl"])).content.decode()
    assert "FCM: DROP FRAME" in text
    assert f"* FROM CLIP NAME: {run.asset.name}" in text
    assert "001  AX       V     C        00:00:09;29 00:00:20;00 01:00:00;00" in text
    timeline = at_report.get(reverse("run-file", args=[run.pk, "otio"])).json()
    clips = timeline["tracks"]["children"][0]["children"]
    assert [clip["name"] for clip in clips] == ["Kestrel", "Norra Bank", "Kestrel"]
