"""A watched folder: exposures that appear are taken in, searched together, and told of."""

from __future__ import annotations

import errno
import os
import time
from pathlib import PosixPath

import pytest
from django.core import mail

from tests.night_sky import bare_exposure, fits_bytes
from webapp.accounts.models import Refused
from webapp.assets.models import Asset
from webapp.leases import Status
from webapp.nights.night import Night
from webapp.nights.notices import NightNotice, tell
from webapp.nights.watching import Watch, WatchedFile, folder_of
from webapp.sky.exposures import SkyExposure
from workers.engine.housekeeping import look_at_watched_folders
from workers.nights.watch import take, watch_nights

pytest.importorskip("astropy", reason="requirements-sky.txt is not installed")
MIDDLES = [60000.0 + n / 48 for n in range(6)]


@pytest.fixture
def folder(settings, tmp_path, workspace):
    settings.NIGHTS_FOLDER = str(tmp_path / "nights")
    return folder_of(workspace)


@pytest.fixture
def watch(folder, workspace, analyst) -> Watch:
    return Watch.objects.set_for(workspace, is_on=True, reference=None, by=analyst)


def put(folder, name: str, data: bytes, *, age_s: float = 60) -> None:
    path = folder / name
    path.write_bytes(data)
    at = time.time() - age_s
    os.utime(path, (at, at))


def look(watch: Watch) -> Watch:
    """As the sweep and a worker do it."""
    look_at_watched_folders()
    watch.refresh_from_db()
    if watch.status == Status.WAITING:
        watch_nights(watch.pk)
    watch.refresh_from_db()
    assert watch.error == ""
    return watch


def prepared(n: int = 0, **about) -> None:
    """As if what was taken in had been prepared."""
    for asset in Asset.objects.filter(status=Status.WAITING).order_by("pk"):
        facts = {"middle_mjd": MIDDLES[n], "seconds": 60.0, "band": "r", "object_name": "F"}
        SkyExposure.objects.create(asset=asset, **(facts | about))
        Asset.objects.filter(pk=asset.pk).update(status=Status.DONE, kind="sky")
        n += 1


def test_the_third_exposure_begins_a_night_and_the_fourth_joins_it(folder, watch):
    for n in range(2):
        put(folder, f"{n}.fits", fits_bytes(n))
    look(watch)
    assert [one.name for one in Asset.objects.order_by("pk")] == ["0.fits", "1.fits"]
    prepared()
    look(watch)
    assert not Night.objects.exists(), "two are too few to stack"
    put(folder, "2.fits", fits_bytes(2))
    look(watch)
    prepared(2)
    look(watch)
    night = Night.objects.get()
    assert night.exposures.count() == 3
    assert night.name.startswith("F, r, ")
    put(folder, "3.fits", fits_bytes(3))
    look(watch)
    prepared(3)
    look(watch)
    assert Night.objects.get().exposures.count() == 4
    look(watch)
    assert (Asset.objects.count(), WatchedFile.objects.count()) == (4, 4), "nothing is taken twice"


def test_exposures_are_numbered_in_the_order_of_time_whatever_was_taken_first(folder, watch):
    for n in range(3):
        put(folder, f"{n}.fits", fits_bytes(n))
    look(watch)
    prepared()
    SkyExposure.objects.filter(asset__name="0.fits").update(middle_mjd=MIDDLES[5])
    look(watch)
    numbered = Night.objects.get().exposures.order_by("number")
    assert [one.asset.name for one in numbered] == ["1.fits", "2.fits", "0.fits"]


def test_what_is_still_written_to_or_only_leads_elsewhere_waits(folder, watch, tmp_path):
    put(folder, "now.fits", fits_bytes(0), age_s=0)
    put(folder, "notes.txt", b"cloudy")
    put(folder, "empty.fits", b"")
    (tmp_path / "secret.fits").write_bytes(fits_bytes(1))
    (folder / "link.fits").symlink_to(tmp_path / "secret.fits")
    look(watch)
    assert not Asset.objects.exists()


def test_with_a_reference_one_exposure_is_enough_and_darks_are_left(
    folder, watch, workspace, analyst
):
    reference = bare_exposure(workspace, -1, name="reference.fits", role="reference")
    Watch.objects.set_for(workspace, is_on=True, reference=reference, by=analyst)
    put(folder, "0.fits", fits_bytes(0))
    look(watch)
    prepared()
    look(watch)
    assert Night.objects.get().reference == reference
    put(folder, "dark.fits", fits_bytes(1))
    look(watch)
    prepared(role="dark")
    look(watch)
    assert Night.objects.get().exposures.count() == 1


def test_a_watch_that_is_off_looks_at_nothing(folder, watch, workspace, analyst):
    Watch.objects.set_for(workspace, is_on=False, reference=None, by=analyst)
    put(folder, "0.fits", fits_bytes(0))
    look(watch)
    assert not Asset.objects.exists()


def test_without_a_folder_it_cannot_be_switched_on(settings, workspace, analyst):
    settings.NIGHTS_FOLDER = ""
    with pytest.raises(Refused, match="SIGHTLINE_NIGHTS_FOLDER"):
        Watch.objects.set_for(workspace, is_on=True, reference=None, by=analyst)


def test_whoever_switched_it_on_is_told(
    watch, workspace, analyst, client_for, settings, django_capture_on_commit_callbacks
):
    settings.EMAIL_HOST = "mail.example.org"
    exposures = [bare_exposure(workspace, n) for n in range(3)]
    night = Night.objects.request(workspace, exposures, name="Tonight", by=None)
    with django_capture_on_commit_callbacks(execute=True):
        assert tell(night, 2)
        assert tell(night, 0) is None
    (sent,) = mail.outbox
    assert sent.subject == "2 new candidates in Tonight"
    assert f"/nights/{night.pk}" in sent.body
    client = client_for(analyst)
    assert "2 new candidates in" in client.get("/inbox").content.decode()
    client.get(f"/nights/{night.pk}")
    assert not NightNotice.objects.unseen().exists(), "seen where it was looked at"


def test_a_file_that_cannot_be_read_is_named_with_its_reason_and_the_night_goes_on(folder, watch):
    for n in range(4):
        put(folder, f"field7-{n + 1}.fits", fits_bytes(n))
    look(watch)
    prepared()
    first = watch.files.get(name="field7-1.fits")
    first.asset.sky.delete()
    Asset.objects.filter(pk=first.asset.pk).update(
        status=Status.FAILED, error="The file ends early."
    )
    look(watch)
    first.refresh_from_db()
    assert first.error == "field7-1.fits: The file ends early."
    assert Night.objects.get().exposures.count() == 3


def taken(folder, watch, *numbers: int, **about) -> None:
    """Exposures of these numbers appeared, are taken in and prepared."""
    for n in numbers:
        put(folder, f"{n}.fits", fits_bytes(n))
    look(watch)
    prepared(numbers[0], **about)


def test_an_exposure_that_is_made_the_reference_is_not_searched_and_stops_no_other(
    folder, watch, workspace, analyst
):
    taken(folder, watch, 0)
    first = Asset.objects.get()
    Watch.objects.set_for(workspace, is_on=True, reference=first, by=analyst)
    look(watch)
    assert not Night.objects.exists()
    taken(folder, watch, 1)
    look(watch)
    assert [one.asset.name for one in Night.objects.get().exposures.all()] == ["1.fits"]


def test_an_exposure_that_was_deleted_meanwhile_stops_no_other(folder, watch, owner):
    taken(folder, watch, 0, 1, 2, 3)
    Asset.objects.get(name="1.fits").remove(by=owner)
    look(watch)
    assert Night.objects.get().exposures.count() == 3


def test_a_night_that_is_refused_says_why_and_stops_no_other(
    folder, watch, workspace, owner, analyst
):
    reference = bare_exposure(workspace, -1, name="reference.fits", role="reference")
    Watch.objects.set_for(workspace, is_on=True, reference=reference, by=analyst)
    Asset.objects.filter(pk=reference.pk).update(status=Status.FAILED, error="It ends early.")
    taken(folder, watch, 0)
    look_at_watched_folders()
    watch.refresh_from_db()
    assert "reference.fits could not be prepared" in watch.error
    Watch.objects.set_for(workspace, is_on=True, reference=None, by=analyst)
    taken(folder, watch, 1, 2)
    look(watch)
    assert Night.objects.get().exposures.count() == 3


class Written:
    """Of a worker that is not to stop, while somebody writes to a file."""

    def __init__(self, path):
        self.path = path

    def should_stop(self) -> bool:
        self.path.write_bytes(self.path.read_bytes() + b"more")
        return False


def test_a_file_that_is_written_to_while_it_is_copied_is_no_exposure_yet(folder, watch):
    put(folder, "0.fits", fits_bytes(0))
    assert take(watch, [folder / "0.fits"], Written(folder / "0.fits")) == []
    assert not Asset.objects.exists()
    assert not WatchedFile.objects.exists()


class Closed(PosixPath):
    """A file that whoever looks may not read, which root may always."""

    def open(self, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))


class Patient:
    def should_stop(self) -> bool:
        return False


def test_a_file_that_may_not_be_read_holds_up_no_other(folder, watch):
    for n in range(3):
        put(folder, f"{n}.fits", fits_bytes(n))
    paths = [folder / "0.fits", Closed(folder / "1.fits"), folder / "2.fits"]
    assert take(watch, paths, Patient()) == ["1.fits"]
    assert sorted(watch.files.values_list("name", flat=True)) == ["0.fits", "2.fits"]
