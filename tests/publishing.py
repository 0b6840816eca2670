"""A web server on this machine that publishes files, and fails in the ways that servers fail."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Publisher:
    """`files`: bytes by name. The rest is how it misbehaves, set by a test.

    breaks_after: bytes of an answer after which the connection ends, for as many answers as
    `breaks`. knows_ranges: whether it gives a part where one is asked for. says_length: what it
    says of the length in place of the truth. html: answers with a sign-in page. busy: how often it
    has no time.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.breaks_after, self.breaks = 0, 0
        self.knows_ranges = True
        self.says_length = ""
        self.html = False
        self.stalls_after = 0  # bytes, until `goes_on` is set
        self.goes_on = threading.Event()
        self.busy = 0
        self.asked: list[tuple[str, str]] = []  # path and Range, as they came
        self.address = ""

    def catalogue(self, path: Path, **files: str) -> Path:
        """A list that states each file with its right SHA-256, by the name of its model."""
        stated = {
            name: {
                "address": f"{self.address}/{file}",
                "sha256": sha256(self.files[file]).hexdigest(),
                "purpose": "on-screen text: a test",
                "licence": "Apache-2.0",
            }
            for name, file in files.items()
        }
        path.write_text(json.dumps(stated))
        return path


@contextlib.contextmanager
def published(files: dict[str, bytes]) -> Iterator[Publisher]:
    publisher = Publisher(files)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            _answer(self, publisher)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publisher.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield publisher
    finally:
        publisher.goes_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(request: BaseHTTPRequestHandler, publisher: Publisher) -> None:
    wanted = request.headers.get("Range", "")
    publisher.asked.append((request.path, wanted))
    data = publisher.files.get(request.path.rpartition("/")[2])
    if data is None:
        request.send_error(404)
        return
    if publisher.busy:
        publisher.busy -= 1
        request.send_error(503)
        return
    if publisher.html:
        data = b"<!doctype html><title>Sign in</title>"
    start = int(wanted.removeprefix("bytes=").partition("-")[0] or 0)
    if wanted and publisher.knows_ranges:
        if start >= len(data):
            request.send_error(416)
            return
        request.send_response(206)
        request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
    else:
        start = 0
        request.send_response(200)
    kind = "text/html; charset=utf-8" if publisher.html else "application/octet-stream"
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", publisher.says_length or str(len(data) - start))
    request.end_headers()
    body = data[start:]
    if publisher.breaks:
        publisher.breaks -= 1
        body = body[: publisher.breaks_after]
    with contextlib.suppress(ConnectionError):
        if publisher.stalls_after:
            request.wfile.write(body[: publisher.stalls_after])
            publisher.goes_on.wait(30)
            body = body[publisher.stalls_after :]
        request.wfile.write(body)
    request.close_connection = True
