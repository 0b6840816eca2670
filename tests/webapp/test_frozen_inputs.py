"""What a run looks for and with is settled when it is asked for, whatever people change later."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps

from webapp.projects.models import Label, Project
from webapp.runs.run import Run, RunReference

pytestmark = pytest.mark.django_db


def called(project: Project, *words: str) -> None:
    Label.objects.filter(project=project, name="Kestrel").update(aliases=list(words))


def test_an_alias_added_later_is_not_the_runs(asset, project):
    called(project, "the falcon")
    run = Run.objects.request(asset, project, by=None)
    called(project, "the falcon", "the hawk")
    run.refresh_from_db()
    assert run.inputs["labels"][0]["aliases"] == ["the falcon"]


def test_runs_that_look_for_other_words_rest_on_other_inputs(asset, project):
    one = Run.objects.request(asset, project, by=None)
    same = Run.objects.request(asset, project, by=None)
    called(project, "the falcon")
    other = Run.objects.request(asset, project, by=None)
    assert one.input_hash == same.input_hash != other.input_hash


def test_the_runs_of_a_batch_look_for_the_same(
    django_assert_max_num_queries, client_for, analyst, project, asset_in, workspace
):
    assets = [asset_in(workspace, f"{n}.mp4") for n in range(6)]
    with django_assert_max_num_queries(80):  # the brands are read once, not for each film
        client_for(analyst).post(
            "/library/analyse",
            {"asset": [asset.pk for asset in assets], "project": project.pk},
        )
    assert Run.objects.count() == 6
    assert len({str(run.inputs) for run in Run.objects.all()}) == 1


def test_a_run_holds_the_files_of_its_logo_pictures(asset, project):
    run = Run.objects.request(asset, project, by=None)
    named = {r["file"] for label in run.inputs["labels"] for r in label["references"]}
    assert set(run.references.values_list("file", flat=True)) == named != set()
    run.priority = 3
    run.save()
    assert run.references.count() == len(named)
    run.remove()
    assert not RunReference.objects.exists()


def test_runs_of_before_hold_their_files_and_go_on_with_the_words_of_now(run, asset, project):
    waiting = Run.objects.request(asset, project, by=None)
    for each in Run.objects.all():
        for label in each.inputs["labels"]:
            del label["aliases"]
        each.save()
    named = set(RunReference.objects.values_list("run_id", "file"))
    RunReference.objects.all().delete()
    called(project, "the falcon")
    migration = importlib.import_module("webapp.runs.migrations.0003_references_of_runs")
    migration.name_the_files(apps, None)
    migration.freeze_the_aliases(apps, None)
    assert set(RunReference.objects.values_list("run_id", "file")) == named
    waiting.refresh_from_db()
    run.refresh_from_db()
    assert waiting.inputs["labels"][0]["aliases"] == ["the falcon"]
    assert "aliases" not in run.inputs["labels"][0]  # it succeeded: nothing changes it any more
