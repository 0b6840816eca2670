"""What an encoder makes of one item, as the bytes of a column."""

from __future__ import annotations

import io
import json
import zlib
from typing import Any

import numpy as np

from analysis.crossmodal.types import Encoded, Place
from analysis.errors import UnusableModel
from analysis.types import Box


def packed(one: Encoded) -> bytes:
    """In half precision, its places as JSON."""
    places = [
        [place.word, place.start_s, place.end_s, list(place.box) if place.box else None]
        for place in one.places
    ]
    file = io.BytesIO()
    about = np.frombuffer(json.dumps({"places": places, "blank": one.blank}).encode(), np.uint8)
    np.savez(
        file,
        summary=one.summary.astype(np.float16),
        parts=one.parts.astype(np.float16),
        about=about,
    )
    return zlib.compress(file.getvalue())


def unpacked(data: bytes | memoryview) -> Encoded:
    """What `packed` wrote. Raises UnusableModel where it is damaged."""
    try:
        with np.load(io.BytesIO(zlib.decompress(bytes(data))), allow_pickle=False) as file:
            about: dict[str, Any] = json.loads(bytes(file["about"]))
            return Encoded(
                file["summary"].astype(np.float32),
                file["parts"].astype(np.float32),
                tuple(
                    Place(word, start_s, end_s, Box(*box) if box else None)
                    for word, start_s, end_s, box in about["places"]
                ),
                about["blank"],
            )
    except (zlib.error, ValueError, KeyError, OSError, TypeError) as error:
        raise UnusableModel("What was asked by is damaged: ask again.") from error
