"""The real server as a process of its own, and a bad line to it."""

from __future__ import annotations

import contextlib
import socket
import threading
import urllib.request
from collections.abc import Callable

from tests.services import forking
from tests.services.conftest import Site
from webapp import processes


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(site: Site) -> str:
    """One more web process of this site; its address."""
    port = free_port()
    site.start(*processes.web("127.0.0.1", port))
    url = f"http://127.0.0.1:{port}"
    site.wait(lambda: _answers(f"{url}/healthz"), "the server to answer")
    return url


def gather_static_files(site: Site) -> None:
    """As `manage.py serve` does; pages name them."""
    forking.run(["manage.py", "collectstatic", "--noinput", "--verbosity", "0"], site.environment)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except OSError:
        return False
    return True


class Line:
    """A TCP line to a server that breaks where `breaks` says so.

    It is asked, with all that has passed in this connection, before more goes on: towards the
    server and back from it.
    """

    def __init__(self, server: str, breaks: Callable[[bytes, bytes], bool]) -> None:
        host, _, port = server.removeprefix("http://").partition(":")
        self.server = host, int(port)
        self.breaks = breaks
        self.n_broken = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                Connection(self, self.listener.accept()[0])


class Connection:
    def __init__(self, line: Line, client: socket.socket) -> None:
        self.line, self.client = line, client
        self.server = socket.create_connection(line.server)
        self.asked, self.answered = bytearray(), bytearray()
        for source, target, passed in (
            (self.client, self.server, self.asked),
            (self.server, self.client, self.answered),
        ):
            threading.Thread(target=self._pass, args=(source, target, passed), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, passed: bytearray) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(2**12):
                passed += data
                if self.line.breaks(bytes(self.asked), bytes(self.answered)):
                    self.line.n_broken += 1
                    break
                target.sendall(data)
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
