"""Uploads by tus: resumable whatever happens in between, and refused in words."""

from __future__ import annotations

import base64
import hashlib
import io
import resource
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from webapp.assets import uploads
from webapp.assets.models import Asset, Collection, Upload
from webapp.projects.models import Project
from workers.media.ingest import ingest

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 200
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


def metadata(**words: object) -> str:
    return ",".join(f"{k} {base64.b64encode(str(v).encode()).decode()}" for k, v in words.items())


def begin(browser, data: bytes = PNG, name: str = "match.png", **words):
    return browser.post(
        "/uploads",
        HTTP_UPLOAD_LENGTH=str(len(data)),
        HTTP_UPLOAD_METADATA=metadata(name=name, **words),
        **TUS,
    )


def send(browser, url: str, data: bytes, offset: int, **extra):
    return browser.patch(
        url,
        data,
        content_type="application/offset+octet-stream",
        HTTP_UPLOAD_OFFSET=str(offset),
        **{**TUS, "CONTENT_TYPE": "application/offset+octet-stream", **extra},
    )


def upload_whole(browser, data: bytes = PNG, name: str = "match.png", **words):
    url = begin(browser, data, name, **words).headers["Location"]
    return send(browser, url, data, 0)


def the_upload() -> Upload:
    return Upload.objects.get()


# --- the way in -----------------------------------------------------------------------------


def test_a_file_sent_in_parts_is_stored_by_its_bytes(browser, analyst, workspace):
    url = begin(browser, name="Match 12.PNG").headers["Location"]
    assert send(browser, url, PNG[:20000], 0).headers["Upload-Offset"] == "20000"
    answer = send(browser, url, PNG[20000:], 20000)
    assert answer.status_code == 204
    asset = Asset.objects.get(pk=answer.headers["Sightline-Asset"])
    sha256 = hashlib.sha256(PNG).hexdigest()
    assert answer.headers["Sightline-Arriving"] == "0.000"
    ingest(asset.pk)  # as a worker does; to the probe it is no picture
    asset.refresh_from_db()
    assert asset.file == f"originals/{sha256[:2]}/{sha256}.png"
    assert default_storage.open(asset.file).read() == PNG
    assert "Sightline-Arriving" not in browser.head(url, **TUS).headers
    assert (asset.name, asset.sha256, asset.size_bytes) == ("Match 12.PNG", sha256, len(PNG))
    assert (asset.workspace, asset.created_by) == (workspace, analyst)
    assert not list(uploads.settings.UPLOAD_DIR.iterdir())


def test_what_arrives_is_in_the_library_and_the_api_at_once(browser):
    url = begin(browser, name="Match 12.png").headers["Location"]
    pk = send(browser, url, PNG, 0).headers["Sightline-Asset"]
    page = browser.get("/library").content.decode()
    assert "Match 12.png" in page
    assert "Arriving" in page
    told = browser.get(f"/api/v1/assets/{pk}/").json()
    assert (told["status"], told["original"]) == ("waiting", None)
    assert browser.get(f"/assets/{pk}").status_code == 200


def test_deleting_what_arrives_leaves_nothing(browser, django_capture_on_commit_callbacks):
    upload_whole(browser)
    asset = Asset.objects.get()
    assert asset.remove(by=None)
    ingest(asset.pk)  # the worker does not take it up
    with django_capture_on_commit_callbacks(execute=True):
        asset.erase()
    assert not Upload.objects.exists()
    assert not list(uploads.settings.UPLOAD_DIR.iterdir())


def test_ending_the_upload_of_what_arrives_keeps_its_bytes(browser):
    url = begin(browser).headers["Location"]
    send(browser, url, PNG, 0)
    assert browser.delete(url, **TUS).status_code == 204
    ingest(Asset.objects.get().pk)
    assert default_storage.open(Asset.objects.get().file).read() == PNG


def test_the_same_bytes_twice_are_one_asset_and_said_so(browser):
    first = upload_whole(browser)
    second = upload_whole(browser, name="again.png")
    assert second.headers["Sightline-Asset"] == first.headers["Sightline-Asset"]
    assert (first.headers["Sightline-Duplicate"], second.headers["Sightline-Duplicate"]) == (
        "0",
        "1",
    )
    assert Asset.objects.get().name == "match.png"


def test_the_same_bytes_in_two_workspaces_are_two_assets_of_one_file(
    browser, client_for, stranger, other_workspace
):
    upload_whole(browser)
    upload_whole(client_for(stranger))
    assert Asset.objects.count() == 2
    for asset in Asset.objects.all():
        ingest(asset.pk)
    assert len({asset.file for asset in Asset.objects.all()}) == 1


def test_an_upload_goes_into_its_collection(browser, workspace):
    collection = Collection.objects.create(workspace=workspace, name="Cup")
    upload_whole(browser, collection=collection.pk)
    assert Asset.objects.get().collection == collection


def test_a_collection_of_another_workspace_does_not_exist(browser, other_workspace):
    theirs = Collection.objects.create(workspace=other_workspace, name="Theirs")
    assert begin(browser, collection=theirs.pk).status_code == 404


def test_a_project_of_another_workspace_takes_no_upload(browser, project, other_workspace):
    Project.objects.filter(pk=project.pk).update(workspace=other_workspace)
    assert begin(browser, project=project.pk).status_code == 404
    assert begin(browser, project="x").status_code == 400
    assert not Upload.objects.exists()


def test_a_form_of_a_project_leads_back_to_it(browser, project):
    file = SimpleUploadedFile("match.png", PNG, "image/png")
    answer = browser.post("/uploads", {"file": file, "project": project.pk})
    assert answer.url == f"/projects/{project.pk}"
    assert the_upload().project == project
    page = browser.get(answer.url).content.decode()
    assert "match.png" in page  # until it is analysed it waits in the project's list
    assert "no worker serves uploads" in page


def test_head_says_where_to_go_on(browser):
    url = begin(browser).headers["Location"]
    send(browser, url, PNG[:12345], 0)
    answer = browser.head(url, **TUS)
    assert answer.headers["Upload-Offset"] == "12345"
    assert answer.headers["Upload-Length"] == str(len(PNG))
    assert answer.headers["Cache-Control"] == "no-store"


def test_options_say_what_is_spoken(client):
    answer = client.options("/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == "creation,termination"


def test_another_protocol_version_is_refused(browser):
    answer = browser.post("/uploads", HTTP_TUS_RESUMABLE="0.2.2", HTTP_UPLOAD_LENGTH="5")
    assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")


# --- what goes wrong on the way ------------------------------------------------------------


def test_bytes_that_do_not_follow_on_are_refused_with_the_right_offset(browser):
    url = begin(browser).headers["Location"]
    send(browser, url, PNG[:10000], 0)
    answer = send(browser, url, PNG[20000:], 20000)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "10000")
    assert send(browser, url, PNG[:10000], 0).status_code == 409  # a repeat harms nothing
    assert send(browser, url, PNG[10000:], 10000).headers["Sightline-Asset"]


def test_bytes_written_before_a_crash_but_not_recorded_are_sent_again(browser):
    url = begin(browser).headers["Location"]
    send(browser, url, PNG[:10000], 0)
    with uploads.path_of(the_upload()).open("ab") as file:
        file.write(b"half a block that nobody vouched for")
    assert browser.head(url, **TUS).headers["Upload-Offset"] == "10000"
    assert send(browser, url, PNG[10000:], 10000).headers["Sightline-Asset"]
    assert Asset.objects.get().sha256 == hashlib.sha256(PNG).hexdigest()


def test_bytes_recorded_but_lost_with_the_disk_are_sent_again(browser):
    url = begin(browser).headers["Location"]
    send(browser, url, PNG[:10000], 0)
    with uploads.path_of(the_upload()).open("r+b") as file:
        file.truncate(4000)
    assert browser.head(url, **TUS).headers["Upload-Offset"] == "4000"
    assert send(browser, url, PNG[4000:], 4000).headers["Sightline-Asset"]
    ingest(Asset.objects.get().pk)
    assert Asset.objects.get().sha256 == hashlib.sha256(PNG).hexdigest()


def test_a_server_that_was_started_again_in_between_stores_the_same(browser):
    url = begin(browser).headers["Location"]
    send(browser, url, PNG[:10000], 0)
    uploads._hashes.clear()  # what lived in the process is gone
    send(browser, url, PNG[10000:20000], 10000)
    assert send(browser, url, PNG[20000:], 20000).headers["Sightline-Asset"]
    assert Asset.objects.get().sha256 == ""  # not known before a worker has read it
    ingest(Asset.objects.get().pk)
    assert Asset.objects.get().sha256 == hashlib.sha256(PNG).hexdigest()


def test_a_connection_that_breaks_loses_nothing_that_came(browser, analyst, workspace):
    class Broken(io.BytesIO):
        """A body whose sender vanishes."""

        def read(self, n: int | None = -1) -> bytes:
            part = super().read(n)
            if not part:
                raise OSError("connection reset")
            return part

    url = begin(browser).headers["Location"]
    send(
        browser,
        url,
        b"",
        0,
        CONTENT_LENGTH=str(len(PNG)),
        **{"wsgi.input": Broken(PNG[:15000])},
    )
    assert browser.head(url, **TUS).headers["Upload-Offset"] == "15000"
    assert send(browser, url, PNG[15000:], 15000).headers["Sightline-Asset"]


def test_a_crash_before_the_answer_is_finished_by_whoever_asks_how_far_it_is(browser):
    url = begin(browser).headers["Location"]
    uploads.append(the_upload(), 0, PNG)  # everything came, and then the power went
    answer = browser.head(url, **TUS)
    assert answer.headers["Upload-Offset"] == str(len(PNG))
    assert answer.headers["Sightline-Asset"] == str(Asset.objects.get().pk)
    assert send(browser, url, b"", len(PNG)).headers["Sightline-Asset"]  # and asked again
    assert Asset.objects.count() == 1


def test_a_crash_before_the_answer_is_finished_by_the_sweep_where_nobody_asks(browser):
    begin(browser)
    uploads.append(the_upload(), 0, PNG)
    uploads.finish_the_whole()
    assert not Asset.objects.exists()  # its end may come at any moment
    Upload.objects.update(touched=timezone.now() - timedelta(minutes=1))
    uploads.finish_the_whole()
    assert Asset.objects.get() == the_upload().asset


def test_the_sweep_leaves_what_is_on_the_way_and_what_is_refused(browser):
    begin(browser, b"words, words", "clip.mp4")
    Upload.objects.update(received_bytes=12)
    uploads.path_of(the_upload()).write_bytes(b"words, words")
    begin(browser)
    uploads.append(Upload.objects.get(name="match.png"), 0, PNG[:9000])
    Upload.objects.update(touched=timezone.now() - timedelta(minutes=1))
    uploads.finish_the_whole()
    assert not Asset.objects.exists()
    assert "is text" in Upload.objects.get(name="clip.mp4").error


def test_more_bytes_than_announced_are_refused(browser):
    url = begin(browser).headers["Location"]
    answer = send(browser, url, PNG + b"more", 0)
    assert answer.status_code == 413
    assert the_upload().received_bytes == 0


def test_a_cancelled_upload_leaves_nothing(browser, django_capture_on_commit_callbacks):
    url = begin(browser).headers["Location"]
    send(browser, url, PNG[:100], 0)
    with django_capture_on_commit_callbacks(execute=True):
        assert browser.delete(url, **TUS).status_code == 204
    assert browser.head(url, **TUS).status_code == 404
    assert not list(uploads.settings.UPLOAD_DIR.iterdir())


# --- room -----------------------------------------------------------------------------------


def test_a_file_that_does_not_fit_is_refused_before_it_is_sent(browser, settings):
    settings.MIN_FREE_BYTES = 10**18
    answer = begin(browser)
    assert answer.status_code == 507
    assert "The disk is nearly full" in answer.json()["detail"]
    assert not Upload.objects.exists()


def test_a_disk_that_fills_up_keeps_what_came_and_goes_on_later(browser):
    url = begin(browser).headers["Location"]
    send(browser, url, PNG[:20000], 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30000, hard))  # writes fail as on a full disk
    try:
        answer = send(browser, url, PNG[20000:], 20000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.status_code == 507
    assert "are kept" in answer.json()["detail"]
    assert browser.head(url, **TUS).headers["Upload-Offset"] == "20000"
    assert send(browser, url, PNG[20000:], 20000).headers["Sightline-Asset"]


def test_a_file_over_the_limit_is_refused(browser, settings):
    settings.MAX_UPLOAD_BYTES = 1000
    answer = begin(browser)
    assert answer.status_code == 413
    assert "the largest this server takes is 1.0\u202fkB" in answer.json()["detail"]


# --- content --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("notes.mp4", b"not a film at all\n" * 600, "is text"),
        ("page.MP4", b"<!doctype html><script>alert(1)</script>", "is text"),
        ("contract.mov", b"%PDF-1.7\n" + bytes(300), "but a PDF file"),
        ("films.mkv", b"PK\x03\x04" + bytes(300), "but a ZIP file"),
        ("logo.png", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "(SVG)"),
        ("list.ts", b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n", "is text"),
    ],
)
def test_what_cannot_be_media_is_refused_in_words(browser, name, data, sentence):
    url = begin(browser, data, name).headers["Location"]
    answer = send(browser, url, data, 0)
    assert answer.status_code == 415
    assert sentence in answer.json()["detail"]
    assert answer.json()["detail"].startswith(name)
    assert not Asset.objects.exists()
    assert browser.head(url, **TUS).status_code == 410
    assert not list(uploads.settings.UPLOAD_DIR.iterdir())


def test_text_in_many_small_parts_is_refused_at_the_end(browser):
    data = b"still only words, though they come by and by\n" * 40
    url = begin(browser, data, "clip.mp4").headers["Location"]
    for offset in range(0, len(data), 450):
        answer = send(browser, url, data[offset : offset + 450], offset)
    assert answer.status_code == 415


def test_an_empty_file_is_refused(browser):
    answer = begin(browser, b"", "clip.mp4")
    assert answer.status_code == 415
    assert answer.json()["detail"] == "clip.mp4 is empty."


@pytest.mark.parametrize(
    "head",
    [
        b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41",
        b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00#B\x86\x81\x01",
        b"G@\x00\x10\x00\x00\xb0\r\x00\x01\xc1\x00\x00" + b"\xff" * 180,  # MPEG-TS: no magic
        b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02\x01\x01\x02\x04\x00",  # MXF
        b"SIMPLE  =                    T / FITS".ljust(2880),
        b"ID3\x04\x00\x00\x00\x00\x00#TSSE",
        b"RIFF\x24\x08\x00\x00WAVEfmt ",
    ],
)
def test_what_may_be_media_is_left_to_the_probe(head):
    assert uploads.impossible("clip", head) == ""


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.mp4", "passwd.mp4"),
        ("C:\\films\\final cut.MOV", "final cut.MOV"),
        ("Ödland – Spiel 7 🏆.mp4", "Ödland – Spiel 7 🏆.mp4"),
        ("a\x00b\r\n.mp4", "ab.mp4"),
        ("", "untitled"),
        ("x" * 300 + ".mp4", "x" * 251 + ".mp4"),
    ],
)
def test_a_name_is_never_a_path(browser, given, kept):
    begin(browser, name=given)
    assert the_upload().name == kept


def test_a_strange_extension_does_not_reach_the_storage():
    sha = "a" * 64
    assert uploads.original_name(sha, "x.MP4") == f"originals/aa/{sha}.mp4"
    assert uploads.original_name(sha, "x.tar/../gz") == f"originals/aa/{sha}"
    assert uploads.original_name(sha, "x.m p4") == f"originals/aa/{sha}"


# --- without JavaScript ---------------------------------------------------------------------


def test_an_ordinary_form_works_too(browser):
    files = [SimpleUploadedFile("a.png", PNG), SimpleUploadedFile("b.mp4", b"just words")]
    page = browser.post("/uploads", {"file": files}, follow=True)
    assert Asset.objects.get().name == "a.png"
    assert "a.png is in your library." in page.content.decode()
    assert "b.mp4 is text" in page.content.decode()


def test_a_form_from_another_site_is_refused(analyst):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(analyst)
    answer = browser.post("/uploads", {"file": SimpleUploadedFile("a.png", PNG)})
    assert answer.status_code == 403
    assert begin(browser).status_code == 403
    assert not Asset.objects.exists()


# --- who ------------------------------------------------------------------------------------


def test_only_who_may_analyse_uploads(client_for, viewer, reviewer, labeller, client):
    for person in (viewer, reviewer, labeller):
        assert begin(client_for(person)).status_code == 403
    assert begin(client).status_code == 401


def test_an_upload_belongs_to_its_uploader(browser, client_for, owner, stranger, other_workspace):
    url = begin(browser).headers["Location"]
    for person in (owner, stranger):
        other = client_for(person)
        assert other.head(url, **TUS).status_code == 404
        assert send(other, url, PNG, 0).status_code == 404
        assert other.delete(url, **TUS).status_code == 404
    assert the_upload().received_bytes == 0


def test_a_key_uploads_if_it_may_write(client, analyst, key_for):
    reader = key_for(analyst, can_write=False)
    writer = key_for(analyst)
    headers = {"HTTP_UPLOAD_LENGTH": str(len(PNG)), "HTTP_UPLOAD_METADATA": metadata(name="k.png")}
    assert client.post("/uploads", **headers, **TUS, **reader).status_code == 403
    url = client.post("/uploads", **headers, **TUS, **writer).headers["Location"]
    assert send(client, url, PNG, 0, **reader).status_code == 404
    assert send(client, url, PNG, 0, **writer).headers["Sightline-Asset"]


# --- left behind ----------------------------------------------------------------------------


def test_abandoned_uploads_are_swept_after_a_week(
    browser, settings, django_capture_on_commit_callbacks
):
    begin(browser, name="old.png")
    old = the_upload()
    Upload.objects.update(touched=timezone.now() - timedelta(days=8))
    begin(browser, name="new.png")
    (settings.UPLOAD_DIR / "tmpx.upload.png").write_bytes(b"x")
    with django_capture_on_commit_callbacks(execute=True):
        assert uploads.sweep_abandoned_uploads() == 1
    assert the_upload().name == "new.png"
    assert not uploads.path_of(old).exists()
    assert uploads.path_of(the_upload()).exists()
