"""Labelled sets come in and go out through the pages, and nobody else's."""

import base64
import io
import json
import zipfile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from webapp.assets import uploads
from webapp.assets.models import Asset, Upload
from webapp.datasets import importing
from webapp.datasets.dataset import Dataset
from webapp.datasets.transfers import Transfer
from webapp.leases import Status

pytestmark = pytest.mark.django_db
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}


@pytest.fixture
def dataset(project, analyst):
    return Dataset.objects.begin(project, "Boards", by=analyst)


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


def picture(width: int = 64, height: int = 48) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(data, "JPEG")
    return data.getvalue()


def archive(**files: bytes) -> SimpleUploadedFile:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return SimpleUploadedFile("set.zip", data.getvalue())


def post(browser, dataset, files, **values):
    values = {"format": "", "make_labels": "on", "files": files} | values
    return browser.post(reverse("dataset-import", args=[dataset.pk]), values)


def checked(dataset, analyst, **report):
    """An import that a worker has looked into."""
    file = default_storage.save("transfers/uploads/x", ContentFile(b"zip"))
    options = {"step": "check", "name": "set.zip", "format": "", "make_labels": True}
    row = Transfer.objects.request(dataset, "import", options=options, file=file, by=analyst)
    kinds = [
        {
            "code": "ERROR_INVALID_BOUNDING_BOX",
            "is_error": True,
            "count": 2,
            "examples": [
                {"where": "a.txt, line 1", "message": "A box of “<b>” lies outside the picture."},
                {"where": "a.txt, line 2", "message": "Another."},
            ],
        }
    ]
    counts = {"pictures": 3, "boxes": 4, "labels": 2, "empty": 1, "unlabelled": 0}
    known = {"step": "check", "title": "YOLO", "counts": counts, "kinds": kinds, "n_errors": 2}
    row.report = known | {"tally": {"new": 2, "replaced": 1}, "refusal": ""} | report
    row.status, row.finished, row.progress = Status.DONE, timezone.now(), 1
    row.save()
    return row


def exported(dataset, analyst, **fields):
    file = default_storage.save("transfers/1/x.zip", ContentFile(b"zip"))
    options = {"format": "yolo", "version": None, "pictures": True}
    row = Transfer.objects.request(dataset, "export", options=options, by=analyst)
    row.report = {"title": "YOLO", "size_bytes": 3, "counts": {}, "kinds": []}
    row.status, row.finished, row.file = Status.DONE, timezone.now(), file
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    return row


# --- in ---------------------------------------------------------------------------------------


def test_an_archive_is_kept_and_looked_into_first(browser, dataset):
    sent = archive(**{"labels/a.txt": b"0 0.5 0.5 1 1"})
    answer = post(browser, dataset, sent, format="yolo")
    row = dataset.transfers.get()
    assert answer.url == reverse("dataset-transfer", args=[row.pk])
    assert row.kind == "import"
    assert row.options == {
        "step": "check",
        "preview": True,
        "name": "set.zip",
        "format": "yolo",
        "make_labels": True,
        "unmentioned": "take",
    }
    with default_storage.open(row.file) as kept:
        assert zipfile.ZipFile(kept).namelist() == ["labels/a.txt"]
    page = browser.get(answer.url)
    assert b"Looking into set.zip" in page.content
    assert b"every 1s" in page.content


def test_a_manifest_and_its_pictures_become_one_archive(browser, dataset):
    files = [
        SimpleUploadedFile("output.manifest", b"{}\n"),
        SimpleUploadedFile("a.jpg", picture()),
        SimpleUploadedFile("..\\..\\b.jpg", picture()),
    ]
    post(browser, dataset, files)
    row = dataset.transfers.get()
    assert row.options["name"] == "output.manifest and 2 more"
    with default_storage.open(row.file) as kept:
        assert zipfile.ZipFile(kept).namelist() == ["output.manifest", "a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "Choose a file."),
        ([SimpleUploadedFile("a.zip", b"")], "This file is empty."),
        ([SimpleUploadedFile("a.jpg", b"1"), SimpleUploadedFile("a.jpg", b"2")], "chosen twice"),
    ],
)
def test_what_cannot_be_taken_is_said(browser, dataset, files, words):
    answer = post(browser, dataset, files)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not dataset.transfers.exists()


def test_too_much_at_once_is_said(browser, dataset, monkeypatch):
    monkeypatch.setattr(importing, "MAX_BYTES", 10)
    answer = post(browser, dataset, archive(a=b"1"))
    assert answer.status_code == 422
    assert "at once is too much" in answer.content.decode()


def test_a_full_disk_is_said(browser, dataset, settings):
    settings.MIN_FREE_BYTES = 10**18
    answer = post(browser, dataset, archive(a=b"1"))
    assert answer.status_code == 422
    assert "The disk is nearly full" in answer.content.decode()


# --- in, resumably ----------------------------------------------------------------------------


def zipped(**files: bytes) -> bytes:
    return archive(**files).read()


def begun(browser, data: bytes, name: str = "set.zip", purpose: str = "import") -> str:
    """The address of an upload for an import."""
    words = {"name": name, "purpose": purpose}
    said = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in words.items())
    answer = browser.post(
        "/uploads", HTTP_UPLOAD_LENGTH=str(len(data)), HTTP_UPLOAD_METADATA=said, **TUS
    )
    assert answer.status_code == 201, answer.content
    return answer.headers["Location"]


def sent(browser, url: str, data: bytes, offset: int = 0):
    return browser.patch(
        url,
        data,
        content_type="application/offset+octet-stream",
        HTTP_UPLOAD_OFFSET=str(offset),
        CONTENT_TYPE="application/offset+octet-stream",
        **TUS,
    )


def whole(browser, data: bytes, name: str = "set.zip") -> str:
    """The id of an upload that has arrived."""
    return sent(browser, begun(browser, data, name), data).headers["Sightline-Upload"]


@pytest.mark.django_db(transaction=True)  # bytes go when the row is gone for good
def test_an_archive_sent_in_parts_after_a_lost_connection_is_looked_into(browser, dataset):
    data = zipped(a=bytes(range(256)) * 40)
    url = begun(browser, data)
    assert "Sightline-Upload" not in sent(browser, url, data[:4000]).headers
    assert browser.head(url, **TUS).headers["Upload-Offset"] == "4000"
    upload = sent(browser, url, data[4000:], 4000).headers["Sightline-Upload"]
    assert sent(browser, url, b"", len(data)).headers["Sightline-Upload"] == upload
    answer = post(browser, dataset, [], uploads=upload)
    row = dataset.transfers.get()
    assert answer.url == reverse("dataset-transfer", args=[row.pk])
    assert (row.options["name"], row.options["step"]) == ("set.zip", "check")
    with default_storage.open(row.file) as kept:
        assert kept.read() == data
    assert not Upload.objects.exists()
    assert not Asset.everything.exists(), "it is nothing for the library"
    assert not list(uploads.settings.UPLOAD_DIR.iterdir())


@pytest.mark.django_db(transaction=True)  # bytes go when the row is gone for good
def test_a_manifest_and_pictures_sent_one_by_one_become_one_archive(browser, dataset):
    files = {"output.manifest": b"{}\n", "a.jpg": picture(), "b.jpg": picture()}
    ids = [whole(browser, data, name) for name, data in files.items()]
    post(browser, dataset, [], uploads=",".join(ids))
    row = dataset.transfers.get()
    assert row.options["name"] == "output.manifest and 2 more"
    with default_storage.open(row.file) as kept, zipfile.ZipFile(kept) as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == files
    assert not list(uploads.settings.UPLOAD_DIR.iterdir())


def test_asked_for_again_because_the_answer_was_lost_it_is_one_import(browser, dataset):
    upload = whole(browser, zipped(a=b"1"))
    first, second = (post(browser, dataset, [], uploads=upload) for _ in range(2))
    assert first.url == second.url
    assert dataset.transfers.count() == 1


def test_what_has_not_arrived_cannot_be_looked_into(browser, dataset):
    data = zipped(a=b"1" * 5000)
    url = begun(browser, data)
    sent(browser, url, data[:50])
    answer = post(browser, dataset, [], uploads=url.rpartition("/")[2])
    assert answer.status_code == 422
    assert "set.zip has not arrived as a whole" in answer.content.decode()
    assert Upload.objects.exists(), "what came is kept"
    page = browser.get(reverse("dataset-import", args=[dataset.pk])).content.decode()
    assert "Choose the same file again and it goes on from there" in page
    assert "set.zip" not in browser.get(reverse("library")).content.decode()


@pytest.mark.parametrize("word", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_upload_that_is_none_is_refused_in_words(browser, dataset, word):
    answer = post(browser, dataset, [], uploads=word)
    assert answer.status_code == 422
    assert "hoose the files again." in answer.content.decode()


def test_what_another_person_sent_is_not_mine(browser, client_for, owner, dataset):
    theirs = whole(client_for(owner), zipped(a=b"1"))
    assert post(browser, dataset, [], uploads=theirs).status_code == 422
    assert Upload.objects.filter(pk=theirs).exists()


def test_what_was_sent_for_the_library_is_no_import(browser, dataset):
    url = begun(browser, picture(), "a.jpg", "library")
    sent(browser, url, picture()[:100])
    assert post(browser, dataset, [], uploads=url.rpartition("/")[2]).status_code == 422


def test_an_archive_for_an_import_is_no_media_and_larger_than_any_is_refused(
    browser, dataset, monkeypatch
):
    data = zipped(a=b"1" * 20_000)
    assert sent(browser, begun(browser, data, purpose="library"), data).status_code == 415
    monkeypatch.setattr(uploads, "MAX_IMPORT_BYTES", 10)
    words = {"HTTP_UPLOAD_METADATA": f"purpose {base64.b64encode(b'import').decode()}"}
    answer = browser.post("/uploads", HTTP_UPLOAD_LENGTH="11", **words, **TUS)
    assert answer.status_code == 413
    words = {"HTTP_UPLOAD_METADATA": f"purpose {base64.b64encode(b'mischief').decode()}"}
    assert browser.post("/uploads", HTTP_UPLOAD_LENGTH="9", **words, **TUS).status_code == 400


def test_a_disk_too_full_to_pack_several_files_keeps_them_for_later(browser, dataset, settings):
    ids = [whole(browser, picture(), f"{n}.jpg") for n in range(2)]
    settings.MIN_FREE_BYTES = 10**18
    answer = post(browser, dataset, [], uploads=",".join(ids))
    assert answer.status_code == 422
    assert "The disk is nearly full" in answer.content.decode()
    settings.MIN_FREE_BYTES = 0
    assert post(browser, dataset, [], uploads=",".join(ids)).status_code == 302
    assert dataset.transfers.count() == 1


def test_an_upload_that_is_here_is_offered_and_can_be_discarded(browser, dataset):
    upload = whole(browser, zipped(a=b"1"))
    where = reverse("dataset-import", args=[dataset.pk])
    page = browser.get(where).content.decode()
    assert f'name="uploads" value="{upload}"' in page
    browser.post(reverse("upload-discard", args=[upload]))
    assert upload not in browser.get(where).content.decode()


def test_the_report_shows_what_would_come_and_what_is_wrong(browser, dataset, analyst):
    row = checked(dataset, analyst, new_labels=["Osprey"])
    page = browser.get(reverse("dataset-transfer", args=[row.pk])).content.decode()
    for words in ("YOLO: ready to import", "Import 3 pictures", "Osprey", "a.txt, line 1"):
        assert words in page
    assert "“&lt;b&gt;” lies outside" in page
    assert "every 1s" not in page


def test_it_comes_in_when_a_person_says_so_and_only_once(browser, dataset, analyst):
    row = checked(dataset, analyst)
    begin = reverse("transfer-begin", args=[row.pk])
    first, second = browser.post(begin), browser.post(begin)
    assert first.url == second.url
    came = dataset.transfers.exclude(pk=row.pk).get()
    assert (came.kind, came.file, came.options["step"]) == ("import", row.file, "import")


def test_pictures_that_nothing_is_said_of_are_listed_and_chosen_when_seen(
    browser, dataset, analyst
):
    row = checked(dataset, analyst, n_unmentioned=2, unmentioned=["x/b.png", "x/c.png"])
    page = browser.get(reverse("dataset-transfer", args=[row.pk])).content.decode()
    assert "<li>x/b.png</li><li>x/c.png</li>" in page
    begin = reverse("transfer-begin", args=[row.pk])
    said = browser.post(begin, {"unmentioned": "eat"}, follow=True).content.decode()
    assert "Pictures that nothing is said of: take or leave." in said
    assert dataset.transfers.count() == 1
    browser.post(begin, {"unmentioned": "leave"})
    assert dataset.transfers.exclude(pk=row.pk).get().options["unmentioned"] == "leave"


def test_what_was_refused_does_not_come_in(browser, dataset, analyst):
    row = checked(dataset, analyst, refusal="25 % of the lines are bad.")
    page = browser.get(reverse("dataset-transfer", args=[row.pk])).content.decode()
    assert "This cannot be imported" in page
    assert "25 % of the lines are bad." in page
    browser.post(reverse("transfer-begin", args=[row.pk]))
    assert dataset.transfers.count() == 1


def test_a_failure_says_why_and_offers_another_try(browser, dataset, analyst):
    row = checked(dataset, analyst)
    row.status, row.error = Status.FAILED, "“../a” leads out of it."
    row.save()
    page = browser.get(reverse("dataset-transfer", args=[row.pk])).content.decode()
    assert "“../a” leads out of it." in page
    assert "Retry" in page


# --- out --------------------------------------------------------------------------------------


def test_an_export_is_asked_for_in_a_format(browser, dataset):
    where = reverse("dataset-export", args=[dataset.pk])
    answer = browser.post(where, {"format": "coco", "version": "", "pictures": "on"})
    row = dataset.transfers.get()
    assert answer.url == reverse("dataset-transfer", args=[row.pk])
    assert row.options == {"format": "coco", "version": None, "pictures": True}


@pytest.mark.parametrize("values", [{"format": "xls"}, {"format": "coco", "version": "7"}, {}])
def test_an_export_of_nothing_we_know_is_refused(browser, dataset, values):
    answer = browser.post(reverse("dataset-export", args=[dataset.pk]), values)
    assert answer.status_code == 422
    assert not dataset.transfers.exists()


def test_an_export_can_be_downloaded_until_it_expires(browser, dataset, analyst):
    row = exported(dataset, analyst)
    link = reverse("transfer-file", args=[row.pk])
    answer = browser.get(link, follow=True)
    assert b"".join(answer.streaming_content) == b"zip"
    assert "Harbour-Cup-Boards-yolo.zip" in answer["Content-Disposition"]
    row.finished = timezone.now() - Transfer.FILE_KEPT
    row.save()
    assert browser.get(link).status_code == 404
    page = browser.get(reverse("dataset-transfer", args=[row.pk])).content.decode()
    assert "The file was deleted. Export again" in page


def test_what_was_uploaded_for_an_import_cannot_be_downloaded(browser, dataset, analyst):
    row = checked(dataset, analyst)
    assert browser.get(reverse("transfer-file", args=[row.pk])).status_code == 404


def test_the_pages_open_with_nothing_and_with_something_before(browser, dataset, analyst):
    for name in ("dataset-import", "dataset-export"):
        page = browser.get(reverse(name, args=[dataset.pk]))
        assert b"Nothing was" in page.content
        assert b'class="error"' not in page.content
        assert page.context["form"]["pictures" if "export" in name else "make_labels"].value()
    checked(dataset, analyst)
    exported(dataset, analyst)
    assert b"looked into" in browser.get(reverse("dataset-import", args=[dataset.pk])).content
    assert b"Download" in browser.get(reverse("dataset-export", args=[dataset.pk])).content


def test_files_are_deleted_after_a_week_and_reports_stay(dataset, analyst):
    week_ago = timezone.now() - Transfer.FILE_KEPT
    old, young = exported(dataset, analyst, finished=week_ago), checked(dataset, analyst)
    assert Transfer.objects.forget_old_files() == 1
    assert not default_storage.exists(old.file)
    assert default_storage.exists(young.file)
    old.refresh_from_db()
    assert (old.file, old.report["title"]) == ("", "YOLO")


def test_a_file_that_another_import_still_needs_is_not_deleted(dataset, analyst):
    row = checked(dataset, analyst)
    twin = Transfer.objects.request(dataset, "import", options={}, file=row.file, by=analyst)
    Transfer.objects.filter(pk=row.pk).update(finished=timezone.now() - Transfer.FILE_KEPT)
    Transfer.objects.forget_old_files()
    assert default_storage.exists(twin.file)


# --- who --------------------------------------------------------------------------------------


def test_a_stranger_finds_none_of_it(client_for, stranger, other_workspace, dataset, analyst):
    browser = client_for(stranger)
    came, left = checked(dataset, analyst), exported(dataset, analyst)
    for address in (
        reverse("dataset-import", args=[dataset.pk]),
        reverse("dataset-export", args=[dataset.pk]),
        reverse("dataset-transfer", args=[came.pk]),
        reverse("dataset-transfer", args=[left.pk]),
        reverse("transfer-file", args=[left.pk]),
    ):
        assert browser.get(address).status_code == 404, address
    assert browser.post(reverse("transfer-begin", args=[came.pk])).status_code == 404
    assert post(browser, dataset, archive(a=b"1")).status_code == 404
    where = reverse("dataset-export", args=[dataset.pk])
    assert browser.post(where, {"format": "coco"}).status_code == 404
    assert dataset.transfers.count() == 2


def test_a_viewer_may_download_and_change_nothing(client_for, viewer, dataset, analyst):
    browser = client_for(viewer)
    came, left = checked(dataset, analyst), exported(dataset, analyst)
    assert browser.get(reverse("transfer-file", args=[left.pk])).status_code == 302
    assert browser.get(reverse("dataset-transfer", args=[came.pk])).status_code == 200
    assert browser.get(reverse("dataset-import", args=[dataset.pk])).status_code == 403
    assert browser.post(reverse("transfer-begin", args=[came.pk])).status_code == 403
    where = reverse("dataset-export", args=[dataset.pk])
    assert browser.post(where, {"format": "coco"}).status_code == 403
    assert dataset.transfers.count() == 2


def test_a_labeller_sees_no_import_or_export(client_for, labeller, dataset, analyst):
    browser = client_for(labeller)
    row = exported(dataset, analyst)
    for name, pk in (("dataset-export", dataset.pk), ("transfer-file", row.pk)):
        assert browser.get(reverse(name, args=[pk])).status_code in (403, 404)


def test_the_report_is_json_that_pages_can_show(dataset, analyst):
    row = checked(dataset, analyst)
    assert json.loads(json.dumps(row.report)) == row.report
