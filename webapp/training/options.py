"""What a person may choose for a training, its defaults, and its limits in words.

The keys are the fields of analysis.training.options.TrainingOptions. The web reads nothing from
there, because it may not load what trains.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from django.conf import settings

from analysis.models.published import published_weights
from webapp.accounts.models import Refused

STARTS = {
    "pretrained": "Published weights",
    "version": "A version of yours",
    "scratch": "From nothing",
}
AUGMENTATIONS = {
    "normal": "Normal",
    "light": "Light: pictures that are alike",
    "strong": "Strong: few pictures",
    "mirrored": "Mirrored: things without letters, any way up",
    "none": "None",
}
ARCHITECTURES = {
    "yolo26n": "Nano: quick on a processor",
    "yolo26s": "Small: finds a little more, half as quick",
    "yolo26m": "Medium: for a graphics card",
}
DEVICES = {"auto": "The best there is", "cpu": "Processor", "cuda": "Graphics card"}

DEFAULTS: dict[str, Any] = {
    "imgsz": 640,
    "epochs": 50,
    "epoch_size": 200,
    "patience": 10,
    "seed": 0,
    "device": "auto",
    "batch": None,
    "augment": "normal",
    "freeze": 0,
    "start": "pretrained",
    "architecture": "yolo26n",
    "learning_rate": None,
    "search": 0,
    "average": 1,
    "synthetic": True,
}
# name: (least, most, as a person calls it)
WHOLE = {
    "imgsz": (64, 2048, "The picture size"),
    "epochs": (1, 1000, "Epochs"),
    "epoch_size": (0, 100_000, "Pictures in an epoch"),
    "patience": (0, 1000, "The patience"),
    "seed": (0, 2**31 - 1, "The seed"),
    "batch": (1, 512, "The batch"),
    "freeze": (0, 30, "Frozen layers"),
    "search": (0, 50, "Search trials"),
    "average": (1, 10, "Averaged trainings"),
}
WORDS = {"augment": AUGMENTATIONS, "start": STARTS, "device": DEVICES}
# Those of the form, and what else programs may ask for: analysis.training.options.
ARCHITECTURE = re.compile(r"yolo(26|12|11|v8)[nsmlx]")


def checked(wish: Mapping[str, Any]) -> dict[str, Any]:
    """The wish with defaults for what it leaves out. Raises Refused with a sentence."""
    if unknown := sorted(set(wish) - set(DEFAULTS)):
        raise Refused(f"A training has no option called {unknown[0]}.")
    options = DEFAULTS | dict(wish)
    for name in WHOLE:
        _check_whole(name, options[name])
    for name, words in WORDS.items():
        if options[name] not in words:
            raise Refused(f"For {name} choose one of {', '.join(words)}.")
    if not ARCHITECTURE.fullmatch(str(options["architecture"])):
        raise Refused("The network must be one such as yolo26n, yolo11s or yolov8m.")
    if options["imgsz"] % 32:
        raise Refused("The picture size must be a multiple of 32.")
    if not isinstance(options["synthetic"], bool):
        raise Refused("Whether to use synthetic pictures is yes or no.")
    _check_rate(options["learning_rate"])
    return options


def published_here() -> list[str]:
    """The networks whose published weights lie in this machine's weights folder, newest first."""
    folder = Path(settings.WEIGHTS_DIR)
    every = (f"yolo{family}{size}" for family in ("26", "12", "11", "v8") for size in "nsmlx")
    return [name for name in every if published_weights(folder, name)]


def architectures() -> dict[str, str]:
    """The networks to choose from, with a word on each."""
    here = dict.fromkeys(published_here(), "Its published weights are here")
    return ARCHITECTURES | {name: word for name, word in here.items() if name not in ARCHITECTURES}


def _check_whole(name: str, value: Any) -> None:
    least, most, called = WHOLE[name]
    if value is None and DEFAULTS[name] is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"{called} must be a whole number.")
    if not least <= value <= most:
        raise Refused(f"{called} must be between {least} and {most}.")


def _check_rate(rate: Any) -> None:
    if rate is None:
        return
    is_number = isinstance(rate, int | float) and not isinstance(rate, bool) and isfinite(rate)
    if not is_number or not 0 < rate <= 1:
        raise Refused("The learning rate must be above 0 and at most 1.")
