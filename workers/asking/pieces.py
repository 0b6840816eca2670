"""An ask → what encoders make of it, how regions compare with it, and the words heard in it."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal.encodings import Encodings
from analysis.crossmodal.pictures import shows_nothing
from analysis.crossmodal.types import PICTURE, SOUND
from analysis.detectors.reference.embedding import crop_of, read_embedding
from analysis.errors import AnalysisError, NoSound, Stopped
from analysis.film.columns import FRAME
from analysis.media.audio import read_audio
from analysis.media.frames import extract_frame, read_picture
from analysis.media.opencv import resize
from analysis.media.probe import probe
from analysis.media.thumbnails import jpeg
from analysis.speech import SpeechOptions
from webapp.asking.asks import LONGEST_S, Ask
from webapp.assets.models import Asset
from webapp.projects.pictures import MIN_SIDE
from workers.asking import encoders
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, local_path
from workers.engine.piece import piece
from workers.speech import engines

Pixels = NDArray[np.uint8]
Sound = NDArray[np.float32]

_PREVIEW = 320  # pixels of the longer side
_PEAKS = 48  # of the outline of a sound
_LEAST_PX = 8  # of a region, each way
_SILENT = 1e-3  # the loudest sample


@piece(Ask, tries=2)
def ask(row: Ask, beat: Heartbeat) -> dict[str, Any]:
    """Look at it or listen to it. Done again after a crash, it is the same."""
    by = _by_sound if row.modality == SOUND else _by_picture
    return by(row, beat) | {"progress": 1.0, "step": ""}


# --- pictures -------------------------------------------------------------------------------------


def _by_picture(row: Ask, beat: Heartbeat) -> dict[str, Any]:
    beat.note(step="looking at it", progress=0.1)
    picture = _picture(row)
    if blank := shows_nothing(picture):
        raise AnalysisError(f"{blank} Ask by another one.")
    if beat.should_stop():
        raise Stopped
    look = read_embedding()(crop_of(picture)[None]).gist[0]
    notes: list[str] = []
    about = {} if row.file else {"file": keep(f"asks/{row.pk}-part.png", _png(picture))}
    return about | {
        "preview": keep(f"asks/{row.pk}-preview.jpg", jpeg(_small(picture))),
        "look": look.astype("<f2").tobytes(),
        "notes": notes,
        **_encoded(row, PICTURE, picture, notes),
    }


def _picture(row: Ask) -> Pixels:
    """What is asked by, BGR."""
    if row.asset is None:
        return read_picture(local_path(row.file))
    path = local_path(row.asset.file)
    if row.asset.kind == Asset.Kind.VIDEO:
        whole = extract_frame(path, row.time_s or 0.0).bgr()
    else:
        whole = read_picture(path)
    return np.ascontiguousarray(whole if row.box is None else _part(whole, row.box))


def _part(whole: Pixels, box: list[float]) -> Pixels:
    height, width = whole.shape[:2]
    x1, y1, x2, y2 = box
    part = whole[round(y1 * height) : round(y2 * height), round(x1 * width) : round(x2 * width)]
    if min(part.shape[:2]) < _LEAST_PX:
        raise AnalysisError(
            f"This part of the frame is {part.shape[1]} × {part.shape[0]} pixels: too small to "
            "know anything by it. Draw a larger box."
        )
    return part


def _png(picture: Pixels) -> bytes:
    """As a logo picture, which has to be of some size."""
    factor = ceil(MIN_SIDE / min(picture.shape[:2]))
    if factor > 1:
        picture = resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".png", picture)[1].tobytes()


def _small(picture: Pixels) -> Pixels:
    factor = _PREVIEW / max(picture.shape[:2])
    return picture if factor >= 1 else resize(picture, None, fx=factor, fy=factor)


# --- sounds ---------------------------------------------------------------------------------------


def _by_sound(row: Ask, beat: Heartbeat) -> dict[str, Any]:
    beat.note(step="listening to it", progress=0.1)
    path, start_s, end_s = _stretch(row)
    samples = _samples(row, path, start_s, end_s, beat)
    notes: list[str] = []
    heard = ""
    if row.kind == Ask.Kind.SPEECH:
        beat.note(step="understanding it", progress=0.3)
        heard = _words(path, start_s, end_s, beat, notes)
    beat.note(step="comparing it", progress=0.8)
    found = {"heard": heard, "wave": _outline(samples), "notes": notes}
    return found | _encoded(row, SOUND, samples, notes)


def _stretch(row: Ask) -> tuple[Path, float, float]:
    """The file and from when to when; one that is too long is refused before it is decoded."""
    if row.asset is not None:
        return local_path(row.asset.file), row.time_s or 0.0, row.end_s or 0.0
    path = local_path(row.file)
    try:
        lasts_s = probe(path).duration_s
    except NoSound:
        lasts_s = 0.0
    if lasts_s > LONGEST_S:
        what = "question" if row.kind == Ask.Kind.SPEECH else "sound"
        raise AnalysisError(
            f"This {what} lasts {_lasting(lasts_s)}. Up to {LONGEST_S:.0f} seconds can be asked by "
            "at once: say it shorter, or cut out what you mean."
        )
    return path, 0.0, LONGEST_S


def _lasting(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes > 1 else f"{seconds:.0f} seconds"


def _samples(row: Ask, path: Path, start_s: float, end_s: float, beat: Heartbeat) -> Sound:
    samples = read_audio(path, start_s=start_s, end_s=end_s, should_stop=beat.should_stop)
    if float(np.abs(samples).max(initial=0.0)) < _SILENT:
        is_spoken = row.kind == Ask.Kind.SPEECH
        advice = "Is the microphone turned on?" if is_spoken else "Ask by another one."
        raise AnalysisError(f"There is nothing to hear in this sound: it is silent. {advice}")
    return samples


def _outline(samples: Sound) -> list[float]:
    parts = np.array_split(np.abs(samples), min(_PEAKS, len(samples)))
    peaks = np.array([float(part.max()) for part in parts])
    return np.round(peaks / peaks.max(), 3).tolist()


def _words(path: Path, start_s: float, end_s: float, beat: Heartbeat, notes: list[str]) -> str:
    """What was asked. Raises AnalysisError where nobody here can understand it."""
    if not engines.here():
        raise AnalysisError(
            "A spoken question cannot be understood: no speech engine is installed. Type it, or "
            "see with `manage.py doctor` how to get one.",
            permanent=False,
        )
    engine = engines.choose({"language": "", "task": "transcribe"})
    options = SpeechOptions(language="en" if engine.languages == ("en",) else "")
    recogniser = engines.loaded(engine)
    heard = recogniser.transcribe(path, options, start_s, end_s, should_stop=beat.should_stop)
    words = " ".join(one.text for one in heard.utterances).strip()
    if not words:
        notes.append("No words were heard in it: it is looked for by its sound alone.")
    return words


# --- what both come to ----------------------------------------------------------------------------


def _encoded(row: Ask, modality: str, item: Any, notes: list[str]) -> dict[str, Any]:
    """Its place is looked for in the space that serves when somebody searches."""
    wanted = encoders.wanted(row.workspace, modality)
    what = "Pictures" if modality == PICTURE else "Sounds"
    try:
        encode = encoders.encoder_of(row.workspace, modality, wanted)
    except AnalysisError as error:
        if not row.kind == Ask.Kind.SPEECH:
            raise
        notes.append(error.message)  # its words may be found
        return {"engine": "", "encoded": b""}
    if encode is None:
        notes.append(
            f"{what} of this workspace are compared by an encoder ({wanted}) that is not on this "
            "machine any more."
        )
        return {"engine": "", "encoded": b""}
    (one,) = encode([item])
    if one.blank:
        raise AnalysisError(one.blank)
    kept = Encodings.of(modality, encode.engine, np.zeros(1, FRAME), [one])
    return {"engine": encode.engine, "encoded": kept.pack()}
