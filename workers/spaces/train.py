"""A space taught from pairs, in a child process that goes on after whatever kills it."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from itertools import cycle
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError

from analysis.crossmodal import teaching
from analysis.crossmodal.items import Items
from analysis.crossmodal.space import Space as TaughtSpace
from analysis.crossmodal.untaught import LEAST_ITEMS, with_untaught
from analysis.crossmodal.work_folder import CHECKPOINT, EPOCHS, JOB, PAIRS, SPACE, read_pairs
from analysis.errors import AnalysisError
from analysis.torch_here import require_torch
from webapp import erasing
from webapp.leases import Status
from webapp.spaces.doubt import doubt_of
from webapp.spaces.options import DEFAULTS
from webapp.spaces.space import Space
from webapp.spaces.training import PARTS, SpaceTraining
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, keep_file
from workers.engine.piece import piece
from workers.engine.wishes import asked_now_and_then
from workers.spaces.make import delivered
from workers.spaces.naming import code_rows
from workers.spaces.pairs import gather
from workers.spaces.reading import kinds_of

TEXTS = "texts.json"  # the words of each text of the pairs, for naming
TOLD = "told.json"  # sentences on what was gathered
_NAMED = 8000  # items of a modality


@piece(SpaceTraining)
def train_space(row: SpaceTraining, beat: Heartbeat) -> None:
    """One training, from where it stands, to a space that is named and about to serve."""
    try:
        require_torch()
        folder = work_folder(row)
        _bring_back(row, folder)
        if not teaching.is_prepared(folder):
            _gather(row, beat, folder)
        done = teaching.taught(
            folder, on_news=_News(row, beat, folder), wish=asked_now_and_then(row, beat)
        )
        _deliver(row, beat, folder, done)
    finally:
        forget_finished_spaces()


def work_folder(row: SpaceTraining) -> Path:
    """Where a training lives on this machine while it goes on; another one when it began anew."""
    return Path(settings.CACHE_DIR) / "space-training" / f"{row.pk}-{row.beginning}"


def stored_folder(pk: int) -> str:
    return f"space-training/{pk}"


def _gather(row: SpaceTraining, beat: Heartbeat, folder: Path) -> None:
    beat.note(step="Collecting pairs")
    found = gather(row, beat.tick)
    own = ("epochs", "codes", "matching", "loss", "patience", "seed")
    options = DEFAULTS | row.options  # those of an older version may lack some
    how = {name: options[name] for name in own}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TEXTS).write_text(json.dumps(found.texts))
    (folder / TOLD).write_text(json.dumps(found.notes))
    teaching.prepare(folder, found.pairs, how, ablation=row.options["ablation"])
    place = f"{stored_folder(row.pk)}/{row.lease_token}/pairs"
    for name in (TEXTS, TOLD, JOB, PAIRS):
        keep_file(f"{place}/{name}", folder / name)
    row.counts = found.counts
    row.progressed(pairs=f"{place}/{PAIRS}", counts=found.counts, notes=found.notes)


def _bring_back(row: SpaceTraining, folder: Path) -> None:
    """What another machine collected, and its last epoch, where this one knows less of it."""
    if row.pairs and not teaching.is_prepared(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        place = row.pairs.rpartition("/")[0]
        for name in (TEXTS, TOLD, PAIRS, JOB):
            _fetch(f"{place}/{name}", folder / name)
    if row.checkpoint and _epochs_here(folder) < row.epoch:
        place = row.checkpoint.rpartition("/")[0]
        _fetch(f"{place}/{EPOCHS}", folder / EPOCHS)
        for part in PARTS:
            (folder / part).mkdir(exist_ok=True)
            _fetch(f"{place}/{part}-{CHECKPOINT}", folder / part / CHECKPOINT)


def _fetch(name: str, path: Path) -> None:
    """A missing one is collected, or trained, anew."""
    with suppress(FileNotFoundError), default_storage.open(name) as source:
        path.write_bytes(source.read())


def _epochs_here(folder: Path) -> int:
    try:
        return sum(len(rows) for rows in json.loads((folder / EPOCHS).read_text()).values())
    except (OSError, ValueError):
        return 0


class _News:
    """Writes progress with the heartbeat, and finished epochs where other workers see them."""

    def __init__(self, row: SpaceTraining, beat: Heartbeat, folder: Path) -> None:
        self.row, self.beat, self.folder = row, beat, folder
        self.stored = row.epoch if row.checkpoint else 0
        self.told = json.loads((folder / TOLD).read_text())
        self.places = cycle(f"{stored_folder(row.pk)}/{row.lease_token}/{n}" for n in "ab")

    def __call__(self, news: teaching.News) -> None:
        epoch = sum(len(rows) for rows in news.curves.values())
        notes = [*self.told, *news.notes]
        self.beat.note(step=news.step[:60], epoch=epoch, curves=news.curves, notes=notes)
        if epoch > self.stored:
            self._store(epoch, news.curves)

    def _store(self, epoch: int, curves: teaching.Curves) -> None:
        """Beside what was stored before, which counts until all of this is there."""
        place = next(self.places)
        for part in curves:
            path = self.folder / part / CHECKPOINT
            if path.is_file():
                keep_file(f"{place}/{part}-{CHECKPOINT}", path)
        keep(f"{place}/{EPOCHS}", json.dumps(curves).encode())
        try:
            is_mine = self.row.progressed(
                checkpoint=f"{place}/{EPOCHS}", epoch=epoch, curves=curves
            )
        except DatabaseError:  # it may be restarting: the next epoch is stored again
            return
        if is_mine:
            self.stored = epoch


def _deliver(row: SpaceTraining, beat: Heartbeat, folder: Path, done: teaching.Taught) -> None:
    """Name the codes, and make the space of it."""
    beat.note(step="Naming codes")
    kinds = kinds_of(row.workspace, row.engines, _NAMED, beat.tick)[0] if row.engines else {}
    notes = [*json.loads((folder / TOLD).read_text()), *done.notes]
    taught = TaughtSpace.load(folder / SPACE)
    beside = {
        name: kind.items
        for name, kind in kinds.items()
        if name not in taught.sides and len(kind.items) >= LEAST_ITEMS
    }
    made = with_untaught(taught, beside, beat.should_stop)
    if beside:
        notes.append(f"No pair has {' or '.join(beside)}: it is compared with itself alone.")
    if doubt := doubt_of(done.figures):
        notes.append(f"{doubt} So it is kept and does not answer by itself: its page lets it.")
    kinds = {name: kind for name, kind in kinds.items() if name in made.sides}
    codes = code_rows(made, kinds, beat.tick, _texts(folder, notes))
    space = delivered(
        made,
        row.workspace,
        Space.Kind.TAUGHT,
        codes=codes,
        figures=done.figures | {"curves": done.curves, "counts": row.counts},
        notes=notes,
        by=row.created_by,
        is_to_serve=not doubt,
    )
    row.finish(
        result=space,
        step="",
        epoch=sum(len(rows) for rows in done.curves.values()),
        curves=done.curves,
        notes=notes,
        pairs="",
        checkpoint="",
    )


def _texts(folder: Path, notes: list[str]) -> tuple[list[str], Items] | None:
    """What codes are named by, where the pairs have words. They were learnt from and are only read
    again here: a space without those names is worth more than none."""
    try:
        pairs = read_pairs(folder / PAIRS)
        texts: list[str] = json.loads((folder / TEXTS).read_text())
    except (AnalysisError, OSError, ValueError):
        notes.append("The words of its pairs could not be read again: no code is named by them.")
        return None
    return (texts, pairs["text"]) if "text" in pairs else None


def forget_finished_spaces() -> None:
    """Throw away what trainings that are over needed to go on. A failed one may be retried."""
    folder = Path(settings.CACHE_DIR) / "space-training"
    for path in folder.iterdir() if folder.is_dir() else ():
        pk, _, beginning = path.name.partition("-")
        if not (pk.isdigit() and beginning.isdigit()):
            continue
        row = SpaceTraining.objects.filter(pk=int(pk)).first()
        if row is None or row.status == Status.DONE or row.is_cancelled or _is_hopeless(row):
            erasing.erase_folder(stored_folder(int(pk)))  # first: it is found by the folder here
            shutil.rmtree(path, ignore_errors=True)
        elif int(beginning) != row.beginning:
            shutil.rmtree(path, ignore_errors=True)  # begun anew since


def _is_hopeless(row: SpaceTraining) -> bool:
    return row.status == Status.FAILED and not row.can_retry
