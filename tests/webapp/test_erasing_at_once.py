"""The same bytes come into one place while they are erased from another, and are there after it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from tests.webapp.test_numbering import database  # noqa: F401
from webapp import removal
from webapp.assets import uploads
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.projects.models import Project
from webapp.storage import WholeFiles
from workers.media.ingest import ingest

FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(2_000)


class Waiting(WholeFiles):
    """A storage that is slow to delete: it waits for `go`."""

    reached, go = threading.Event(), threading.Event()

    def delete(self, name: str) -> None:
        if name.startswith(("originals/", "shared/")):
            self.reached.set()
            assert self.go.wait(30)
        super().delete(name)


@pytest.fixture
def slow(settings):
    Waiting.reached.clear()
    Waiting.go.clear()
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "tests.webapp.test_erasing_at_once.Waiting",
            "OPTIONS": {"location": settings.MEDIA_ROOT, "allow_overwrite": True},
        },
    }
    yield
    Waiting.go.set()


def begin(work: Callable[[], object], errors: list[Exception]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except Exception as error:  # told below, in the test's own thread
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def meanwhile(erasing: Callable[[], object], coming: Callable[[], object]) -> None:
    """`coming` begins while `erasing` is about to delete the file."""
    errors: list[Exception] = []
    first = begin(erasing, errors)
    assert Waiting.reached.wait(30), errors
    second = begin(coming, errors)
    second.join(0.5)  # it waits for the first, or has its way before; both are well
    Waiting.go.set()
    for thread in (first, second):
        thread.join(60)
    assert not errors


def test_an_upload_into_another_workspace_while_the_first_is_erased(
    database,  # noqa: F811
    slow,
    owner,
    workspace,
    stranger,
    other_workspace,
):
    def send(place, person) -> None:
        upload = uploads.take(place, person, ContentFile(FILM, name="a.mp4"))
        ingest(upload.asset_id)  # takes it in; that it is no film does not matter here

    send(workspace, owner)
    asset = Asset.objects.get()
    asset.remove(by=owner)
    meanwhile(asset.erase, lambda: send(other_workspace, stranger))
    again = Asset.everything.get()
    assert again.workspace == other_workspace
    with default_storage.open(again.file) as file:
        assert file.read() == FILM


def test_a_picture_that_another_dataset_takes_while_the_first_is_erased(
    database,  # noqa: F811
    slow,
    owner,
    workspace,
):
    from webapp.erasing import held

    project = Project.objects.begin(workspace, "Logos", by=owner, brands=["Acme"])
    first, second = (Dataset.objects.begin(project, name, by=owner) for name in ("One", "Two"))
    file = default_storage.save("shared/a.png", ContentFile(b"picture"))
    about = {"source": "a", "file": file, "sha256": "0" * 64, "width": 9, "height": 9}
    Sample.objects.create(dataset=first, **about)
    removal.delete_dataset(first, by=owner)

    def take() -> None:
        with held(file):
            if not default_storage.exists(file):
                default_storage.save(file, ContentFile(b"picture"))
            Sample.objects.create(dataset=second, **about)

    meanwhile(lambda: removal.erase(60), take)
    assert Sample.objects.get().dataset == second
    assert default_storage.exists(file)
