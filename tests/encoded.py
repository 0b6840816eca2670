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


def film_in(workspace: Any, path: Path) -> Any:
    """A film that was uploaded and prepared."""
    from webapp.management.commands.analyse import receive
    from workers.media import ingest

    asset = receive(path, workspace)
    ingest.ingest(asset.pk)
    asset.refresh_from_db()
    assert asset.is_ready, asset.error
    return asset
