"""Whether a space finds what belongs together at all, by its figures on pairs kept back."""

from __future__ import annotations

from math import sqrt
from typing import Any

_AT = "5"  # answers that are looked at


def doubt_of(figures: dict[str, Any]) -> str:
    """Why a space should not take the place of what answers now; "" where it finds more of what
    belongs together, in one direction at least, than chance does by two standard errors."""
    if not figures.get("is_measured_apart"):
        return "There were too few pairs to tell whether it finds what belongs together."
    for way in figures.get("ablation", []):
        chance = way["chance"][_AT]
        error = sqrt(chance * (1 - chance) / max(way["questions"], 1))
        if way["kind"] == "both" and way["recall"][_AT] > chance + 2 * error:
            return ""
    return (
        "On pairs that were kept back it finds what belongs together no more often than chance "
        "would: more pairs are needed, or an encoder that sees more in these pictures."
    )
