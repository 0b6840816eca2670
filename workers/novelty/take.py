"""Boxes that people labelled → logo pictures of their label."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.detectors.reference.pictures import read_reference
from analysis.errors import AnalysisError, Stopped
from analysis.media.frames import read_picture
from analysis.media.opencv import resize
from analysis.pseudo_labels.logo_pictures import most_telling
from analysis.types import Box
from webapp.accounts.models import Refused
from webapp.datasets.samples import Annotation
from webapp.novelty.labelled import free_places, labelled_boxes
from webapp.novelty.work import NoveltyWork
from webapp.pictures import PictureRefused
from webapp.projects.models import Label
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.novelty.name import add_logo_picture, cut_out

Pixels = NDArray[np.uint8]

MOST_BOXES = 400  # the newest ones; more show nothing new
LONGEST = 640  # pixels of the longer side of a logo picture: more are not looked at


def take(row: NoveltyWork, beat: Heartbeat) -> dict[str, Any]:
    """The labelled boxes that show the label best, as logo pictures. Done again after a crash,
    nothing is doubled: equal pictures are there once, and no more are taken than there is room."""
    label = row.label
    if label is None:
        raise Refused("The label was deleted meanwhile: there is nothing to give pictures to.")
    boxes, crops = _crops(label, beat)
    known = [_opaque(picture) for picture in _known(label)]
    chosen = most_telling(crops, max(free_places(label), 0), known=known)
    n, refusals = 0, list[str]()
    for at in chosen:
        try:
            add_logo_picture(label, crops[at], str(boxes[at].sample), by=row.requested_by)
            n += 1
        except (PictureRefused, Refused) as refused:
            refusals.append(str(refused))
    return {"progress": 1.0, "step": "", "note": _note(label, n, len(boxes), refusals)}


def _crops(label: Label, beat: Heartbeat) -> tuple[list[Annotation], list[Pixels]]:
    """The boxes whose pictures can be read, and what is in each."""
    newest = list(labelled_boxes(label).select_related("sample")[:MOST_BOXES])
    newest.sort(key=lambda one: -one.sample_id)
    boxes: list[Annotation] = []
    crops: list[Pixels] = []
    for _, some in groupby(newest, key=lambda one: one.sample_id):
        if beat.should_stop():
            raise Stopped
        beat.note(step="cutting out what was labelled", progress=0.9 * len(boxes) / len(newest))
        of_sample = list(some)
        try:
            image = read_picture(local_path(of_sample[0].sample.file))
        except (AnalysisError, FileNotFoundError):
            continue
        boxes += of_sample
        crops += [_bounded(cut_out(image, Box(*one.box))) for one in of_sample]
    return boxes, crops


def _bounded(crop: Pixels) -> Pixels:
    """No larger than tells anything: hundreds of whole photographs would be gigabytes."""
    shrink = LONGEST / max(crop.shape[:2])
    if shrink >= 1:
        return crop.copy()  # a part of a picture would keep all of it
    return resize(crop, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)


def _known(label: Label) -> list[Pixels]:
    known = []
    for reference in label.references.logos():
        try:
            known.append(read_reference(local_path(reference.file)))
        except (AnalysisError, FileNotFoundError):
            continue
    return known


def _opaque(picture: Pixels) -> Pixels:
    """BGR; what is see-through becomes white, as in most labelled boxes it would be paper."""
    if picture.shape[2] == 3:
        return picture
    share = picture[:, :, 3:].astype(np.float32) / 255
    return np.round(picture[:, :, :3] * share + 255 * (1 - share)).astype(np.uint8)


def _note(label: Label, n: int, n_boxes: int, refusals: Sequence[str]) -> str:
    of = f"{n_boxes:,} labelled box{'' if n_boxes == 1 else 'es'}"
    if n:
        return f"{label} was given {n} logo picture{'' if n == 1 else 's'} out of {of}."
    if refusals:
        return f"{label} was given no logo picture: {refusals[0]}"
    return f"{label} was given no logo picture: none of {of} is large enough to know it by."
