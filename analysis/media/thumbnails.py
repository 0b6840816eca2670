"""Small pictures of a film: its poster, and tiles along its length in one image."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.errors import UnreadableMedia
from analysis.media.frame_table import FrameTable
from analysis.media.frames import Frame, FrameReader, extract_frame, read_picture
from analysis.media.opencv import resize
from analysis.types import MediaInfo

_CANDIDATES = (0.10, 0.06, 0.15, 0.22, 0.33)  # shares of the film's length
_POSTER_WIDTH = 640
_MAX_COLUMNS = 10
_JPEG_MOST = 65_500  # pixels on a side: what the format can hold


def poster(path: Path | str, info: MediaInfo, *, track: int | None = None) -> bytes:
    """A picture of the asset, JPEG up to 640 wide: a sharp frame near a tenth of the film.

    Raises UnreadableMedia for a file without picture.
    """
    if info.kind == "image":
        return jpeg(_fitted(read_picture(path)), quality=85)
    if info.kind == "audio":
        raise UnreadableMedia("There is no picture in this file: it holds sound only.")
    times = sorted(info.start_offset_s + share * info.duration_s for share in _CANDIDATES)
    with FrameReader(path, times, shown=True, hop=True, track=track) as reader:
        images = [_fitted(frame.bgr()) for frame in reader]
    if not images:
        images = [_fitted(extract_frame(path, 0.0, track=track).bgr())]
    return jpeg(max(images, key=_worth), quality=85)


def strip(
    path: Path | str,
    table: FrameTable,
    tile_width: int = 160,
    max_tiles: int = 200,
    *,
    track: int | None = None,
) -> tuple[bytes, list[float], int]:
    """Tiles along the film: one JPEG, the time of each tile, and the tiles in a row.

    Tile i lies at row i // columns, column i % columns. Tiles are key frames, as evenly spread
    as the film has them: a 2-hour film costs 200 decoded frames.
    """
    times = _spread(table, max_tiles)
    try:
        with FrameReader(path, times, keys_only=True, hop=True, track=track) as reader:
            found = [(frame.time_s, tile(frame, tile_width)) for frame in reader]
    except UnreadableMedia:  # no key frame is whole; what follows one may still be shown
        found = []
    if not found:
        frame = extract_frame(path, 0.0, track=track)
        found = [(frame.time_s, tile(frame, tile_width))]
    image, columns = sprite([image for _, image in found])
    return image, [time_s for time_s, _ in found], columns


def tile(frame: Frame, width: int) -> NDArray[np.uint8]:
    """The frame at `width` and its own shape, BGR, height even."""
    height = max(2, round(width * frame.height / frame.width / 2) * 2)
    # Four times as wide is enough to average over; converting all of a 4K frame would be slow.
    image = frame.bgr((width * 4, height * 4) if frame.width > 4 * width else None)
    return resize(image, (width, height), interpolation=cv2.INTER_AREA)


def sprite(tiles: Iterable[NDArray[np.uint8]], quality: int = 75) -> tuple[bytes, int]:
    """Tiles side by side as one JPEG, and how many stand in a row.

    All get the room of the first; one of another shape stands in the middle of its own.
    """
    images = list(tiles)
    if not images:
        raise ValueError("a sprite needs at least one tile")
    height, width = images[0].shape[:2]
    images = [_in_the_middle(image, width, height) for image in images]
    columns = min(_MAX_COLUMNS, len(images))
    rows = min(-(-len(images) // columns), _JPEG_MOST // height)
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for index, image in enumerate(images[: rows * columns]):
        top, left = index // columns * height, index % columns * width
        sheet[top : top + height, left : left + width] = image
    return jpeg(sheet, quality), columns


def _in_the_middle(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The image as large as it fits into `width` × `height`, black around it."""
    if image.shape[:2] == (height, width):
        return image
    share = min(width / image.shape[1], height / image.shape[0])
    size = max(round(image.shape[1] * share), 1), max(round(image.shape[0] * share), 1)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    room = np.zeros((height, width, 3), np.uint8)
    fitted = resize(image, size, interpolation=cv2.INTER_AREA)
    room[top : top + size[1], left : left + size[0]] = fitted
    return room


def jpeg(image: NDArray[np.uint8], quality: int = 80) -> bytes:
    """BGR as JPEG."""
    encoded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert encoded
    return data.tobytes()


def _spread(table: FrameTable, most: int) -> NDArray[np.float64]:
    """At most `most` key frames, those nearest to evenly spread times."""
    keys = table.key_times_s if table.is_key.any() else table.times_s[:1]
    if len(keys) <= most:
        return keys
    wanted = (np.arange(most) + 0.5) * table.end_s / most
    after = np.clip(np.searchsorted(keys, wanted), 1, len(keys) - 1)
    is_before = wanted - keys[after - 1] <= keys[after] - wanted
    return keys[np.unique(after - is_before)]


def _worth(image: NDArray[np.uint8]) -> float:
    """Higher for a frame with something to see: sharp, neither black nor white."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    sharp = float(np.log1p(cv2.Laplacian(grey, cv2.CV_32F).var()))
    return sharp * min(float(grey.std()) / 40, 1.0)


def _fitted(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    if width <= _POSTER_WIDTH:
        return image
    size = (_POSTER_WIDTH, max(1, round(height * _POSTER_WIDTH / width)))
    return resize(image, size, interpolation=cv2.INTER_AREA)


def command(argv: Sequence[str]) -> int:
    """python -m analysis thumbnails FILE --out FOLDER: poster.jpg, strip.jpg and strip.json."""
    from analysis.media.probe import examine

    parser = argparse.ArgumentParser(
        prog="python -m analysis thumbnails", description=command.__doc__
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, default=Path("thumbnails"), metavar="FOLDER")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    info, table = examine(options.file)
    (options.out / "poster.jpg").write_bytes(poster(options.file, info))
    if info.kind == "video":
        image, times, columns = strip(options.file, table)
        (options.out / "strip.jpg").write_bytes(image)
        facts = {"times_s": times, "columns": columns}
        (options.out / "strip.json").write_text(json.dumps(facts))
    print(options.out)
    return 0
