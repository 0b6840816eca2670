"""The peer of bench.coherence: ultralytics' own tracking with ByteTrack, on the same frames."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.film.columns import DETECTION, KNOWN, SOURCES, Columns
from analysis.models.network import load_model
from analysis.models.ultralytics_fence import ultralytics
from bench.films import ROOT

MODEL = ROOT / "demo" / "model.safetensors"


def tracked(path: Path, frames: NDArray[np.void], pictures: NDArray[np.intp]) -> Columns:
    """`yolo track` with its defaults. Its classes are numbered as the demo's brands are.

    frames: the samples, dtype columns.FRAME; pictures: the number of each in the film.
    Every box that ByteTrack gives counts, as for somebody who takes its output: confidence 1.
    """
    import torch

    network = load_model(MODEL)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "peer.pt"
        torch.save({"model": network, "train_args": {"imgsz": network.args["imgsz"]}}, checkpoint)
        model = ultralytics().YOLO(checkpoint)
    wanted = {int(picture): row for row, picture in enumerate(pictures)}
    film, rows = cv2.VideoCapture(str(path)), []
    for number in range(int(pictures[-1]) + 1):
        if not film.grab():
            raise ValueError(f"OpenCV gives no picture {number}")
        if number not in wanted:
            continue
        [result] = model.track(
            film.retrieve()[1],
            persist=True,
            tracker="bytetrack.yaml",
            imgsz=network.args["imgsz"],
            device="cpu",
            verbose=False,
        )
        boxes = result.boxes
        if boxes.id is None:
            continue
        for box, label, track in zip(boxes.xyxyn, boxes.cls, boxes.id, strict=True):
            place = (wanted[number], int(label), int(track), *box.tolist())
            rows.append((*place, 1.0, np.nan, SOURCES.index("yolo"), KNOWN.index("detected")))
    film.release()
    return Columns(frames, np.array(rows, DETECTION))
