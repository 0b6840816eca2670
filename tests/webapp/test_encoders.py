"""By what pictures are compared is a workspace's choice; what is there already follows when nothing
else is to do."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.encoded import LOGOS, a_worker_that_encodes, encoded
from tests.spoken import SOUND
from tests.trained import model_version
from webapp.assets.models import Upload
from webapp.indexing.indexing import Indexing
from webapp.indexing.missing import LAST_OF_ALL, request_missing
from webapp.indexing.uploaded import index_uploaded
from webapp.leases import Status
from webapp.registry.exports import ModelExport

pytestmark = pytest.mark.django_db
ABLE = LOGOS | {"model:": "models of the registry"}


def asked() -> list[tuple[str, str, str]]:
    rows = Indexing.objects.order_by("pk").values_list("asset__name", "step", "options__encoder")
    return list(rows)


def test_an_administrator_chooses_among_what_there_is(workspace, owner, analyst, client_for):
    a_worker_that_encodes(ABLE)
    version = model_version(workspace)
    browser, url = client_for(owner), reverse("indexing-settings")
    assert f"What {version} sees" not in browser.get(url).content.decode()
    made = ModelExport.objects.create(version=version, format="onnx", status=Status.DONE)
    made.file = "exports/one.onnx"
    made.save()
    assert f"What {version} sees" in browser.get(url).content.decode()
    browser.post(url, {"encoder": f"model:{version.pk}", "uploads": "on"})
    workspace.refresh_from_db()
    assert workspace.picture_encoder == f"model:{version.pk}"
    answer = browser.post(url, {"encoder": "model:99999", "uploads": "on"}, follow=True)
    assert "There is no such model version in this workspace" in answer.content.decode()
    workspace.refresh_from_db()
    assert workspace.picture_encoder == f"model:{version.pk}"
    assert client_for(analyst).post(url, {"encoder": "logos"}).status_code in (403, 404)


def test_a_model_of_another_workspace_is_not_there(asset, other_workspace, workspace):
    a_worker_that_encodes(ABLE)
    from webapp.indexing.encoders import why_not_pictures

    theirs = model_version(other_workspace)
    assert why_not_pictures(f"model:{theirs.pk}", workspace).startswith("There is no such")
    mine = model_version(workspace)
    assert why_not_pictures(f"model:{mine.pk}", workspace).endswith(
        "Export it to ONNX on its page first."
    )


def test_what_is_uploaded_is_encoded_unless_it_is_analysed_anyhow(
    workspace, asset_in, project, owner, settings
):
    settings.INDEX_UPLOADS = True
    a_worker_that_encodes()
    alone, looked_at = asset_in(workspace, "a.mp4", probe=SOUND), asset_in(workspace, "b.mp4")
    Upload.objects.create(
        workspace=workspace, user=owner, name="b", size_bytes=1, asset=looked_at, project=project
    )
    index_uploaded(alone)
    index_uploaded(looked_at)
    assert asked() == [("a.mp4", "pictures", "logos"), ("a.mp4", "sound", "")]


def test_a_library_from_before_is_encoded_last_of_all_and_once(workspace, asset_in, owner):
    assert request_missing() == 0, "no worker can"
    a_worker_that_encodes()
    known = encoded(asset_in(workspace, "known.mp4"), (1, 2))
    sound = asset_in(workspace, "talk.mp3", kind="audio", probe=SOUND)
    for n in range(6):
        asset_in(workspace, f"{n}.mp4")
    Indexing.objects.filter(asset=known).update(options={"encoder": "logos"})
    assert request_missing() == 4, "a few at once"
    waiting = Indexing.objects.filter(status=Status.WAITING)
    assert set(waiting.values_list("priority", flat=True)) == {LAST_OF_ALL}
    assert request_missing() == 0, "until they are done"
    waiting.update(status=Status.FAILED)
    assert request_missing() == 3
    Indexing.objects.filter(status=Status.WAITING).update(status=Status.DONE)
    assert request_missing() == 0, "also what failed is not asked for again"
    assert ("talk.mp3", "sound", "") in asked()
    assert ("talk.mp3", "pictures", "logos") not in asked()
    assert sound.indexings.count() == 1
    assert known.indexings.count() == 1
    workspace.encode_pictures_with("published:ViT", by=owner)
    a_worker_that_encodes(LOGOS | {"published:ViT": "ViT"})
    assert request_missing() == 4, "with the new encoder, while the old one answers"
    workspace.index_uploads(False, by=owner)
    Indexing.objects.filter(status=Status.WAITING).update(status=Status.DONE)
    assert request_missing() == 0


def test_the_api_asks_for_an_encoder_and_says_what_it_is_not(asset, analyst, client_for):
    a_worker_that_encodes()
    browser = client_for(analyst)

    def ask(**options):
        wish = {"asset": asset.pk, "step": "pictures", "options": options}
        return browser.post("/api/v1/indexings/", wish, "application/json")

    refused = ask(encoder="published:ViT")
    assert refused.status_code == 422
    assert "No worker here has the encoder published:ViT" in refused.json()["detail"]
    assert ask(language="en").status_code == 400, "an option of another step"
    made = ask()
    assert (made.status_code, made.json()["options"]) == (202, {"encoder": "logos"})
    answer = browser.get(f"/api/v1/indexings/{made.json()['id']}/file/")
    assert "numbers" in answer.json()["detail"]
    page = browser.get(reverse("indexing-status", args=[made.json()["id"]])).content.decode()
    assert "How encoding pictures stands" in page


def test_the_page_of_an_asset_says_by_what_it_is_compared(asset, analyst, viewer, client_for):
    a_worker_that_encodes()
    browser, url = client_for(analyst), reverse("asset", args=[asset.pk])
    page = browser.get(url).content.decode()
    assert "Not encoded yet, so it is not found by pictures." in page
    assert "not found by sounds" not in page, "it has no sound"
    encoded(asset, (1, 3))
    page = browser.get(url).content.decode()
    assert "3 frames, encoded by" in page
    assert "Encode again" in page
    assert "Encode again" not in client_for(viewer).get(url).content.decode()
    browser.post(reverse("asset-index", args=[asset.pk]), {"step": "pictures"})
    page = browser.get(url).content.decode()
    assert "How encoding pictures stands" in page
    done = Indexing.objects.get(version=1)
    answer = browser.post(reverse("indexing-delete", args=[done.pk]), follow=True)
    assert "Version 1 of the encoded pictures deleted." in answer.content.decode()
