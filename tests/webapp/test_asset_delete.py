"""Deleting: out of sight at once, back by Undo, gone for good a little later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from webapp.accounts.models import Event
from webapp.assets.models import Asset, Rendition, purge_removed_assets
from webapp.runs.models import Run, Segment, SegmentResult

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
