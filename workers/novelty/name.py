"""A group that somebody named → pictures of its label, and examples in a dataset."""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterator
from math import ceil
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.boxes import overlap
from analysis.datasets.types import LabelledBox
from analysis.errors import AnalysisError, Stopped
from analysis.film.columns import Columns
from analysis.media.frames import FrameReader, read_picture
from analysis.media.opencv import resize
from analysis.media.thumbnails import jpeg
from analysis.types import Box
from webapp.accounts.models import Refused, User
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.novelty.groups import NewBrand
from webapp.novelty.work import NoveltyWork
from webapp.pictures import PictureRefused
from webapp.projects import pictures
from webapp.projects.models import Label, Reference
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep_once, local_path

Pixels = NDArray[np.uint8]

MOST_PICTURES = 3  # that a label is given: the most typical of different moments
_LEAST_PX = 12  # of the film, each way: nothing is known by less
_SAME = 0.5  # intersection over union of a box of the run and the one that is named


def name(row: NoveltyWork, beat: Heartbeat) -> dict[str, Any]:
    """Cut the group's sights out of their films. Done again after a crash, nothing is doubled:
    equal pictures are there once, and frames of a dataset are named by film and time."""
    brand = row.brand
    if brand is None or brand.label is None:
        raise Refused("The label was deleted meanwhile: there is nothing to give pictures to.")
    wants_pictures = brand.state == NewBrand.State.NAMED or row.dataset is None
    sights = _there(brand)
    problems: list[str] = []
    n_pictures = n_examples = 0
    for done, (sight, run, image) in enumerate(_frames(sights)):
        if beat.should_stop():
            raise Stopped
        beat.note(step="cutting it out of the films", progress=done / max(len(sights), 1))
        if wants_pictures and n_pictures < MOST_PICTURES:
            picture = _add_picture(brand.label, sight, run, image, row, problems)
            if picture is not None:
                brand.was_given(picture)
                n_pictures += 1
        if row.dataset is not None:
            _add_example(row.dataset, brand.label, sight, run, image, row)
            n_examples += 1
    if wants_pictures and not n_pictures and not brand.label.references.exists():
        raise AnalysisError(
            problems[0] if problems else "None of its frames can be decoded any more."
        )
    NoveltyWork.objects.ask_gather(row.project, by=row.requested_by)
    return {"progress": 1.0, "step": "", "note": _note(n_pictures, n_examples, row)}


def _note(n_pictures: int, n_examples: int, row: NoveltyWork) -> str:
    parts = [f"{n_pictures} logo picture{'s' if n_pictures != 1 else ''}"] if n_pictures else []
    if n_examples:
        parts.append(f"{n_examples} example{'s' if n_examples != 1 else ''} in {row.dataset}")
    return f"{row.brand.label if row.brand else ''} was given {' and '.join(parts) or 'nothing'}."


def _there(brand: NewBrand) -> list[tuple[dict[str, Any], Run]]:
    """Its sights whose film is still there, each film and moment once, the most typical first."""
    runs = Run.living.filter(asset__removed=None, project=brand.project_id)
    runs = runs.select_related("asset").in_bulk({one["run"] for one in brand.sights})
    return [(one, runs[one["run"]]) for one in brand.sights if one["run"] in runs]


def _frames(
    sights: list[tuple[dict[str, Any], Run]],
) -> Iterator[tuple[dict[str, Any], Run, Pixels]]:
    """Each with the pixels of its frame, film by film; without those that cannot be decoded."""
    by_film: dict[tuple[int, int | None], list[tuple[dict[str, Any], Run]]] = defaultdict(list)
    for sight, run in sights:
        by_film[run.asset_id, run.options.get("track")].append((sight, run))
    for (_, track), some in by_film.items():
        asset = some[0][1].asset
        try:
            if asset.kind != Asset.Kind.VIDEO:
                image = read_picture(local_path(asset.file))
                yield from ((sight, run, image) for sight, run in some)
                continue
            times = sorted({sight["time_s"] for sight, _ in some})
            with FrameReader(local_path(asset.file), times, track=track, hop=True) as reader:
                for frame in reader:
                    pixels = frame.bgr().copy()
                    for sight, run in some:
                        if abs(sight["time_s"] - frame.time_s) < 1e-3:
                            yield sight, run, pixels
        except OSError:
            continue


def _add_picture(
    label: Label,
    sight: dict[str, Any],
    run: Run,
    image: Pixels,
    row: NoveltyWork,
    problems: list[str],
) -> Reference | None:
    part = cut_out(image, Box(*sight["box"]))
    if min(part.shape[:2]) < _LEAST_PX:
        problems.append("It is too small in the films to know a logo by it.")
        return None
    said = f"{run.asset.stem} at {sight['time_s']:.2f} s"
    try:
        return add_logo_picture(label, part, said, by=row.requested_by)
    except (PictureRefused, Refused) as refused:
        problems.append(str(refused))
        return None


def add_logo_picture(label: Label, part: Pixels, said: str, *, by: User | None) -> Reference:
    """A cut-out as a logo picture of a label; a small one enlarged to what is taken.

    Raises Refused where the label has it already or is full, PictureRefused.
    """
    factor = ceil(pictures.MIN_SIDE / min(part.shape[:2]))
    if factor > 1:
        part = resize(part, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    _, png = cv2.imencode(".png", part)
    return label.add_reference(pictures.read_picture(io.BytesIO(png.tobytes())), said, by=by)


def cut_out(image: Pixels, box: Box) -> Pixels:
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box.clipped()
    part = image[int(y1 * height) : ceil(y2 * height), int(x1 * width) : ceil(x2 * width)]
    return np.ascontiguousarray(part)


def _add_example(
    dataset: Dataset, label: Label, sight: dict[str, Any], run: Run, image: Pixels, row: NoveltyWork
) -> None:
    """The whole frame with its box, and with what counts there of other labels: a frame of which
    only one box is said would teach that the others are not there. What is labelled stays."""
    data = jpeg(image, quality=92)
    sha256 = hashlib.sha256(data).hexdigest()
    file = dataset.file_name(sha256, ".jpg")
    keep_once(file, data)
    time_s = sight["time_s"] if run.asset.kind == Asset.Kind.VIDEO else None
    sample = dataset.add_picture(
        source=f"{run.asset.name}@{sight['time_s']:.3f}",
        file=file,
        sha256=sha256,
        width=image.shape[1],
        height=image.shape[0],
        origin="review",
        asset=run.asset,
        time_s=time_s,
    )
    boxes = [LabelledBox(label.name, Box(*sight["box"]))]
    if sample.annotations.exists():  # people said it, or another sight of this group is on it
        said = sample.annotations.select_related("label")
        boxes = [LabelledBox(one.label.name, Box(*one.box)) for one in said]
        if all(overlap(Box(*sight["box"]), one.box) < _SAME for one in boxes):
            boxes.append(LabelledBox(label.name, Box(*sight["box"])))
    else:
        boxes += _counted(run, sight, dataset)
    sample.annotate(boxes, by=row.requested_by)


def _counted(run: Run, sight: dict[str, Any], dataset: Dataset) -> list[LabelledBox]:
    """What counts in the run's frame, but where the group is."""
    labels = {label.pk: label for label in dataset.current_labels()}
    columns: Columns = columns_of(run)
    near = np.flatnonzero(np.abs(columns.frames["time_s"] - sight["time_s"]) < 1e-3)
    if not len(near):
        return []
    found = columns.detections[columns.detections["frame"] == near[0]]
    boxes = []
    for one in found:
        label = labels.get(int(one["label"]))
        box = Box(*(float(one[side]) for side in ("x1", "y1", "x2", "y2"))).clipped()
        if label is None or one["confidence"] < label.threshold or box.area <= 0:
            continue
        if overlap(box, Box(*sight["box"])) < _SAME:
            boxes.append(LabelledBox(label.name, box))
    return boxes
