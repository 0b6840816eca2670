"""One segment of film or of sound, or a picture → its encodings. They are replaced in one
transaction: never twice."""

from __future__ import annotations

import hashlib
import time

import numpy as np
from django.db import transaction

from analysis.crossmodal.encodings import Encodings as Packed
from analysis.crossmodal.types import SOUND, Encoded
from analysis.crossmodal.watching import watch_film, watch_picture
from analysis.errors import AnalysisError, Stopped
from analysis.film.columns import FRAME
from analysis.media.audio import RATE, read_audio
from analysis.media.frames import read_picture
from webapp import stored_files
from webapp.assets.models import Asset
from webapp.encodings.kept import Encodings
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from workers.encodings import encoders
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep_once, local_path
from workers.reading.plan import frame_table

PIECE_S = 5.0  # of sound, about


def encode_pictures(segment: IndexingSegment, beat: Heartbeat) -> None:
    """Encode the frames of a segment and store them, with its finish."""
    indexing, started = segment.indexing, time.monotonic()
    asset = indexing.asset
    encoder = encoders.of_pictures(indexing.engine, asset.workspace_id)
    _check_engine(indexing, encoder.engine)
    path = local_path(asset.file)
    if asset.kind == Asset.Kind.IMAGE:
        store(segment, watch_picture(read_picture(path), encoder), started=started)
        return

    def progress(time_s: float) -> None:
        beat.note(done_s=time_s - segment.start_s, busy_s=time.monotonic() - started)

    times = frame_table(asset).times_s
    made, problem = watch_film(
        path,
        encoder,
        times[(times >= segment.start_s) & (times < segment.end_s)],
        (segment.start_s, segment.end_s),
        progress=progress,
        should_stop=beat.should_stop,
    )
    store(segment, made, started=started, problem=problem)


def encode_sound(segment: IndexingSegment, beat: Heartbeat) -> None:
    """Encode the sound of a segment in pieces and store them, with its finish."""
    indexing, started = segment.indexing, time.monotonic()
    encoder = encoders.of_sound(indexing.engine)
    _check_engine(indexing, encoder.engine)
    samples = read_audio(
        local_path(indexing.asset.file),
        track=indexing.options["track"],
        start_s=segment.start_s,
        end_s=segment.end_s,
        should_stop=beat.should_stop,
    )
    pieces = np.array_split(samples, max(round(len(samples) / RATE / PIECE_S), 1))
    found: list[Encoded] = []
    for piece in pieces:
        if beat.should_stop():
            raise Stopped
        found += encoder([piece])
        share = len(found) / len(pieces)
        done_s = share * (segment.end_s - segment.start_s)
        beat.note(done_s=done_s, busy_s=time.monotonic() - started)
    ends = segment.start_s + np.cumsum([len(piece) for piece in pieces]) / RATE
    rows = np.empty(len(pieces), FRAME)
    rows["end_s"] = ends
    rows["start_s"] = [segment.start_s, *ends[:-1]]
    rows["time_s"] = (rows["start_s"] + rows["end_s"]) / 2
    store(segment, Packed.of(SOUND, encoder.engine, rows, found), started=started)


def _check_engine(indexing: Indexing, engine: str) -> None:
    if engine[:80] != indexing.engine_digest:
        raise AnalysisError(
            f"{indexing.engine_title} has other weights now, and numbers of both are never "
            "compared. Index the asset again."
        )


def keep_packed(folder: str, index: int, made: Packed) -> str:
    """Store what was encoded, by a name that says what is in it."""
    data = made.pack()
    return keep_once(f"{folder}/{index:05}-{hashlib.sha256(data).hexdigest()}.npz", data)


def store(segment: IndexingSegment, made: Packed, *, started: float, problem: str = "") -> bool:
    """Replace what is stored of this segment. False: the lease was lost; nothing was written."""
    name = keep_packed(f"encodings/{segment.indexing_id}", segment.index, made)
    before = Encodings.objects.filter(segment=segment).values_list("file", flat=True).first()
    with transaction.atomic():
        kept = segment.finish(
            done_s=segment.end_s - segment.start_s,
            busy_s=time.monotonic() - started,
            remarks=[problem] if problem else [],
            frames={"sampled": len(made), "read": len(made.kept())},
        )
        if kept:
            Encodings.objects.update_or_create(
                segment=segment, defaults=row_of(segment.indexing.asset_id, name, made)
            )
    if (gone := before if kept else name) and (before != name or not kept):
        stored_files.delete_unneeded([gone])
    return kept


def row_of(asset: int, name: str, made: Packed) -> dict[str, object]:
    """The columns of an `Encodings`."""
    return {
        "asset_id": asset,
        "modality": made.modality,
        "engine": made.engine,
        "file": name,
        "n_items": len(made),
        "times": made.times.tobytes(),
    }
