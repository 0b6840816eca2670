"""Detectors, loaded once per process and kept while they are of use.

What a run looks with is kept for the next segment; the model in it is kept for itself, so that
several runs share one, and let go when its hosting ends (see `workers.runs.hosting`). A thread lets
go while another looks: the one that looks has its own reference and is not disturbed.
"""

from __future__ import annotations

import gc
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from analysis.detectors import Detector, load_detector
from analysis.detectors.denying import Denying
from analysis.detectors.fused import Fused
from analysis.errors import AnalysisError, Stopped
from analysis.media.frames import Frame
from analysis.types import Detection, Source
from webapp.registry.hosting import Hosting
from webapp.runs.workers import Worker
from workers.engine.identity import this_worker
from workers.engine.originals import local_path
from workers.engine.ready import memory_bytes

_KEPT = 3
DISPLACED = f"A worker keeps {_KEPT} models at most, and others were used since."


@dataclass(frozen=True, slots=True)
class _Look:
    """What one set of frozen inputs looks with, and the model version in it."""

    detector: Detector
    version: int | None


_looks: OrderedDict[str, _Look] = OrderedDict()
_models: OrderedDict[tuple[int, int | None], Detector] = OrderedDict()  # by version and tile
_in_use: set[int] = set()
_lock = threading.RLock()


def detector(
    inputs: dict[str, Any],
    options: dict[str, Any],
    *,
    should_stop: Callable[[], bool],
    only: str = "",
) -> Detector:
    """The detector for a run's frozen inputs: references, a model, or both fused.

    `only`: the label that alone is looked for. The model is left out where it does not know it.
    """
    if only and only not in _names(inputs, only).values():
        inputs = inputs | {"model": None}
    known_by = [inputs["labels"], inputs["model"], options.get("tile"), only]
    key = json.dumps(known_by, sort_keys=True)
    version = inputs["model"]["id"] if inputs["model"] else None
    if version is not None:
        _in_use.add(version)
        Hosting.use(version)
    look = _looks.get(key)
    if look is None:
        if should_stop():
            raise Stopped
        look = _Look(_load(inputs, options, only), version)
        with _lock:
            _looks[key] = look
            while len(_looks) > _KEPT:
                _looks.popitem(last=False)
        _say_what_is_held()
    with _lock:
        if key in _looks:
            _looks.move_to_end(key)
    return look.detector


def rest() -> None:
    """Nothing is looked at just now."""
    _in_use.clear()


def _load(inputs: dict[str, Any], options: dict[str, Any], only: str = "") -> Detector:
    found: list[Detector] = []
    references = {
        label["name"]: [local_path(reference["file"]) for reference in label["references"]]
        for label in inputs["labels"]
        if label["references"]
    }
    if references and (not only or only in references):
        found.append(load_detector("reference", references, only={only} if only else None))
    if inputs["model"]:
        found.append(Mapped(model(inputs["model"], options.get("tile")), _names(inputs, only)))
    if not found:
        raise AnalysisError("This run has neither reference pictures nor a model to look with.")
    detector = found[0] if len(found) == 1 else Fused(found)
    not_this = {
        label["name"]: [local_path(picture["file"]) for picture in label["not_this"]]
        for label in inputs["labels"]
        if label.get("not_this")
    }
    return Denying(detector, not_this) if not_this else detector


# --- models --------------------------------------------------------------------------------------


def model(version: dict[str, Any], tile: int | None = None) -> Detector:
    """The model of a version (`ModelVersion.as_input`), in memory from now on."""
    key = (version["id"], tile)
    found = _models.get(key)
    if found is None:
        before = memory_bytes()
        found = _open(version, tile)
        cost = max(memory_bytes() - before, local_path(version["file"]).stat().st_size)
        with _lock:
            _models[key] = found
        Hosting.say_held(version["id"], this_worker(), cost)
        _let_go_of_the_oldest()
        _say_what_is_held()
    with _lock:
        if key in _models:
            _models.move_to_end(key)
    return found


def _open(version: dict[str, Any], tile: int | None) -> Detector:
    options = {
        "device": settings.DEVICE,
        "exact": settings.EXACT,
        "cache": settings.CACHE_DIR / "engines",
    }
    path = local_path(version["file"])
    if version.get("task") == "concept":
        return load_detector("classifier", path, **options)
    from analysis.detectors.yolo import YoloOptions

    return load_detector("yolo", path, YoloOptions(tile=tile), **options)


def held() -> set[int]:
    """The versions in memory."""
    with _lock:
        return {version for version, _ in _models}


def in_use() -> set[int]:
    """The versions that are looked with just now."""
    return set(_in_use)


def release(version: int, because: str = "") -> None:
    """Let go of a version, and say so. Whoever looks with it just now finishes first."""
    with _lock:
        for key in [key for key in _models if key[0] == version]:
            del _models[key]
        for looked in [key for key, look in _looks.items() if look.version == version]:
            del _looks[looked]
    gc.collect()
    Hosting.say_released(version, this_worker(), because)
    _say_what_is_held()


def _let_go_of_the_oldest() -> None:
    while True:
        with _lock:
            versions = list(dict.fromkeys(version for version, _ in _models))
        if len(versions) <= _KEPT:
            return
        release(versions[0], DISPLACED)


# --- labels --------------------------------------------------------------------------------------


def _names(inputs: dict[str, Any], only: str = "") -> dict[str, str]:
    """The model's class names → the project's labels, by name or alias, whatever the case."""
    if not inputs["model"]:
        return {}
    spoken: dict[str, str] = {}
    for label in inputs["labels"]:
        for word in [label["name"], *label["aliases"]]:
            spoken.setdefault(word.casefold(), label["name"])
    names = inputs["model"]["labels"]
    known = {name: spoken[name.casefold()] for name in names if name.casefold() in spoken}
    return {name: label for name, label in known.items() if not only or label == only}


@dataclass(frozen=True, slots=True)
class Mapped:
    """A detector speaking the project's labels; what the project did not ask for is left out."""

    detector: Detector
    names: dict[str, str]

    @property
    def labels(self) -> Sequence[str]:
        return list(dict.fromkeys(self.names.values()))

    @property
    def source(self) -> Source:
        return self.detector.source

    def detect(self, frames: Iterable[Frame]) -> Iterator[list[Detection]]:
        for detections in self.detector.detect(frames):
            yield [
                replace(found, label=self.names[found.label])
                for found in detections
                if found.label in self.names
            ]


def _say_what_is_held() -> None:
    with _lock:
        looked_with = {look.version for look in _looks.values()}
        looks = [look.detector for look in _looks.values()]
        alone = [found for (version, _), found in _models.items() if version not in looked_with]
    holding = [f"{', '.join(list(d.labels)[:4])} ({d.source})" for d in [*looks, *alone]]
    Worker.objects.filter(name=this_worker()).update(holding=holding)
