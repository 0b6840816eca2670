"""Writing that is read on pictures and in films, beside bare RapidOCR with its defaults.

    python -m bench.reading [--quick] [--json FILE]

Data: ../shared/data/ocr (crops of scene words, scanned pages), the photographs of water bottles,
whose labels say which brand is on each, and the countdown, which shows a digit a second. Character
recall: of the letters and digits that are there, the share that is read in their order (the longest
common subsequence; of a bottle, in one line that touches its box). The bare library runs on the
same networks as it comes, in ONNX Runtime.

Films: frames a second of processor-bound reading beside ours with each sampled frame read, both by
our reader, and how many looks are spared because nothing had changed. On the countdown each digit
has to be there as an item, in the middle of its second; its 0 is a circle and counts as O too.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq

from analysis.errors import NeedsReading
from analysis.media.frame_table import FrameTable, read_frame_table
from analysis.media.frames import FrameReader, read_picture
from analysis.reading import ReadFilm, engines
from analysis.reading.continuing import plain
from analysis.reading.film import read_film
from analysis.reading.reader import Reader
from analysis.types import Box
from bench.report import DATA, Report, arguments, skipped

OCR, WATER = DATA / "ocr", DATA / "water_brands"
COUNTDOWN = DATA / "countdown" / "CountdownClock_0.mp4"
STILL, MOVING = "bottle-detection.mp4", "car-detection.mp4"
EVERY_S = 0.5
Line = tuple[str, Box]
Read = Callable[[NDArray[np.uint8]], list[Line]]  # of a picture, BGR


class Wanted(NamedTuple):
    """What is written on a picture; `box`: where, None for somewhere."""

    path: Path
    text: str
    box: Box | None = None


def ours(reader: Reader) -> Read:
    def read(bgr: NDArray[np.uint8]) -> list[Line]:
        return [(one.text, one.box) for one in reader.read_picture(bgr[..., ::-1])]

    return read


def bare() -> Read:
    from rapidocr import RapidOCR

    library = RapidOCR(params={"Global.log_level": "critical"})

    def read(bgr: NDArray[np.uint8]) -> list[Line]:
        answer: Any = library(bgr)
        if answer.boxes is None:
            return []
        size = np.array((bgr.shape[1], bgr.shape[0]))
        corners = np.asarray(answer.boxes) / size
        boxes = [Box(*c.min(axis=0).tolist(), *c.max(axis=0).tolist()) for c in corners]
        return list(zip(answer.txts, boxes, strict=True))

    return read


def words() -> Iterator[Wanted]:
    folder = OCR / "scene_words" / "rec_toy_dataset"
    for row in json.loads((folder / "labels.json").read_text())["data_list"]:
        yield Wanted(folder / "imgs" / row["img_path"], row["instances"][0]["text"])


def pages() -> Iterator[Wanted]:
    for picture, text in (
        ("phototest.tif", "phototest.gold.txt"),
        ("eurotext.tif", "eurotext.txt"),
    ):
        yield Wanted(OCR / picture, (OCR / text).read_text(encoding="utf-8"))


def bottles(each: int) -> Iterator[Wanted]:
    names = (WATER / "classes.txt").read_text().split()
    for path in sorted((WATER / "images").glob("*.jpg"))[::each]:
        labels = WATER / "labels" / f"{path.stem}.txt"
        for row in labels.read_text().splitlines() if labels.is_file() else ():
            number, x, y, w, h = row.split()
            cx, cy, half_w, half_h = float(x), float(y), float(w) / 2, float(h) / 2
            box = Box(cx - half_w, cy - half_h, cx + half_w, cy + half_h)
            yield Wanted(path, names[int(number)], box)


def recall(wanted: list[Wanted], read: Read) -> tuple[float, float]:
    """The share of characters that are read, and the median of seconds a picture."""
    lines: dict[Path, list[Line]] = {}
    took: list[float] = []
    for path in dict.fromkeys(one.path for one in wanted):
        bgr = read_picture(path)
        start = time.perf_counter()
        lines[path] = read(bgr)
        took.append(time.perf_counter() - start)
    found = sum(_found(one, lines[one.path]) for one in wanted)
    return found / sum(len(plain(one.text)) for one in wanted), statistics.median(took)


def _found(wanted: Wanted, lines: list[Line]) -> int:
    text = plain(wanted.text)
    if wanted.box is None:
        return int(LCSseq.similarity(text, plain("".join(line for line, _ in lines))))
    near = [line for line, box in lines if _touch(wanted.box, box)]
    return max((int(LCSseq.similarity(text, plain(line))) for line in near), default=0)


def _touch(a: Box, b: Box) -> bool:
    return min(a.x2, b.x2) > max(a.x1, b.x1) and min(a.y2, b.y2) > max(a.y1, b.y1)


def compare_pictures(report: Report, reader: Reader, quick: bool) -> None:
    mine, theirs = ours(reader), bare()
    sets = (
        ("scene words", list(words()), 0.2),
        ("pages", list(pages()), 0.0),
        ("water brands", list(bottles(24 if quick else 4)), 0.0),
    )
    for name, wanted, more in sets:
        (a, a_s), (b, b_s) = recall(wanted, mine), recall(wanted, theirs)
        bar = f"+ {more}" if more else ">= bare"
        report.row(f"{name}: characters read", a, b, a / b, bar, a >= b + more)
        report.row(f"{name}: seconds a picture", a_s, b_s, a_s / b_s)


def beginning(table: FrameTable, seconds: float) -> FrameTable:
    keep = table.times_s < seconds
    return replace(
        table,
        times_s=table.times_s[keep],
        is_key=table.is_key[keep],
        end_s=min(table.end_s, seconds),
    )


def read_each(path: Path, reader: Reader, table: FrameTable) -> int:
    """Each sampled frame read, as one would without looking for changes; how many."""
    times = table.times_s[
        np.unique(np.searchsorted(table.times_s, np.arange(0, table.end_s, EVERY_S)))
    ]
    with FrameReader(path, times) as frames:
        for frame in frames:
            bgr = frame.bgr()
            reader.recognise(bgr, reader.find(bgr))
    return len(times)


def compare_film(report: Report, reader: Reader, path: Path, name: str, seconds: float) -> None:
    table = beginning(read_frame_table(path), seconds)
    start = time.perf_counter()
    read = read_film(path, reader, table.times_s, table.end_s)
    mine_s = time.perf_counter() - start
    start = time.perf_counter()
    read_each(path, reader, table)
    theirs_s = time.perf_counter() - start
    n = len(table)
    report.row(
        f"{name}: frames a second (peer: each sample read)",
        n / mine_s,
        n / theirs_s,
        theirs_s / mine_s,
    )
    report.row(f"{name}: share of looks spared", read.skipped)


def still_film(folder: Path) -> Path:
    """A film in which one caption comes at 4 s and goes at 8 s, and nothing else happens."""
    import av
    import font_roboto
    from PIL import Image, ImageDraw, ImageFont

    path = folder / "still.mp4"
    font = ImageFont.truetype(font_roboto.RobotoBold, 36)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(300):
            image = Image.new("RGB", (1280, 720), (70, 90, 80))
            if 100 <= number < 200:
                ImageDraw.Draw(image).text((300, 600), "Harbour Cup live", font=font, fill="white")
            out.mux(stream.encode(av.VideoFrame.from_image(image)))
        out.mux(stream.encode())
    return path


def check_still(report: Report, reader: Reader, folder: Path) -> None:
    path = still_film(folder)
    table = read_frame_table(path)
    read = read_film(path, reader, table.times_s, table.end_s)
    spans = [(item.text, item.start_s, item.end_s) for item in read.items]
    exact = spans == [("Harbour Cup live", 4.0, 8.0)]
    report.row("one caption in a still film: to the frame", int(exact), bar="= 1", holds=exact)
    report.row("one caption: share of looks spared", read.skipped, bar=">= 0.8",
               holds=read.skipped >= 0.8)  # fmt: skip
    compare_film(report, reader, path, "still film", 60)


def check_countdown(report: Report, reader: Reader) -> None:
    table = read_frame_table(COUNTDOWN)
    read = read_film(COUNTDOWN, reader, table.times_s, table.end_s)
    there = [digit for digit in range(6) if _is_there(read, digit)]
    report.row("countdown: digits at their second", len(there), bar="= 6",
               holds=len(there) == 6)  # fmt: skip
    report.row("countdown: share of looks spared", read.skipped)


def _is_there(read: ReadFilm, digit: int) -> bool:
    """Whether an item says it in the middle of its second, and begins with that to 0.1 s."""
    start_s = 5.0 - digit
    middle_s = start_s + (0.25 if digit == 0 else 0.5)  # the film ends half-way through its 0
    says = {str(digit), "o"} if digit == 0 else {str(digit)}
    return any(
        plain(item.text) in says
        and item.start_s <= middle_s < item.end_s
        and abs(item.start_s - start_s) < 0.1
        for item in read.items
    )


def measure(quick: bool, report: Report) -> None:
    reader = Reader(engines()[0])
    check_countdown(report, reader)
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as name:
        check_still(report, reader, Path(name))
    for film in (STILL,) if quick else (STILL, MOVING):
        compare_film(report, reader, DATA / "video" / film, film, 6 if quick else 20)
    compare_pictures(report, reader, quick)


def main() -> int:
    options = arguments("Writing read, beside bare RapidOCR.")
    if not OCR.is_dir():
        return skipped(f"{OCR} is not here")
    if not engines():
        return skipped(NeedsReading().message)
    report = Report("reading", peer="bare RapidOCR")
    measure(options.quick, report)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
