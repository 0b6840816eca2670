"""Erasing: files go with their rows, whoever else dies in between, and no shared one too early."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import models
from django.urls import reverse

from tests import full_house
from tests.trained import model_version
from webapp import erasing
from webapp.assets.models import Asset


@pytest.mark.django_db
@pytest.mark.parametrize(
    "label",
    [
        model._meta.label
        for model in apps.get_models()
        if erasing.columns(model) or erasing.folder_of(model)
    ],
)
def test_erasing_rows_erases_their_files_and_those_of_all_that_goes_with_them(label):
    full_house.fill()
    model = apps.get_model(label)
    _let_nothing_hinder(model)
    doomed: set[str] = set()
    erasing._collect(model._base_manager.all(), doomed, doomed)
    assert doomed <= set(full_house.files())
    before = set(full_house.files())
    erasing.erase(model._base_manager.all())
    assert not model._base_manager.exists()
    assert set(full_house.files()) == before - doomed


def _let_nothing_hinder(model) -> None:
    """Nothing that is not erased with them rests on these rows."""
    for relation in model._meta.related_objects:
        if relation.on_delete is models.PROTECT:
            _let_nothing_hinder(relation.related_model)
            relation.related_model._base_manager.all().delete()
        elif relation.on_delete is models.CASCADE and relation.related_model is not model:
            _let_nothing_hinder(relation.related_model)


@pytest.mark.django_db
def test_a_shared_file_stays_while_a_row_names_it(asset, asset_in, other_workspace):
    twin = asset_in(other_workspace, "twin.mp4", file=asset.file)
    full_house.store(asset.file)
    asset.erase()
    assert default_storage.exists(twin.file)
    erasing.let_go(twin.file)
    assert default_storage.exists(twin.file)
    twin.erase()
    assert not default_storage.exists(twin.file)


@pytest.mark.django_db
def test_a_logo_picture_that_a_run_rests_on_stays(run, project):
    reference = project.labels.get(name="Kestrel").references.get()
    if not default_storage.exists(reference.file):
        default_storage.save(reference.file, ContentFile(b"logo"))
    reference.delete()
    erasing.let_go(reference.file)
    assert default_storage.exists(reference.file), "the run's inputs name it"
    run.remove()
    erasing.let_go(reference.file)
    assert not default_storage.exists(reference.file)


@pytest.mark.django_db
def test_erasing_that_was_stopped_goes_on_where_it_was():
    full_house.fill()
    before = {label: len(rows) for label, rows in full_house.rows().items()}
    calls = 0

    class TimeIsUp(Exception):
        pass

    def tick() -> None:
        nonlocal calls
        calls += 1
        if calls % 8 == 0:
            raise TimeIsUp

    rows = Asset.everything.filter(pk=Asset.everything.first().pk)
    for _ in range(200):
        try:
            erasing.erase(rows, tick)
        except TimeIsUp:
            continue
        break
    assert calls > 8
    assert not rows.exists()
    after = {label: len(rows) for label, rows in full_house.rows().items()}
    assert before["runs.Run"] - after["runs.Run"] == 1


@pytest.mark.django_db
def test_the_admin_deletes_nothing_past_the_rules(person, client_for, project, workspace):
    """There rows would go without their files, and whatever rests on them."""
    operator = person("otto")
    operator.is_staff = operator.is_superuser = True
    operator.save()
    version = model_version(workspace)
    at_admin = client_for(operator)
    for thing in (workspace, project, version, version.model):
        meta = thing._meta
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_delete", args=[thing.pk])
        assert at_admin.post(url, {"post": "yes"}).status_code == 403, thing
