"""The frozen encoders that pairs are encoded with here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from analysis.crossmodal.pictures import Pixels
from analysis.crossmodal.text import TextEncoder
from analysis.crossmodal.types import PICTURE, Encoded
from analysis.errors import AnalysisError
from webapp.accounts.models import Workspace
from workers.asking.encoders import encoder_of

_AT_ONCE = 256  # texts
_PICTURES = 32


def encode_texts(texts: Sequence[str], tick: Callable[[], None]) -> tuple[str, list[Encoded]]:
    """The engine, and what it makes of each text. Raises NotInstalled without its weights."""
    encoder = TextEncoder()
    found: list[Encoded] = []
    for at in range(0, len(texts), _AT_ONCE):
        tick()
        found += encoder(texts[at : at + _AT_ONCE])
    return encoder.engine, found


def engine_of(workspace: Workspace, modality: str) -> str:
    """By what a workspace's items of a modality are encoded. Raises NotYet, AnalysisError."""
    encoder = encoder_of(workspace, modality, "")
    assert encoder is not None  # the one that it encodes with, whichever that is
    return encoder.engine


def encode_pictures(
    workspace: Workspace, engine: str, pictures: Sequence[bytes], tick: Callable[[], None]
) -> list[Encoded]:
    """Pictures that no asset holds, by the encoder of the library's. Raises NotYet where another
    worker has it, AnalysisError where none has, or where one is no picture."""
    encoder = encoder_of(workspace, PICTURE, engine)
    if encoder is None:
        raise AnalysisError(
            "The encoder of the library's pictures is another one by now: let the library be "
            "encoded anew, then press Retry.",
            permanent=False,
        )
    found: list[Encoded] = []
    for at in range(0, len(pictures), _PICTURES):  # decoded, a thousand would fill the memory
        tick()
        found += encoder([_decoded(data) for data in pictures[at : at + _PICTURES]])
    return found


def _decoded(data: bytes) -> Pixels:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise AnalysisError("One of them is no picture.")
    return np.asarray(picture, np.uint8)
