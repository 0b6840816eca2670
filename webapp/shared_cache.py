"""A cache that all web processes share, and that may be away.

What is in it can always be had again, so a Redis that does not answer is an empty cache: pages and
the API go on without it.
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger("sightline.cache")


class SharedCache(RedisCache):
    """Redis, where it answers; else nothing is found and nothing is kept."""

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except RedisError as error:
            _say(error)
            return default

    def set(
        self,
        key: str,
        value: Any,
        timeout: Any = DEFAULT_TIMEOUT,
        version: int | None = None,
    ) -> None:
        try:
            super().set(key, value, timeout, version)
        except RedisError as error:
            _say(error)

    def clear(self) -> None:
        """Of what is ours alone: the queue may be in the same database."""
        client = self._cache.get_client(None, write=True)
        for name in client.scan_iter(match=f"{self.key_prefix}:*"):
            client.delete(name)


def _say(error: RedisError) -> None:
    log.warning("The shared cache does not answer: %s", error)
