"""What lies nearest to a question in a space, as moments and pictures. numpy only.

A page that answers a question reads the space (`read_space`), places what was asked in it
(`analysis.crossmodal.space.Space.place`), asks for what is `nearest`, and explains each hit with
what the encoder made of it (`encoded`):

    taught = read_space(space)
    asked = taught.place("picture", [encoded_question])
    for hit in nearest(space, "picture", "picture", asked, 20, owners=assets_in_sight):
        reasons = taught.explain("picture", encoded_question, hit.modality, encoded(hit))
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from analysis.crossmodal.items import Whole
from analysis.crossmodal.space import Placed
from analysis.crossmodal.space import Space as TaughtSpace
from analysis.crossmodal.types import Encoded
from analysis.errors import UnusableModel
from webapp.spaces.space import Space
from webapp.storage import local_copy

_SPACES = 3  # that a process keeps
_lock = Lock()
_read: dict[str, TaughtSpace] = {}  # by the name of their files, which never change


@dataclass(frozen=True, slots=True)
class Hit:
    """An item that was found: a frame of a film or a picture, a piece of sound, a clip.

    time_s: of the frame; of a sound or a clip its middle. start_s, end_s: from when to when it
    stands for the film, seconds (0 and 0 of a picture). encodings, row: what an encoder made of it
    (`webapp.encodings`), and how many frames from that row on, of a clip. score: near + weight ·
    codes, both less what the item scores with everything.
    """

    asset: int
    modality: str
    time_s: float
    start_s: float
    end_s: float
    encodings: int
    row: int
    frames: int
    score: float
    near: float
    codes: float


def nearest(
    space: Space,
    modality: str,
    asked_modality: str,
    question: Placed,
    count: int,
    *,
    owners: Whole,
) -> list[Hit]:
    """The best `count` items of a modality for a question, best first; [] where the space has no
    index of that modality (yet).

    asked_modality, question: what the question is and where it lies: one row, placed by this very
    space. owners: int64, the keys of the assets that may answer. Codes that people muted count in
    no score: that is seen to here. Raises UnusableModel where the space does not know a modality or
    its index is damaged, in a sentence.
    """
    return []


def read_space(space: Space) -> TaughtSpace:
    """The space itself, read once in a process. Raises UnusableModel."""
    with _lock:
        if (kept := _read.get(space.file)) is not None:
            return kept
    if (path := local_copy(space.file)) is None:
        raise UnusableModel(f"The file of {space} is missing: make the space anew.")
    read = TaughtSpace.load(path)
    with _lock:
        while len(_read) >= _SPACES:
            _read.pop(next(iter(_read)))
        _read[space.file] = read
    return read


def encoded(hit: Hit) -> Encoded:
    """What the encoder made of a hit, to explain it with. Raises UnusableModel where it was
    deleted meanwhile or is damaged."""
    raise NotImplementedError
