"""kill -9 in the middle of teaching what is real: it goes on after the last finished epoch."""

from __future__ import annotations

import pytest

from webapp.leases import Status
from webapp.nights.night import Night
from webapp.nights.teaching import SkyTeaching
from workers.engine import housekeeping

pytestmark = [pytest.mark.services, pytest.mark.embedded]

EPOCHS = 8


@pytest.fixture
def waiting(site) -> SkyTeaching:
    """A teaching whose examples are gathered, and that nobody has taken up yet."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from tests.night_sky import searched_night
    from tests.workers.nights.test_teaching import made
    from webapp.accounts.models import User, Workspace

    owner = User.objects.create_user("owner@example.org")
    workspace = Workspace.found("Services", by=owner)
    night: Night = searched_night(workspace, by=owner)
    row = SkyTeaching.objects.request(workspace, [night], by=owner, options={"epochs": EPOCHS})
    name = default_storage.save(f"sky-teaching/{row.pk}/examples-x.npz", ContentFile(made(300)))
    SkyTeaching.objects.filter(pk=row.pk).update(examples=name)
    return row


def epochs_of(row: SkyTeaching) -> int:
    row.refresh_from_db()
    assert row.status != Status.FAILED, row.error
    return len(row.curve)


def test_killed_in_the_middle_it_goes_on_and_what_it_made_is_whole(site, waiting):
    worker = site.start_worker("train")
    housekeeping.ring_for_the_waiting()
    site.wait(lambda: epochs_of(waiting) >= 1, "an epoch", seconds=240)
    site.kill(worker)
    assert epochs_of(waiting) < EPOCHS, "it was not killed in the middle"
    known = waiting.curve[:1]

    site.start_worker("train")
    housekeeping.release_the_dead()
    housekeeping.ring_for_the_waiting()
    site.wait(lambda: epochs_of(waiting) and waiting.status == Status.DONE, "its end", seconds=240)
    assert waiting.curve[:1] == known
    assert waiting.is_in_use
    assert (site.folder / "media" / waiting.file).is_file()
    left = site.folder / "cache" / "sky-teaching" / str(waiting.pk)
    site.wait(lambda: not left.exists(), "what it needed to go on to be deleted")


@pytest.fixture
def with_tiles(site) -> SkyTeaching:
    """The same with a network on tiles, from a night whose exposures have their files."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from tests.night_sky import exposure_in
    from tests.workers.nights.test_teaching import made
    from webapp.accounts.models import User, Workspace

    owner = User.objects.create_user("tiles@example.org")
    workspace = Workspace.found("Tiles", by=owner)
    exposures = [exposure_in(workspace, n) for n in range(2)]
    night: Night = Night.objects.request(
        workspace, exposures, reference=exposure_in(workspace, -1), name="14 March", by=owner
    )
    night.exposures.update(status=Status.DONE)
    Night.objects.filter(pk=night.pk).update(status=Status.DONE)
    night.refresh_from_db()
    wish = {"epochs": 1, "tiles": True, "tile_epochs": 3}
    row = SkyTeaching.objects.request(workspace, [night], by=owner, options=wish)
    name = default_storage.save(f"sky-teaching/{row.pk}/examples-t.npz", ContentFile(made(15)))
    SkyTeaching.objects.filter(pk=row.pk).update(examples=name)
    return row


def test_killed_while_a_network_on_tiles_is_taught_it_goes_on_from_its_epoch(site, with_tiles):
    work = site.folder / "cache" / "sky-teaching" / str(with_tiles.pk) / "tiles"
    worker = site.start_worker("train")
    housekeeping.ring_for_the_waiting()
    site.wait(lambda: (work / "work" / "saved.json").is_file(), "an epoch", seconds=240)
    site.kill(worker)
    known = (work / "work" / "curves.json").read_text()
    tiles = (work / "pictures.json").stat().st_mtime_ns

    site.start_worker("train")
    housekeeping.release_the_dead()
    housekeeping.ring_for_the_waiting()

    def is_done() -> bool:
        with_tiles.refresh_from_db()
        assert with_tiles.status != Status.FAILED, with_tiles.error
        if (work / "pictures.json").is_file():
            assert (work / "pictures.json").stat().st_mtime_ns == tiles, "they were cut again"
        if (work / "work" / "curves.json").is_file():
            now = (work / "work" / "curves.json").read_text()
            assert now.startswith(known.rstrip("]")), "a finished epoch was done again"
        return with_tiles.status == Status.DONE

    site.wait(is_done, "its end", seconds=300)
    assert with_tiles.figures["tiles"]["epochs"] == 3
    assert (site.folder / "media" / with_tiles.network).is_file()
    site.wait(lambda: not work.exists(), "what it needed to go on to be deleted")
