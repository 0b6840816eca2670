"""Assets whose pictures and sound are encoded, for tests of what is found by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

LOGOS = {"logos": "our own embedding of logos"}
EARS = {"faster-whisper/tiny.en": "Whisper tiny.en"}


def a_worker_that_encodes(
    pictures: dict[str, str] | None = None, sound: dict[str, str] | None = None
) -> Any:
    from django.utils import timezone

    from webapp.runs.workers import Worker

    about = {
        "queues": "batch",
        "picture_encoders": LOGOS if pictures is None else pictures,
        "sound_encoders": EARS if sound is None else sound,
    }
    now = {"seen": timezone.now(), **about}
    return Worker.objects.update_or_create(name="eyes:1:1", defaults=now)[0]


def shots_film(path: Path, *shots: float, rate: int = 10, of: int = 0) -> Path:
    """A film of shots, so many seconds each: every one a still of its own, noisy, coloured blocks.
    `of`: another number, other pictures."""
    import av
    import cv2

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 192, 108, "yuv420p"
        stream.options = {"g": str(2 * rate), "preset": "ultrafast", "crf": "20"}
        for number, seconds in enumerate(shots):
            still = picture(100 * of + number)
            for _ in range(round(seconds * rate)):
                still = cv2.resize(still, (192, 108))
                frame = av.VideoFrame.from_ndarray(still, format="bgr24")
                for packet in stream.encode(frame):
                    container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def picture(number: int) -> np.ndarray:
    """(108, 192, 3) BGR, unlike those of other numbers."""
    import cv2

    rng = np.random.default_rng(number)
    return cv2.resize(
        rng.integers(0, 256, (4, 6, 3), np.uint8), (192, 108), interpolation=cv2.INTER_NEAREST
    )


def carry_out(indexing: Any) -> Any:
    """All of it, in this process."""
    from workers.indexing.pieces import index, index_segment

    index(indexing.pk)
    for segment in indexing.segments.all():
        index_segment(segment.pk)
    index(indexing.pk)
    indexing.refresh_from_db()
    return indexing


def encoded(asset: Any, *shots: tuple[int, int], version: int = 1) -> Any:
    """The asset, with an indexing of its pictures that is done: of each shot the number of its
    picture and how many seconds it lasts. No film is decoded."""
    from django.utils import timezone

    from analysis.crossmodal.pictures import LogoEncoder
    from analysis.crossmodal.watching import Watcher
    from analysis.media.frames import Frame
    from webapp.encodings.kept import Encodings
    from webapp.indexing.indexing import Indexing
    from workers.encodings.segment import keep_packed, row_of

    watcher, at = Watcher(LogoEncoder()), 0
    for number, seconds in shots:
        for _ in range(seconds):
            watcher(Frame.from_bgr(picture(number), float(at)))
            at += 1
    made = watcher.finish(0.0, float(at))
    done = {"status": "done", "stage": "finish", "engine": "logos", "engine_digest": made.engine}
    done |= {"engine_title": "our own embedding of logos", "finished": timezone.now()}
    about = {"step": "pictures", "version": version, "duration_s": at, **done}
    indexing = Indexing.objects.create(asset=asset, **about)
    frames = {"sampled": len(made), "read": len(made.kept())}
    segment = indexing.segments.create(index=0, start_s=0, end_s=at, status="done", frames=frames)
    name = keep_packed(f"encodings/{indexing.pk}", 0, made)
    Encodings.objects.create(segment=segment, **row_of(asset.pk, name, made))
    return asset


def film_in(workspace: Any, path: Path) -> Any:
    """A film that was uploaded and prepared."""
    from webapp.management.commands.analyse import receive
    from workers.media import ingest

    asset = receive(path, workspace)
    ingest.ingest(asset.pk)
    asset.refresh_from_db()
    assert asset.is_ready, asset.error
    return asset


def space_of(workspace: Any, *, seed: int = 0) -> Any:
    """The space that is made of what is encoded, without pairs; it serves when it is indexed."""
    import hashlib
    import uuid

    from django.conf import settings

    from analysis.crossmodal.encodings import items_of
    from analysis.crossmodal.untaught import LEAST_ITEMS, untaught
    from webapp.encodings.kept import Encodings
    from webapp.spaces.indexes import SpaceIndex
    from webapp.spaces.space import Space
    from workers.engine.originals import keep_file

    rows = Encodings.objects.in_sight().filter(asset__workspace=workspace)
    kinds = {
        name: items_of([row.read() for row in rows.filter(modality=name)])
        for name in sorted(set(rows.values_list("modality", flat=True)))
    }
    kinds = {name: items for name, items in kinds.items() if len(items) >= LEAST_ITEMS}
    made = untaught(kinds, codes=32, seed=seed).with_clips()
    path = made.save(Path(settings.CACHE_DIR) / "made.safetensors")
    name = keep_file(f"spaces/{uuid.uuid4().hex}.safetensors", path)
    space = Space.objects.create(
        workspace=workspace,
        number=1 + Space.objects.filter(workspace=workspace).count(),
        kind=Space.Kind.LOOKS,
        version=made.version,
        file=name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        engines={name: side.engine for name, side in made.sides.items()},
        pairs=made.compared(),
    )
    SpaceIndex.objects.request_for(workspace)
    return space


def index_all() -> None:
    """Bring all indexes up to date, in this process."""
    from webapp.spaces.indexes import SpaceIndex
    from workers.spaces.indexes import index_space

    while (row := SpaceIndex.objects.open().filter(status="waiting").first()) is not None:
        index_space(row.pk)
        row.refresh_from_db()
        assert row.status == "done", row.error
