"""A film is ready before the copy that browsers play: that is long work of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from analysis.errors import Stopped
from analysis.media.probe import probe
from tests.analysis.clips import constant, write_clip, write_sound
from webapp.assets.models import Asset, Rendition
from webapp.leases import Status, from_now
from webapp.management.commands.analyse import receive
from webapp.runs.run import Run
from workers.engine import housekeeping
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.engine.piece import carry_out
from workers.media.ingest import ingest
from workers.media.rendition import make_proxy, rendition


@pytest.fixture
def asset(workspace, tmp_path) -> Asset:
    """A film of ten bits, which browsers do not play, after its ingestion."""
    path = write_clip(tmp_path / "ten-bits.mkv", constant(25), pixels="yuv420p10le")
    return prepared(path, workspace)


def prepared(path: Path, workspace) -> Asset:
    asset = receive(path, workspace)
    ingest(asset.pk)
    asset.refresh_from_db()
    return asset


@pytest.fixture
def proxy(asset) -> Rendition:
    return asset.renditions.get(recipe="proxy")


def test_a_film_can_be_analysed_while_its_proxy_waits(asset, proxy, project):
    assert asset.status == Status.DONE, asset.error
    assert asset.rendition("poster")
    assert proxy.status == Status.WAITING
    assert Run.objects.request(asset, project, by=None)
    assert list(Rendition.objects.in_queue("batch").open()) == [proxy]
    assert not Rendition.objects.in_queue("soon").exists()


def test_the_proxy_plays_in_browsers(asset, proxy):
    rendition(proxy.pk)
    proxy.refresh_from_db()
    assert (proxy.status, proxy.progress) == (Status.DONE, 1.0), proxy.error
    assert probe(local_path(proxy.file)).is_browser_playable


def test_sound_gets_one_too(workspace, tmp_path):
    sound = prepared(write_sound(tmp_path / "sound.aiff", 1.0, "pcm_s16be"), workspace)
    assert (sound.status, sound.kind) == (Status.DONE, "audio"), sound.error
    made = sound.renditions.get(recipe="proxy")
    rendition(made.pk)
    made.refresh_from_db()
    assert probe(local_path(made.file)).is_browser_playable, made.error


def test_a_worker_that_was_killed_leaves_it_to_the_next(proxy):
    Rendition.objects.claim(proxy.pk, "elsewhere:1:1")
    Rendition.objects.update(lease_until=from_now(-1))
    rendition(of="batch")
    proxy.refresh_from_db()
    assert proxy.status == Status.DONE, proxy.error


def test_one_that_kills_its_workers_is_given_up_and_the_asset_stays_ready(asset, proxy):
    Rendition.objects.filter(pk=proxy.pk).update(
        status=Status.WORKING, attempt=Rendition.MAX_ATTEMPTS, lease_until=from_now(-1)
    )
    housekeeping.give_up_on_the_poisonous()
    proxy.refresh_from_db()
    asset.refresh_from_db()
    assert (proxy.status, asset.status) == (Status.FAILED, Status.DONE)
    assert "too little memory" in proxy.error


def test_cancelled_while_it_is_stored_it_leaves_no_file_and_can_be_made_again(asset, proxy):
    def made_for_nobody(row: Rendition, beat: Heartbeat) -> None:
        assert proxy.cancel()
        make_proxy(row, beat)

    folder = local_path(asset.rendition("poster").file).parent
    before = sorted(folder.iterdir())
    carry_out(Rendition.objects.claim(proxy.pk, "me"), made_for_nobody, beat_s=60)
    proxy.refresh_from_db()
    assert (proxy.status, proxy.is_cancelled, proxy.file) == (Status.FAILED, True, "")
    assert sorted(folder.iterdir()) == before
    assert proxy.retry()
    rendition(proxy.pk)
    proxy.refresh_from_db()
    assert proxy.status == Status.DONE, proxy.error


def test_what_is_deleted_is_not_made_and_what_is_brought_back_is(asset, proxy, owner):
    def deleted_meanwhile(row: Rendition, beat: Heartbeat) -> None:
        asset.remove(by=owner)
        assert not row.is_wanted(), "the worker learns it with its next beat"
        raise Stopped

    carry_out(Rendition.objects.claim(proxy.pk, "me"), deleted_meanwhile, beat_s=60)
    rendition(of="batch")
    proxy.refresh_from_db()
    assert proxy.status == Status.WAITING
    asset.restore(by=owner)
    rendition(of="batch")
    proxy.refresh_from_db()
    assert proxy.status == Status.DONE, proxy.error


def test_a_film_that_cannot_be_converted_says_so_on_its_page_and_stays_ready(
    asset, proxy, analyst, client_for
):
    local_path(asset.file).write_bytes(b"These are words, not pictures.\n" * 40)
    rendition(proxy.pk)
    proxy.refresh_from_db()
    assert proxy.status == Status.FAILED
    html = client_for(analyst).get(reverse("asset", args=[asset.pk])).content.decode()
    assert "well enough to be analysed, but browsers cannot play it" in html
    assert not proxy.can_retry
    assert reverse("asset-proxy-retry", args=[asset.pk]) not in html


def test_prepared_again_it_keeps_its_proxy_unless_that_was_lost(asset, proxy):
    rendition(proxy.pk)
    Rendition.ask_for_proxy(asset)
    proxy.refresh_from_db()
    assert proxy.status == Status.DONE
    default_storage.delete(proxy.file)
    Rendition.ask_for_proxy(asset)
    rendition(proxy.pk)
    proxy.refresh_from_db()
    assert default_storage.exists(proxy.file)
