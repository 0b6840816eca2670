"""kombu's broker that is a folder, for processes that read while others write.

kombu makes each file in place and fills it then. Whoever looks in between finds it empty and gets a
JSONDecodeError, which ends a Celery worker. Here a file is there only once it is whole, and one
that cannot be read, as a crash of the machine may leave, is passed over: messages are doorbells.
"""

from __future__ import annotations

import logging
import os
import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.transport import filesystem
from kombu.utils.json import dumps

log = logging.getLogger("sightline.broker")


class Channel(filesystem.Channel):
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"  # as kombu names it
        _write_whole(Path(self.data_folder_out), name, dumps(payload))

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        while True:
            try:
                return super()._get(queue)
            except ValueError:  # it is taken out of the folder: the next one
                log.warning("A message in the queue %s could not be read.", queue)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """kombu changes a file that is there under a lock; only the first is made without one."""
        file = self._exchange_file(exchange)
        file.parent.mkdir(exist_ok=True)
        if not file.exists():
            _write_whole(file.parent, file.name, "[]", is_new=True)
        super()._queue_bind(exchange, routing_key, pattern, queue)


class Transport(filesystem.Transport):
    Channel = Channel


def _write_whole(folder: Path, name: str, text: str, *, is_new: bool = False) -> None:
    """Aside, then in its place at once. is_new: what is there meanwhile stays."""
    aside = folder / f"{uuid.uuid4()}.part"
    aside.write_text(text, encoding="utf-8")
    try:
        os.link(aside, folder / name) if is_new else os.replace(aside, folder / name)
    except FileExistsError:
        pass
    except OSError:  # a disk that knows no second name for a file: a stick, a shared folder
        os.replace(aside, folder / name)
    finally:
        aside.unlink(missing_ok=True)
