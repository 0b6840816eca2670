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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from threading import Lock

import numpy as np

from analysis.crossmodal.encodings import Encodings as Packed
from analysis.crossmodal.index import Found, Index
from analysis.crossmodal.items import Whole
from analysis.crossmodal.space import Placed
from analysis.crossmodal.space import Space as TaughtSpace
from analysis.crossmodal.types import CLIP, PICTURE, Encoded
from analysis.errors import UnusableModel
from analysis.film.columns import FRAME
from webapp.encodings.kept import GONE, Encodings, read
from webapp.leases import Status
from webapp.spaces import parts
from webapp.spaces.codes import Code
from webapp.spaces.indexes import IndexPart, SpaceIndex, item_of
from webapp.spaces.space import Space
from webapp.storage import local_copy

_SPACES, _OPEN, _FILES = 3, 12, 16  # that a process keeps
_LONG = 300  # items of a file that is not kept
_lock = Lock()
_indexes: dict[int, tuple[dict[str, list[int]], Index]] = {}  # with what they were told
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
    taught = read_space(space)
    taught.check_pair(asked_modality, modality)
    weight = taught.weight(asked_modality, modality)
    index = _opened(space, modality)
    if index is None or not len(owners):
        return []
    muted = Code.objects.filter(space=space, is_muted=True).values_list("number", flat=True)
    found = index.search(
        asked_modality,
        question,
        weight,
        count,
        owners=owners,
        muted=np.fromiter(muted, np.int64),
    )
    return _hits(modality, found)


def _hits(modality: str, found: list[Found]) -> list[Hit]:
    """When each of them is, from the rows that its key names."""
    items = [item_of(one.key) for one in found]
    rows = Encodings.objects.in_sight().filter(pk__in={encodings for encodings, _, _ in items})
    frames = {pk: np.frombuffer(bytes(t), FRAME) for pk, t in rows.values_list("pk", "times")}
    hits = []
    for one, (encodings, row, n) in zip(found, items, strict=True):
        if encodings not in frames:  # it was deleted a moment ago
            continue
        some = frames[encodings][row : row + n]
        start_s, end_s = float(some["start_s"][0]), float(some["end_s"][-1])
        time_s = float(some["time_s"][0]) if modality == PICTURE else (start_s + end_s) / 2
        hits.append(
            Hit(
                *(one.owner, modality, time_s, start_s, end_s, encodings, row, n),
                *(one.score, one.near, one.codes),
            )
        )
    return hits


def _opened(space: Space, modality: str) -> Index | None:
    """The index as it is stored now. Parts may be joined between reading the list of them and
    fetching them: then it is read again."""
    for last in (False, False, True):
        rows = list(IndexPart.objects.filter(index__space=space, index__modality=modality))
        if not rows:
            return None
        told = parts.gone_of(rows)
        with _lock:
            kept = _indexes.get(rows[0].index_id)
        if kept is not None and kept[0] == told:
            return kept[1]
        try:
            parts.fetch(rows)
            index = Index(parts.folder_of(rows[0].index_id), space.version, modality, told)
        except UnusableModel:
            if last:
                _build_anew(space, rows[0].index_id)
                raise
            parts.distrust(rows)
            continue
        with _lock:
            while len(_indexes) >= _OPEN:
                _indexes.pop(next(iter(_indexes)))
            _indexes[rows[0].index_id] = told, index
        return index
    return None


def _build_anew(space: Space, index: int) -> None:
    """What is gone or damaged where it is stored comes back by itself; asked for once."""
    if SpaceIndex.objects.filter(pk=index, status=Status.DONE).exists():
        SpaceIndex.objects.request_for(space.workspace_id)


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


def forget() -> None:
    """Let go of what this process has open."""
    with _lock:
        _indexes.clear()
        _read.clear()
    _packed.cache_clear()


def encoded(hit: Hit) -> Encoded:
    """What the encoder made of a hit, to explain it with. Raises UnusableModel where it was
    deleted meanwhile or is damaged."""
    row = Encodings.objects.in_sight().filter(pk=hit.encodings).first()
    if row is None:
        raise UnusableModel(GONE)
    return _item(hit, _packed(row.file) if row.n_items <= _LONG else row.read())


def encoded_of(hits: Sequence[Hit]) -> Iterator[tuple[Hit, Encoded]]:
    """The same of many in one query, each file read once: in no order, and without those that were
    deleted meanwhile or are damaged."""
    rows = Encodings.objects.in_sight().in_bulk({hit.encodings for hit in hits})
    by_row = sorted(hits, key=lambda hit: hit.encodings)
    for pk, some in groupby(by_row, key=lambda hit: hit.encodings):
        if (row := rows.get(pk)) is None:
            continue
        try:
            packed = _packed(row.file) if row.n_items <= _LONG else row.read()
        except UnusableModel:
            continue
        for hit in some:
            yield hit, _item(hit, packed)


def _item(hit: Hit, packed: Packed) -> Encoded:
    return packed.clip(hit.row, hit.frames) if hit.modality == CLIP else packed.encoded(hit.row)


@lru_cache(maxsize=_FILES)
def _packed(name: str) -> Packed:
    return read(name)
