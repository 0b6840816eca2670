"""The frozen encoders that pairs are encoded with here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from analysis.crossmodal.types import Encoded
from analysis.errors import AnalysisError, NotInstalled

_AT_ONCE = 256  # texts


def encode_texts(texts: Sequence[str], tick: Callable[[], None]) -> tuple[str, list[Encoded]]:
    """The engine, and what it makes of each text. Raises NotInstalled without its weights."""
    from analysis.crossmodal.text import TextEncoder

    encoder = TextEncoder()
    found: list[Encoded] = []
    for at in range(0, len(texts), _AT_ONCE):
        tick()
        found += encoder(texts[at : at + _AT_ONCE])
    return encoder.engine, found


def logo_engine() -> str:
    from analysis.crossmodal.pictures import LogoEncoder

    return LogoEncoder().engine


def encode_pictures(engine: str, pictures: Sequence[bytes]) -> list[Encoded]:
    """Pictures that no asset holds, by the encoder of the library's. Raises AnalysisError where
    this worker has it not, or one is no picture."""
    import cv2

    from analysis.crossmodal.pictures import LogoEncoder, Pixels

    encoder = LogoEncoder()
    if engine and engine != encoder.engine:
        raise NotInstalled(
            f"They would have to be encoded by {engine}, as the library's pictures are, and only "
            "our own encoder takes pictures from a set."
        )
    decoded: list[Pixels] = []
    for data in pictures:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            raise AnalysisError("One of them is no picture.")
        decoded.append(np.asarray(picture, np.uint8))
    return [one for at in range(0, len(decoded), 32) for one in encoder(decoded[at : at + 32])]
