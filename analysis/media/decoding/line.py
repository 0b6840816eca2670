"""The child's end of the pipes: messages out, free slots in."""

from __future__ import annotations

import json
import os
import struct
import threading
from collections.abc import Mapping
from typing import Any

HEADER = struct.Struct("<II")  # as in analysis.media.guard
_SMALL = 1 << 16  # bytes that are written together with what they are


class Line:
    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._free = threading.Semaphore(0)
        self._has_memory = threading.Semaphore(0)

    def send(self, fields: Mapping[str, Any], payload: bytes | memoryview = b"") -> None:
        """Send one message whole; waits while the caller is behind."""
        text = json.dumps(fields).encode()
        head = HEADER.pack(len(text), len(payload)) + text
        if len(payload) < _SMALL:
            self._write(head + bytes(payload))
        else:  # not copied
            self._write(head)
            self._write(payload)

    def _write(self, data: bytes | memoryview) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._pipe, left) :]

    def heard(self, signs: bytes) -> None:
        """Take in what the caller wrote: `+` for a free slot, `=` for memory that was asked for."""
        if count := signs.count(b"+"):
            self._free.release(count)
        if count := signs.count(b"="):
            self._has_memory.release(count)

    def wait_for_memory(self) -> None:
        """Wait until the caller has made the memory that it was told to make."""
        self._has_memory.acquire()

    def wait_for_slot(self) -> None:
        """Wait until the caller says that one more slot of the ring is free."""
        self._free.acquire()
