"""Passages by meaning: the vectors of a workspace in a usearch file, and those that came since.

Vectors of one engine are compared with nothing but vectors of that engine: the file, the rows and
the query all name it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import Any

import numpy as np
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, QuerySet
from numpy.typing import NDArray

from analysis.errors import NotInstalled
from analysis.retrieval.encoder import SIZE, Encoder, engine
from webapp import stored_files
from webapp.search.passages import Embedding, Passage
from webapp.search.standing import SearchIndex
from webapp.storage import local_copy

LEAST = 0.35  # cosine below which two sentences have nothing to do with one another
FOLDER = "search"
_CONNECTIVITY, _EXPANSION_ADD, _EXPANSION = 16, 64, 96
LOOKS = 60  # nearest passages that are asked for
_MOST_LATER = 20_000  # passages compared one by one
_AT_ONCE = 2000
_BEYOND = 2**62

_encoder: Encoder | None = None
_open: dict[str, Any] = {}  # the files that are open, by name
_later: dict[int, tuple[tuple[Any, ...], NDArray[np.int64], NDArray[np.float32]]] = {}
_lock = Lock()


def encoder() -> Encoder | None:
    """The one of this process; None where there are no weights."""
    global _encoder
    with _lock:
        if _encoder is None and engine():
            try:
                _encoder = Encoder()
            except (NotInstalled, ImportError):
                return None
        return _encoder


def is_on() -> bool:
    return bool(engine())


def nearest(workspace_id: int, text: str, count: int) -> list[tuple[int, float]]:
    """The passages nearest in meaning to a text, with their cosines, best first. They may have
    been deleted since."""
    encode = encoder()
    if encode is None:
        return []
    index = SearchIndex.objects.filter(workspace=workspace_id).first()
    vector = encode([text])[0]
    found = in_file(index, vector, count) if index else {}
    found |= _among_later(workspace_id, index, vector)
    ranked = sorted(found.items(), key=lambda one: (-one[1], -one[0]))
    return [(key, cosine) for key, cosine in ranked[:count] if cosine >= LEAST]


def in_file(index: SearchIndex, vector: NDArray[np.float32], count: int) -> dict[int, float]:
    if not index.file or index.engine != engine():
        return {}
    opened = _opened(index.file)
    if opened is None or not len(opened):
        return {}
    matches = opened.search(vector.astype(np.float16), count)
    return {
        int(key): 1.0 - float(distance)
        for key, distance in zip(matches.keys, matches.distances, strict=True)
    }


def _opened(name: str) -> Any:
    with _lock:
        if name in _open:
            return _open[name]
    from usearch.index import Index

    path = local_copy(name)
    opened = Index.restore(path, view=True) if path else None
    with _lock:
        while len(_open) > 8:
            _open.pop(next(iter(_open)))
        _open[name] = opened
    return opened


def _among_later(
    workspace_id: int, index: SearchIndex | None, vector: NDArray[np.float32]
) -> dict[int, float]:
    """Those that are in no file yet, compared one by one."""
    is_current = index is not None and index.engine == engine() and index.file
    after = index.last_passage if index and is_current else 0
    rows = _embeddings(workspace_id, after)
    last = rows.order_by("-passage").values_list("passage", flat=True).first()
    if last is None:
        return {}
    stamp = (after, last, rows.count() if last - after < _MOST_LATER else 0, engine())
    with _lock:
        kept = _later.get(workspace_id)
    if kept is None or kept[0] != stamp:
        some = rows.order_by("-passage").values_list("passage", "vector")[:_MOST_LATER]
        keys, vectors = _columns(list(some))
        kept = stamp, keys, vectors
        with _lock:
            _later[workspace_id] = kept
    _, keys, vectors = kept
    cosines = vectors @ vector
    near = np.flatnonzero(cosines >= LEAST)
    return dict(zip(keys[near].tolist(), cosines[near].tolist(), strict=True))


def _embeddings(workspace_id: int, after: int = 0) -> QuerySet[Embedding]:
    """A workspace's, by the present engine, of the passages behind one."""
    rows = Embedding.objects.filter(engine=engine())
    if not after:
        return rows.filter(passage__set__asset__workspace=workspace_id)
    # The sum hides the index of workspaces from SQLite, which would go through all that this one
    # has to find that nothing came since.
    whose = F("passage__set__asset__workspace") + 0
    return rows.alias(whose=whose).filter(whose=workspace_id, passage__gt=after)


def _at_once(rows: QuerySet[Embedding]) -> Iterator[list[tuple[int, Any]]]:
    """These, by key, some at a time. Whose they are is asked once: page by page PostgreSQL would
    join and sort all of them for each."""
    keys = rows.order_by("passage").values_list("passage", flat=True)
    every = np.fromiter(keys.iterator(chunk_size=50_000), np.int64)
    for start in range(0, len(every), _AT_ONCE):
        wanted = every[start : start + _AT_ONCE].tolist()
        named = Embedding.objects.filter(engine=engine(), passage__in=wanted).order_by("passage")
        if some := list(named.values_list("passage", "vector")):  # less what went meanwhile
            yield some


def _columns(rows: list[tuple[int, Any]]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    keys = np.array([key for key, _ in rows], np.int64)
    joined = b"".join(bytes(vector) for _, vector in rows)
    return keys, np.frombuffer(joined, np.float16).reshape(-1, SIZE).astype(np.float32)


# --- for workers ----------------------------------------------------------------------------------


def embed(workspace_id: int, tick: Callable[[], None]) -> int:
    """Give every passage that has none a vector of the present engine. Returns how many.

    `tick` is called between batches, and may raise to stop: what is done is kept.
    """
    encode = encoder()
    if encode is None:
        return 0
    Embedding.objects.filter(passage__set__asset__workspace=workspace_id).exclude(
        engine=engine()
    ).delete()
    n = 0
    while more := _embed_all(workspace_id, encode, tick):  # until none has come meanwhile
        n += more
    return n


def _embed_all(workspace_id: int, encode: Encoder, tick: Callable[[], None]) -> int:
    """The newest first: that is what people look for soonest."""
    waiting = Passage.objects.filter(
        set__asset__workspace=workspace_id, label=None, embedding=None
    ).order_by("-pk")
    n, last = 0, _BEYOND
    while some := list(waiting.filter(pk__lt=last).values_list("pk", "text")[:128]):
        tick()
        last = some[-1][0]
        vectors = encode([text for _, text in some]).astype(np.float16)
        with transaction.atomic():
            there = set(
                Passage.objects.filter(pk__in=[pk for pk, _ in some]).values_list("pk", flat=True)
            )
            Embedding.objects.bulk_create(
                (
                    Embedding(passage_id=pk, engine=engine(), vector=vector.tobytes())
                    for (pk, _), vector in zip(some, vectors, strict=True)
                    if pk in there
                ),
                ignore_conflicts=True,
            )
        n += len(some)
    return n


def is_due(index: SearchIndex) -> bool:
    """Whether a file would make searching quicker, or the one there is says too much of what is
    gone."""
    if not is_on():
        return False
    rows = _embeddings(index.workspace_id)
    n = rows.count()
    if index.engine != engine():
        return n > 0
    later = _embeddings(index.workspace_id, index.last_passage).count()
    return later > max(2000, n // 10) or index.n_vectors > 2 * n + 2000


def build(index: SearchIndex, tick: Callable[[], None], *, threads: int = 1) -> None:
    """Write a new file of all vectors; whoever reads the old one goes on with that."""
    from usearch.index import Index

    made = Index(
        ndim=SIZE,
        metric="cos",
        dtype="f16",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
        expansion_search=_EXPANSION,
    )
    last = 0
    for some in _at_once(_embeddings(index.workspace_id)):
        tick()
        keys, vectors = _columns(some)
        made.add(keys, vectors.astype(np.float16), threads=threads)
        last = int(keys[-1])
    name = f"{FOLDER}/{index.workspace_id}-{uuid.uuid4().hex}.usearch"
    with NamedTemporaryFile(dir=settings.CACHE_DIR, suffix=".usearch") as file:
        made.save(file.name)
        with Path(file.name).open("rb") as written:
            default_storage.save(name, File(written))
    before = index.file
    SearchIndex.objects.filter(pk=index.pk).update(
        file=name, engine=engine(), n_vectors=len(made), last_passage=last
    )
    if before:
        stored_files.delete_unneeded([before])
