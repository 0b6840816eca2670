"""kill -9 while a worker makes the copy of a film that browsers play: it is made once, and what
was half made goes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from analysis.media.probe import probe
from tests.analysis.clips import constant, write_clip
from webapp.accounts.models import User, Workspace
from webapp.assets.models import Asset, Rendition
from webapp.leases import Status
from webapp.management.commands.analyse import receive
from workers.engine import housekeeping
from workers.engine.originals import local_path
from workers.media.ingest import ingest

pytestmark = [pytest.mark.services, pytest.mark.embedded]


@pytest.fixture
def waiting(site, tmp_path) -> Rendition:
    """The proxy of a film of ten bits, which browsers do not play; nobody has taken it up yet."""
    path = tmp_path / "ten-bits.mkv"
    write_clip(path, constant(1500), size=(320, 180), pixels="yuv420p10le")
    owner = User.objects.create_user("owner@example.org")
    asset = receive(path, Workspace.found("Services", by=owner))
    ingest(asset.pk)
    return Rendition.objects.get(recipe=Rendition.PROXY)


def converters(folder: Path) -> list[int]:
    """Processes that live and write below this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_a_worker_killed_while_it_makes_a_proxy_loses_nothing_and_leaves_nothing(site, waiting):
    scratch = site.folder / "cache" / "scratch"
    for attempt in (1, 2):
        worker = site.start_worker("batch")
        housekeeping.sweep()  # as the clock does: the killed worker took its message with it
        site.wait(lambda: any(scratch.glob(".*.part")), "a proxy to be begun", every_s=0.002)
        os.killpg(worker.pid, signal.SIGSTOP)
        assert any(scratch.glob(".*.part")), "stopped in the middle"
        assert converters(scratch)
        os.kill(worker.pid, signal.SIGKILL)  # the worker alone
        worker.join()
        site.wait(lambda: not converters(scratch), "what converts to go with it")
        waiting.refresh_from_db()
        assert (waiting.status, waiting.attempt) == (Status.WORKING, attempt)
        assert any(scratch.iterdir())
        housekeeping.sweep()
        assert not any(scratch.iterdir()), "what was half made is gone"

    site.start_worker("batch")
    housekeeping.sweep()

    def is_made() -> bool:
        waiting.refresh_from_db()
        assert waiting.status != Status.FAILED, waiting.error
        return waiting.status == Status.DONE

    site.wait(is_made, "the proxy", seconds=180)
    assert (waiting.attempt, waiting.lease_until) == (3, None)
    copy = local_path(waiting.file)
    assert probe(copy).is_browser_playable
    assert probe(copy).frame_count == 1500
    assert list(copy.parent.glob("*proxy*")) == [copy], "one, and nothing that is half stored"
    assert Rendition.objects.filter(recipe=Rendition.PROXY).count() == 1
    assert Asset.objects.get().status == Status.DONE
    assert not any(scratch.iterdir())
