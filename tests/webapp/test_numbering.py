"""Whatever is numbered gets each number once, however many ask at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from tests.spoken import transcribed
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.datasets.versions import DatasetVersion
from webapp.projects.models import Project
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.search import keeping
from webapp.search.passages import Passage, PassageSet

N = 8


@pytest.fixture
def database(transactional_db, tmp_path):
    """One that threads can share: where the tests' own is in memory, a copy of it in a file."""
    if connection.vendor != "sqlite" or not connection.is_in_memory_db():
        yield
        return
    memory, name = connection.connection, connection.settings_dict["NAME"]
    file = sqlite3.connect(tmp_path / "shared.sqlite3")
    memory.backup(file)
    file.close()
    connection.connection = None
    connection.settings_dict["NAME"] = str(tmp_path / "shared.sqlite3")
    yield
    connection.close()
    connection.connection, connection.settings_dict["NAME"] = memory, name


def at_once(work: Callable[[int], Any]) -> None:
    """Call work(0) … work(N - 1), each in a thread of its own; raises what one of them raised."""
    start, errors = threading.Barrier(N), []

    def one(i: int) -> None:
        try:
            start.wait()
            work(i)
        except Exception as error:  # told below, in the test's own thread
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=[i]) for i in range(N)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("how", ["uploaded", "trained"])
def test_versions_of_a_model_get_numbers_of_their_own(database, workspace, how):
    model = RegisteredModel.named(workspace, "Marks")

    def add(i: int) -> None:
        about = {"file": f"m{i}", "sha256": f"{i}" * 64, "source": "test", "by": None}
        mine = RegisteredModel.objects.get(pk=model.pk)
        if how == "uploaded":
            mine.add_version(**about)
        else:
            mine.add_trained_version(description={}, **about)

    at_once(add)
    numbers = ModelVersion.objects.values_list("number", flat=True)
    assert sorted(numbers) == list(range(1, N + 1))


def test_a_model_named_by_many_at_once_is_one(database, workspace):
    at_once(lambda i: RegisteredModel.named(workspace, "Marks"))
    assert RegisteredModel.objects.count() == 1


def test_versions_of_a_dataset_get_numbers_of_their_own(database, workspace):
    project = Project.objects.create(workspace=workspace, name="Cup")
    dataset = Dataset.objects.create(project=project, name="Marks")
    Sample.objects.create(
        dataset=dataset, file="s", sha256="a" * 64, width=1, height=1, source="s",
        origin=Sample.Origin.UPLOAD, state=Sample.State.LABELLED,
    )  # fmt: skip
    at_once(lambda i: DatasetVersion.objects.request(dataset, by=None))
    numbers = DatasetVersion.objects.values_list("number", flat=True)
    assert sorted(numbers) == list(range(1, N + 1))


def test_what_ended_is_made_findable_once_by_whoever_does_it(
    database, workspace, asset_in, run_of, owner
):
    """The worker that ends a run or a transcript and the one that brings the search up to date."""
    brands = ["Kestrel", "Norra Bank"]
    project = Project.objects.begin(workspace, "Findable", by=owner, brands=brands)
    run = run_of(asset_in(workspace), project)
    indexing = transcribed(run.asset, by=owner, said=["Kestrel leads"])
    at_once(lambda i: keeping.make_findable((run, indexing)[i % 2]))
    kept = PassageSet.objects.filter(asset=run.asset_id)
    assert sorted(kept.values_list("source", flat=True)) == ["said", "seen"]
    assert Passage.objects.filter(set__indexing=indexing).count() == 1
    assert kept.get(run=run).n_passages == kept.get(run=run).passages.count()
