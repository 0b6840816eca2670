"""A part of an analysed frame as a picture that a label is known by, or told from."""

from __future__ import annotations

import io
from collections.abc import Sequence
from math import ceil, isfinite

from django.core.files.storage import default_storage
from PIL import Image

from webapp.leases import Status
from webapp.pictures import PictureRefused
from webapp.projects.pictures import MIN_SIDE, Picture, read_picture
from webapp.runs.run import Run
from webapp.timeline.frames import frame_picture

LEAST_PX = 12  # of the film, each way: nothing is known by less


class NotYet(Exception):
    """The frame is being cut out of the film; the same can be asked again in a moment."""


def cut_out(run: Run, time_s: float, box: Sequence[float]) -> Picture:
    """What a box of the analysed frame at `time_s` shows at full size.

    box: xyxy, fractions of the frame. Raises PictureRefused with a sentence; NotYet while a worker
    makes the frame.
    """
    if len(box) != 4 or not all(map(isfinite, box)):
        raise PictureRefused("A box has four sides, and each is a number.")
    x1, y1, x2, y2 = (min(max(side, 0.0), 1.0) for side in box)
    if x1 >= x2 or y1 >= y2:
        raise PictureRefused("The box lies outside the picture.")
    frame = frame_picture(run, time_s)
    if frame.status == Status.FAILED:
        raise PictureRefused(f"This frame cannot be had at full size: {frame.error}")
    if frame.status != Status.DONE:
        raise NotYet("The frame is being cut out of the film. Ask again in a second.")
    try:
        with default_storage.open(frame.file) as file, Image.open(file) as image:
            part = _part(image.convert("RGB"), (x1, y1, x2, y2))
    except OSError as error:
        raise PictureRefused(
            "The picture of this frame is gone from the storage, so nothing can be cut out of it."
        ) from error
    png = io.BytesIO()
    part.save(png, "PNG")
    png.seek(0)
    return read_picture(png)


def _part(image: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    """The pixels that the box touches, enlarged where they are few."""
    width, height = image.size
    x1, y1 = int(box[0] * width), int(box[1] * height)
    x2, y2 = min(ceil(box[2] * width), width), min(ceil(box[3] * height), height)
    part = image.crop((x1, y1, x2, y2))
    if min(part.size) < LEAST_PX:
        raise PictureRefused(
            f"This box is {part.width} × {part.height} pixels of the film. {LEAST_PX} or more each "
            "way are needed: take a frame in which it is larger."
        )
    factor = ceil(MIN_SIDE / min(part.size))
    if factor == 1:
        return part
    return part.resize((part.width * factor, part.height * factor), Image.Resampling.LANCZOS)
