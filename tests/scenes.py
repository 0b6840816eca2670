"""What encoders make of assets, out of things that a test says are shown: as workers leave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from analysis.crossmodal.encodings import Encodings as Packed
from analysis.crossmodal.types import Encoded, Place
from analysis.film.columns import FRAME
from analysis.types import Box

THINGS = (
    *("regatta", "stadium", "scoreboard", "harbour", "interview", "bicycle"),
    *("mountain", "crowd", "trophy", "kitchen", "orchestra", "desert"),
)
SIZES = {"picture": 24, "sound": 20}
ENGINES = {name: f"made-up-{name}" for name in SIZES}
EACH = 2  # things that a frame shows, each in two of its four quarters
_QUARTERS = tuple(Place(box=Box(x, y, x + 0.5, y + 0.5)) for y in (0.0, 0.5) for x in (0.0, 0.5))


def shown_in(seconds: int, seed: int = 0) -> list[tuple[str, ...]]:
    """The things that are shown in each five seconds."""
    rng = np.random.default_rng(seed)
    scenes = [tuple(rng.choice(THINGS, EACH, replace=False).tolist()) for _ in range(seconds // 5)]
    return [scenes[min(second // 5, len(scenes) - 1)] for second in range(seconds)]


def one(modality: str, things: Sequence[str], rng: np.random.Generator) -> Encoded:
    """An item that shows, or sounds like, some things."""
    size = SIZES[modality]
    looks = np.random.default_rng(len(modality)).normal(size=(len(THINGS), size))
    rows = [THINGS.index(thing) for thing in things for _ in range(2)]
    parts = (looks[rows] + 0.1 * rng.normal(size=(len(rows), size))).astype(np.float32)
    places = _QUARTERS
    if modality == "sound":
        places = tuple(Place(start_s=float(n), end_s=float(n + 1)) for n in range(len(rows)))
    return Encoded(parts.mean(0), parts, places[: len(rows)])


def encodings_of(
    asset: Any,
    shown: Sequence[Sequence[str]],
    modality: str = "picture",
    *,
    engine: str = "",
    seed: int = 1,
) -> Any:
    """A frame a second, or a piece of sound every five, of a finished indexing; an item that
    shows nothing is blank."""
    from webapp.encodings.kept import Encodings
    from webapp.indexing.indexing import Indexing
    from webapp.indexing.segments import IndexingSegment
    from webapp.leases import Status

    rng = np.random.default_rng(seed + asset.pk)
    step = {"picture": "pictures", "sound": "sound"}[modality]
    version = Indexing.everything.filter(asset=asset, step=step).count() + 1
    indexing = Indexing.objects.create(
        asset=asset, step=step, version=version, status=Status.DONE, stage=Indexing.Stage.FINISH
    )
    segment = IndexingSegment.objects.create(
        indexing=indexing, index=0, start_s=0, end_s=len(shown), status=Status.DONE
    )
    every = 1 if modality == "picture" else 5
    items, times = [], []
    for second in range(0, len(shown), every):
        things = shown[second]
        item = one(modality, things or THINGS[:EACH], rng)
        items.append(item if things else Encoded(item.summary, item.parts, item.places, "Nothing."))
        middle = second + every / 2 if modality == "sound" else float(second)
        times.append((middle, float(second), float(second + every)))
    packed = Packed.of(modality, engine or ENGINES[modality], np.array(times, FRAME), items)
    name = f"encodings/{segment.pk}.npz"
    default_storage.save(name, ContentFile(packed.pack()))
    return Encodings.objects.create(
        segment=segment,
        asset=asset,
        modality=modality,
        engine=packed.engine,
        file=name,
        n_items=len(items),
        times=packed.times.tobytes(),
    )


def spoken_as_shown(asset: Any, shown: Sequence[Sequence[str]]) -> Any:
    """A transcript in which each five seconds name what they show."""
    from webapp.indexing.indexing import Indexing
    from webapp.indexing.segments import IndexingSegment
    from webapp.indexing.speech import SpeechSegment
    from webapp.leases import Status

    about = {"status": Status.DONE, "stage": Indexing.Stage.FINISH}
    indexing = Indexing.objects.create(asset=asset, step="speech", **about)
    segment = IndexingSegment.objects.create(
        indexing=indexing, index=0, start_s=0, end_s=len(shown), status=Status.DONE
    )
    for second in range(0, len(shown), 5):
        words = f"look at {' and '.join(shown[second])} now".split() if shown[second] else []
        starts = [second + 0.2 + 0.4 * n for n in range(len(words))]
        if not words:
            continue
        SpeechSegment.objects.create(
            indexing=indexing,
            segment=segment,
            start_s=starts[0],
            end_s=starts[-1] + 0.4,
            text=" ".join(words),
            language="en",
            words={
                "text": words,
                "start_s": starts,
                "end_s": [start + 0.4 for start in starts],
                "confidence": [0.9] * len(words),
            },
        )
    return indexing
