"""Detectors, loaded once per process and kept while they are of use."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from analysis.detectors import Detector, Fused, load_detector
from analysis.errors import AnalysisError, Stopped
from analysis.frames import Frame
from analysis.types import Detection, Source
from webapp.projects.models import Label
from webapp.runs.models import Worker
from workers.identity import this_worker
from workers.originals import local_path

_KEPT = 3
_loaded: OrderedDict[str, Detector] = OrderedDict()


def detector(
    inputs: dict[str, Any], options: dict[str, Any], *, should_stop: Callable[[], bool]
) -> Detector:
    """The detector for a run's frozen inputs: references, a model, or both fused."""
    key = json.dumps([inputs["labels"], inputs["model"], options.get("tile")], sort_keys=True)
    if key not in _loaded:
        if should_stop():
            raise Stopped
        _loaded[key] = _load(inputs, options)
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
        _say_what_is_held()
    _loaded.move_to_end(key)
    return _loaded[key]


def _load(inputs: dict[str, Any], options: dict[str, Any]) -> Detector:
    found: list[Detector] = []
    references = {
        label["name"]: [local_path(reference["file"]) for reference in label["references"]]
        for label in inputs["labels"]
        if label["references"]
    }
    if references:
        found.append(load_detector("reference", references))
    if inputs["model"]:
        from analysis.detectors.yolo import YoloOptions

        model = load_detector(
            "yolo",
            local_path(inputs["model"]["file"]),
            YoloOptions(tile=options.get("tile")),
            device=settings.DEVICE,
            exact=settings.EXACT,
            cache=settings.CACHE_DIR / "engines",
        )
        found.append(Mapped(model, _names(inputs)))
    if not found:
        raise AnalysisError("This run has neither reference pictures nor a model to look with.")
    return found[0] if len(found) == 1 else Fused(found)


def _names(inputs: dict[str, Any]) -> dict[str, str]:
    """The model's class names → the project's labels, by name or alias, whatever the case."""
    spoken: dict[str, str] = {}
    aliases = dict(
        Label.objects.filter(pk__in=[label["id"] for label in inputs["labels"]]).values_list(
            "pk", "aliases"
        )
    )
    for label in inputs["labels"]:
        for word in [label["name"], *aliases.get(label["id"], [])]:
            spoken.setdefault(word.casefold(), label["name"])
    names = inputs["model"]["labels"]
    return {name: spoken[name.casefold()] for name in names if name.casefold() in spoken}


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
    holding = [f"{', '.join(d.labels[:4])} ({d.source})" for d in _loaded.values()]
    Worker.objects.filter(name=this_worker()).update(holding=holding)
