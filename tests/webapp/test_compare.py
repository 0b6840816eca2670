"""A season: any number of assets beside each other, with totals, the trend and differences."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from webapp.assets.models import Asset
from webapp.auditing.answering import give
from webapp.auditing.items import AuditItem
from webapp.auditing.rounds import start
from webapp.reports.models import Report
from webapp.reports.season import as_json, season
from webapp.reviewing.corrections import Correction
from webapp.runs.run import Run
from webapp.timeline.choices import Choices

BOX = (0.1, 0.1, 0.3, 0.2)


@pytest.fixture
def at_compare(viewer, client_for):
    client = client_for(viewer)

    def get(query: str = "") -> str:
        answer = client.get(reverse("compare") + query)
        assert answer.status_code == 200
        return answer.content.decode()

    get.client = client
    return get


@pytest.fixture
def second(run, asset_in, workspace, project, run_of):
    """A week later: 6 s of Vitalo and nothing else."""
    asset = asset_in(workspace, "second-leg.mp4")
    week_later = run.asset.created + timedelta(days=7)
    Asset.objects.filter(pk=asset.pk).update(created=week_later)
    asset.refresh_from_db()
    return run_of(asset, project, found=[("Vitalo", 5.0, 11.0, BOX, 0.9)])


def table(page: str, kind: str = "matrix") -> str:
    return page.split(f'<table class="kept {kind}"')[1].split("</table>")[0]


def row(shown: str, name: str) -> str:
    """The words of a row, without marks."""
    html = shown.split(name)[1].split("</tr>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_it_begins_with_the_newest_run_of_each_asset(at_compare, run, second, run_of, project):
    newer = run_of(run.asset, project, found=[])
    half = run_of(run.asset, project)
    Run.objects.filter(pk=half.pk).update(status=Run.Status.RUNNING)
    shown = table(at_compare())
    assert f"run={newer.pk}" in shown
    assert f"run={second.pk}" in shown
    assert f"run={run.pk}&" not in shown
    assert f"run={half.pk}" not in shown
    assert shown.index("matchday") < shown.index("second-leg")  # by date


def test_without_a_finished_analysis_it_says_what_to_do(at_compare, workspace):
    assert "Nothing to compare yet" in at_compare()


def test_it_shows_each_brand_of_each_asset(at_compare, run, second):
    shown = table(at_compare(f"?run={second.pk}&run={run.pk}"))
    assert [name.strip() for name in re.findall(r"</span> ([\w ]+)</th>", shown)] == [
        *("Norra Bank", "Kestrel", "Vitalo")
    ]
    assert row(shown, "matchday</a>").endswith("0:25.0 0:12.0 not seen")
    assert row(shown, "second-leg</a>").endswith("not seen not seen 0:06.0")


def test_totals_add_up_over_the_assets(at_compare, run, run_of, asset_in, workspace, project):
    for number in range(9):  # more than were allowed once
        run_of(asset_in(workspace, f"{number}.mp4"), project)
    kestrel = row(table(at_compare(), "totals"), "</span> Kestrel")
    assert kestrel.startswith("2:00.0 2:00.0")  # ten times 12 s on screen and reported
    assert kestrel.replace("\u202f", " ").endswith("32 % 10 of 10")
    assert "not checked by a person" in at_compare()


def test_it_says_how_many_analyses_people_checked(at_compare, run, second, project, reviewer):
    assert "Every figure is not checked by a person." in at_compare()
    kestrel = project.labels.get(name="Kestrel")
    made = Correction.objects.correct(run.asset, kestrel, by=reviewer, start_s=10, end_s=12)
    [audited] = start(second, [kestrel.pk], 10, by=reviewer)
    assert "1 of 2 analyses was checked by people, at least in part" in at_compare()
    give(audited.items.first(), AuditItem.Answer.THERE, by=reviewer)
    assert "All 2 analyses were checked by people" in at_compare()
    made.undo(by=reviewer)
    found = season([run, second], Choices())
    assert as_json(found)["checked"].startswith("1 of 2")


def test_the_trend_is_drawn_and_said(at_compare, run, second):
    page = at_compare()
    assert page.count('class="line"') == 3
    assert 'd="M0.00 52.00 L100.00 100.00"' in page  # Kestrel: 12 of at most 25 s, then none
    assert "The table has the figures" in page
    assert 'class="line"' not in at_compare(f"?run={run.pk}")  # one asset is no trend


def test_any_figure_can_be_followed(at_compare, run, second):
    shown = table(at_compare("?show=count"))
    assert row(shown, "matchday</a>").endswith("1 2 not seen")
    assert "0:25.0" in table(at_compare("?show=nonsense"))


def test_it_says_what_changed_between_any_two(at_compare, run, second, asset_in, run_of, project):
    third = run_of(asset_in(run.asset.workspace, "third.mp4"), project)
    Asset.objects.filter(pk=third.asset_id).update(created=timezone.now() + timedelta(days=30))
    last = row(table(at_compare(), "changes"), "</span> Kestrel")
    assert last.startswith("0:00.0 0:12.0 +12.0")  # the last two by date
    asked = table(at_compare(f"?a={run.pk}&b={second.pk}"), "changes")
    assert row(asked, "</span> Kestrel").startswith("0:12.0 0:00.0 −12.0")
    assert row(asked, "</span> Vitalo").startswith("0:00.0 0:06.0 +6.0")


def test_a_brand_a_run_did_not_look_for_is_not_called_unseen(at_compare, run, run_of, asset_in):
    from webapp.projects.models import Label

    Label.objects.create(project=run.project, name="Newcomer", colour="#123456", position=9)
    run_of(asset_in(run.asset.workspace, "zlater.mp4"), run.project, found=[])
    page = at_compare()
    shown = table(page)
    assert "not looked for" in row(shown, "matchday</a>")
    assert "not looked for" not in row(shown, "zlater</a>")
    assert row(table(page, "totals"), "</span> Newcomer").endswith("0 of 1")
    assert "Newcomer" not in table(page, "changes")  # there is nothing to take it from


def test_brands_can_be_left_out(at_compare, run):
    shown = table(at_compare(f"?run={run.pk}&brand=Kestrel&brand=Vitalo"))
    assert "Kestrel" in shown
    assert "Norra Bank" not in shown


def test_a_brand_of_a_run_added_later_is_not_left_out_by_accident(at_compare, run):
    shown = table(at_compare(f"?run={run.pk}&known=Kestrel&known=Vitalo&brand=Kestrel"))
    assert "Norra Bank" in shown  # it was not there to be unticked
    assert "Vitalo" not in shown


def test_it_counts_by_the_chosen_method_and_confidence(at_compare, run):
    at_compare(f"?run={run.pk}")  # what is kept of another confidence is not shown
    shown = table(at_compare(f"?run={run.pk}&threshold=0.1&method=raw"))
    assert "0:17.0" in shown
    assert re.search(r"run=\d+&amp;open=\d+&amp;method=raw&amp;threshold=0\.10", shown)


def test_what_is_kept_follows_the_threshold_of_a_label(at_compare, run):
    assert "0:12.0" in table(at_compare())
    run.project.labels.filter(name="Kestrel").update(threshold=0.1)
    assert "0:17.0" in table(at_compare())


def test_runs_of_others_and_nonsense_are_passed_over(
    at_compare, run, other_asset, other_workspace, stranger, run_of
):
    from webapp.projects.models import Label, Project

    theirs = Project.objects.create(workspace=other_workspace, name="Theirs", created_by=stranger)
    Label.objects.create(project=theirs, name="Secret", colour="#123456")
    foreign = run_of(other_asset, theirs, found=[])
    nonsense = f"&run=²&run=x&run=-1&run={'9' * 40}&a=x&b={foreign.pk}"
    for page in (
        at_compare(f"?run={foreign.pk}&run={run.pk}{nonsense}"),
        at_compare(f"?project={theirs.pk}"),
    ):
        assert "Secret" not in page
        assert "elsewhere" not in page
        assert "Theirs" not in page
    assert "1 analysis, 3 brands" in at_compare(f"?run={foreign.pk}&run={run.pk}{nonsense}")


def test_a_picture_stands_beside_a_video(at_compare, run, asset_in, project, run_of):
    picture = asset_in(run.asset.workspace, "podium.jpg", kind="image", duration_s=0.0)
    still = run_of(picture, project, found=[])
    assert "not seen" in row(table(at_compare(f"?run={run.pk}&run={still.pk}")), "podium</a>")


def test_nonsense_is_answered_with_a_sentence(viewer, client_for, run):
    for query in ("threshold=9", "method=x", "in=3&out=1"):
        for at in (reverse("compare"), reverse("compare-file", args=["csv"])):
            answer = client_for(viewer).get(f"{at}?run={run.pk}&{query}")
            assert answer.status_code == 400
            assert answer.json()["detail"]


# --- to send on, and for programs -----------------------------------------------------------------


def test_the_csv_has_a_row_for_each_brand_and_asset(at_compare, analyst, client_for, run, second):
    client_for(analyst).post(reverse("report-issue", args=[run.pk]), {"title": "First leg"})
    assert Report.objects.count() == 1
    answer = at_compare.client.get(reverse("compare-file", args=["csv"]))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert len(rows) == 6
    assert [(r["file"], r["project"], r["report"], r["run"]) for r in rows[2:4]] == [
        ("matchday.mp4", "Harbour Cup", "First leg", str(run.pk)),
        ("second-leg.mp4", "Harbour Cup", "", str(second.pk)),
    ]
    assert sum(float(r["reported_s"]) for r in rows if r["brand"] == "Vitalo") == 6.0


def test_file_and_api_say_the_same(at_compare, run, second):
    query = f"?a={run.pk}&b={second.pk}"
    file = at_compare.client.get(reverse("compare-file", args=["json"]) + query).json()
    at = f"/api/v1/projects/{run.project_id}/season/?before={run.pk}&after={second.pk}"
    answered = at_compare.client.get(at)
    assert answered.status_code == 200
    assert json.loads(answered.content) == file
    kestrel = next(brand for brand in file["brands"] if brand["name"] == "Kestrel")
    assert (kestrel["reported_s"], kestrel["seen_in"], kestrel["looked_in"]) == (12.0, 1, 2)
    changes = {brand["name"]: brand["reported_s"] for brand in file["difference"]["brands"]}
    assert changes["Kestrel"] == -12.0


def test_the_api_takes_any_runs_of_the_project_and_refuses_others(at_compare, run, second):
    at = f"/api/v1/projects/{run.project_id}/season/"
    answered = at_compare.client.get(f"{at}?runs={second.pk}").json()
    assert [found["run"] for found in answered["runs"]] == [second.pk]
    assert answered["difference"] is None
    for query in (f"runs={run.pk + 999}", f"before={run.pk + 999}&after={run.pk}"):
        answer = at_compare.client.get(f"{at}?{query}")
        assert answer.status_code == 422
        assert answer.json()["detail"].endswith(".")
    assert at_compare.client.get(f"{at}?runs=x").status_code == 400


def test_a_stranger_finds_no_season(client_for, stranger, other_workspace, run):
    client = client_for(stranger)
    assert client.get(f"/api/v1/projects/{run.project_id}/season/").status_code == 404
    file = client.get(reverse("compare-file", args=["csv"]) + f"?run={run.pk}")
    assert b"Kestrel" not in file.content
    assert client.get(reverse("compare-file", args=["exe"])).status_code == 404


def test_a_season_goes_by_the_day_on_which_films_were_shown(run, second):
    days = ("2026-03-02", "2026-03-01")
    for one, day in zip((run, second), days, strict=True):
        Asset.objects.filter(pk=one.asset_id).update(shown_on=day)
    runs = list(Run.objects.select_related("asset", "project"))
    found = season(runs, Choices())
    assert [str(one.asset.day) for one in found.runs] == sorted(days)
    assert [row["day"] for row in as_json(found)["runs"]] == sorted(days)
