"""The JSON files of a folder that somebody sent, whatever else lies in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def json_files(folder: Path) -> Iterator[tuple[Path, Any]]:
    """Each file below `folder` that is JSON, with what it holds. No link is followed."""
    for path in sorted(folder.rglob("*.json")):
        if path.is_symlink():
            continue
        try:
            content = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            continue
        yield path, content
