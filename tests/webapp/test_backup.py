"""One file out, one file in, and everything is there again."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from webapp.accounts.models import User
from webapp.assets.models import Asset
from webapp.backup.rows import kept_models, lines
from webapp.backup.writing import stored_names
from webapp.projects.models import Project
from webapp.runs.models import Run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def saved(run, asset, tmp_path):
    default_storage.save(asset.file, ContentFile(b"the film"))
    path = tmp_path / "backup.tar"
    call_command("backup", str(path), stdout=io.StringIO(), stderr=io.StringIO())
    return path


def empty() -> None:
    call_command("flush", interactive=False, verbosity=0)
    for name in list(stored_names()):
        default_storage.delete(name)


def test_everything_comes_back(saved, run, asset):
    before = run.segments.count(), Project.objects.get().labels.count()
    blob = bytes(run.segments.first().result.columns)
    empty()
    assert not Asset.objects.exists()
    call_command("restore", str(saved), stdout=io.StringIO())
    again = Run.objects.get(pk=run.pk)
    assert before == (
        again.segments.count(),
        Project.objects.get().labels.count(),
    )
    assert bytes(again.segments.first().result.columns) == blob
    assert default_storage.open(asset.file).read() == b"the film"
    assert User.objects.get(email="olga@example.org").check_password("correct horse")


def test_it_refuses_to_restore_over_people(saved):
    with pytest.raises(CommandError, match="has people in it already"):
        call_command("restore", str(saved))
    assert Run.objects.exists()


def test_it_refuses_what_is_no_backup_of_ours(saved, tmp_path):
    empty()
    plain = tmp_path / "plain.tar"
    plain.write_bytes(b"not an archive")
    with pytest.raises(CommandError, match="not a backup"):
        call_command("restore", str(plain))

    foreign = tmp_path / "foreign.tar"
    write(foreign, {"head.json": json.dumps({"format": 1, "version": "9.9.9"}).encode()})
    with pytest.raises(CommandError, match=r"version 9\.9\.9"):
        call_command("restore", str(foreign))

    older = tmp_path / "older.tar"
    head = json.dumps({"format": 2, "version": "0.0.1"}).encode()
    write(older, {**entries(saved), "head.json": head})
    with pytest.raises(CommandError, match=r"version 0\.0\.1"):
        call_command("restore", str(older))
    assert not User.objects.exists()


def entries(path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}


def write(path, content: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def damaged(path, tmp_path, **changes: bytes | None):
    """A copy in which entries, named by the beginning of their names, are replaced or left out."""
    content = entries(path)
    for start, data in changes.items():
        name = next(name for name in content if name.replace("/", "_").startswith(start))
        content.pop(name)
        if data is not None:
            content[name] = data
    copy = tmp_path / "damaged.tar"
    write(copy, content)
    return copy


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"media_": b"another film"}, "is not as it was written"),
        ({"media_": None}, "is not in it"),
        ({"rows_runs.run": None}, "is not in it"),
        ({"manifest": None}, "not a whole one"),
    ],
)
def test_damage_is_found_before_anything_is_put_back(saved, tmp_path, changes, sentence):
    copy = damaged(saved, tmp_path, **changes)
    with pytest.raises(CommandError, match=sentence):
        call_command("backup", str(copy), check=True)
    empty()
    with pytest.raises(CommandError, match=sentence):
        call_command("restore", str(copy))
    assert not User.objects.exists()
    assert not list(stored_names())


def test_a_file_that_was_cut_off_is_said_to_be_damaged(saved, tmp_path):
    whole = saved.read_bytes()
    cut = tmp_path / "cut.tar"
    for share in (0.2, 0.5, 0.8):
        cut.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(CommandError, match=r"damaged|not a whole one|not a backup"):
            call_command("backup", str(cut), check=True)


def test_a_whole_file_is_said_to_be_whole(saved):
    said = io.StringIO()
    call_command("backup", str(saved), check=True, stdout=said)
    assert "is whole" in said.getvalue()


def test_what_waits_to_be_erased_does_not_stop_a_restore(run, asset, owner, tmp_path):
    asset.remove(by=owner)
    Run.objects.filter(pk=run.pk).hide()
    path = tmp_path / "backup.tar"
    call_command("backup", str(path), stdout=io.StringIO(), stderr=io.StringIO())
    empty()
    call_command("restore", str(path), stdout=io.StringIO())
    assert Asset.everything.get().removed
    assert Run.everything.get().segments.exists()
    assert Asset.everything.get().restore(by=None)


def test_every_row_of_every_table_comes_back(saved_by_all, tmp_path):
    before = {model._meta.label: list(lines(model)) for model in kept_models()}
    assert sum(len(rows) > 1 for rows in before.values()) > 15
    path = tmp_path / "backup.tar"
    call_command("backup", str(path), stdout=io.StringIO(), stderr=io.StringIO())
    empty()
    call_command("restore", str(path), stdout=io.StringIO())
    assert {model._meta.label: list(lines(model)) for model in kept_models()} == before


@pytest.fixture
def saved_by_all(run, job, clip_job, key_for, analyst, other_asset):
    """Something in most tables: a run, two labelling jobs, a dataset, people and their keys."""
    key_for(analyst)


def test_files_that_no_row_names_come_along_too(run, tmp_path):
    default_storage.save(f"training/{run.pk}/last.pt", ContentFile(b"weights"))
    path = tmp_path / "backup.tar"
    call_command("backup", str(path), stdout=io.StringIO(), stderr=io.StringIO())
    empty()
    call_command("restore", str(path), stdout=io.StringIO())
    assert default_storage.open(f"training/{run.pk}/last.pt").read() == b"weights"


def test_lost_files_are_named(run, asset, tmp_path):
    said = io.StringIO()
    path = tmp_path / "backup.tar"
    call_command("backup", str(path), stdout=io.StringIO(), stderr=said)
    assert asset.file in said.getvalue()


def test_new_rows_are_numbered_after_those_that_came_back(saved, run):
    empty()
    call_command("restore", str(saved), stdout=io.StringIO())
    again = Project.objects.get()
    assert Project.objects.create(workspace=again.workspace, name="Next").pk > again.pk


def test_times_stay_as_they_were(saved, asset):
    made = asset.created
    empty()
    call_command("restore", str(saved), stdout=io.StringIO())
    assert Asset.objects.get().created == made


def test_it_does_not_write_over_an_earlier_backup(saved):
    with pytest.raises(CommandError, match="already there"):
        call_command("backup", str(saved))
