"""A small film of a detailed logo that comes, moves and goes; drawn, so its truth is known."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np

WIDTH, HEIGHT, RATE = 480, 270, 10


def _mark() -> np.ndarray:
    """A picture rich in corners, always the same."""
    rng = np.random.default_rng(7)
    mark = np.full((120, 160, 3), 245, np.uint8)
    for _ in range(26):
        x, y = rng.integers(4, 150), rng.integers(4, 110)
        colour = tuple(int(c) for c in rng.integers(0, 200, 3))
        cv2.rectangle(mark, (x, y), (x + rng.integers(6, 30), y + rng.integers(6, 24)), colour, -1)
    cv2.putText(mark, "ACME", (18, 74), cv2.FONT_HERSHEY_DUPLEX, 1.5, (20, 20, 160), 3)
    return mark


def logo() -> bytes:
    """The logo as PNG."""
    return cv2.imencode(".png", _mark())[1].tobytes()


def film(
    path: Path, *, seconds: int, pace: float = 1.0, gop: int = 2 * RATE, flags: str = ""
) -> Path:
    """The logo is on screen in the first six of every eight seconds, drifting to the right.

    At a slower pace all of that takes longer: at 0.2 it stays for half a minute.
    """
    ground = np.random.default_rng(3).integers(90, 130, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    ground = cv2.GaussianBlur(ground, (0, 0), 5)
    mark = cv2.resize(_mark(), (120, 90), interpolation=cv2.INTER_AREA)
    with av.open(str(path), "w", options={"movflags": flags} if flags else {}) as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"g": str(gop), "preset": "ultrafast", "crf": "18", "bf": "2"}
        for index in range(seconds * RATE):
            picture = ground.copy()
            second = index / RATE * pace % 8
            if second < 6:
                x = 20 + int(second * 50)
                picture[60:150, x : x + 120] = mark
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path
