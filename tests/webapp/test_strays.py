"""Files that nobody needs go after a day, and no other does."""

from __future__ import annotations

import io
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.urls import reverse

from tests import full_house
from webapp import strays
from webapp.datasets.dataset import Dataset
from webapp.datasets.logos import LogoFile
from webapp.datasets.transfers import Transfer
from webapp.storage import WholeFiles

pytestmark = pytest.mark.django_db

DAY = 86_400


@pytest.fixture
def dataset(project, owner):
    return Dataset.objects.begin(project, "Boards", by=owner)


def aged(name: str, days: float = 2) -> str:
    path = Path(settings.MEDIA_ROOT) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(b"12345")
    then = time.time() - days * DAY
    os.utime(path, (then, then))
    return name


def test_what_is_named_or_lies_in_a_folder_of_a_row_stays_however_old():
    full_house.fill()
    before = full_house.files()
    for name in before:
        aged(name)
    assert strays.sweep().swept == 0
    assert full_house.files() == before


@pytest.mark.parametrize(
    "name",
    [
        "originals/ab/abcdef.mp4",
        "samples/4711/ab/abcdef.jpg",  # of a dataset that is no more
        "samples/nobody/a.jpg",
        "training/4711/last.pt",
        "exports/1/token/net.onnx",
        "night-tables/abcdef.csv",  # of a night that was refused
        "renditions/1/.0123456789abcdef.part",  # its writer was killed
    ],
)
def test_what_nobody_needs_goes_after_a_day(name):
    full_house.fill()
    aged(name, days=0.9)
    found = strays.sweep()
    assert (found.count, found.size_bytes, found.swept) == (1, 5, 0)
    assert default_storage.exists(name), "its row may still be on its way"
    aged(name, days=1.1)
    found = strays.sweep()
    assert (found.count, found.swept, found.swept_bytes) == (0, 1, 5)
    assert not default_storage.exists(name)


def test_half_a_file_in_a_folder_of_a_row_goes_too(dataset):
    half = aged(f"samples/{dataset.pk}/ab/.0123456789abcdef.part")
    whole = aged(f"samples/{dataset.pk}/ab/abcdef.jpg")
    assert strays.sweep().swept == 1
    assert not default_storage.exists(half)
    assert default_storage.exists(whole)


def test_files_of_others_in_the_same_folder_are_not_touched():
    mine = [aged("notes.txt"), aged("lost+found/a.bin")]
    assert strays.sweep().swept == 0
    assert all(map(default_storage.exists, mine))


def test_a_file_that_is_named_inside_the_options_of_a_transfer_stays(dataset, owner):
    name = aged("logos/abcdef.png")
    kind = Transfer.Kind.values[0]
    Transfer.objects.create(dataset=dataset, kind=kind, options={"logos": [{"file": name}]})
    assert not LogoFile.objects.filter(file=name).exists()
    assert strays.sweep().swept == 0
    assert default_storage.exists(name)


def test_a_row_that_came_while_the_storage_was_looked_through_keeps_its_file(asset, monkeypatch):
    aged(asset.file)
    monkeypatch.setattr(strays, "named_files", lambda: iter(()))  # read before the row came
    assert strays.sweep().swept == 0
    assert default_storage.exists(asset.file)


def test_it_is_done_once_a_day(monkeypatch):
    monkeypatch.setattr(strays, "_last_asked", -strays._ASKED_AGAIN_S)
    assert strays.is_due()
    strays.sweep()
    assert not strays.is_due()
    monkeypatch.setattr(strays, "_last_asked", -strays._ASKED_AGAIN_S)
    monkeypatch.setattr(strays, "EVERY", strays.EVERY * 0)
    assert strays.is_due()


def test_the_system_page_and_the_doctor_say_how_many_there_are(owner, workspace, client_for):
    page = client_for(owner).get(reverse("system")).content.decode()
    assert "nothing needs" not in page, "nobody has looked yet"
    aged("originals/ab/young.mp4", days=0)
    aged("originals/ab/old.mp4")
    strays.sweep()
    page = client_for(owner).get(reverse("system")).content.decode()
    assert "1 file that nothing needs" in page
    assert "1 deleted" in page
    said = io.StringIO()
    with suppress(SystemExit):  # this machine may lack other things
        call_command("doctor", stdout=said)
    assert "files that nothing needs: 1" in said.getvalue()


class Away(WholeFiles):
    def _open(self, name, mode="rb"):
        raise ConnectionError("the bucket does not answer")


def test_the_system_page_opens_while_the_storage_is_away(owner, workspace, client_for, settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "tests.webapp.test_strays.Away"},
    }
    assert client_for(owner).get(reverse("system")).status_code == 200
