"""Deleting: out of sight at once, back by Undo, gone for good a little later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from tests.webapp.test_api import Caller
from webapp import removal
from webapp.accounts.models import Event, Refused
from webapp.assets.models import Asset, Rendition, purge_removed_assets
from webapp.runs.run import Run
from webapp.runs.segments import Segment, SegmentResult

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


@pytest.fixture
def stored(asset):
    """The asset with its file and a poster in the storage."""
    default_storage.save(asset.file, ContentFile(b"film"))
    poster = default_storage.save("renditions/poster.jpg", ContentFile(b"picture"))
    Rendition.keep(asset, "poster", poster)
    return asset


def later() -> None:
    """The time to undo passes."""
    removed = timezone.now() - timedelta(minutes=1)
    Asset.everything.exclude(removed=None).update(removed=removed)


def test_a_deleted_asset_is_gone_from_every_page(browser, asset, run):
    browser.post(f"/assets/{asset.pk}/delete")
    assert "matchday.mp4" not in browser.get("/library").content.decode().split("deleted.")[-1]
    assert browser.get(f"/assets/{asset.pk}").status_code == 404
    assert browser.get(f"/assets/{asset.pk}/status").status_code == 404
    assert browser.get(f"/runs/{run.pk}/status").status_code == 404


def test_undo_brings_it_back_with_all_that_hangs_on_it(browser, stored, run):
    page = browser.post("/library/delete", {"asset": stored.pk}, follow=True).content.decode()
    assert "matchday.mp4 deleted." in page
    undo = f"/library/restore?asset={stored.pk}"
    assert f'action="{undo}"' in page
    assert purge_removed_assets() == 0  # too early
    browser.post(undo)
    later()
    assert purge_removed_assets() == 0
    assert Asset.objects.get() == stored
    assert Run.objects.get() == run
    assert default_storage.exists(stored.file)
    assert [e.what for e in Event.objects.order_by("-pk")[:2]] == ["restored", "deleted"]


def test_after_a_while_rows_and_files_are_gone(
    browser, stored, run, django_capture_on_commit_callbacks
):
    browser.post("/library/delete", {"asset": stored.pk})
    later()
    with django_capture_on_commit_callbacks(execute=True):
        assert purge_removed_assets() == 1
    assert not Asset.everything.exists()
    for what in (Run, Segment, SegmentResult):
        assert not what.objects.exists()
    assert not default_storage.exists(stored.file)
    assert not default_storage.exists("renditions/poster.jpg")


def test_undo_that_comes_too_late_says_so(browser, asset):
    browser.post("/library/delete", {"asset": asset.pk})
    later()
    purge_removed_assets()
    answer = browser.post(f"/library/restore?asset={asset.pk}", follow=True)
    assert "too late to undo" in answer.content.decode()


def test_bytes_that_another_workspace_has_too_stay(
    browser, stored, asset_in, other_workspace, django_capture_on_commit_callbacks
):
    twin = asset_in(other_workspace, "twin.mp4", file=stored.file)
    browser.post("/library/delete", {"asset": stored.pk})
    later()
    with django_capture_on_commit_callbacks(execute=True):
        purge_removed_assets()
    assert default_storage.exists(stored.file)
    with django_capture_on_commit_callbacks(execute=True):
        twin.erase()
    assert not default_storage.exists(stored.file)


def test_the_same_bytes_uploaded_again_bring_it_back(browser, stored, workspace, analyst):
    browser.post("/library/delete", {"asset": stored.pk})
    asset, is_new = Asset.objects.receive(
        workspace,
        name="again.mp4",
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        file=stored.file,
        by=analyst,
    )
    assert (asset, is_new) == (stored, False)
    later()
    assert purge_removed_assets() == 0
    assert Asset.objects.get() == stored


def test_several_are_deleted_and_restored_together(browser, workspace, asset_in):
    numbers = [asset_in(workspace, f"{i}.mp4").pk for i in range(3)]
    page = browser.post("/library/delete", {"asset": numbers}, follow=True).content.decode()
    assert "3 assets deleted." in page
    assert not Asset.objects.exists()
    browser.post("/library/restore?" + "&".join(f"asset={n}" for n in numbers))
    assert Asset.objects.count() == 3


def test_one_stranger_among_the_chosen_deletes_nothing(browser, asset, other_asset):
    answer = browser.post("/library/delete", {"asset": [asset.pk, other_asset.pk]})
    assert answer.status_code == 404
    assert Asset.objects.count() == 2


def test_a_stranger_restores_nothing(browser, client_for, stranger, other_workspace, asset):
    browser.post("/library/delete", {"asset": asset.pk})
    client_for(stranger).post(f"/library/restore?asset={asset.pk}")
    assert not Asset.objects.exists()


@pytest.mark.parametrize("number", ["x", "²", "-1", "9999999999999999999999"])
def test_nonsense_for_a_number_is_no_crash(browser, asset, number):
    assert browser.post(f"/library/restore?asset={number}").status_code == 302
    assert browser.post("/library/delete", {"asset": number}).status_code == 404
    chosen = {"asset": asset.pk, "project": number}
    assert browser.post("/library/analyse", chosen).status_code == 404


# --- what people label in it --------------------------------------------------------------------


def test_a_video_that_is_being_labelled_is_not_deleted(browser, clip_job, asset, key_for, analyst):
    from webapp.labelling.items import Item

    page = browser.post("/library/delete", {"asset": asset.pk}, follow=True).content.decode()
    assert "It is being labelled in “Clip”. Close that job first." in page
    browser.post(f"/assets/{asset.pk}/delete")
    assert Asset.objects.get() == asset
    answer = Caller(key_for(analyst)).delete(f"/assets/{asset.pk}/")
    assert answer.status_code == 409
    assert "being labelled in “Clip”" in answer.json()["detail"]
    assert Item.objects.get().asset == asset


def test_of_several_those_that_nobody_labels_are_deleted(
    browser, clip_job, asset, asset_in, workspace
):
    other = asset_in(workspace, "other.mp4")
    chosen = {"asset": [asset.pk, other.pk]}
    page = browser.post("/library/delete", chosen, follow=True).content.decode()
    assert "other.mp4 deleted." in page
    assert "matchday.mp4 cannot be deleted yet" in page
    assert Asset.objects.get() == asset


def test_what_was_drawn_stays_when_its_video_goes(browser, clip_job, asset, labeller, analyst):
    """Seen: every item cut from it went with it, with the work of all people."""
    from webapp.labelling.chores import Chore
    from webapp.labelling.items import Item
    from webapp.labelling.works import Work
    from webapp.leases import Status

    clip_job.assign(labeller, by=analyst)
    (work,) = clip_job.claim(labeller)
    clip_job.close(by=analyst)
    browser.post("/library/delete", {"asset": asset.pk})
    assert Asset.objects.exists(), "what was found is still being written down"
    Chore.objects.update(status=Status.DONE)
    browser.post("/library/delete", {"asset": asset.pk})
    later()
    purge_removed_assets()
    assert not Asset.everything.exists()
    assert Work.objects.get() == work
    item = Item.objects.get()
    assert item.is_clip
    assert str(item) == "a deleted video in Clip"
    assert browser.get(f"/labelling/jobs/{clip_job.pk}", follow=True).status_code == 200
    with pytest.raises(Refused, match="a video of it was deleted"):
        clip_job.reopen(by=analyst)


def test_a_job_begun_in_the_moment_of_the_deletion_keeps_its_video(clip_job, asset, analyst):
    Asset.objects.filter(pk=asset.pk).update(removed=timezone.now() - timedelta(minutes=1))
    assert purge_removed_assets() == 0
    assert not removal.is_due()
    clip_job.close(by=analyst)
    clip_job.chores.update(status="done")
    assert removal.is_due()
    assert removal.erase(60)
    assert not Asset.everything.exists()


def test_frames_in_a_dataset_still_say_which_video_they_are_of(asset, pictures):
    sample = pictures(1).samples.get()
    type(sample).objects.update(asset=asset, time_s=3.0)
    asset.erase()
    sample.refresh_from_db()
    assert sample.video_name == "matchday.mp4"


def test_what_is_being_erased_cannot_be_brought_back_by_half(stored, workspace, analyst):
    """The same bytes sent again while it is erased are another asset, that is prepared anew."""

    class Stopped(Exception):
        pass

    def stop() -> None:
        raise Stopped

    stored.remove(by=analyst)
    with pytest.raises(Stopped):
        stored.erase(stop)
    assert not stored.restore(by=analyst)
    sent = {"name": "again.mp4", "sha256": stored.sha256, "size_bytes": 1, "file": stored.file}
    again, is_new = Asset.objects.receive(workspace, **sent, by=analyst)
    assert is_new
    assert again.pk != stored.pk
    assert purge_removed_assets() == 1
    assert default_storage.exists(again.file)
    assert Asset.everything.get() == again
