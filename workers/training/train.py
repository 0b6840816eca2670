"""Trainings and evaluations: a dataset version in, a model version and its figures out."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F

from analysis.datasets.types import LabelledPicture, LabelledSet, Split
from analysis.datasets.version import unpack
from analysis.errors import AnalysisError, Stopped
from analysis.measuring.figures import figures as measured_figures
from analysis.measuring.predict import predict
from analysis.measuring.predictions import pack
from analysis.models.describe import describe
from analysis.models.formats import sha256
from analysis.training import train as training
from analysis.training.options import TrainingOptions
from analysis.training.train import Progress, TrainingResult
from webapp.accounts.models import Event
from webapp.celery import app
from webapp.datasets.models import DatasetVersion
from webapp.leases import Status
from webapp.projects.models import Label, Project
from webapp.training.models import Evaluation, TrainingRun
from workers.engine.heartbeat import Heartbeat
from workers.engine.identity import this_worker
from workers.engine.originals import full_disk_is_said, keep, keep_file, keep_file_once, local_path

log = logging.getLogger("sightline.train")

ASK_EVERY_S = 1.0
LOWEST_THRESHOLD, HIGHEST_THRESHOLD = 0.05, 0.99  # what a label's may be
# What another worker needs to go on. Copied in this order while the training goes on, "saved"
# (the number of epochs that count) before all: what is copied later knows at least as much.
KEPT = (
    *("saved.json", "search.json", "batch.json", "mean.pt", "best.pt", "last.pt", "curves.json"),
)


# ---- Training ------------------------------------------------------------------------------------


@app.task(name="train")
def train(run_id: int) -> None:
    """One training, from where it stands. Safe to deliver twice."""
    run = TrainingRun.objects.claim(run_id, this_worker())
    if run is None:
        return
    beat = Heartbeat(run)
    try:
        with beat, full_disk_is_said():
            result = _trained(run, beat)
            _deliver(run, result)
    except Stopped:
        if run.wish_now() != TrainingRun.Wish.CANCEL:
            run.release()  # this worker shuts down; the next one goes on
    except AnalysisError as error:
        run.fail(error.message, can_retry=not error.permanent)
    except Exception:
        run.fail("The training failed; the server's log has why.", can_retry=True)
        log.exception("Training %s failed", run.pk)
    forget_finished()


def _trained(run: TrainingRun, beat: Heartbeat) -> TrainingResult:
    folder = work_folder(run.pk)
    _bring_back(run, folder)
    options = TrainingOptions.from_json(run.options)
    if options.device == "auto":
        options = replace(options, device=settings.DEVICE)
    return training.train(
        read_set(run.version),
        path_of,
        options,
        folder,
        base=local_path(run.base.file) if run.base else None,
        weights=[Path(settings.WEIGHTS_DIR)],
        on_news=_News(run, beat, folder),
        wish=_asked_now_and_then(run, beat),
    )


def work_folder(run_id: int) -> Path:
    """Where a training lives on this machine while it goes on."""
    return Path(settings.CACHE_DIR) / "training" / str(run_id)


def read_set(version: DatasetVersion) -> LabelledSet:
    with default_storage.open(version.file) as file:
        return unpack(file.read())


def path_of(picture: LabelledPicture) -> Path:
    """Where a picture lies on this machine; a path of nothing where it is gone."""
    try:
        return local_path(picture.file)
    except OSError:
        return Path("gone")


def _asked_now_and_then(run: TrainingRun, beat: Heartbeat) -> Callable[[], training.Wish]:
    """What is wished of the training; the row is read once a second at most."""
    asked, wish = 0.0, run.wish

    def ask() -> training.Wish:
        nonlocal asked, wish
        if beat.should_stop():
            return "cancel"
        if time.monotonic() - asked >= ASK_EVERY_S:
            asked, wish = time.monotonic(), run.wish_now()
        return "cancel" if wish == "cancel" else "stop" if wish == "stop" else "go on"

    return ask


class _News:
    """Writes progress with the heartbeat, and each finished epoch where other workers see it."""

    def __init__(self, run: TrainingRun, beat: Heartbeat, folder: Path) -> None:
        self.run, self.beat, self.folder = run, beat, folder
        self.stored = run.epoch if run.checkpoint else 0

    def __call__(self, news: Progress) -> None:
        self.beat.note(
            step=news.step[:60],
            epoch=news.epoch,
            epochs=news.epochs,
            curves=news.curves,
            notes=list(news.notes),
        )
        if news.epoch > self.stored and (self.folder / "last.pt").is_file():
            for name in KEPT:
                if (self.folder / name).is_file():
                    keep_file(stored_name(self.run.pk, name), self.folder / name)
            self.stored = news.epoch
            self.beat.note(checkpoint=stored_name(self.run.pk, "last.pt"))


def stored_name(run_id: int, name: str) -> str:
    return f"training/{run_id}/{name}"


def _bring_back(run: TrainingRun, folder: Path) -> None:
    """The last stored epoch, where this machine knows less of it."""
    saved = folder / "saved.json"
    known = int(saved.read_text()) if saved.is_file() else 0
    if not run.checkpoint or known >= run.epoch:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in KEPT:
        if default_storage.exists(stored_name(run.pk, name)):
            with default_storage.open(stored_name(run.pk, name)) as source:
                (folder / name).write_bytes(source.read())


def _deliver(run: TrainingRun, result: TrainingResult) -> None:
    """Store the weights under their hash, and make the model version of them."""
    checksum = sha256(result.weights)
    file = keep_file_once(f"models/{checksum}.pt", result.weights)
    run.deliver(
        file=file,
        sha256=checksum,
        description=asdict(describe(result.weights)),
        epoch=len(result.curves),
        curves=result.curves,
        notes=list(result.notes),
        checkpoint="",
    )


def forget_finished() -> None:
    """Throw away what trainings that are over needed to go on. A failed one may be retried."""
    folder = Path(settings.CACHE_DIR) / "training"
    held = [p for p in folder.iterdir() if p.name.isdigit()] if folder.is_dir() else []
    for path in held:
        if _is_over_for_good(int(path.name)):
            shutil.rmtree(path, ignore_errors=True)
            for name in KEPT:
                default_storage.delete(stored_name(int(path.name), name))


def _is_over_for_good(run_id: int) -> bool:
    run = TrainingRun.objects.filter(pk=run_id).first()
    if run is None or run.status == Status.DONE or run.is_cancelled:
        return True
    return run.status == Status.FAILED and not run.can_retry  # such as without its dataset


# ---- Measuring -----------------------------------------------------------------------------------


@app.task(name="evaluate")
def evaluate(evaluation_id: int) -> None:
    """What a model version finds on a split, beside the truth. Safe to deliver twice."""
    row = Evaluation.objects.claim(evaluation_id, this_worker())
    if row is None:
        return
    try:
        with Heartbeat(row) as beat, full_disk_is_said():
            predictions = _predicted(row, beat)
            file = keep(f"evaluations/{row.pk}.json.gz", pack(predictions))
            figures = measured_figures(predictions)
            with transaction.atomic():
                if row.finish(predictions=file, figures=figures):
                    _keep_thresholds(row, figures)
    except Stopped:
        row.release()
    except AnalysisError as error:
        row.fail(error.message, can_retry=not error.permanent)
    except Exception:
        row.fail("The model could not be measured; the server's log has why.", can_retry=True)
        log.exception("Evaluation %s failed", row.pk)


def _predicted(row: Evaluation, beat: Heartbeat) -> dict[str, Any]:
    version = row.model_version
    return predict(
        read_set(row.dataset_version),
        path_of,
        local_path(version.file),
        split=cast(Split, row.split),
        cache=Path(settings.CACHE_DIR) / "engines",
        device=settings.DEVICE,
        exact=settings.EXACT,
        name=str(version),
        should_stop=beat.should_stop,
    )


def _keep_thresholds(row: Evaluation, figures: dict[str, Any]) -> None:
    """Each label's best threshold becomes its default, where the project looks with this model.

    Or with none yet. Only from test pictures, and only for labels that some of them bear.
    """
    project = row.dataset_version.dataset.project
    if row.split != "test" or project.model_version_id not in (None, row.model_version_id):
        return
    found = {r["label"].casefold(): r["threshold"] for r in figures["labels"] if r["tp"]}
    changed = []
    for label in Label.objects.filter(project=project, archived=None):
        for word in label.words() & set(found):
            threshold = min(max(round(found[word], 3), LOWEST_THRESHOLD), HIGHEST_THRESHOLD)
            Label.objects.filter(pk=label.pk).update(threshold=threshold)
            changed.append(label.name)
    if changed:
        Project.objects.filter(pk=project.pk).update(version=F("version") + 1)
        Event.record(
            project.workspace,
            None,
            "set thresholds by measuring",
            str(row.model_version),
            labels=", ".join(changed[:20]),
        )
