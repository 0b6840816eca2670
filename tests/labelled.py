"""What tests of labelling send."""

from __future__ import annotations

import io
import itertools
from typing import Any

_count = itertools.count()


def operation(change: dict[str, Any], *, rev: int = 0, key: str = "") -> dict[str, Any]:
    return {"key": key or f"key-{next(_count)}", "change": change, "rev": rev}


def put(name: str, shape: dict[str, Any], *, rev: int = 0, key: str = "") -> dict[str, Any]:
    return operation({"put": name, "shape": shape}, rev=rev, key=key)


def box(label: Any, sides: Any, **more: Any) -> dict[str, Any]:
    return {"label": label.pk, "box": sides, "occluded": False} | more


def picture(number: int) -> bytes:
    """A small PNG of its own."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (64, 48), (number % 256, 40, 90)).save(out, "PNG")
    return out.getvalue()
