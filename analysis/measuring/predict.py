"""What a model finds on labelled pictures, with the compiled engine that runs use."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from analysis.datasets.types import LabelledPicture, LabelledSet, Split
from analysis.errors import AnalysisError, Stopped
from analysis.models.describe import describe

LOWEST = 0.01  # confidence that predictions go down to: precision at high recall needs the tail


def predict(
    labelled: LabelledSet,
    resolve: Callable[[LabelledPicture], Path],
    model: Path,
    *,
    split: Split | None = "test",
    cache: Path | None = None,
    device: Any = "auto",
    exact: bool = False,
    name: str = "",
    on_picture: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """What a model finds on a set's pictures beside the truth: see `analysis.measuring.evaluation`.

    With the same compiled engine that runs use. Pictures whose file is gone or unreadable are
    left out. `split` None takes every labelled picture. Raises UnusableModel, Stopped.
    """
    from analysis.detectors import load_detector
    from analysis.detectors.yolo import YoloOptions
    from analysis.media.frames import Frame

    settings = {"cache": cache, "device": device, "exact": exact}
    about = describe(model)
    if about.task != labelled.task:
        raise AnalysisError("This model was made for another task than these pictures.")
    if about.task == "concept":
        detector = load_detector("classifier", model, conf=0.001, **settings)
    else:
        detector = load_detector("yolo", model, YoloOptions(conf=LOWEST), **settings)
    wanted = [p for p in labelled.pictures if p.is_labelled and split in (None, p.split)]
    rows, busy_s = [], []
    for number, picture in enumerate(wanted):
        if should_stop():
            raise Stopped
        try:
            frame = Frame.from_file(resolve(picture))
        except (AnalysisError, OSError):
            continue
        started = time.perf_counter()
        found = next(iter(detector.detect([frame])))
        busy_s.append(time.perf_counter() - started)
        rows.append(_prediction(labelled.task, picture, found))
        on_picture(number + 1, len(wanted))
    return {
        "task": labelled.task,
        "labels": list(labelled.labels),
        "model": name or Path(model).name,
        "pictures": rows,
        # The median: the first of each shape also waits for the graph to be compiled.
        "ms_per_picture": round(median(busy_s) * 1000, 2) if busy_s else None,
        "size_bytes": Path(model).stat().st_size if Path(model).is_file() else None,
        "left_out": len(wanted) - len(rows),
    }


def _prediction(task: str, picture: LabelledPicture, found: Sequence[Any]) -> dict[str, Any]:
    about = {
        "source": picture.source,
        "file": picture.file,
        "width": picture.width,
        "height": picture.height,
    }
    if task == "concept":
        said = [{"label": d.label, "confidence": round(d.confidence, 4)} for d in found]
        return about | {"truth": list(picture.labels), "found": said}
    return about | {
        "truth": [{"label": b.label, "box": [*b.box]} for b in picture.boxes],
        "found": [
            {
                "label": d.label,
                "box": [round(v, 5) for v in d.box],
                "confidence": round(d.confidence, 4),
            }
            for d in found
        ],
    }
