"""A workspace's own methodology: made from a preset, versioned, and named wherever it counted."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.urls import reverse

from analysis.exposure.methodologies import METHODOLOGIES
from tests.webapp.test_reports import words
from webapp.accounts.models import Refused
from webapp.methodologies.forms import MethodologyForm
from webapp.methodologies.models import OwnMethodology, rules_of
from webapp.reports.models import Report

pytestmark = pytest.mark.django_db

RULES = rules_of(METHODOLOGIES["one-second"])


@pytest.fixture
def own(workspace, owner) -> OwnMethodology:
    """Counts what the contract of 2026 counts: three seconds at least."""
    return OwnMethodology.make(workspace, "Contract", RULES | {"minimum_s": 3.0}, by=owner)


def typed(**changes: object) -> dict[str, object]:
    form = MethodologyForm.of(METHODOLOGIES["one-second"], "Contract")
    return {k: v for k, v in form.initial.items() if v not in (False, None)} | changes


def test_it_is_made_from_a_preset_and_counts_by_its_own_rules(at_report, run):
    page = words(at_report.get(reverse("methodology-new"), {"from": "mrc-50-2"}))
    assert "It begins as MRC 50 % / 2 s counts." in page
    made = at_report.post(reverse("methodology-new"), typed(name="Ten seconds", minimum_s="10"))
    own = OwnMethodology.objects.get()
    assert made.url == reverse("own-methodology", args=[own.pk])
    live = words(at_report.get(reverse("run-report", args=[run.pk]), {"method": own.key}))
    assert "Ten seconds, version 1" in live
    assert "Exposures shorter than 10 s" in live


def test_a_change_makes_a_version_and_issued_reports_keep_theirs(at_report, run, own):
    issue = reverse("report-issue", args=[run.pk])
    at_report.post(f"{issue}?method={own.key}", {"title": "By contract"})
    page = at_report.post(reverse("own-methodology", args=[own.pk]), typed(minimum_s="30"))
    assert page.status_code == 302
    assert own.newest.number == 2
    report = Report.objects.get()
    assert report.settings["method"] == f"{own.key}-v1"
    assert report.numbers["exposure"]["method"]["minimum_s"] == 3
    shown = words(at_report.get(reverse("report", args=[report.pk])))
    assert "Contract, version 1" in shown
    pinned = {"method": report.settings["method"]}
    asset = words(at_report.get(reverse("asset", args=[run.asset_id]), pinned | {"run": run.pk}))
    assert "Contract, version 1" in asset
    newest = words(at_report.get(reverse("run-report", args=[run.pk]), {"method": own.key}))
    assert "shorter than 30 s" in newest


def test_nothing_changed_makes_no_version(at_report, own):
    same = typed(minimum_s="3", note=RULES["note"])
    at_report.post(reverse("own-methodology", args=[own.pk]), same)
    assert own.newest.number == 1


def test_files_and_the_api_name_it(at_report, run, own):
    asked = {"method": own.key}
    brands = at_report.get(reverse("run-file", args=[run.pk, "brands"]), asked)
    rows = csv.DictReader(io.StringIO(brands.content.decode("utf-8-sig")))
    assert {(row["method"], row["method_version"]) for row in rows} == {("Contract", "1")}
    pdf = at_report.get(reverse("run-file", args=[run.pk, "pdf"]), asked)
    assert pdf.content.startswith(b"%PDF")
    told = at_report.get(f"/api/v1/runs/{run.pk}/exposure/", asked).json()
    assert (told["method"]["name"], told["method"]["version"]) == ("Contract", 1)
    season = at_report.get(f"/api/v1/projects/{run.project_id}/season/", asked).json()
    assert season["method"]["name"] == "Contract"
    page = words(at_report.get(reverse("run-report", args=[run.pk]), asked))
    assert "of 7 methodologies" in page or "all 7 methodologies" in page


def test_the_api_makes_and_changes_it(at_report):
    def send(method: str, path: str, **body: object):
        text = json.dumps(body)
        return getattr(at_report, method)(path, text, content_type="application/json")

    made = send("post", "/api/v1/methodologies/", name="Ours", minimum_s=5)
    assert made.status_code == 201
    assert made.json()["rules"]["gap_s"] == 1.0
    path = f"/api/v1/methodologies/{made.json()['id']}/"
    assert send("patch", path, minimum_s=6).json()["version"] == 2
    assert send("post", "/api/v1/methodologies/", name="ours").status_code == 422
    nothing = {"size": 0, "position": 0, "clarity": 0, "solus": 0}
    assert send("patch", path, weights=nothing).status_code == 400


def test_rules_that_make_no_sense_are_refused_in_words(at_report, workspace, owner, own):
    weightless = {f"weight_{name}": "0" for name in ("size", "position", "clarity", "solus")}
    answer = at_report.post(reverse("methodology-new"), typed(name="Odd", **weightless))
    assert "Weights must be 0 or more, and at least one above 0." in words(answer)
    with pytest.raises(Refused, match="called 1-second already"):
        OwnMethodology.make(workspace, "1-second", RULES, by=owner)
    taken = at_report.post(reverse("methodology-new"), typed(name="CONTRACT"))
    assert "There is a methodology called CONTRACT already." in words(taken)


def test_an_archived_one_is_offered_no_more_and_still_shown(at_report, run, own):
    at_report.post(reverse("methodology-archive", args=[own.pk]))
    live = reverse("run-report", args=[run.pk])
    assert "Contract" not in words(at_report.get(live))
    assert "Contract, version 1" in words(at_report.get(live, {"method": own.key}))


def test_a_stranger_neither_reads_nor_counts_by_it(client_for, stranger, other_workspace, run, own):
    browser = client_for(stranger)
    assert browser.get(reverse("own-methodology", args=[own.pk])).status_code == 404
    assert browser.post(reverse("methodology-archive", args=[own.pk])).status_code == 404
    assert browser.get(reverse("methodology-new"), {"from": own.key}).status_code == 404
    assert browser.get(reverse("compare"), {"method": own.key}).status_code == 400
    assert "Contract" not in words(browser.get(reverse("methodologies")))


def test_a_viewer_reads_it_and_changes_nothing(client_for, viewer, own):
    browser = client_for(viewer)
    page = reverse("own-methodology", args=[own.pk])
    assert "3 s" in words(browser.get(page))
    assert browser.post(page, typed(minimum_s="9")).status_code == 403
    assert browser.get(reverse("methodology-new")).status_code == 403
    assert own.newest.number == 1
