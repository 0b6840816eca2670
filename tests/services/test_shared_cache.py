"""What web processes share through Redis, which may be the queue's and may be away."""

from __future__ import annotations

import pytest
import redis

from tests.services.test_redis_restart import OwnRedis, pytestmark
from webapp.shared_cache import SharedCache

__all__ = ["pytestmark"]


@pytest.fixture
def server():
    own = OwnRedis()
    yield own
    own.kill()


def cache_at(port: int) -> SharedCache:
    return SharedCache(f"redis://127.0.0.1:{port}/0", {"KEY_PREFIX": "sightline"})


def test_two_processes_see_one_count(server):
    cache_at(server.port).set("calls", [1, 2])
    assert cache_at(server.port).get("calls") == [1, 2]


def test_emptying_it_leaves_the_queue_alone(server):
    queue = redis.Redis(port=server.port)
    queue.rpush("analysis", "there is work")
    cache = cache_at(server.port)
    cache.set("calls", 1)
    cache.clear()
    assert cache.get("calls") is None
    assert queue.llen("analysis") == 1


def test_it_is_empty_while_redis_is_away_and_fills_when_it_is_back(server):
    cache = cache_at(server.port)
    cache.set("calls", 1)
    server.kill()
    assert cache.get("calls", "none") == "none"
    cache.set("calls", 2)
    server.start()
    cache.set("calls", 3)
    assert cache.get("calls") == 3
