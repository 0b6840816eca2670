"""Small copies of a dataset's pictures for its gallery: made as they come in, or looked at."""

from __future__ import annotations

import logging

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.media.frames import read_picture
from analysis.media.opencv import resize
from analysis.media.thumbnails import jpeg
from webapp.celery import app
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from workers.engine.originals import full_disk_is_said, keep_once, local_path

log = logging.getLogger("sightline.thumbs")

_SIDE = 480  # pixels, the longer one: twice a tile of the gallery, for screens that are so fine
_LIGHT_BYTES = 48_000  # below this a smaller copy saves nothing
_AT_ONCE = 200


def small(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture with a longer side of `side` pixels at most."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(image)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return resize(image, size, interpolation=cv2.INTER_AREA)


def keep_thumb(dataset: Dataset, sha256: str, image: NDArray[np.uint8], n_bytes: int) -> str:
    """The name of a small copy of a picture of `n_bytes`; "" where it is small itself."""
    longer = max(image.shape[:2])
    if longer <= _SIDE or (longer <= Sample.LARGE and n_bytes <= _LIGHT_BYTES):
        return ""
    return keep_once(dataset.file_name(sha256, ".thumb.jpg"), jpeg(small(image, _SIDE), quality=80))


@app.task(name="thumbs")
def thumbs(dataset_id: int) -> None:
    """Small copies of large pictures that have none, the newest first. Safe to deliver twice."""
    waiting = Sample.objects.current().without_thumb().filter(dataset=dataset_id)
    for sample in waiting.select_related("dataset").order_by("-pk")[:_AT_ONCE]:
        path = local_path(sample.file)
        try:
            with full_disk_is_said():
                image = read_picture(path)
                thumb = keep_thumb(sample.dataset, sample.sha256, image, path.stat().st_size)
        except (AnalysisError, FileNotFoundError) as error:
            if isinstance(error, AnalysisError) and not error.permanent:
                return  # the next look at the gallery asks again
            log.warning("%s stays as it is in the gallery: %s", sample, error)
            thumb = sample.file
        # No version++: what is known of the picture did not change.
        Sample.objects.filter(pk=sample.pk, file=sample.file).update(thumb=thumb)
