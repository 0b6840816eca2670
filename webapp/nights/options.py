"""How a night is searched: what can be chosen, what is taken where nothing is said, and the bounds.

Rates are of the sky where the exposures have coordinates, and of pixels where they have none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from webapp.accounts.models import Refused

METHODS = {
    "zogy": "By what a point looks like (ZOGY)",
    "kernel": "By matching the seeing (kernel)",
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number that can be chosen. `help` says what it is for, and why it is what it is."""

    title: str
    unit: str
    least: float
    most: float
    default: float
    help: str
    is_whole: bool = False

    @property
    def usual(self) -> float | int:
        return int(self.default) if self.is_whole else self.default

    def checked(self, value: Any) -> float | int:
        """The number that was chosen. Raises Refused in words."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not isfinite(value) or not self.least <= value <= self.most:
            bounds = f"{self.least:g} to {self.most:g} {self.unit}".strip()
            raise Refused(f"{self.title} is a number from {bounds}.")
        if self.is_whole and value != int(value):
            raise Refused(f"{self.title} is a whole number.")
        return int(value) if self.is_whole else float(value)


NUMBERS: dict[str, Number] = {
    "threshold": Number(
        "Threshold", "σ", 3.0, 50.0, 5.0,
        "How far something has to stand out of the noise. At 5, noise alone passes about once in "
        "3.5 million places; below 4 it passes by the hundred.",
    ),
    "least": Number(
        "Exposures it is seen in", "", 3, 50, 3,
        "What moves has to be found in so many exposures on one line. Two make a line of anything.",
        is_whole=True,
    ),
    "slowest": Number(
        "Slowest", "″/h", 0.0, 100_000.0, 0.5,
        "Slower things count as standing still: variable stars and new ones.",
    ),
    "fastest": Number(
        "Fastest", "″/h", 0.1, 1_000_000.0, 150.0,
        "The main belt moves by 20 to 60″ an hour; what passes close by, by hundreds. The faster, "
        "the more often chance makes a line.",
    ),
    "tolerance": Number(
        "Off the line", "″", 0.05, 60.0, 1.5,
        "How far a position may lie beside the line that the others make: the error of positions, "
        "and a little for the curve of a path.",
    ),
    "trails": Number(
        "Trails of an exposure", "", 0, 100, 10,
        "Long trails, of satellites and of what passes very close by: those that stand out most "
        "of each exposure are candidates. 0 leaves them out, which saves time.",
        is_whole=True,
    ),
    "injected": Number(
        "Objects put in", "", 0, 400, 24,
        "Made-up moving objects that are put into copies of the exposures, to measure which share "
        "of real ones is found. They never appear among the candidates. 0 leaves it out.",
        is_whole=True,
    ),
}  # fmt: skip
NETWORK_TITLE = "Also look by the network on tiles"
NETWORK_HELP = (
    "By the newest network that was taught with what is real. What it finds and the usual search "
    "does not becomes a detection as well, and is marked. How much both find is a part of the "
    "report."
)
DEFAULTS: dict[str, Any] = {"method": "zogy", "network": False} | {
    name: number.usual for name, number in NUMBERS.items()
}
_OBSERVATORY = re.compile(r"[0-9A-Z][0-9]{2}")


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """All options, with defaults for what is not said. Raises Refused in words."""
    if unknown := sorted(set(options) - set(DEFAULTS)):
        raise Refused(f"There is no option “{unknown[0]}” of a night.")
    wanted = DEFAULTS | dict(options)
    if wanted["method"] not in METHODS:
        raise Refused(f"The method is one of {', '.join(METHODS)}.")
    if not isinstance(wanted["network"], bool):
        raise Refused("Whether a night also looks by the network is true or false.")
    for name, number in NUMBERS.items():
        wanted[name] = number.checked(wanted[name])
    if wanted["slowest"] >= wanted["fastest"]:
        raise Refused("The slowest motion has to be below the fastest.")
    return wanted


# Who observed, as reports name them: what it is called, and the longest it may be.
SITE = {
    "observers": ("Observers", 120),  # by commas, such as "R. Virtanen, O. Berg"
    "telescope": ("Telescope", 40),  # its design, such as Ritchey-Chretien
    "aperture_m": ("Aperture, m", 0),
    "catalogue": ("Catalogue of the positions", 12),  # such as Gaia3
}


def checked_site(said: Mapping[str, Any]) -> dict[str, Any]:
    """What was said of who observed; nothing for what was not. Raises Refused."""
    if unknown := sorted(set(said) - set(SITE)):
        raise Refused(f"There is no “{unknown[0]}” of a site.")
    found: dict[str, Any] = {}
    for name, value in said.items():
        title, longest = SITE[name]
        if value in ("", None):
            continue
        if name == "aperture_m":
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not 0.001 <= value <= 100:
                raise Refused("The aperture is a number of metres, from 0.001 to 100.")
            found[name] = float(value)
        else:
            text = " ".join(str(value).split())
            if len(text) > longest:
                raise Refused(f"{title}: {longest} characters at most.")
            found[name] = text
    return found


def checked_observatory(code: str) -> str:
    """The code of an observatory as the Minor Planet Center gives them, such as 568; "" for none.
    Raises Refused."""
    code = code.strip().upper()
    if code and not _OBSERVATORY.fullmatch(code):
        raise Refused("The code of an observatory has three characters, such as 568 or W84.")
    return code
