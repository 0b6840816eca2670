"""Films put straight into a site, and read, as if somebody had uploaded them and asked for it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.browser.waiting import PATIENCE_S


def received(name: str, write: Callable[[Path], Any]) -> Any:
    """The asset of a film that `write` writes, once it is ready."""
    from webapp.accounts.models import User, Workspace
    from webapp.leases import Status
    from webapp.management.commands.analyse import receive

    user = User.objects.filter(is_superuser=True).order_by("pk")[0]
    workspace = Workspace.objects.of(user).order_by("pk")[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        asset = receive(path, workspace, by=user)
    until(lambda: _again(asset).status == Status.DONE, f"{name} is ready")
    return asset


def indexed(asset: Any, step: str) -> None:
    """Have it listened to, or read, and wait until it is."""
    from webapp.indexing.indexing import Indexing
    from webapp.leases import Status

    one = Indexing.objects.request(asset, step, by=asset.created_by)
    until(lambda: _again(one).status == Status.DONE, f"{asset} is indexed")


def until(what: Callable[[], bool], words: str) -> None:
    deadline = time.monotonic() + 2 * PATIENCE_S
    while not what():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {2 * PATIENCE_S} s in vain until {words}.")
        time.sleep(0.2)


def _again(row: Any) -> Any:
    row.refresh_from_db()
    return row
