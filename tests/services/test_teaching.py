"""kill -9 in the middle of teaching a space: it goes on after the last finished epoch."""

from __future__ import annotations

from pathlib import Path

import pytest

from webapp.leases import Status
from webapp.spaces.space import Space
from webapp.spaces.training import SpaceTraining
from workers.engine import housekeeping

pytestmark = [pytest.mark.services, pytest.mark.embedded]

EPOCHS = 1000  # more than any machine gets done before it is stopped


@pytest.fixture
def waiting(site) -> SpaceTraining:
    """A training of short epochs that nobody has taken up yet."""
    from tests.scenes import encodings_of, shown_in, spoken_as_shown
    from webapp.accounts.models import User, Workspace
    from webapp.assets.models import Asset

    owner = User.objects.create_user("owner@example.org")
    workspace = Workspace.found("Services", by=owner)
    film = Asset.objects.create(
        workspace=workspace, name="film.mp4", sha256="0" * 64, size_bytes=1, file="x",
        status=Status.DONE, kind="video", duration_s=600.0,
    )  # fmt: skip
    shown = shown_in(600)
    encodings_of(film, shown)
    spoken_as_shown(film, shown)
    options = {"epochs": EPOCHS, "patience": 0, "codes": 32, "ablation": False}
    return SpaceTraining.objects.request(workspace, sources=["spoken"], options=options, by=owner)


def epochs_of(row: SpaceTraining) -> int:
    row.refresh_from_db()
    assert row.status != Status.FAILED, row.error
    return row.epoch


def teachers() -> set[int]:
    """Teaching processes that live."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"analysis.crossmodal.child" in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def test_killed_in_the_middle_it_goes_on_and_what_it_made_is_whole(site, waiting):
    before = teachers()
    worker = site.start_worker("train")
    housekeeping.ring_for_the_waiting()
    site.wait(lambda: epochs_of(waiting) >= 2, "two epochs", seconds=240)
    site.kill(worker)
    site.wait(lambda: teachers() <= before, "the process that teaches to go with it")
    known = waiting.curves["ours"][:2]

    site.start_worker("train")
    housekeeping.release_the_dead()
    housekeeping.ring_for_the_waiting()
    killed_at = epochs_of(waiting)
    site.wait(lambda: epochs_of(waiting) > killed_at, "another epoch", seconds=240)
    assert waiting.curves["ours"][:2] == known
    assert waiting.stop()
    site.wait(lambda: epochs_of(waiting) and waiting.status == Status.DONE, "its end", seconds=120)
    assert waiting.result == Space.objects.get()
    assert (site.folder / "media" / waiting.result.file).is_file()
    left = site.folder / "cache" / "space-training" / f"{waiting.pk}-0"
    site.wait(lambda: not left.exists(), "what it needed to go on to be deleted")
