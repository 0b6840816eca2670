"""Make the demo clip and its ground truth: `python -m demo.make_clip`.

48 seconds of a match evening with invented sponsors, drawn by `scenes.py`. `clip.mp4` is 1280 × 720
at 25 frames a second, H.264 with B-frames and AAC sound; `truth.json` holds the box of every logo
in every frame and, for each brand, the intervals in which it can be seen. Both come from the
renderer's own record of which pixel shows which logo. The same source gives the same truth;
the encoder's bytes may differ between versions of x264.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.types import Box
from demo.brands import BRANDS
from demo.scenes import (
    FAIR_PLAY,
    TITLE,
    Airship,
    Can,
    Interview,
    Jersey,
    Pitch,
    Scene,
    Tunnel,
    ease,
    lower_third,
    score_bug,
)
from demo.sound import SAMPLE_RATE, soundtrack, spans
from demo.stage import HEIGHT, WIDTH, Stage, graded

HERE = Path(__file__).parent
FRAME_RATE = 25
OVERSAMPLING = 1.0  # of the whole picture; edges are smooth already
# A logo is in the truth when this much of its ink shows and its box is this many pixels each way.
MIN_VISIBLE, MIN_SIDE_PX = 0.30, 9.0


@dataclass(frozen=True)
class Caption:
    """A sponsored lower third, from `start` to `end` of its shot, sliding for 0.4 s."""

    brand: str
    heading: str
    line: str
    start: float
    end: float

    def arrival(self, t: float) -> float:
        return ease(t, self.start, self.start + 0.4) - ease(t, self.end - 0.4, self.end)


@dataclass(frozen=True)
class ShotPlan:
    """One shot of the clip: what it shows and for how long."""

    name: str
    length_s: float
    scene: Callable[[], Scene]
    clock: int | None = None  # match time at its start, where the score is shown
    captions: Sequence[Caption] = field(default=())


# Boards from the middle of the side line to the right; they repeat. Sponsors are far enough apart
# that they come and go as the camera pans.
WIDE = ["Norra Bank", TITLE, "Osprey Air", FAIR_PLAY, "Kestrel"]
WIDE += [FAIR_PLAY, "Kestrel", TITLE, "Vitalo", TITLE]
TOUCHLINE = ("Vitalo", TITLE, FAIR_PLAY, "Norra Bank", TITLE, "Kestrel", TITLE, "Norra Bank")

SHOTS = (
    ShotPlan("wide", 9.0, lambda: Pitch(3, WIDE, players=10), clock=754),
    ShotPlan("jersey", 5.6, lambda: Jersey(1, "Kestrel")),
    ShotPlan(
        "touchline",
        9.0,
        lambda: Pitch(5, TOUCHLINE, close=True, players=6),
        clock=768,
        captions=(Caption("Osprey Air", "Attendance", "24 318 at Harbour Park", 3.2, 7.6),),
    ),
    ShotPlan("tunnel", 4.0, lambda: Tunnel(1)),
    ShotPlan("interview", 8.4, lambda: Interview(1, ["Norra Bank", "Vitalo"])),
    ShotPlan("can", 5.6, lambda: Can(1, "Vitalo")),
    ShotPlan("airship", 6.4, lambda: Airship(2, "Osprey Air", enters=0.9)),
)


@dataclass(frozen=True)
class Frame:
    """A finished frame and what it shows."""

    image: NDArray[np.uint8]
    boxes: Sequence[tuple[str, Box]]


def duration_s(shots: Sequence[ShotPlan] = SHOTS) -> float:
    return sum(shot.length_s for shot in shots)


def draw(number: int) -> Frame:
    """Frame `number` of the clip."""
    index, t = _shot_at(number)
    shot = SHOTS[index]
    stage = _scene(index).draw(t, OVERSAMPLING)
    if shot.clock is not None:
        score_bug(stage, int(shot.clock + t))
    for caption in shot.captions:
        lower_third(stage, caption.brand, caption.heading, caption.line, caption.arrival(t))
    image = cv2.resize(graded(stage), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return Frame(image, _visible(stage))


def _visible(stage: Stage) -> list[tuple[str, Box]]:
    return stage.canvas.boxes(MIN_VISIBLE, MIN_SIDE_PX * stage.scale)


@cache
def _scene(index: int) -> Scene:
    return SHOTS[index].scene()


def _shot_at(number: int) -> tuple[int, float]:
    t = number / FRAME_RATE
    for index, shot in enumerate(SHOTS):
        if t < shot.length_s - 1e-9:
            return index, t
        t -= shot.length_s
    raise IndexError(f"the clip has no frame {number}")


def frames(count: int, workers: int) -> Iterator[Frame]:
    """Frames 0 to count, in order, drawn by several processes."""
    if workers < 2:
        yield from map(draw, range(count))
        return
    with ProcessPoolExecutor(workers, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield from pool.map(draw, range(count), chunksize=4)


# The file


class Film:
    """An MP4 that frames are added to, or the packets of a picture that is there already."""

    def __init__(self, path: Path, crf: int = 0, copied: av.VideoStream | None = None) -> None:
        self.container = av.open(str(path), "w", options={"movflags": "+faststart"})
        self.is_copied = copied is not None
        if copied is None:
            self._encode(crf)
        else:
            self.video = self.container.add_stream_from_template(copied)
        self.audio = self.container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        self.audio.bit_rate = 56_000

    def _encode(self, crf: int) -> None:
        self.video = self.container.add_stream("libx264", rate=FRAME_RATE)
        self.video.width, self.video.height, self.video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        self.video.time_base = Fraction(1, 12_800)
        self.video.options = {
            "preset": "slow", "crf": str(crf), "g": "50", "bf": "3", "tune": "animation",
        }  # fmt: skip
        # BT.709, said in the file: players must not guess its colours.
        context = self.video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = 1
        context.color_range = 1

    def add(self, image: NDArray[np.uint8], number: int) -> None:
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
        frame.pts, frame.time_base = number * 512, Fraction(1, 12_800)
        self.container.mux(self.video.encode(frame))

    def finish(self, sound: NDArray[np.float32]) -> None:
        for packet in () if self.is_copied else self.video.encode():
            self.container.mux(packet)
        for start in range(0, len(sound), 1024):
            block = np.ascontiguousarray(sound[None, start : start + 1024], np.float32)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, start
            frame.time_base = Fraction(1, SAMPLE_RATE)
            self.container.mux(self.audio.encode(frame))
        self.container.mux(self.audio.encode())
        self.container.close()


# The truth


def intervals(seen: Sequence[bool]) -> list[list[float]]:
    """Stretches [start, end) in seconds during which frames in a row show something."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(seen, int), [0]])))
    return [[float(a) / FRAME_RATE, float(b) / FRAME_RATE] for a, b in edges.reshape(-1, 2)]


def truth(shown: Sequence[Sequence[tuple[str, Box]]]) -> dict:
    """Everything a reader of `truth.json` needs, boxes as [brand number, x1, y1, x2, y2]."""
    names = [brand.name for brand in BRANDS]
    starts = np.cumsum([0.0, *(shot.length_s for shot in SHOTS)])
    return {
        "clip": "clip.mp4",
        "width": WIDTH,
        "height": HEIGHT,
        "frame_rate": FRAME_RATE,
        "frame_count": len(shown),
        "duration_s": len(shown) / FRAME_RATE,
        "brands": names,
        "shots": [
            {"name": shot.name, "start_s": round(a, 6), "end_s": round(b, 6)}
            for shot, a, b in zip(SHOTS, starts, starts[1:], strict=False)
        ],
        "intervals": {
            name: intervals([any(label == name for label, _ in boxes) for boxes in shown])
            for name in names
        },
        "min_visible": MIN_VISIBLE,
        "said": spans(len(shown) / FRAME_RATE),
        "frames": [
            [[names.index(label), *(round(v, 5) for v in box)] for label, box in boxes]
            for boxes in shown
        ],
    }


def write_truth(facts: dict, path: Path) -> None:
    """JSON with one line for each frame, so that changes can be read."""
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in facts["frames"])
    head = json.dumps({k: v for k, v in facts.items() if k != "frames"}, indent=1)
    path.write_text(f'{head[:-2]},\n "frames": [\n{rows}\n ]\n}}\n', encoding="utf-8")


def replace_sound(folder: Path) -> int:
    """The clip with the sound that is made now, and not a bit of its picture changed."""
    path, made = folder / "clip.mp4", folder / "clip.new.mp4"
    facts = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    with av.open(str(path)) as before:
        (picture,) = before.streams.video
        film = Film(made, copied=picture)
        for packet in before.demux(picture):
            if packet.dts is not None:
                packet.stream = film.video
                film.container.mux(packet)
        film.finish(soundtrack(facts["duration_s"]))
    made.replace(path)
    frames = facts.pop("frames")
    write_truth(
        facts | {"said": spans(facts["duration_s"]), "frames": frames}, folder / "truth.json"
    )
    print(f"{path.stat().st_size:,} bytes")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--frames", type=int, default=round(duration_s() * FRAME_RATE))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--crf", type=int, default=30)
    parser.add_argument(
        "--sound-only", action="store_true", help="keep the picture of the clip that is there"
    )
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.sound_only:
        return replace_sound(options.out)
    film, shown = Film(options.out / "clip.mp4", options.crf), []
    for number, frame in enumerate(frames(options.frames, options.workers)):
        film.add(frame.image, number)
        shown.append(frame.boxes)
    film.finish(soundtrack(options.frames / FRAME_RATE))
    write_truth(truth(shown), options.out / "truth.json")
    size = (options.out / "clip.mp4").stat().st_size
    print(f"{len(shown)} frames, {size:,} bytes, {sum(map(len, shown))} boxes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
