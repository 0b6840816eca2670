"""Uploads by a tus client that knows nothing of Sightline: over bad lines, to several servers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from django.core.files.storage import default_storage
from tusclient.client import TusClient
from tusclient.exceptions import TusUploadFailed
from tusclient.storage.filestorage import FileStorage

from tests.services.film import film
from tests.services.serving import Line, gather_static_files, serve
from webapp.accounts.models import Key, SignInTry, User, Workspace
from webapp.assets.models import Asset, Upload
from webapp.leases import Status

pytestmark = pytest.mark.services

PART = 2**16
PASSWORD = "correct horse battery"


@pytest.fixture
def owner(site) -> User:
    owner = User.objects.create_user("owner@example.org", PASSWORD)
    Workspace.found("Services", by=owner)
    return owner


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = film(tmp_path / "Match 12 – final.mp4", seconds=24)
    assert path.stat().st_size > 3 * PART
    return path


@pytest.fixture
def client_to(owner) -> Callable[[str], TusClient]:
    """client_to(url): tuspy, signed in by an API key."""
    _, secret = Key.make(Workspace.objects.get(), owner, "tuspy", can_write=True)

    def make(url: str) -> TusClient:
        return TusClient(f"{url}/uploads", headers={"Authorization": f"Bearer {secret}"})

    return make


@pytest.fixture
def line_to() -> Iterator[Callable[..., Line]]:
    lines: list[Line] = []

    def make(server: str, breaks: Callable[[bytes, bytes], bool]) -> Line:
        lines.append(Line(server, breaks))
        return lines[-1]

    yield make
    for line in lines:
        line.close()


def becomes_one_asset(site, path: Path) -> Asset:
    """A worker takes it in: all of it, once, and nothing is left where it came in."""
    site.start_worker("ingest")

    def is_ready() -> bool:
        asset = Asset.objects.get()
        assert asset.status != Status.FAILED, asset.error
        return asset.status == Status.DONE

    site.wait(is_ready, "the asset to be ready", seconds=180)
    asset = Asset.objects.get()
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (asset.name, asset.sha256) == (path.name, sha256)
    with default_storage.open(asset.file) as stored:
        assert hashlib.sha256(stored.read()).hexdigest() == sha256
    assert Upload.objects.get().asset == asset
    assert not list((site.folder / "uploads").iterdir())
    return asset


@pytest.mark.embedded
def test_what_a_foreign_client_sends_over_a_bad_line_is_one_asset(
    site, path, client_to, line_to, tmp_path
):
    """It breaks in the middle of the second part; the client is started again and goes on. Then
    the answer to the last part gets lost, and it asks."""
    size = path.stat().st_size

    def in_the_second_part(asked: bytes, answered: bytes) -> bool:
        return f"upload-offset: {PART}\r".encode() in asked and len(asked) > PART // 2

    def before_the_last_answer(asked: bytes, answered: bytes) -> bool:
        return f"Upload-Offset: {size}\r".encode() in answered and asked.startswith(b"PATCH")

    server = serve(site)
    remembered = FileStorage(str(tmp_path / "urls.json"))
    about = {
        "file_path": str(path),
        "metadata": {"name": path.name},
        "chunk_size": PART,
        "store_url": True,
        "url_storage": remembered,
    }
    bad = line_to(server, in_the_second_part)
    with pytest.raises(TusUploadFailed):
        client_to(bad.url).uploader(**about).upload()
    assert bad.n_broken == 1
    upload = Upload.objects.get()

    def what_came_is_kept() -> bool:
        upload.refresh_from_db()
        return PART < upload.received_bytes < 2 * PART

    site.wait(what_came_is_kept, "the server to keep what came")

    bad = line_to(server, before_the_last_answer)
    key = next(iter(remembered._db.all()))["key"]
    remembered.set_item(key, f"{bad.url}/uploads/{upload.pk}")
    again = client_to(bad.url).uploader(**about)
    assert again.offset == upload.received_bytes
    with pytest.raises(TusUploadFailed):
        again.upload()
    assert bad.n_broken == 1

    remembered.set_item(key, f"{server}/uploads/{upload.pk}")
    last = client_to(server).uploader(**about)
    assert last.offset == size
    last.upload()
    becomes_one_asset(site, path)


@pytest.mark.grown_up
def test_a_foreign_client_that_tries_again_by_itself_ends_with_one_asset(
    site, path, client_to, line_to
):
    """tuspy asks how far it is, then sends the nothing that is left."""
    size, lost = path.stat().st_size, []

    def the_last_answer_once(asked: bytes, answered: bytes) -> bool:
        is_it = f"Upload-Offset: {size}\r".encode() in answered and asked.startswith(b"PATCH")
        if is_it:
            lost.append(asked)
        return is_it and len(lost) == 1

    line = line_to(serve(site), the_last_answer_once)
    about = {"file_path": str(path), "metadata": {"filename": path.name}, "chunk_size": PART}
    uploader = client_to(line.url).uploader(**about, retries=1, retry_delay=0)
    uploader.upload()
    assert line.n_broken == 1
    assert uploader.request.status_code == 204
    asset = becomes_one_asset(site, path)
    assert uploader.request.response_headers["sightline-asset"] == str(asset.pk)


@pytest.mark.grown_up
def test_two_web_processes_take_one_upload_and_count_the_same_wrong_passwords(
    site, path, client_to, owner
):
    gather_static_files(site)
    servers = [serve(site), serve(site)]
    about = {"file_path": str(path), "metadata": {"name": path.name}, "chunk_size": PART}
    uploader = client_to(servers[0]).uploader(**about)
    uploader.set_url(uploader.create_url())
    where = uploader.url.removeprefix(servers[0])
    parts = 0
    while uploader.offset < path.stat().st_size:
        uploader.set_url(servers[parts % 2] + where)
        uploader.upload_chunk()
        parts += 1
    assert parts > 3
    with ThreadPoolExecutor(8) as threads:  # both are asked how far it is, at once
        asked = [client_to(servers[n % 2]).uploader for n in range(8)]
        offsets = list(threads.map(lambda u: u(**about, url=servers[0] + where).offset, asked))
    assert set(offsets) == {path.stat().st_size}
    becomes_one_asset(site, path)

    for n in range(SignInTry.PER_ADDRESS):
        assert "do not go together" in sign_in(servers[n % 2], owner.email, "nonsense").text
    for server in servers:
        assert "Too many tries" in sign_in(server, owner.email, PASSWORD).text


def sign_in(server: str, email: str, password: str) -> requests.Response:
    browser = requests.Session()
    form = browser.get(f"{server}/sign-in").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token is not None
    words = {"csrfmiddlewaretoken": token[1], "email": email, "password": password}
    return browser.post(f"{server}/sign-in", words)
