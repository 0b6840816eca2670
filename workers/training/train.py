"""Trainings and evaluations: a dataset version in, a model version and its figures out."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from itertools import cycle
from pathlib import Path, PurePosixPath
from typing import Any, cast

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, transaction

from analysis.datasets.types import LabelledPicture, LabelledSet
from analysis.datasets.types import Split as SplitName
from analysis.datasets.version import unpack
from analysis.measuring.figures import figures as measured_figures
from analysis.measuring.predict import predict
from analysis.measuring.predictions import pack
from analysis.models.describe import describe
from analysis.models.formats import sha256
from analysis.training import train as training
from analysis.training.options import TrainingOptions
from analysis.training.train import Progress, TrainingResult
from webapp import erasing
from webapp.datasets.samples import Split
from webapp.datasets.versions import DatasetVersion
from webapp.improving.rounds import Round
from webapp.leases import Status
from webapp.training.models import Evaluation, TrainingRun
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, keep_file, keep_file_once, local_path
from workers.engine.piece import piece
from workers.engine.wishes import asked_now_and_then

# What another worker needs to go on. Copied in this order while the training goes on, "saved"
# (the number of epochs that count) before all: what is copied later knows at least as much.
KEPT = (
    *("saved.json", "search.json", "batch.json", "mean.pt", "best.pt", "last.pt", "curves.json"),
)


# ---- Training ------------------------------------------------------------------------------------


@piece(TrainingRun)
def train(run: TrainingRun, beat: Heartbeat) -> None:
    """One training, from where it stands, to a model version."""
    try:
        _deliver(run, _trained(run, beat))
    finally:
        forget_finished()


def _trained(run: TrainingRun, beat: Heartbeat) -> TrainingResult:
    folder = work_folder(run)
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
        wish=asked_now_and_then(run, beat),
    )


def work_folder(run: TrainingRun) -> Path:
    """Where a training lives on this machine while it goes on; another one when it began anew."""
    return Path(settings.CACHE_DIR) / "training" / f"{run.pk}-{run.beginning}"


def read_set(version: DatasetVersion) -> LabelledSet:
    with default_storage.open(version.file) as file:
        return unpack(file.read())


def path_of(picture: LabelledPicture) -> Path:
    """Where a picture lies on this machine; a path of nothing where it is gone."""
    try:
        return local_path(picture.file)
    except OSError:
        return Path("gone")


class _News:
    """Writes progress with the heartbeat, and each finished epoch where other workers see it."""

    def __init__(self, run: TrainingRun, beat: Heartbeat, folder: Path) -> None:
        self.run, self.beat, self.folder = run, beat, folder
        self.stored = run.epoch if run.checkpoint else 0
        self.places = cycle(f"{stored_folder(run.pk)}/{run.lease_token}/{n}" for n in "ab")

    def __call__(self, news: Progress) -> None:
        self.beat.note(
            step=news.step[:60],
            epoch=news.epoch,
            epochs=news.epochs,
            curves=news.curves,
            notes=list(news.notes),
        )
        if news.epoch > self.stored and (self.folder / "last.pt").is_file():
            self._store(news.epoch)

    def _store(self, epoch: int) -> None:
        """Beside what was stored before, which counts until all of this is there; then that goes.

        The folder bears the lease's token: what a worker without the lease still writes is not
        what the row names.
        """
        place = next(self.places)
        for name in KEPT:
            if (self.folder / name).is_file():
                keep_file(f"{place}/{name}", self.folder / name)
        try:
            is_mine = self.run.progressed(checkpoint=f"{place}/last.pt")
        except DatabaseError:  # it may be restarting: the next epoch is stored again
            return
        if is_mine:
            self.stored = epoch
            forget_stored(self.run.pk, but=place)
        else:
            forget_stored(self.run.pk, only=place)


def stored_folder(run_id: int) -> str:
    return f"training/{run_id}"


def forget_stored(run_id: int, *, but: str = "", only: str = "") -> None:
    """Delete what is stored of a training's epochs: all, all `but` one folder, or `only` one.

    With the folder goes what was being written there when its writer was killed.
    """
    top = stored_folder(run_id)
    folders = [only] if only else _folders(top) if but else [top]
    for folder in folders:
        if folder != but:
            erasing.erase_folder(folder)


def _folders(top: str) -> list[str]:
    """The folders that workers stored epochs in: by lease, and two of each."""
    try:
        leases, _ = default_storage.listdir(top)
    except FileNotFoundError:
        return []
    return [f"{top}/{lease}/{n}" for lease in leases for n in "ab"]


def _bring_back(run: TrainingRun, folder: Path) -> None:
    """The last stored epoch, where this machine knows less of it."""
    saved = folder / "saved.json"
    known = int(saved.read_text()) if saved.is_file() else 0
    if not run.checkpoint or known >= run.epoch:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stored = PurePosixPath(run.checkpoint).parent
    for name in KEPT:
        if default_storage.exists(f"{stored}/{name}"):
            with default_storage.open(f"{stored}/{name}") as source:
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
    # The last version of the same weights may have been erased just before.
    keep_file_once(file, result.weights)


def forget_finished() -> None:
    """Throw away what trainings that are over needed to go on. A failed one may be retried."""
    folder = Path(settings.CACHE_DIR) / "training"
    for path in folder.iterdir() if folder.is_dir() else ():
        run_id, _, beginning = path.name.partition("-")
        if not (run_id.isdigit() and beginning.isdigit()):
            continue
        run = TrainingRun.objects.filter(pk=int(run_id)).first()
        if run is None or _is_over_for_good(run):
            forget_stored(int(run_id))  # first: it is found by the folder here
            shutil.rmtree(path, ignore_errors=True)
        elif int(beginning) != run.beginning:
            shutil.rmtree(path, ignore_errors=True)  # cancelled, and begun anew since


def _is_over_for_good(run: TrainingRun) -> bool:
    if run.status == Status.DONE or run.is_cancelled:
        return True
    return run.status == Status.FAILED and not run.can_retry  # such as without its dataset


# ---- Measuring -----------------------------------------------------------------------------------


@piece(Evaluation)
def evaluate(row: Evaluation, beat: Heartbeat) -> None:
    """What a model version finds on a split, beside the truth."""
    predictions = _predicted(row, beat)
    file = keep(f"evaluations/{row.pk}-{row.lease_token}.json.gz", pack(predictions))
    figures = measured_figures(predictions)
    with transaction.atomic():
        if row.finish(predictions=file, figures=figures):
            _keep_thresholds(row)
        else:
            default_storage.delete(file)


def _predicted(row: Evaluation, beat: Heartbeat) -> dict[str, Any]:
    version = row.model_version
    return predict(
        read_set(row.dataset_version),
        path_of,
        local_path(version.file),
        split=cast(SplitName, row.split),
        cache=Path(settings.CACHE_DIR) / "engines",
        device=settings.DEVICE,
        exact=settings.EXACT,
        name=str(version),
        should_stop=beat.should_stop,
    )


def _keep_thresholds(row: Evaluation) -> None:
    """Each label's best threshold becomes its default, where the project looks with this model.

    Or with none yet; and only from test pictures. What a round of improvement measures changes
    nothing before a person has accepted it.
    """
    row.refresh_from_db()
    if Round.objects.measuring(row).exists():
        return
    looks_with = row.dataset_version.dataset.project.model_version_id
    if row.split == Split.TEST and looks_with in (None, row.model_version_id):
        row.keep_thresholds(by=None)
