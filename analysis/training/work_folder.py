"""What the training process and its caller leave for one another.

Files in the folder of the work, each replaced as a whole, and the exit status.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# How the child ends.
OUT_OF_MEMORY, DISK_FULL, REFUSED = 4, 5, 3


def write_json(path: Path, content: Any) -> None:
    """Replace a JSON file as a whole."""
    aside = path.with_name(f".{path.name}")
    aside.write_text(json.dumps(content))
    aside.replace(path)
