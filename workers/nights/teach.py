"""Teaching what is real: examples of nights, a model of them, and what it is most wrong about."""

from __future__ import annotations

import io
import secrets
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction

from analysis.sky.realbogus import Settings, Trained, train
from analysis.sky.triplets import Greys
from webapp.leases import Status
from webapp.nights.teaching import SkyTeaching
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, keep_file, local_path
from workers.nights.examples import Gathered, gather
from workers.nights.teach_tiles import TaughtTiles, teach_tiles
from workers.nights.working import against_of, source_of

MOST_WORST = 12
_GATHERED = 0.4  # of teaching what is real, when examples are there
_WITH_TILES = 0.3  # of the whole, that this is where a network on tiles is taught as well
_DONE = 0.97


def teach(row: SkyTeaching, beat: Heartbeat) -> None:
    """One teaching, from where it stands, to a version that is in use."""
    try:
        gathered = _gathered(row, beat)
        done = _trained(row, beat, gathered)
        tiles = _tiles(row, beat) if row.options.get("tiles") else None
        _deliver(row, beat, gathered, done, tiles)
    finally:
        forget_finished_teachings()


def _share(row: SkyTeaching) -> float:
    """Of the whole, that teaching what is real takes."""
    return _WITH_TILES if row.options.get("tiles") else 1.0


def work_folder(pk: int) -> Path:
    """Where a teaching lives on this machine while it goes on."""
    return Path(settings.CACHE_DIR) / "sky-teaching" / str(pk)


def _gathered(row: SkyTeaching, beat: Heartbeat) -> Gathered:
    """Its examples: gathered once, and found again by whoever goes on."""
    if not row.examples or not default_storage.exists(row.examples):

        def told(step: str, share: float) -> None:
            beat.tick()
            beat.note(step=step[:80], progress=_share(row) * _GATHERED * share)

        packed = gather(
            row,
            against=against_of,
            source_of=lambda exposure: source_of(exposure.asset),
            told=told,
        )
        row.examples = keep(f"sky-teaching/{row.pk}/examples-{secrets.token_hex(4)}.npz", packed)
        counts = Gathered.unpacked(packed).counts
        row.progressed(examples=row.examples, counts=counts, progress=_share(row) * _GATHERED)
    return Gathered.unpacked(local_path(row.examples).read_bytes())


def _trained(row: SkyTeaching, beat: Heartbeat, gathered: Gathered) -> Trained:
    epochs = row.options["epochs"]

    def on_epoch(curve: list[dict[str, float]]) -> None:
        rows = [one | {"epoch": n} for n, one in enumerate(curve, 1)]
        share = _GATHERED + (_DONE - _GATHERED) * len(curve) / epochs
        share *= _share(row)
        beat.progressed(curve=rows, progress=share, step=f"Epoch {len(curve)} of at most {epochs}")

    beat.note(step="Teaching", counts=gathered.counts)
    how = Settings(epochs=epochs, seed=row.pk)
    return train(gathered.examples, work_folder(row.pk), how, on_epoch=on_epoch, tick=beat.tick)


def _tiles(row: SkyTeaching, beat: Heartbeat) -> TaughtTiles:
    """The network on tiles."""
    first = _share(row) * _DONE
    said = [""]

    def told(step: str, share: float) -> None:
        beat.tick()
        said[0] = step[:80] or said[0]
        beat.note(step=said[0], progress=first + (_DONE - first) * share)

    return teach_tiles(row, beat, work_folder(row.pk) / "tiles", told)


def _deliver(
    row: SkyTeaching,
    beat: Heartbeat,
    gathered: Gathered,
    done: Trained,
    tiles: TaughtTiles | None,
) -> None:
    """Store the files, and let it score from now on."""
    beat.note(step="Storing", progress=_DONE)
    stem = f"sky-teaching/{row.pk}/{secrets.token_hex(4)}"
    file = keep_file(f"{stem}.onnx", done.file)
    about: dict[str, Any] = {"taken": done.kind}
    if tiles is not None:
        about["tiles"] = tiles.figures
    kept = {
        "file": file,
        "network": keep_file(f"{stem}.safetensors", tiles.file) if tiles else "",
        "figures": done.figures | about,
        "curve": [one | {"epoch": n} for n, one in enumerate(done.curve, 1)],
        "counts": gathered.counts,
        "notes": [*gathered.notes, *done.notes, *(tiles.notes if tiles else [])],
        "worst": _worst(stem, gathered, done),
    }
    with transaction.atomic():  # whoever dies between the two would leave it taught and not used
        if row.finish(**kept, step="", progress=1.0):
            row.refresh_from_db()
            row.use(by=row.created_by)


def _worst(stem: str, gathered: Gathered, done: Trained) -> list[dict[str, Any]]:
    """Held examples by how far their score is off, as pictures."""
    real = gathered.examples.real[done.held]
    off = np.abs(done.scores - real)
    found: list[dict[str, Any]] = []
    for n in np.argsort(-off, kind="stable")[:MOST_WORST].tolist():
        if off[n] < 0.5:
            break  # the rest is right
        at = int(done.held[n])
        name = keep(f"{stem}-{len(found)}.png", _sheet(gathered.examples.greys[at]))
        about = {"picture": name, "real": bool(real[n]), "score": round(float(done.scores[n]), 4)}
        found.append(about | {"source": gathered.sources[at]})
    return found


def _sheet(pictures: Greys) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.concatenate(list(pictures), axis=1)).save(out, "PNG", optimize=True)
    return out.getvalue()


def forget_finished_teachings() -> None:
    """Throw away what teachings that are over needed to go on. A failed one may be retried."""
    folder = work_folder(0).parent
    for path in folder.iterdir() if folder.is_dir() else ():
        row = SkyTeaching.objects.filter(pk=int(path.name)).first() if path.name.isdigit() else None
        failed_for_good = row is not None and row.status == Status.FAILED and not row.can_retry
        if row is None or row.status == Status.DONE or failed_for_good:
            shutil.rmtree(path, ignore_errors=True)
