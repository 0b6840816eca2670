"""What people found who checked a run, in its reports."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.urls import reverse
from pypdf import PdfReader

from analysis.exposure.methodologies import METHODOLOGIES
from webapp.auditing import rounds
from webapp.auditing.answering import give
from webapp.auditing.readings import readings
from webapp.reports.models import Report

THERE = [(10.0, 20.0), (80.0, 82.0)]  # of Kestrel, as the detector says


def answer(audited, by, *, unsure_first: bool = False) -> None:
    if unsure_first:
        give(audited.items.open().first(), "unsure", by=by)
    while item := audited.items.open().first():
        is_there = any(start <= item.time_s < end for start, end in THERE)
        give(item, "there" if is_there else "not_there", by=by)


@pytest.fixture
def audited(run, project, analyst):
    kestrel = project.labels.get(name="Kestrel")
    (found,) = rounds.start(run, [kestrel.pk], 30, by=analyst)
    answer(found, analyst, unsure_first=True)
    return found


def page(client, run, query: str = "") -> str:
    return client.get(reverse("run-report", args=[run.pk]) + query).content.decode()


def issued(client, run) -> Report:
    client.post(reverse("report-issue", args=[run.pk]), {"title": "Cup final"})
    return Report.objects.latest("pk")


def test_a_report_that_nobody_checked_says_so(at_report, run, report):
    shown = page(at_report, run)
    assert "Not checked by a person: not audited" in shown
    assert "Checked by people" not in shown
    assert reverse("report-file", args=[report.pk, "audit"]) not in shown
    assert report.numbers["audit"] == []


def test_it_says_how_far_the_seconds_can_be_off(at_report, run, audited):
    estimate = readings(run)[audited.label_id].estimate
    shown = page(at_report, run)
    assert "1 of 3 brands were audited" in shown
    assert "12.0 s" in shown
    assert "30 frames (1 could not be told) audited" in shown
    low, high = estimate.low_s, estimate.high_s
    (row,) = issued(at_report, run).numbers["audit"]
    assert (row["low_s"], row["high_s"]) == pytest.approx((low, high))
    assert row["share"] is None, "another brand was seen, and nobody checked it"


def test_of_a_stretch_alone_and_of_brands_left_out_nothing_is_said(at_report, run, audited):
    assert "Checked by people" not in page(at_report, run, "?in=5&out=30")
    assert "Checked by people" not in page(at_report, run, f"?off={audited.label_id}")


def test_share_of_voice_has_limits_where_all_that_were_seen_are_checked(
    at_report, run, project, audited, analyst
):
    others = [label for label in project.labels.all() if label.pk != audited.label_id]
    for label in others:
        (found,) = rounds.start(run, [label.pk], 20, by=analyst)
        answer(found, analyst)
    rows = issued(at_report, run).numbers["audit"]
    assert sum(row["share"] for row in rows) == pytest.approx(1, abs=1e-5)
    assert all(row["share_low"] <= row["share"] <= row["share_high"] for row in rows)
    assert "Every brand was audited" in page(at_report, run)


def test_an_issued_report_keeps_the_audit_of_its_day(at_report, run, audited, analyst):
    report = issued(at_report, run)
    assert report.manifest["audit"]["answers"] == 30
    assert report.manifest["audit"]["people"] == ["Ana"]
    rounds.more(audited, 30, by=analyst)
    answer(audited, analyst)
    (now,) = issued(at_report, run).numbers["audit"]
    (then,) = Report.objects.get(pk=report.pk).numbers["audit"]
    assert (then["n_answers"], now["n_answers"]) == (30, 60)
    assert now["high_s"] - now["low_s"] < then["high_s"] - then["low_s"]


def test_the_files_carry_it(at_report, run, audited):
    report = issued(at_report, run)

    def file(kind: str) -> bytes:
        return at_report.get(reverse("report-file", args=[report.pk, kind])).content

    (row,) = csv.DictReader(io.StringIO(file("audit").decode("utf-8-sig")))
    assert (row["name"], row["n_answers"], row["people"]) == ("Kestrel", "30", "Ana")
    assert float(row["low_s"]) < 12 < float(row["high_s"])
    assert json.loads(file("json"))["numbers"]["audit"] == report.numbers["audit"]
    paper = " ".join(p.extract_text() for p in PdfReader(io.BytesIO(file("pdf"))).pages)
    flat = " ".join(paper.split())
    for part in ("Checked by people", "95 % limits", "not audited", "30 frames"):
        assert part in flat


def test_times_stand_in_reports_whose_method_counts_the_same_exposures(
    at_report, run, audited, analyst
):
    method = METHODOLOGIES["one-second"]
    (counted,) = rounds.start(run, [audited.label_id], 20, by=analyst, method=method)
    while item := counted.items.open().first():
        give(item, "not_there", by=analyst)
    report = issued(at_report, run)
    (row,) = report.numbers["audit_times"]
    assert (row["times"], row["low"], row["model"], row["n_answers"]) == (0, 0, 2, 20)
    assert row["high"] > 0
    flat = " ".join(page(at_report, run).split())
    assert f"0 (0–{row['high']}), 20 stretches" in flat
    assert "stretches" not in page(at_report, run, "?method=mrc-50-2"), "it counts others"
    address = reverse("report-file", args=[report.pk, "audit"])
    text = at_report.get(address).content.decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(text))
    assert (line["name"], line["times"], line["times_high"]) == ("Kestrel", "0", str(row["high"]))
    paper = at_report.get(reverse("report-file", args=[report.pk, "pdf"])).content
    said = " ".join(p.extract_text() for p in PdfReader(io.BytesIO(paper)).pages)
    assert f"0 (0–{row['high']})" in " ".join(said.split())


def test_a_brand_of_which_the_times_alone_are_checked(at_report, run, kestrel, analyst):
    method = METHODOLOGIES["one-second"]
    (counted,) = rounds.start(run, [kestrel.pk], 20, by=analyst, method=method)
    while item := counted.items.open().first():
        give(item, "not_there", by=analyst)
    report = issued(at_report, run)
    assert report.numbers["audit"] == []
    assert report.manifest["audit"]["answers"] == 20
    assert "How often one brand was on screen was audited" in page(at_report, run)
    text = at_report.get(reverse("report-file", args=[report.pk, "audit"])).content.decode()
    assert "Kestrel" in text
