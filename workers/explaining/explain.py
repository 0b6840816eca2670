"""One box of a run → the part of the picture that it goes by, matched points, and its likes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.datasets.version import unpack
from analysis.detectors.reference.pictures import read_reference, solid_part
from analysis.errors import AnalysisError, Stopped
from analysis.explaining import Heat, matched_points, most_alike, occlusion
from analysis.media.frames import FrameReader, read_picture
from analysis.types import Box
from webapp.assets.models import Asset
from webapp.datasets.versions import DatasetVersion
from webapp.explaining.explanations import Explanation
from webapp.training.models import TrainingRun
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.engine.piece import piece
from workers.runs import loaded

MOST_COMPARED = 150  # training examples
_HEAT, _MATCHED = 0.7, 0.8  # shares of the work
_SHOWN = 6
_MOST_POINTS = 60
_SEED = 17

Pixels = NDArray[np.uint8]


@piece(Explanation, tries=2)
def explain(row: Explanation, beat: Heartbeat) -> dict[str, Any]:
    """Why the detector of a run says that a label is in a box."""
    image = _frame(row)
    notes: list[str] = []
    heat = _heat(row, image, beat, notes)
    beat.note(step="comparing it with the logo pictures", progress=_HEAT)
    matches = _matches(row, image, notes)
    _go_on(beat)
    beat.note(step="comparing it with the training examples", progress=_MATCHED)
    alike, n_compared = _alike(row, image, beat)
    result = {
        "notes": notes,
        "heat": heat,
        "matches": matches,
        "alike": alike,
        "n_compared": n_compared,
    }
    return {"result": result, "progress": 1.0, "step": ""}


def _go_on(beat: Heartbeat) -> None:
    if beat.should_stop():
        raise Stopped


def _frame(row: Explanation) -> Pixels:
    """The frame that the run saw, as displayed."""
    asset = row.run.asset
    path = local_path(asset.file)
    if asset.kind != Asset.Kind.VIDEO:
        return read_picture(path)
    with FrameReader(path, [row.time_s], track=row.run.options.get("track")) as reader:
        for frame in reader:
            return frame.bgr().copy()
    raise AnalysisError(f"The frame at {row.time_s:.3f} s cannot be decoded any more.")


def _name(row: Explanation) -> str:
    """What the label was called when the run was asked for."""
    names = {number: name for name, number in row.run.label_ids().items()}
    return names.get(row.label, row.label_name)


def _heat(
    row: Explanation, image: Pixels, beat: Heartbeat, notes: list[str]
) -> dict[str, Any] | None:
    run, name = row.run, _name(row)
    beat.note(step="loading what it looked with", progress=0.0)
    detector = loaded.detector(run.inputs, run.options, should_stop=beat.should_stop)

    def tick(share: float) -> None:
        beat.note(step="covering parts of it", progress=_HEAT * share)
        _go_on(beat)

    found: Heat = occlusion(detector, image, Box(*row.box), name, tick=tick)
    loaded.rest()
    if not found.confidence:
        notes.append(_unseen(row, name))
        return None
    return {
        "effects": np.round(found.effects, 4).tolist(),
        "area": [round(side, 6) for side in found.area],
        "confidence": round(found.confidence, 4),
        "outside_share": round(found.outside_share, 3),
    }


def _unseen(row: Explanation, name: str) -> str:
    if row.known in ("followed", "interpolated"):
        return (
            f"In this frame alone the detector does not see {name}: it saw it in a frame near by, "
            "and the box was followed here."
        )
    return f"Asked about this frame alone, the detector does not find {name} again."


def _matches(row: Explanation, image: Pixels, notes: list[str]) -> list[dict[str, Any]]:
    """The logo pictures of the label with points that are found again."""
    known = next((one for one in row.run.inputs["labels"] if one["id"] == row.label), None)
    files = list(known["references"]) if known else []
    pictures = [solid_part(read_reference(local_path(one["file"]))) for one in files]
    found = matched_points(pictures, image, Box(*row.box))
    if files and not found:
        notes.append("No logo picture has three points that are found again in this box.")
    return [
        {
            "file": files[one.picture]["file"],
            "size": [pictures[one.picture].shape[1], pictures[one.picture].shape[0]],
            "points": np.round(one.points[:_MOST_POINTS], 5).tolist(),
        }
        for one in found
    ]


def _alike(row: Explanation, image: Pixels, beat: Heartbeat) -> tuple[list[dict[str, Any]], int]:
    """The training examples of the label that look most like the box, and of how many."""
    crop = _cut(image, Box(*row.box))
    if crop is None:
        return [], 0
    examples, crops = [], []
    for example, cut in _examples(row):
        _go_on(beat)
        examples.append(example)
        crops.append(cut)
    found = most_alike(crop, crops, _SHOWN)
    alike = [examples[one.picture] | {"likeness": round(one.likeness, 3)} for one in found]
    return alike, len(crops)


def _examples(row: Explanation) -> Iterator[tuple[dict[str, Any], Pixels]]:
    """Boxes of the label in what the run's model learned from, by lot where they are many."""
    version = _learned_from(row)
    if version is None or not version.file:
        return
    known = next((one for one in row.run.inputs["labels"] if one["id"] == row.label), None)
    words = {word.casefold() for word in [_name(row), *(known["aliases"] if known else [])]}
    labelled = unpack(local_path(version.file).read_bytes())
    boxes = [
        (picture, box.box)
        for picture in labelled.pictures
        for box in picture.boxes
        if box.label.casefold() in words and picture.file
    ]
    chosen = np.random.default_rng(_SEED).permutation(len(boxes))[:MOST_COMPARED]
    for picture, box in (boxes[at] for at in chosen):
        path = _there(picture.file)
        cut = _cut(read_picture(path), Box(*box)) if path else None
        if cut is not None:
            about = {"file": picture.file, "box": list(box), "source": picture.source}
            yield about | {"size": [picture.width, picture.height]}, cut


def _learned_from(row: Explanation) -> DatasetVersion | None:
    model = row.run.inputs["model"]
    if not model:
        return None
    training = TrainingRun.objects.filter(result=model["id"]).select_related("version").first()
    return training.version if training else None


def _there(file: str) -> Path | None:
    """Its place on the disk; None where it was deleted since."""
    try:
        path = local_path(file)
    except (AnalysisError, OSError):
        return None
    return path if path.exists() else None


def _cut(image: Pixels, box: Box) -> Pixels | None:
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box.clipped()
    part = image[round(y1 * height) : round(y2 * height), round(x1 * width) : round(x2 * width)]
    return np.ascontiguousarray(part) if min(part.shape[:2]) >= 2 else None
