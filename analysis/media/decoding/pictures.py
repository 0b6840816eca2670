"""Still pictures, and the first frame of a film as one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from analysis.errors import RefusedMedia, UnreadableMedia
from analysis.media.decoding.decoder import decoded, ready
from analysis.media.decoding.geometry import EXIF_TURNS, Geometry, displayed, geometry_of
from analysis.media.decoding.line import Line
from analysis.media.decoding.opening import film, is_heif, is_picture, open_media

_ORIENTATION = 274  # the EXIF tag


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a picture file states before any pixel is decoded; zeros where PIL cannot tell."""

    width: int = 0
    height: int = 0
    n_pages: int = 1
    orientation: int = 1  # EXIF: 1 to 8


def picture_frame(
    media: int, container: InputContainer, request: dict
) -> tuple[VideoStream, av.VideoFrame, Geometry, list[str]]:
    """The one frame of a picture file, how to display it, and what to warn about.

    Raises RefusedMedia for a picture beyond the limits before a pixel of it is decoded.
    """
    photograph = _photograph(media) if is_heif(container) else None
    if photograph:
        width, height = photograph.size
        header = PictureHeader(width, height, len(photograph))  # turned by what reads it
    else:
        header = _picture_header(media)
    _check_picture(header.width, header.height, request["limits"])
    stream = container.streams.video[0] if photograph else film(container)
    if stream is None or stream.codec_context is None:
        raise UnreadableMedia("This picture is in a format that this machine cannot decode.")
    if photograph:
        _refuse_what_is_cut_short(container)
        frame = _put_together(photograph)
    else:
        frame = _only_frame(media, container, stream, request["limits"])
    if frame is None:
        raise UnreadableMedia("This picture is damaged: it cannot be decoded.")
    geometry = geometry_of(frame, None, is_picture=True)
    if header.orientation in EXIF_TURNS:
        turns, mirrored = EXIF_TURNS[header.orientation]
        geometry = replace(geometry, quarter_turns=turns, is_mirrored=mirrored)
    n_pages = header.n_pages
    warnings = [f"Only the first of {n_pages} pages is used."] if n_pages > 1 else []
    return stream, frame, geometry, warnings


def _only_frame(
    media: int, container: InputContainer, stream: VideoStream, limits: dict
) -> av.VideoFrame | None:
    context = stream.codec_context
    _check_picture(context.width, context.height, limits)
    context.options = {"max_pixels": str(limits["max_picture_pixels"])}
    seen = next(decoded(container, stream), None)
    return seen.frame if seen else _moving_webp(media)


def read_picture(request: dict, payload: bytes, line: Line) -> None:
    """Answer with one picture as displayed: BGR, or BGRA where it has see-through parts."""
    media = request["media"]
    container = open_media(media, request)
    if is_picture(container):
        _, frame, geometry, _ = picture_frame(media, container, request)
    else:  # a film: its first frame
        stream = film(container, request.get("track"))
        if stream is None:
            raise UnreadableMedia("There is no picture in this file: it holds sound only.")
        ready(stream, request["limits"])
        first = next(decoded(container, stream), None)
        if first is None:
            raise UnreadableMedia("Not one frame of this film can be decoded.")
        frame = first.frame
        geometry = geometry_of(frame, stream.sample_aspect_ratio, is_picture=False)
    has_alpha = _is_palette(frame) or any(part.is_alpha for part in frame.format.components)
    image = displayed(frame, geometry, "bgra" if has_alpha else "bgr24")
    line.send({"shape": list(image.shape)}, np.ascontiguousarray(image).tobytes())


def _is_palette(frame: av.VideoFrame) -> bool:
    """Palettes may hold a see-through colour; the format does not say."""
    return frame.format.name == "pal8"


def _picture_header(media: int) -> PictureHeader:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # only the header is read; our own limit follows
    try:
        with _from_the_start(media) as file, Image.open(file) as picture:
            pages = getattr(picture, "n_frames", 1) if picture.format in ("TIFF", "WEBP") else 1
            may_be_turned = picture.format in ("JPEG", "MPO", "TIFF", "WEBP")
            # Of a PNG, PIL would decode every pixel to look for EXIF behind them.
            orientation = picture.getexif().get(_ORIENTATION, 1) if may_be_turned else 1
            return PictureHeader(*picture.size, pages, orientation)
    except Exception:
        return PictureHeader()  # PIL knows fewer formats than ffmpeg


@contextmanager
def _from_the_start(media: int) -> Iterator[BinaryIO]:
    """The file for another reader than the demuxer, which goes on where it was."""
    position = os.lseek(media, 0, os.SEEK_CUR)
    os.lseek(media, 0, os.SEEK_SET)
    try:
        with open(media, "rb", closefd=False) as file:
            yield file
    finally:
        os.lseek(media, position, os.SEEK_SET)


def _photograph(media: int) -> Any:
    """What a phone stores (HEIF), its header read; None where it is none that libheif knows.

    ffmpeg knows its tiles, but neither puts them together nor turns the whole."""
    import pillow_heif

    try:
        with _from_the_start(media) as file:
            return pillow_heif.open_heif(file)
    except (ValueError, EOFError, SyntaxError, RuntimeError):
        return None


def _refuse_what_is_cut_short(container: InputContainer) -> None:
    """libheif leaves tiles that are not there dark green, and says nothing."""
    tiles = container.streams.video
    try:
        found = {p.stream_index for p in container.demux(*tiles) if p.size and not p.is_corrupt}
    except av.error.FFmpegError:
        found = set()
    if len(found) < len(tiles):
        raise UnreadableMedia(
            "This photograph is damaged: parts of it are missing. The upload or the copy was cut "
            "short."
        )


def _put_together(photograph: Any) -> av.VideoFrame | None:
    mode, pixels = ("RGBA", "rgba") if photograph.has_alpha else ("RGB", "rgb24")
    try:
        picture = photograph.to_pillow().convert(mode)
    except (ValueError, EOFError, SyntaxError, RuntimeError, OSError):
        return None
    return av.VideoFrame.from_ndarray(np.asarray(picture), pixels)


def _moving_webp(media: int) -> av.VideoFrame | None:
    """The first frame of a WebP that moves, which PIL decodes and ffmpeg does not."""
    from PIL import Image

    try:
        with _from_the_start(media) as file:
            picture = Image.open(file, formats=["WEBP"]).convert("RGB")
            return av.VideoFrame.from_ndarray(np.array(picture), "rgb24")
    except Exception:
        return None


def _check_picture(width: int, height: int, limits: dict) -> None:
    side, pixels = limits["max_picture_side"], limits["max_picture_pixels"]
    if max(width, height) > side or width * height > pixels:
        raise RefusedMedia(
            f"The picture is {width:,}×{height:,} pixels; the limit is {side:,} on a side and "
            f"{pixels // 1_000_000} megapixels."
        )
