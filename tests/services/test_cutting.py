"""kill -9 while a worker renders a cut: it is rendered once, and what was half made goes."""

from __future__ import annotations

import os
import signal

import pytest

from tests.analysis.clips import constant
from tests.analysis.cutting.test_render import numbers
from tests.webapp.cut_films import cut_of, ready_film
from webapp import erasing
from webapp.accounts.models import User, Workspace
from webapp.cuts.renderings import Rendering
from webapp.leases import Status
from workers.engine import housekeeping
from workers.engine.originals import local_path

pytestmark = [pytest.mark.services, pytest.mark.embedded]


@pytest.fixture
def waiting(site, tmp_path) -> Rendering:
    """The rendering of a cut that nobody has taken up yet."""
    owner = User.objects.create_user("owner@example.org")
    workspace = Workspace.found("Services", by=owner)
    film = ready_film(tmp_path, workspace, times=constant(900), size=(640, 360))
    cut = cut_of(workspace, owner, (film, 0, 20, "First"), (film, 30, 36, "Second"))
    return Rendering.objects.request(cut, by=owner)


def test_a_worker_killed_while_it_renders_leaves_one_film(site, waiting):
    scratch = site.folder / "cache" / "scratch"
    worker = site.start_worker("batch")
    housekeeping.sweep()  # as the clock does
    site.wait(lambda: any(scratch.glob(".*.part")), "a film to be begun", every_s=0.002)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    waiting.refresh_from_db()
    assert waiting.status == Status.WORKING
    housekeeping.sweep()
    assert not any(scratch.iterdir()), "what was half made is gone"

    site.start_worker("batch")
    housekeeping.sweep()

    def is_made() -> bool:
        waiting.refresh_from_db()
        assert waiting.status != Status.FAILED, waiting.error
        return waiting.status == Status.DONE

    site.wait(is_made, "the film", seconds=120)
    assert waiting.attempt == 2
    assert list(erasing.below("cuts")) == [waiting.file]
    assert numbers(local_path(waiting.file), (640, 360)) == [*range(500), *range(750, 900)]
    assert not any(scratch.iterdir())
