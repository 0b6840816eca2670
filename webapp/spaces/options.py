"""What a person may choose for teaching a space, its defaults, and its limits in words.

The keys are fields of `analysis.crossmodal.training.Settings`, but for `ablation` and `most`. The
web reads nothing from there, because it may not load what trains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from webapp.accounts.models import Refused

DEFAULTS: dict[str, Any] = {
    "epochs": 25,
    "codes": 1024,
    "matching": 1.0,
    "loss": "infonce",
    "patience": 5,
    "seed": 0,
    "most": 8_000,
    "ablation": True,
}
# How what belongs together is told from what does not: its key, and as a person reads it.
LOSSES = (
    ("infonce", "InfoNCE"),
    ("masked-margin", "Masked margin softmax"),
)
# name: (least, most, as a person calls it)
LIMITS = {
    "epochs": (1, 1000, "Epochs"),
    "codes": (8, 4096, "Codes"),
    "matching": (0, 100, "The weight of code matching"),
    "patience": (0, 1000, "The patience"),
    "seed": (0, 2**31 - 1, "The seed"),
    "most": (20, 100_000, "Pairs of a source"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where pairs come from. needs: what has to be encoded for it."""

    key: str
    title: str
    help: str
    needs: tuple[str, ...]


SOURCES = (
    Source(
        "spoken",
        "Pictures with the words spoken around them",
        "What is said in five seconds of film, beside the frames shown then.",
        ("picture",),
    ),
    Source(
        "written",
        "Pictures with the text read on them",
        "Each line of writing, beside frames on which it stands.",
        ("picture",),
    ),
    Source(
        "labelled",
        "Pictures with labels that people checked",
        "A label's name and aliases, beside frames with boxes that people drew or accepted.",
        ("picture",),
    ),
    Source(
        "heard",
        "Sound with the words said in it",
        "Pieces of about five seconds, beside what was understood in them.",
        ("sound",),
    ),
    Source(
        "beside",
        "Sound with the pictures shown at that time",
        "Pieces of about five seconds, beside the frames shown then.",
        ("picture", "sound"),
    ),
    Source(
        "judged",
        "Questions with answers that people called right",
        "What was asked in words or by a sound, beside the moment that answered it.",
        (),
    ),
)
KEYS = tuple(source.key for source in SOURCES)


def checked(wish: Mapping[str, Any]) -> dict[str, Any]:
    """The wish with defaults for what it leaves out. Raises Refused with a sentence."""
    if unknown := sorted(set(wish) - set(DEFAULTS)):
        raise Refused(f"There is no option {', '.join(unknown)} in teaching a space.")
    found = DEFAULTS | dict(wish)
    for name, (least, most, title) in LIMITS.items():
        value = found[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not isfinite(value) or not least <= value <= most:
            raise Refused(f"{title}: between {least} and {most}.")
        if name != "matching" and value != int(value):
            raise Refused(f"{title}: a whole number.")
        found[name] = float(value) if name == "matching" else int(value)
    if found["loss"] not in dict(LOSSES):
        raise Refused(f"The loss is one of {', '.join(dict(LOSSES))}.")
    if not isinstance(found["ablation"], bool):
        raise Refused("Whether to compare it with spaces without codes is yes or no.")
    return found


def checked_sources(keys: Any) -> list[str]:
    """Those that there are, in order. Raises Refused."""
    if not isinstance(keys, list | tuple):
        raise Refused("Sources are a list of words.")
    if unknown := sorted({str(key) for key in keys} - set(KEYS)):
        raise Refused(f"There is no source {', '.join(unknown)}: choose of {', '.join(KEYS)}.")
    return [key for key in KEYS if key in keys]
