"""Asking for what is worked out of an asset once: offered, refused, paused, cancelled, versions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.spoken import (
    ENGINE,
    SOUND,
    a_speaking_worker,
    finished,
    planned,
    store,
    transcribed,
    utterance,
)
from webapp import removal
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.indexing.refusals import IndexingRefused, why_not
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.transcript import shown
from webapp.indexing.uploaded import index_uploaded
from webapp.leases import Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk(asset):
    """An asset with sound, and a worker that could listen."""
    asset.probe = SOUND
    asset.save()
    a_speaking_worker()
    return asset


@pytest.fixture
def indexing(talk, owner):
    return Indexing.objects.request(talk, "speech", by=owner)


def refused(asset, **options) -> str:
    with pytest.raises(IndexingRefused) as refusal:
        Indexing.objects.request(asset, "speech", by=None, options=options)
    return str(refusal.value)


def test_what_cannot_be_heard_is_refused_in_words(asset, talk, owner):
    talk.probe = {}
    talk.save()
    assert refused(talk) == "matchday.mp4 has no sound, so nothing can be heard in it."
    talk.probe = SOUND
    talk.save()
    assert "has no sound track 3; it has track 0." in refused(talk, track=3)
    assert "No speech engine here knows French." in refused(talk, language="fr")
    Asset.objects.filter(pk=talk.pk).update(status=Status.WORKING)
    assert "not ready yet" in refused(talk)


def test_without_an_engine_it_is_refused_and_not_offered(asset, client_for, analyst):
    asset.probe = SOUND
    asset.save()
    assert refused(asset).startswith("No worker here has a speech engine.")
    page = client_for(analyst).get(reverse("asset", args=[asset.pk])).content.decode()
    assert "No worker here has a speech engine." in page
    index = reverse("asset-index", args=[asset.pk])
    assert index not in page
    a_speaking_worker(queues="analysis")  # it takes no indexings
    assert why_not(asset, "speech")


def test_one_that_knows_english_only_does_not_translate(asset):
    asset.probe = SOUND
    asset.save()
    a_speaking_worker(languages="en")
    assert "know English only" in refused(asset, task="translate")


def test_one_at_a_time(indexing, talk):
    assert refused(talk) == "matchday.mp4 is being indexed already."


def test_the_button_says_who_would_listen_and_begins(talk, analyst, client_for):
    browser = client_for(analyst)
    page = browser.get(reverse("asset", args=[talk.pk])).content.decode()
    assert f"{ENGINE} would listen" in page
    browser.post(reverse("asset-index", args=[talk.pk]))
    indexing = Indexing.objects.get()
    assert (indexing.asset, indexing.requested_by, indexing.version) == (talk, analyst, 1)
    assert talk.workspace.events.filter(what="began to index").exists()
    assert browser.get(reverse("asset", args=[talk.pk])).status_code == 200


def test_segments_are_claimed_by_urgency_and_then_in_order(indexing, owner, asset_in, workspace):
    other = asset_in(workspace, "urgent.mp4", probe=SOUND)
    planned(indexing, 0, 60, 120)
    urgent = Indexing.objects.request(other, "speech", by=owner, priority=10)
    planned(urgent, 0, 60)
    claimed = [IndexingSegment.objects.claim_next("a:1:1") for _ in range(3)]
    assert [(one.indexing_id, one.index) for one in claimed] == [
        (urgent.pk, 0),
        (indexing.pk, 0),
        (indexing.pk, 1),
    ]
    assert IndexingSegment.objects.claim_next("a:1:1") is None


def test_it_is_planned_once_and_nobody_claims_it_while_its_segments_are_done(indexing):
    planned(indexing, 0, 60)
    assert Indexing.objects.claim(indexing.pk, "b:1:1") is None
    assert Indexing.objects.claim_next("b:1:1") is None


def test_a_pause_stops_the_worker_and_keeps_what_is_done(indexing):
    first, _ = planned(indexing, 0, 60, 120)
    store(first, utterance("so far so good", 1))
    held = IndexingSegment.objects.claim_next("a:1:1")
    assert held.is_wanted()
    assert indexing.pause()
    assert not held.is_wanted()
    held.release()
    assert IndexingSegment.objects.claim_next("a:1:1") is None
    assert indexing.state == "paused"
    assert indexing.standing().said.startswith("Paused · 50")
    assert not indexing.pause()
    assert indexing.resume()
    store(IndexingSegment.objects.get(index=1), utterance("and on", 61))
    finished(indexing)
    assert (indexing.state, indexing.speech_segments.count()) == ("done", 2)


def test_one_paused_after_its_last_segment_ends_when_it_goes_on(indexing):
    (only,) = planned(indexing, 0, 60)
    indexing.pause()
    store_late = IndexingSegment.objects.claim(only.pk, "a:1:1")
    assert store_late.finish()
    assert indexing.resume()
    indexing.refresh_from_db()
    assert indexing.stage == "finish"


def test_cancelled_it_keeps_what_was_heard_and_can_go_on(indexing, talk):
    first, _ = planned(indexing, 0, 60, 120)
    store(first, utterance("the first half", 1))
    assert indexing.cancel()
    assert indexing.state == "cancelled"
    assert IndexingSegment.objects.claim_next("a:1:1") is None
    assert shown(talk) == indexing
    assert indexing.retry()
    assert (indexing.state, indexing.stage) == ("working", "segments")
    assert IndexingSegment.objects.claim_next("a:1:1").index == 1


def test_cancelled_before_it_was_planned_it_is_planned_when_asked_for_again(indexing):
    held = Indexing.objects.claim(indexing.pk, "a:1:1")
    indexing.cancel()
    segment = IndexingSegment(indexing=held, index=0, start_s=0, end_s=1)
    assert not held.plan([segment])
    held.let_go()
    assert indexing.retry()
    assert Indexing.objects.claim_next("a:1:1") == indexing


def test_a_segment_that_fails_ends_it_and_a_retry_goes_on_from_there(indexing):
    first, second = planned(indexing, 0, 60, 120)
    store(first, utterance("well", 1))
    held = IndexingSegment.objects.claim(second.pk, "a:1:1")
    held.fail("The weights are gone.", can_retry=True)
    indexing.refresh_from_db()
    assert (indexing.state, indexing.error) == ("failed", "The weights are gone.")
    assert indexing.retry()
    store(second, utterance("again", 61))
    finished(indexing)
    assert indexing.state == "done"


def test_the_estimate_rests_on_what_is_done(indexing):
    first, *_ = planned(indexing, 0, 60, 120)
    assert indexing.progress()["remaining_s"] is None
    store(first, utterance("hello", 1))  # a minute of it in a second
    progress = indexing.progress()
    assert progress["share"] == pytest.approx(0.5)
    assert progress["remaining_s"] == pytest.approx(1.0)


def test_a_newer_version_replaces_what_is_shown_once_it_is_done(talk, owner):
    old = transcribed(talk, by=owner, said=["the old words"])
    new = Indexing.objects.request(talk, "speech", by=owner)
    assert new.version == 2
    (segment,) = planned(new, 0, 120)
    assert shown(talk) == old
    store(segment, utterance("the new words", 1))
    finished(new)
    assert shown(talk) == new
    assert shown(talk, version="1") == old
    new.remove(by=owner)
    assert shown(talk) == old


def test_deleted_it_can_be_brought_back_and_is_erased_later(talk, owner, analyst, client_for):
    indexing = transcribed(talk, by=owner)
    browser = client_for(analyst)
    answer = browser.post(reverse("indexing-delete", args=[indexing.pk]), follow=True)
    assert b"Version 1 of the transcript deleted." in answer.content
    assert not Indexing.objects.exists()
    browser.post(reverse("indexing-restore", args=[indexing.pk]))
    assert Indexing.objects.get() == indexing
    indexing.remove(by=owner)
    late = timezone.now() - timedelta(minutes=2)
    Indexing.everything.update(removed=late)
    assert removal.is_due()
    assert removal.erase(20)
    assert not Indexing.everything.exists()
    assert not IndexingSegment._base_manager.exists()


def test_the_number_of_one_that_was_deleted_is_not_given_out_again(talk, owner):
    transcribed(talk, by=owner).remove(by=owner)
    assert Indexing.objects.request(talk, "speech", by=owner).version == 2


def test_it_stays_when_a_project_goes_and_goes_with_its_asset(run, owner):
    asset = run.asset
    indexing = transcribed(asset, by=owner)
    removal.delete_project(run.project, by=owner)
    removal.erase(20)
    assert Indexing.objects.get() == indexing
    asset.erase()
    assert not Indexing.everything.exists()


def test_nothing_is_listened_to_while_its_asset_waits_to_be_erased(indexing, talk, owner):
    planned(indexing, 0, 60)
    held = IndexingSegment.objects.claim_next("a:1:1")
    talk.remove(by=owner)
    assert not held.is_wanted()
    held.release()
    assert IndexingSegment.objects.claim_next("a:1:1") is None
    talk.restore(by=owner)
    assert IndexingSegment.objects.claim_next("a:1:1") is not None


# --- uploads and the workspace's wish -----------------------------------------------------------


@pytest.mark.parametrize(
    ("on_the_machine", "in_the_workspace", "n"),
    [(True, True, 1), (True, False, 0), (False, True, 0)],
)
def test_what_is_uploaded_is_indexed_where_it_is_wished(
    talk, settings, on_the_machine, in_the_workspace, n
):
    settings.INDEX_UPLOADS = on_the_machine
    talk.workspace.indexes_uploads = in_the_workspace
    index_uploaded(talk)
    index_uploaded(talk)  # prepared again
    assert Indexing.objects.count() == n


def test_an_upload_without_sound_or_engine_is_no_failure(asset, settings):
    settings.INDEX_UPLOADS = True
    index_uploaded(asset)
    asset.probe = SOUND
    asset.save()
    index_uploaded(asset)
    assert not Indexing.objects.exists()


def test_an_administrator_turns_it_off(owner, analyst, workspace, client_for):
    url = reverse("indexing-settings")
    assert client_for(analyst).get(url).status_code == 403
    browser = client_for(owner)
    assert b"No worker here has a speech engine" in browser.get(url).content
    a_speaking_worker()
    assert ENGINE.encode() in browser.get(url).content
    browser.post(url, {})
    workspace.refresh_from_db()
    assert not workspace.indexes_uploads
    assert workspace.events.filter(what="stopped indexing uploads").exists()


def test_several_are_indexed_at_once_and_each_refusal_is_told(
    talk, asset_in, workspace, analyst, client_for
):
    silent = asset_in(workspace, "silent.mp4")
    answer = client_for(analyst).post(
        reverse("assets-index"), {"asset": [talk.pk, silent.pk]}, follow=True
    )
    assert Indexing.objects.get().asset == talk
    assert b"silent.mp4 has no sound" in answer.content
    assert b"1 asset is being indexed." in answer.content


@pytest.mark.parametrize("role", ["viewer", "reviewer", "labeller"])
def test_who_may_not_analyse_begins_nothing(indexing, talk, person, workspace, client_for, role):
    browser = client_for(person("x", role, workspace))
    for url in (
        reverse("asset-index", args=[talk.pk]),
        reverse("indexing-ask", args=[indexing.pk, "cancel"]),
        reverse("indexing-delete", args=[indexing.pk]),
        reverse("assets-index"),
    ):
        assert browser.post(url).status_code == 403, url
    indexing.refresh_from_db()
    assert indexing.state == "waiting"
