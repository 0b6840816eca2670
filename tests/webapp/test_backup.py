"""One file out, one file in, and everything is there again."""

from __future__ import annotations

import io
import json
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from webapp.accounts.models import User
from webapp.assets.models import Asset, Upload
from webapp.backup import reading, writing
from webapp.backup.rows import kept_models, lines
from webapp.backup.writing import stored_names
from webapp.projects.models import Project
from webapp.runs.run import Run
from webapp.storage import WholeFiles

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
    content = entries(saved)
    head = json.loads(content["head.json"])
    write(older, content | {"head.json": json.dumps(head | {"version": "0.0.1"}).encode()})
    with pytest.raises(CommandError, match=r"version 0\.0\.1"):
        call_command("restore", str(older))

    other = tmp_path / "other.tar"
    schema = [*head["schema"][1:], "assets 0999_wings"]
    write(other, content | {"head.json": json.dumps(head | {"schema": schema}).encode()})
    with pytest.raises(CommandError, match="tables of the backup are not those"):
        call_command("restore", str(other))
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


def test_what_an_operator_may_do_comes_back(owner, tmp_path):
    group = Group.objects.create(name="Operators")
    permissions = Permission.objects.filter(content_type__app_label="runs")
    group.permissions.set(permissions)
    owner.groups.add(group)
    owner.user_permissions.set(permissions[:2])
    told = set(permissions.values_list("codename", flat=True))
    path = tmp_path / "backup.tar"
    call_command("backup", str(path), stdout=io.StringIO(), stderr=io.StringIO())
    empty()
    Permission.objects.all().delete()  # another database numbers them otherwise
    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0)
    call_command("restore", str(path), stdout=io.StringIO())
    again = User.objects.get(email=owner.email)
    assert set(again.groups.get().permissions.values_list("codename", flat=True)) == told
    assert again.user_permissions.count() == 2


def test_what_is_on_its_way_in_is_left_out_with_its_row(owner, workspace, tmp_path):
    """Its bytes are not in the media storage: the row alone would promise them."""
    Upload.objects.create(workspace=workspace, user=owner, name="a.mp4", size_bytes=9)
    path = tmp_path / "backup.tar"
    call_command("backup", str(path), stdout=io.StringIO(), stderr=io.StringIO())
    empty()
    call_command("restore", str(path), stdout=io.StringIO())
    assert User.objects.exists()
    assert not Upload.objects.exists()


class Shrinking(WholeFiles):
    """Somebody shortens a file in place while it is read, so many times."""

    times = 0

    def _open(self, name, mode="rb"):
        file = super()._open(name, mode)
        if type(self).times and name.endswith("shrinking.bin"):
            type(self).times -= 1
            size = file.size  # kept by the file from now on
            with Path(self.path(name)).open("r+b") as other:
                other.truncate(size // 2)
        return file


@pytest.mark.parametrize(("times", "is_in"), [(1, True), (2, False)])
def test_a_file_that_changes_while_it_is_read_is_whole_or_named(
    settings, asset, tmp_path, times, is_in
):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "tests.webapp.test_backup.Shrinking",
            "OPTIONS": {"location": settings.MEDIA_ROOT, "allow_overwrite": True},
        },
    }
    for name in ("a.bin", "shrinking.bin", "z.bin"):
        default_storage.save(f"models/{name}", ContentFile(b"x" * 50_000))
    Shrinking.times = times
    path, said = tmp_path / "backup.tar", io.StringIO()
    call_command("backup", str(path), stdout=io.StringIO(), stderr=said)
    content = entries(path)
    assert content["media/models/z.bin"] == b"x" * 50_000
    assert ("media/models/shrinking.bin" in content) == is_in
    assert ("models/shrinking.bin" in said.getvalue()) != is_in


def test_whoever_signs_up_while_files_are_restored_is_not_deleted(saved):
    empty()

    def sign_up(done: int) -> None:
        User.objects.get_or_create(email="early@example.org")

    with pytest.raises(reading.Occupied, match="people in it already"):
        reading.restore(saved, on_file=sign_up)
    assert User.objects.get().email == "early@example.org"
    assert not Run.objects.exists()


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


def test_a_database_of_an_older_version_is_not_half_written(owner, tmp_path):
    recorder = MigrationRecorder(connection)
    app, name = max(recorder.applied_migrations())
    recorder.record_unapplied(app, name)
    with pytest.raises(CommandError, match="of an older version"):
        call_command("backup", str(tmp_path / "backup.tar"))
    recorder.record_applied(app, name)
    assert not (tmp_path / "backup.tar").exists()


def test_memory_does_not_grow_with_the_number_of_files(settings, owner, tmp_path):
    def peak(files: int) -> int:
        for number in range(files):
            place = Path(settings.MEDIA_ROOT) / f"models/{number // 50}/{number}.bin"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"x")
        path = tmp_path / f"{files}.tar"
        tracemalloc.start()
        try:
            writing.write(path)
            assert reading.check(path).files >= files
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # what is loaded once
    few = peak(300)
    assert peak(3_000) - few < 1_000_000
