"""Which recognisers of writing can be used on this machine.

RapidOCR's package carries the networks of PP-OCRv6 (Apache-2.0): one finds lines, one recognises
them. The recogniser reads Latin, Chinese, Japanese and Greek; others of PP-OCR are used where
somebody put their ONNX file into the weights folder. Nothing here loads a network, and nothing is
fetched.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from analysis.errors import NeedsReading
from analysis.reading.languages import DEFAULT, LANGUAGES

_NEEDS = ("rapidocr", "onnxruntime", "cv2", "pyclipper", "shapely", "omegaconf", "colorlog")
_FINDER = "PP-OCRv6_det_small.onnx"
_RECOGNISER = "PP-OCRv6_rec_small.onnx"
# as PP-OCR names them: korean_PP-OCRv5_rec_mobile.onnx
_NAMED = re.compile(r"(?:(?P<language>[a-z_]+?)_)?(?P<version>PP-?OCRv\d+).*rec.*\.onnx", re.I)


@dataclass(frozen=True, slots=True)
class ReadingEngine:
    """A recogniser that can be used here.

    key: lasting name, such as "pp-ocrv6_rec_small". title: for people. language: its key in
    `LANGUAGES`. finder, recogniser: the ONNX files. letters: the list of the letters it knows, a
    line each, where it lies beside the recogniser rather than in it. digest: SHA-256 of them all.
    """

    key: str
    title: str
    language: str
    finder: Path
    recogniser: Path
    digest: str
    letters: Path | None = None


def require_reading() -> None:
    """Raise NeedsReading where its packages are not installed."""
    if not all(find_spec(name) is not None for name in _NEEDS):
        raise NeedsReading


def engines(weights_folder: Path | None = None) -> list[ReadingEngine]:
    """Every recogniser that can be used here, what the package carries first."""
    try:
        require_reading()
    except NeedsReading:
        return []
    spec = find_spec("rapidocr")
    [package] = (spec.submodule_search_locations if spec else None) or [""]
    models = Path(package) / "models"
    finder, recogniser = models / _FINDER, models / _RECOGNISER
    if not finder.is_file():
        return []
    found = [_engine(finder, recogniser, DEFAULT)] if recogniser.is_file() else []
    return [*found, *_in_folder(weights_folder, finder)]


def language_of(file: str) -> str:
    """The key in `LANGUAGES` of what a recogniser reads that is named as PP-OCR publishes it; ""
    where it is not."""
    named = _NAMED.fullmatch(file)
    language = (named["language"] or DEFAULT).lower() if named else ""
    return language if language in LANGUAGES else ""


def best_engine(found: Sequence[ReadingEngine], language: str = "") -> ReadingEngine | None:
    """The first that knows a language; "" is what the package knows."""
    return next((one for one in found if one.language == (language or DEFAULT)), None)


def _in_folder(folder: Path | None, finder: Path) -> Iterator[ReadingEngine]:
    if folder is None or not folder.is_dir():
        return
    for path in sorted(folder.glob("*.onnx")):
        if language := language_of(path.name):
            try:
                yield _engine(finder, path, language)
            except OSError:  # it vanished just now
                continue


def _engine(finder: Path, recogniser: Path, language: str) -> ReadingEngine:
    named = _NAMED.fullmatch(recogniser.name)
    version = named["version"] if named else recogniser.stem
    beside = recogniser.with_suffix(".txt")
    letters = beside if beside.is_file() else None
    parts = [finder, recogniser, *([letters] if letters else [])]
    return ReadingEngine(
        recogniser.stem.lower(),
        f"{version} ({LANGUAGES[language]})",
        language,
        finder,
        recogniser,
        hashlib.sha256("".join(_digest(part) for part in parts).encode()).hexdigest(),
        letters,
    )


def _digest(path: Path) -> str:
    status = path.stat()
    return _digest_of(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest_of(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
