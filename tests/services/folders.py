"""What lies in folders that workers change meanwhile."""

from __future__ import annotations

import os
from pathlib import Path


def files_in(*places: Path) -> list[Path]:
    """All files, half ones too. `Path.rglob` fails where a folder goes while it looks."""
    return [
        Path(folder, name)
        for place in places
        for folder, _, names in os.walk(place)
        for name in names
    ]
