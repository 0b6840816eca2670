"""Which models can be fetched: what the installed packages say of them, read as text.

openai-whisper states an address for each checkpoint, and the SHA-256 of its file is part of the
address; RapidOCR has a list with both. Neither is imported. What no package states with a hash is
not here: it could not be checked.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from analysis.errors import AnalysisError
from analysis.reading.engines import language_of
from analysis.reading.languages import DEFAULT, LANGUAGES, pack_of

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"[\w][\w.+-]{0,120}\.(?:pt|onnx)")
_MOST_BYTES = 4 << 20  # of a list
_NEAREST = 4

# What is known of the sizes beforehand, in bytes; the server says them exactly.
_WHISPER_BYTES = {
    "tiny": 75_572_083,
    "base": 145_262_807,
    "small": 483_617_219,
    "medium": 1_528_008_539,
    "large": 3_087_371_615,
    "turbo": 1_617_941_637,
}
_PACK_BYTES = 8_000_000
_PACKS_BYTES = {"korean": 13_488_748, "chinese_cht": 11_000_000, "japan": 10_000_000}


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A file that can be fetched.

    name: as a person asks for it, such as "ocr-korean"; `also`: further names of it. purpose: what
    it is for. file: its name in the weights folder, by which the rooms that use it know it.
    sha256: 64 hexadecimal digits. about_bytes: 0 where nobody knows before it is fetched.
    """

    name: str
    purpose: str
    file: str
    address: str
    sha256: str
    about_bytes: int
    licence: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`missing`: sentences on the packages that would state more."""

    models: tuple[PublishedModel, ...]
    missing: tuple[str, ...] = ()

    def find(self, name: str) -> PublishedModel:
        """By its name, another one of it, or its file's; in any case. Raises AnalysisError, which
        names the nearest."""
        wanted = name.strip().lower()
        names: dict[str, PublishedModel] = {}
        for model in self.models:
            names |= {one.lower(): model for one in (model.name, *model.also, model.file)}
        if wanted in names:
            return names[wanted]
        known = [model.name for model in self.models]
        listed = [one for one in known if wanted and wanted in one][:_NEAREST]
        listed = listed or difflib.get_close_matches(wanted, known, _NEAREST, cutoff=0.5)
        meant = f" Did you mean {' or '.join(listed)}?" if listed else ""
        more = " ".join(("", *self.missing)) if not listed else ""
        raise AnalysisError(f"There is no model “{name}” to fetch.{meant}{more}")


def read_catalogue(further: Path | None = None) -> Catalogue:
    """All that can be fetched. `further`: a JSON file that adds to it, or replaces by name: an
    object of {"address", "sha256", "purpose", "licence"} by name. Raises AnalysisError where that
    file is none.
    """
    missing = []
    models: dict[str, PublishedModel] = {}
    for said, read in (
        (
            "Whisper’s checkpoints are listed where openai-whisper is installed "
            "(requirements.txt).",
            _whisper,
        ),
        (
            "Language packs of on-screen text are listed where RapidOCR is installed "
            "(requirements-speech.txt, and requirements-reading.txt with --no-deps).",
            _language_packs,
        ),
    ):
        found = list(read())
        models |= {model.name: model for model in found}
        if not found:
            missing.append(said)
    if further is not None:
        models |= {model.name: model for model in _further(further)}
    return Catalogue(tuple(models.values()), tuple(missing))


def _whisper() -> Iterator[PublishedModel]:
    """The checkpoints of openai-whisper, by the dictionary in its source."""
    names: dict[str, list[str]] = {}
    for name, address in _stated_by_whisper().items():
        names.setdefault(address, []).append(name)
    for address, called in names.items():
        file, digest = _file_of(address), urlsplit(address).path.split("/")[-2:][0]
        if not _FILE.fullmatch(file) or not _SHA256.fullmatch(digest):
            continue
        stem = Path(file).stem
        size = "turbo" if "turbo" in stem else stem.partition("-")[0].partition(".")[0]
        yield PublishedModel(
            f"whisper-{stem}",
            "speech, English only" if stem.endswith(".en") else "speech, 99 languages",
            file,
            address,
            digest,
            _WHISPER_BYTES.get(size, 0),
            "MIT",
            tuple(f"whisper-{name}" for name in called if name != stem),
        )


def _stated_by_whisper() -> dict[str, str]:
    source = _part_of("whisper", "__init__.py")
    if source is None:
        return {}
    try:
        tree = ast.parse(source)
        for line in tree.body:
            if isinstance(line, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == "_MODELS" for target in line.targets
            ):
                stated = ast.literal_eval(line.value)
                return {str(name): str(address) for name, address in stated.items()}
    except (SyntaxError, ValueError, AttributeError):
        pass
    return {}


def _language_packs() -> Iterator[PublishedModel]:
    """The recognisers of PP-OCR, the newest one of each language or script."""
    packs: dict[str, PublishedModel] = {}
    for address, digest in _stated_by_rapidocr():
        file = _file_of(address)
        language = language_of(file)
        if language in ("", DEFAULT) or language in packs or not _FILE.fullmatch(file):
            continue
        packs[language] = PublishedModel(
            pack_of(language),
            f"on-screen text: {LANGUAGES[language]}",
            file,
            address,
            digest,
            _PACKS_BYTES.get(language, _PACK_BYTES),
            "Apache-2.0",
        )
    yield from (packs[language] for language in LANGUAGES if language in packs)


def _stated_by_rapidocr() -> Iterator[tuple[str, str]]:
    """Address and SHA-256 of each recogniser for ONNX, newest version first."""
    source = _part_of("rapidocr", "default_models.yaml")
    if source is None or find_spec("yaml") is None:
        return
    import yaml

    try:
        stated = yaml.safe_load(source)["onnxruntime"]
        for version in sorted(stated, reverse=True):
            for entry in stated[version].get("rec", {}).values():
                address, digest = str(entry["model_dir"]), str(entry["SHA256"]).lower()
                if "mobile" in address and _SHA256.fullmatch(digest):
                    yield address, digest
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        return


def _part_of(package: str, name: str) -> str | None:
    """The text of a file of a package, which is not imported."""
    spec = find_spec(package)
    places: Sequence[str] = (spec.submodule_search_locations if spec else None) or []
    for place in places:
        try:
            return (Path(place) / name).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
    return None


def _file_of(address: str) -> str:
    return unquote(urlsplit(address).path).rpartition("/")[2]


def _further(path: Path) -> Iterator[PublishedModel]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise AnalysisError(f"{path} is too large for a list of models.")
        stated = json.loads(path.read_text("utf-8"))
    except OSError as e:
        raise AnalysisError(f"{path} cannot be read: {e.strerror}.") from e
    except ValueError as e:
        raise AnalysisError(f"{path} is no JSON: {e}.") from e
    if not isinstance(stated, Mapping):
        raise AnalysisError(f"{path} has to be an object: models by their names.")
    for name, about in stated.items():
        yield _one_further(path, name, about if isinstance(about, Mapping) else {})


def _one_further(path: Path, name: str, about: Mapping[str, object]) -> PublishedModel:
    address, digest = str(about.get("address", "")), str(about.get("sha256", "")).lower()
    file = _file_of(address)
    if not _FILE.fullmatch(file):
        raise AnalysisError(
            f"{path}: the address of {name} has to end in the name of a .pt or .onnx file."
        )
    if not _SHA256.fullmatch(digest):
        raise AnalysisError(f"{path}: {name} needs the SHA-256 of its file, 64 digits.")
    purpose, licence = str(about.get("purpose", "")), str(about.get("licence", "not stated"))
    return PublishedModel(name, purpose, file, address, digest, 0, licence)
