"""What workers do for labelling jobs: cut frames ahead, propose boxes, write down what was found.

Chores over a whole job are done in slices of some seconds and ring again, so that a job of ten
thousand pictures never keeps a run waiting for longer than that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import cv2
import numpy as np
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from analysis.datasets.types import LabelledBox
from analysis.errors import AnalysisError, Stopped
from analysis.labelling.consensus import Merged, merge
from analysis.media.frames import Frame, FrameReader
from analysis.media.thumbnails import jpeg
from analysis.types import Box
from webapp.accounts.models import Refused, User
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample, labels_by_word
from webapp.datasets.versions import DatasetVersion
from webapp.labelling import documents
from webapp.labelling.chores import FRAMES_A_CHUNK, Chore
from webapp.labelling.items import Item
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.parts import Film
from webapp.labelling.predictions import Prediction
from webapp.labelling.works import Work
from webapp.leases import Status
from webapp.projects.models import snapshot
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.training.models import TrainingRun
from workers.datasets.pictures import Shown, called
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, local_path
from workers.engine.piece import NotYet, piece
from workers.runs import loaded

SLICE_S = 20.0
FROZEN_SOON_S = 5.0  # until it is looked again whether a version is frozen
FRAMES_KEPT = timedelta(days=7)
KEPT_AFTER = timedelta(hours=1)  # the end of a job: somebody may still be looking at it
LEAST_CONFIDENCE = 0.25
MOST_PROPOSED_FRAMES = 40  # of a clip: enough to start tracks from
_QUALITY = 90


@piece(Chore)
def chore(row: Chore, beat: Heartbeat) -> dict[str, Any] | None:
    """One chore of a labelling job, or a slice of it."""
    changes = _WORK[row.kind](row, beat)
    if row.kind != Chore.Kind.COMPLETION:
        return changes
    with transaction.atomic():
        if row.finish(**changes):
            _train_then(row)
    return None


def _slice(chore: Chore, beat: Heartbeat) -> Iterator[Item]:
    """The items that are still to do, until the time of a slice is up. `done` is kept."""
    until = time.monotonic() + SLICE_S
    items = chore.job.items.select_related("sample", "asset").order_by("position")
    while (item := items.filter(position__gte=chore.done).first()) is not None:
        yield item
        chore.done = item.position + 1
        if not chore.progressed(done=chore.done) or beat.should_stop():
            raise Stopped
        if time.monotonic() > until and items.filter(position__gte=chore.done).exists():
            raise NotYet


# --- frames of a clip -------------------------------------------------------------------------


def cut_chunk(chore: Chore, beat: Heartbeat) -> dict[str, Any]:
    """Cut one chunk of a clip's frames, for the page to show one after another at once."""
    item = chore.item
    assert item is not None
    first = chore.chunk * FRAMES_A_CHUNK
    times = item.times_s[first : first + FRAMES_A_CHUNK]
    missing = []
    last: bytes | None = None
    for offset, picture in _pictures(item, times, beat):
        number = first + offset
        if picture is None:
            missing.append(number)
        elif last is None:  # nothing came before those that are missing so far
            for lost in missing:
                keep(item.frame_file(lost), picture)
        last = picture or last
        if last is not None:
            keep(item.frame_file(number), last)
            beat.note(done=offset + 1)
    if last is None:
        raise AnalysisError(f"None of these frames of {item.asset} can be decoded.")
    note = f"Damaged, shown as the frame beside: {missing}." if missing else ""
    return {"done": len(times), "note": note}


def _video(item: Item) -> Asset:
    if item.asset is None:
        raise AnalysisError("The video was deleted.", permanent=True)
    return item.asset


def _pictures(
    item: Item, times: list[float], beat: Heartbeat
) -> Iterator[tuple[int, bytes | None]]:
    """Each of these times in order with its frame as JPEG, None where it cannot be decoded."""
    path = local_path(_video(item).file)
    wanted = np.asarray(times)
    position = 0
    with FrameReader(path, times, should_stop=beat.should_stop, hop=True) as reader:
        for frame in reader:
            here = int(np.argmin(np.abs(wanted - frame.time_s)))
            for lost in range(position, here):
                yield lost, None
            yield here, jpeg(frame.bgr(), quality=_QUALITY)
            position = here + 1
    for lost in range(position, len(times)):
        yield lost, None


def forget_old_frames() -> None:
    """Let go of cut frames that nobody needs: of jobs that are over, or a week old; they are cut
    again when somebody looks. And of predictions of yesterday."""
    Prediction.objects.filter(created__lt=timezone.now() - timedelta(days=1)).delete()
    over = Chore.objects.filter(kind=Chore.Kind.FRAMES, status=Status.DONE).filter(
        Q(finished__lt=timezone.now() - FRAMES_KEPT)
        | Q(job__completed__lt=timezone.now() - KEPT_AFTER, finished__lt=F("job__completed"))
    )
    for chore in over[:50]:
        chore.delete()


# --- proposals --------------------------------------------------------------------------------


def propose(chore: Chore, beat: Heartbeat) -> dict[str, Any]:
    """Let the project's detector look first: its boxes are offered to the person who labels."""
    project = chore.job.dataset.project
    inputs = snapshot(project)
    if not inputs["model"] and not any(label["references"] for label in inputs["labels"]):
        return {"note": "No model and no logo to look with: nothing is proposed."}
    detector = loaded.detector(
        inputs, {"tile": project.sampling.get("tile")}, should_stop=beat.should_stop
    )
    ids = {label["name"]: label["id"] for label in inputs["labels"]}
    for item in _slice(chore, beat):
        if item.n_open or item.works.filter(status=Work.Status.CLAIMED).exists():
            item.proposals = _proposals(item, detector, ids, beat)
            item.save(update_fields=["proposals"])
    return {"note": ""}


def _proposals(
    item: Item, detector: Any, ids: dict[str, int], beat: Heartbeat
) -> list[dict[str, Any]]:
    proposals: list[dict[str, Any]] = []
    for number, frame in _frames_to_look_at(item, beat):
        (found,) = detector.detect([frame])
        for one in found:
            if one.confidence >= LEAST_CONFIDENCE and one.label in ids:
                proposals.append(
                    {
                        "id": f"p-{number}-{len(proposals)}",
                        "frame": number,
                        "label": ids[one.label],
                        "box": [round(side, 5) for side in one.box.clipped()],
                        "confidence": round(one.confidence, 3),
                    }
                )
    return proposals


def _frames_to_look_at(item: Item, beat: Heartbeat) -> Iterator[tuple[int, Frame]]:
    if not item.is_clip:
        assert item.sample is not None
        yield 0, Frame.from_file(local_path(item.sample.file))
        return
    step = -(-len(item.times_s) // MOST_PROPOSED_FRAMES)
    numbers = range(0, len(item.times_s), step)
    times = np.asarray([item.times_s[number] for number in numbers])
    path = local_path(_video(item).file)
    with FrameReader(path, times, should_stop=beat.should_stop, hop=True) as reader:
        for frame in reader:
            yield numbers[int(np.argmin(np.abs(times - frame.time_s)))], frame


# --- completion -------------------------------------------------------------------------------


def complete(chore: Chore, beat: Heartbeat) -> dict[str, Any]:
    """What is taken up again after a crash is written again, to the same samples."""
    job = chore.job
    names = dict(job.dataset.project.labels.filter(archived=None).values_list("pk", "name"))
    for item in _slice(chore, beat):
        # what a check picture shows is known, and what was taken out does not count
        if item.expected is None and item.set_aside is None:
            _write_down(job, item, names, beat)
    return {}


def _write_down(job: LabelingJob, item: Item, names: dict[int, str], beat: Heartbeat) -> None:
    works = list(item.works.exclude(status=Work.Status.RETURNED).select_related("user"))
    done = [work for work in works if work.status == Work.Status.DONE]
    if job.dataset.project.reviewed_only:
        done = [work for work in done if work.verdict == Work.Verdict.ACCEPTED]
    by = done[0].user if len(done) == 1 else None
    if item.is_clip:
        if done:
            _write_clip(job, item, names, by, beat)
        return
    assert item.sample is not None
    if not done:
        if works and all(work.status == Work.Status.SKIPPED for work in works):
            item.sample.skip()
        return
    found = merge([documents.said(work.document)[0] for work in done])
    if job.dataset.task == Dataset.Task.CONCEPT:
        item.sample.set_labels([names[m.label] for m in found if m.label in names], by=by)
    else:
        item.sample.annotate(_boxes(found, names), by=by)


def _boxes(found: list[Merged], names: dict[int, str]) -> list[LabelledBox]:
    """Boxes of labels that were removed meanwhile are left out."""
    return [
        LabelledBox(names[one.label], Box(*one.box), one.is_occluded, one.track)
        for one in found
        if one.label in names
    ]


def _write_clip(
    job: LabelingJob,
    item: Item,
    names: dict[int, str],
    by: User | None,
    beat: Heartbeat,
) -> None:
    """Every frame of the clip as a sample with its boxes; tracks are numbered as in the whole
    film, over the parts that people labelled."""
    assert item.asset_id is not None
    film = Film.of(job, item.asset_id, accepted_only=job.dataset.project.reviewed_only)
    frames = film.boxes(item)
    known = labels_by_word(job.dataset.project)
    for number, picture in _pictures(item, item.times_s, beat):
        if picture is None:
            continue
        sample = _frame_sample(job.dataset, item, number, picture)
        sample.annotate(_boxes(frames[number], names), by=by, labels=known)


def _frame_sample(dataset: Dataset, item: Item, number: int, picture: bytes) -> Sample:
    video = _video(item)
    time_s = item.times_s[number]
    image: Any = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    return Shown(picture, ".jpg", image).keep(
        dataset,
        f"{called(dataset, video)}@{time_s:.3f}",
        asset=video,
        time_s=time_s,
        origin=Sample.Origin.FRAME,
    )


def _train_then(chore: Chore) -> None:
    """Freeze the dataset for the training that the job was to end in."""
    job = chore.job
    if not job.then_train or job.status != LabelingJob.Status.COMPLETE:
        return
    try:
        with transaction.atomic():
            version = DatasetVersion.objects.request(
                job.dataset,
                recipe=job.then_train.get("recipe"),
                note=f"After “{job}”",
                by=job.created_by,
                when_written=False,  # by this very chore
            )
            job.give_chore(Chore.Kind.TRAINING, version=version)
    except Refused as refused:
        said = f"The training was not started: {refused}"
        Chore.objects.filter(pk=chore.pk).update(note=said)


def start_training(chore: Chore, beat: Heartbeat) -> dict[str, Any]:
    """One training, even when it is tried twice: a frozen version is for this job alone."""
    version, wish = chore.version, chore.job.then_train
    if version is None or not wish:
        return {"note": "There is nothing to train on any more."}
    if version.status == Status.FAILED:
        raise AnalysisError(f"{version} could not be frozen: {version.error}")
    if not version.is_frozen:
        raise NotYet(FROZEN_SOON_S)
    model = RegisteredModel.objects.filter(pk=wish.get("model")).first()
    if model is None:
        raise AnalysisError("The model to train is gone.")
    base = ModelVersion.objects.filter(pk=wish.get("base")).first() or _newest(model, version)
    if TrainingRun.objects.filter(version=version, model=model).exists():
        return {"note": f"{model} is being trained on {version}."}
    options = wish.get("options", {})
    if options.get("start", "version") != "version":
        base = None
    TrainingRun.objects.request(version, model, base=base, options=options, by=chore.job.created_by)
    return {"note": f"{model} is being trained on {version}."}


def _newest(model: RegisteredModel, version: DatasetVersion) -> ModelVersion | None:
    """What the model knows so far, to go on from; None for a model without a past."""
    usable = model.versions.filter(status=Status.DONE, archived=None).order_by("-number")
    fitting = (
        one
        for one in usable
        # Not every ONNX file can be trained further, and nobody is there to choose another.
        if one.description.get("format") != "onnx" and one.task == version.dataset.task
    )
    return next(fitting, None)


_WORK: dict[str, Callable[[Chore, Heartbeat], dict[str, Any]]] = {
    Chore.Kind.FRAMES: cut_chunk,
    Chore.Kind.PROPOSALS: propose,
    Chore.Kind.COMPLETION: complete,
    Chore.Kind.TRAINING: start_training,
}
