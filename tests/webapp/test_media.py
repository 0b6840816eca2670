"""Media by signed link: whole, in part, cached, and never run by the browser."""

from __future__ import annotations

import time

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from webapp.assets.links import media_link

pytestmark = pytest.mark.django_db

DATA = bytes(range(256)) * 1000


@pytest.fixture
def link():
    return media_link(default_storage.save("originals/ab/film.mp4", ContentFile(DATA)))


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


def test_the_link_alone_opens_the_file(client, link):
    answer = client.get(link)
    assert (answer.status_code, body(answer)) == (200, DATA)
    assert answer.headers["Content-Length"] == str(len(DATA))
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer.headers["Cache-Control"]
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=1000-1999", 1000, 1999),
        ("bytes=255000-", 255000, 255999),
        ("bytes=-500", 255500, 255999),
        ("bytes=255990-999999999", 255990, 255999),
        ("bytes=-99999999", 0, 255999),
    ],
)
def test_a_range_is_exactly_the_bytes_asked_for(client, link, asked, first, last):
    answer = client.get(link, HTTP_RANGE=asked)
    assert answer.status_code == 206
    assert body(answer) == DATA[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(DATA)}"
    assert answer.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("asked", ["bytes=256000-", "bytes=300000-400000", "bytes=-0"])
def test_a_range_outside_the_file_is_416(client, link, asked):
    answer = client.get(link, HTTP_RANGE=asked)
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */256000")


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "bytes=a-b", "chapters=1-2", "bytes=0-1,5-6", "bytes 0-5"]
)
def test_what_is_no_single_range_gets_the_whole(client, link, asked):
    answer = client.get(link, HTTP_RANGE=asked)
    assert (answer.status_code, len(body(answer))) == (200, len(DATA))


def test_head_says_all_but_sends_nothing(client, link):
    answer = client.head(link, HTTP_RANGE="bytes=10-19")
    assert (answer.status_code, answer.headers["Content-Length"]) == (206, "10")
    assert answer.content == b""


def test_a_part_is_only_sent_for_the_same_file(client, link):
    whole = client.get(link)
    etag, modified = whole.headers["ETag"], whole.headers["Last-Modified"]
    for same in (etag, modified):
        assert client.get(link, HTTP_RANGE="bytes=0-9", HTTP_IF_RANGE=same).status_code == 206
    for other in ('"other"', "Thu, 01 Jan 1970 00:00:00 GMT", "nonsense"):
        assert client.get(link, HTTP_RANGE="bytes=0-9", HTTP_IF_RANGE=other).status_code == 200


def test_the_browser_need_not_fetch_twice(client, link):
    etag = client.get(link).headers["ETag"]
    assert client.get(link, HTTP_IF_NONE_MATCH=etag).status_code == 304


def test_a_page_loaded_again_has_the_same_link(link):
    assert media_link("originals/ab/film.mp4") == link


def test_a_forged_link_is_refused_in_words(client, link):
    for forged in (link[:-1] + ("A" if link[-1] != "A" else "B"), "/media/x", "/media/a:b:c"):
        answer = client.get(forged)
        assert answer.status_code == 403
        assert "This link is no longer good" in answer.content.decode()


def test_a_link_expires(client, link, settings):
    settings.MEDIA_LINK_SECONDS = 1
    time.sleep(1.1)
    assert client.get(link).status_code == 403


def test_a_file_that_is_gone_is_404(client, link):
    default_storage.delete("originals/ab/film.mp4")
    assert client.get(link).status_code == 404


def test_a_signed_name_cannot_leave_the_storage(client):
    assert client.get(media_link("../../etc/passwd")).status_code == 404


@pytest.mark.parametrize("name", ["x.svg", "x.html", "x.xml", "x.js", "x", "x.pdf"])
def test_what_a_browser_could_run_is_a_download(client, name):
    stored = default_storage.save(name, ContentFile(b"<svg onload='alert(1)'/>"))
    answer = client.get(media_link(stored))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_download_is_named_as_asked(client, link):
    named = media_link("originals/ab/film.mp4", download_as='Ödland & "Söhne".mp4')
    disposition = client.get(named).headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename*=utf-8''%C3%96dland")
    assert client.get(link).headers["Content-Disposition"].startswith("inline")


def test_a_name_cannot_add_a_header(client):
    default_storage.save("film.mp4", ContentFile(DATA))
    named = media_link("film.mp4", download_as="a\r\nSet-Cookie: x=1")
    assert "Set-Cookie" not in client.get(named).headers


def test_nothing_is_written_by_post(client, link):
    assert client.post(link).status_code == 405
