"""The end of an upload, by a worker: nothing lost, nothing doubled, nothing left over."""

from __future__ import annotations

import hashlib
import io
import threading
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from analysis.errors import AnalysisError, Stopped
from tests.webapp.test_upload import PNG
from webapp.assets import uploads
from webapp.assets.models import Asset, Upload
from webapp.leases import Status
from webapp.runs import wanted
from webapp.runs.run import Run
from workers.engine import housekeeping
from workers.media import arrival
from workers.media.ingest import ingest
from workers.runs.references import check_reference

pytestmark = pytest.mark.django_db

SHA256 = hashlib.sha256(PNG).hexdigest()


class Beat:
    """A heartbeat that stops the work after so many questions."""

    def __init__(self, most: int = 10**6) -> None:
        self.left, self.notes = most, []

    def note(self, **news):
        self.notes.append(news)

    def should_stop(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.fixture
def came(workspace, owner):
    """came(data, name): an upload that is whole, by a server that forgot the hash."""

    def make(
        data: bytes = PNG, name: str = "match.png", *, is_hashed: bool = False, project=None
    ) -> Asset:
        size = len(data)
        upload = uploads.begin(workspace, owner, name=name, size_bytes=size, project=project)
        uploads.append(upload, 0, data)
        if not is_hashed:
            uploads._hashes.clear()
        asset = uploads.finish(upload).asset
        assert asset is not None
        return asset

    return make


def taken_in(asset: Asset) -> bool:
    claimed = Asset.objects.claim(asset.pk, "worker")
    return arrival.arrive(claimed, Beat())


def left_over() -> list[str]:
    return [path.name for path in uploads.settings.UPLOAD_DIR.iterdir()]


def test_it_is_hashed_and_stored_and_its_bytes_are_not_left_twice(came):
    asset = came()
    assert (asset.sha256, asset.is_arriving) == ("", True)
    assert taken_in(asset)
    asset.refresh_from_db()
    assert (asset.sha256, asset.file) == (SHA256, f"originals/{SHA256[:2]}/{SHA256}.png")
    assert default_storage.open(asset.file).read() == PNG
    assert not left_over()


@pytest.mark.parametrize("is_hashed", [True, False])
def test_bytes_that_are_here_lead_to_the_asset_that_was(came, is_hashed):
    first = came()
    assert taken_in(first)
    second = came(name="again.png", is_hashed=is_hashed)
    if not is_hashed:
        assert second.pk != first.pk
        assert not taken_in(second)
    assert Asset.objects.get() == first
    assert Asset.objects.standing_for(second.pk) == first.pk
    again = Upload.objects.get(name="again.png")
    assert (again.asset, again.is_duplicate) == (first, True)
    assert not left_over()


def test_the_page_and_the_api_lead_on_from_an_id_that_gave_way(came, client, owner):
    first = came()
    taken_in(first)
    second = came(name="again.png")
    taken_in(second)
    client.force_login(owner)
    row = client.get(f"/assets/{second.pk}/status?as=upload").content.decode()
    assert "Already in your library" in row
    assert f"arrived-{first.pk}" in row
    row = client.get(f"/assets/{second.pk}/status?as=upload&file=again.png").content.decode()
    assert "again.png is the same file" in row  # which of those that were chosen
    assert not client.get(f"/assets/{second.pk}/status").content  # its card goes
    assert client.get(f"/api/v1/assets/{second.pk}/").json()["id"] == first.pk
    assert client.delete(f"/api/v1/assets/{second.pk}/").status_code == 404
    assert Asset.objects.filter(pk=first.pk).exists()


def test_an_id_that_gave_way_tells_a_stranger_nothing(came, client, stranger, other_workspace):
    taken_in(came())
    second = came(name="again.png")
    taken_in(second)
    client.force_login(stranger)
    assert client.get(f"/assets/{second.pk}/status?as=upload").status_code == 404
    assert client.get(f"/api/v1/assets/{second.pk}/").status_code == 404


def test_two_that_arrive_at_once_with_the_same_bytes_are_one(came):
    one, two = came(), came(name="again.png")
    claimed = [Asset.objects.claim(asset.pk, "worker") for asset in (one, two)]
    assert arrival._claims_bytes(claimed[0], SHA256)
    assert not arrival.arrive(claimed[1], Beat())  # the other is not stored yet
    assert len(left_over()) == 2
    assert arrival.arrive(claimed[0], Beat())
    assert Asset.objects.get() == one
    assert not left_over()


def test_deleted_and_sent_again_it_is_back(came):
    first = came()
    taken_in(first)
    first.remove(by=None)
    taken_in(came(name="again.png"))
    assert Asset.objects.get() == first


@pytest.mark.parametrize("moment", ["hashed", "stored", "named"])
def test_killed_at_any_moment_the_next_worker_ends_it(came, monkeypatch, moment):
    asset = came()

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    def stored_then_die(*arguments):
        take_in(*arguments)
        raise Killed

    take_in = arrival.take_in
    with monkeypatch.context() as patched:
        if moment == "named":
            patched.setattr(uploads, "forget_bytes", die)
        else:
            patched.setattr(arrival, "take_in", die if moment == "hashed" else stored_then_die)
        with pytest.raises(Killed):
            taken_in(asset)
    Asset.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    ingest(asset.pk)
    asset.refresh_from_db()
    assert (asset.sha256, asset.is_arriving) == (SHA256, False)
    assert default_storage.open(asset.file).read() == PNG
    uploads.sweep_abandoned_uploads()
    assert not left_over()


def test_stopped_in_the_middle_it_waits_with_all_its_bytes(came, monkeypatch):
    monkeypatch.setattr(arrival, "BLOCK_BYTES", 1000)
    asset = came()
    claimed = Asset.objects.claim(asset.pk, "worker")
    beat = Beat(most=3)
    with pytest.raises(Stopped):
        arrival.arrive(claimed, beat)
    assert beat.notes[-1]["progress"] == pytest.approx(3000 / len(PNG), abs=0.001)
    claimed.release()
    assert taken_in(asset)


def test_bytes_that_are_gone_are_said_and_the_file_can_be_sent_again(came):
    asset = came(is_hashed=True)
    for path in uploads.settings.UPLOAD_DIR.iterdir():
        path.unlink()
    Upload.objects.update(touched=timezone.now() - timedelta(days=2))
    ingest(asset.pk)
    asset.refresh_from_db()
    assert (asset.status, asset.can_retry) == (Status.FAILED, False)
    assert "not on this server any more" in asset.error
    again = came(is_hashed=True)
    assert again == asset
    again.refresh_from_db()
    assert again.status == Status.WAITING
    assert taken_in(again)
    assert default_storage.open(Asset.objects.get().file).read() == PNG


def test_an_original_that_was_lost_is_mended_by_sending_it_again(came):
    asset = came()
    taken_in(asset)
    Asset.objects.update(status=Status.DONE)
    asset.refresh_from_db()
    default_storage.delete(asset.file)
    again = came(is_hashed=True)
    assert taken_in(again)
    assert default_storage.open(Asset.objects.get(pk=asset.pk).file).read() == PNG


def test_bytes_on_the_disk_of_another_machine_are_left_to_its_worker(came):
    asset = came()
    elsewhere = uploads.settings.UPLOAD_DIR.rename(uploads.settings.UPLOAD_DIR.with_name("away"))
    uploads.settings.UPLOAD_DIR.mkdir()
    ingest(asset.pk)
    asset.refresh_from_db()
    assert (asset.status, asset.attempt) == (Status.WAITING, 0)
    uploads.settings.UPLOAD_DIR.rmdir()
    elsewhere.rename(uploads.settings.UPLOAD_DIR)
    Asset.objects.update(lease_until=None)  # the two seconds that others have are over
    assert taken_in(asset)


def test_a_full_disk_keeps_what_came_and_goes_on_by_retry(came, monkeypatch):
    asset = came(is_hashed=True)
    folder = uploads.settings.MEDIA_ROOT / "originals" / SHA256[:2]
    folder.mkdir(parents=True)
    with monkeypatch.context() as patched:
        patched.setattr("webapp.storage._link_or_copy", full)
        ingest(asset.pk)
    asset.refresh_from_db()
    assert (asset.status, asset.can_retry) == (Status.FAILED, True)
    assert "disk is full" in asset.error
    asset.retry()
    assert taken_in(asset)


def full(*_):
    with open("/dev/full", "w") as file:
        file.write("x")


def test_who_needs_it_now_takes_it_in_without_the_queue(came):
    asset = came()
    found = arrival.arrived(asset, Beat())
    assert default_storage.open(found.file).read() == PNG
    found.refresh_from_db()
    assert (found.status, found.attempt) == (Status.WAITING, 0)  # to be prepared in its turn


def test_who_needs_it_now_gets_the_asset_that_was_there(came):
    first = came()
    taken_in(first)
    assert arrival.arrived(came(name="again.png"), Beat()) == first


@pytest.mark.django_db(transaction=True)
def test_who_needs_it_waits_for_the_worker_that_is_at_it(came):
    asset = came()
    claimed = Asset.objects.claim(asset.pk, "worker")

    def work() -> None:
        from django.db import connection

        arrival.arrive(claimed, Beat())
        connection.close()

    timer = threading.Timer(0.3, work)
    timer.start()
    found = arrival.arrived(asset, Beat())
    timer.join()
    assert default_storage.open(found.file).read() == PNG


def test_what_does_not_come_is_said_to_who_needs_it(came):
    asset = came()
    Asset.objects.update(status=Status.FAILED, error="The disk is full.")
    with pytest.raises(AnalysisError, match="disk is full"):
        arrival.arrived(asset, Beat())
    Asset.objects.all().delete()
    with pytest.raises(AnalysisError, match="deleted meanwhile"):
        arrival.arrived(asset, Beat())


# --- what came for a project ------------------------------------------------------------------


@pytest.fixture
def photo() -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "white").save(picture, "PNG")
    return picture.getvalue()


def test_what_came_for_a_project_is_analysed_when_it_is_ready_and_once(came, photo, project):
    asset = came(photo, project=project)
    wanted.start_wanted()
    assert not Run.objects.exists()  # it is not ready
    ingest(asset.pk)
    run = Run.objects.get()
    assert (run.asset, run.project, run.requested_by) == (asset, project, Upload.objects.get().user)
    again = came(photo, project=project, is_hashed=True)
    assert again == asset  # the same, and it is answered already
    for _ in range(2):
        wanted.start_wanted()
    assert Run.objects.get() == run
    assert not Upload.objects.exclude(project=None).exists()


def test_a_worker_killed_before_it_asked_for_the_run_is_made_up_for_by_the_sweep(
    came, photo, project, monkeypatch
):
    asset = came(photo, project=project)
    with monkeypatch.context() as patched:  # as if it died between the two
        patched.setattr("workers.media.ingest.start_wanted", lambda *_: None)
        ingest(asset.pk)
    assert not Run.objects.exists()
    housekeeping.sweep()
    assert Run.objects.get().asset == asset


def test_a_run_that_begins_while_the_list_is_read_is_asked_for_again(
    came, photo, project, client_for, analyst, monkeypatch
):
    with monkeypatch.context() as patched:
        patched.setattr("workers.media.ingest.start_wanted", lambda *_: None)
        ingest(came(photo, project=project).pk)
    here, list_of_assets = client_for(analyst), reverse("project-assets", args=[project.pk])

    def begin(execute, sql, *rest):
        answer = execute(sql, *rest)
        if Run._meta.db_table in sql and not begun:
            begun.append(sql)
            wanted.start_wanted()
        return answer

    begun: list[str] = []
    with connection.execute_wrapper(begin):
        said = here.get(list_of_assets, headers={"HX-Request": "true"}).content.decode()
    assert Run.objects.exists()
    assert "every 2s" in said


def test_a_film_waits_for_a_logo_to_look_for(came, photo, project):
    kestrel = project.labels.get(name="Kestrel").references.get()
    kestrel.remove(by=None)
    asset = came(photo, project=project)
    ingest(asset.pk)
    Upload.objects.update(touched=timezone.now() - timedelta(days=30))
    uploads.sweep_abandoned_uploads()
    assert not Run.objects.exists()
    kestrel.save(force_insert=True)
    check_reference(kestrel.pk)
    assert Run.objects.get().asset == asset


def test_bytes_that_were_here_already_are_analysed_for_the_project_they_came_for(
    came, photo, project
):
    first = came(photo)
    ingest(first.pk)
    second = came(photo, "again.png", project=project)
    ingest(second.pk)
    assert Run.objects.get().asset == first


def test_what_came_for_a_project_that_is_deleted_starts_nothing(came, photo, project, owner):
    asset = came(photo, project=project)
    project.remove(by=owner)
    ingest(asset.pk)
    assert not Run.objects.exists()
    assert not Upload.objects.exclude(project=None).exists()
