"""Runs and brands beside each other."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from webapp.runs.models import Run


@pytest.fixture
def at_compare(viewer, client_for):
    client = client_for(viewer)

    def get(query: str = "") -> str:
        answer = client.get(reverse("compare") + query)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


def table(page: str) -> str:
    return page.split('<table class="matrix"')[1].split("</table>")[0]


def test_it_offers_what_is_finished(at_compare, run, asset_in, workspace, project, run_of):
    assert "Choose what to compare" in at_compare()
    half = run_of(asset_in(workspace, "half.mp4"), project)
    Run.objects.filter(pk=half.pk).update(status=Run.Status.RUNNING)
    assert "half" not in at_compare()
    assert f'name="run" value="{run.pk}"' in at_compare()


def test_without_a_finished_analysis_it_says_what_to_do(at_compare, workspace):
    assert "Nothing to compare yet" in at_compare()


def test_it_shows_each_brand_of_each_run(at_compare, run, asset_in, workspace, project, run_of):
    box = (0.1, 0.1, 0.3, 0.2)
    second = run_of(
        asset_in(workspace, "second-leg.mp4"), project, found=[("Vitalo", 5.0, 11.0, box, 0.9)]
    )
    shown = table(at_compare(f"?run={run.pk}&run={second.pk}"))
    vitalo = shown.split("Vitalo")[1].split("</tr>")[0]
    assert vitalo.index("not seen") < vitalo.index("0:06.0")
    kestrel = shown.split("Kestrel")[1].split("</tr>")[0]
    assert kestrel.index("0:12.0") < kestrel.index("not seen")
    assert shown.index("matchday") < shown.index("second-leg")


def test_a_brand_a_run_did_not_look_for_is_not_called_unseen(at_compare, run, run_of, asset_in):
    from webapp.projects.models import Label

    Label.objects.create(project=run.project, name="Newcomer", colour="#123456", position=9)
    later = run_of(asset_in(run.asset.workspace, "later.mp4"), run.project, found=[])
    newcomer = table(at_compare(f"?run={run.pk}&run={later.pk}")).split("Newcomer")[1]
    assert newcomer.index("not looked for") < newcomer.index("not seen")


def test_brands_can_be_left_out(at_compare, run):
    shown = table(at_compare(f"?run={run.pk}&brand=Kestrel&brand=Vitalo"))
    assert "Kestrel" in shown
    assert "Norra Bank" not in shown


def test_a_brand_of_a_run_added_later_is_not_left_out_by_accident(at_compare, run):
    shown = table(at_compare(f"?run={run.pk}&known=Kestrel&known=Vitalo&brand=Kestrel"))
    assert "Norra Bank" in shown  # it was not there to be unticked
    assert "Vitalo" not in shown


def test_it_counts_by_the_chosen_method_and_confidence(at_compare, run):
    shown = table(at_compare(f"?run={run.pk}&threshold=0.1&method=raw"))
    assert "0:17.0" in shown
    assert re.search(r"run=\d+&amp;open=\d+&amp;method=raw&amp;threshold=0\.10", shown)


def test_runs_of_others_and_nonsense_are_passed_over(
    at_compare, run, other_asset, other_workspace, stranger, run_of
):
    from webapp.projects.models import Label, Project

    theirs = Project.objects.create(workspace=other_workspace, name="Theirs", created_by=stranger)
    Label.objects.create(project=theirs, name="Secret", colour="#123456")
    foreign = run_of(other_asset, theirs, found=[])
    page = at_compare(f"?run={foreign.pk}&run={run.pk}&run=²&run=x&run=-1&run={'9' * 40}")
    assert "Secret" not in page
    assert "elsewhere" not in page
    assert "1 analysis, 3 brands" in page


def test_a_picture_stands_beside_a_video(at_compare, run, asset_in, project, run_of):
    picture = asset_in(run.asset.workspace, "podium.jpg", kind="image", duration_s=0.0)
    still = run_of(picture, project, found=[])
    assert "not seen" in table(at_compare(f"?run={run.pk}&run={still.pk}"))


def test_nonsense_is_answered_with_a_sentence(viewer, client_for, run):
    for query in ("threshold=9", "method=x", "in=3&out=1"):
        answer = client_for(viewer).get(f"{reverse('compare')}?run={run.pk}&{query}")
        assert answer.status_code == 400
        assert answer.json()["detail"]
