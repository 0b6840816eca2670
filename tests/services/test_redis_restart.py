"""The broker is a doorbell: while it is away nothing is lost, and work goes on when it is back."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time

import pytest
from django.conf import settings

from tests.services.test_surviving import over, rows
from webapp.leases import Status
from webapp.runs.run import Run

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(
        not settings.BROKER_URL.startswith("redis") or not shutil.which("redis-server"),
        reason="needs redis-server, and Redis as the broker",
    ),
]


class OwnRedis:
    """A Redis of this test's own, on a port that was free; it keeps nothing on disk."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(100):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own_redis():
    server = OwnRedis()
    yield server
    server.kill()


@pytest.fixture
def broker(own_redis) -> str:
    return f"redis://127.0.0.1:{own_redis.port}/0"


def test_a_restart_of_redis_in_the_middle_changes_nothing(site, ready_asset, project, own_redis):
    undisturbed = Run.objects.request(ready_asset, project, by=None)
    worker = site.start_worker()
    site.wait(lambda: over(undisturbed), "the undisturbed run")

    run = Run.objects.request(ready_asset, project, by=None)
    site.wait(lambda: run.segments.filter(status=Status.DONE).count() >= 2, "two segments")
    own_redis.kill()
    run.pause()  # a person goes on using the site meanwhile
    run.resume()
    time.sleep(1)
    own_redis.start()
    clock = subprocess.Popen(
        [sys.executable, "-m", "celery", "--app", "workers.app", "beat", "--loglevel", "error"],
        env=site.environment,
    )
    try:
        site.wait(lambda: over(run), "the run to end")
    finally:
        clock.kill()
    assert worker.is_alive()
    assert rows(run) == rows(undisturbed)
