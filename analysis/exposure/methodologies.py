"""What counts as an exposure: the parameters of a methodology, and the presets by name.

Vendors publish only parts of their rules, so a preset that follows one is named "-like": it takes
what was published and fills the rest with choices of ours, listed in `docs/methodology.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each factor counts towards prominence. Only their proportions matter."""

    size: float = 1.0
    position: float = 1.0
    clarity: float = 1.0
    solus: float = 1.0

    def __post_init__(self) -> None:
        weights = (self.size, self.position, self.clarity, self.solus)
        if not all(isfinite(w) and w >= 0 for w in weights) or sum(weights) == 0:
            raise ValueError("weights must be 0 or more, and at least one above 0")


@dataclass(frozen=True, slots=True)
class MediaRate:
    """What 30 seconds of advertising cost on this outlet.

    Either `per_30_s`, or an audience and its price: `impressions` × `cpm` ÷ 1000 then takes the
    place of `per_30_s`.
    """

    per_30_s: float
    currency: str = "EUR"
    impressions: float | None = None
    cpm: float | None = None

    def __post_init__(self) -> None:
        if (self.impressions is None) != (self.cpm is None):
            raise ValueError("impressions and cpm go together")
        amounts = (self.per_30_s, self.impressions or 0.0, self.cpm or 0.0)
        if not all(isfinite(amount) and amount >= 0 for amount in amounts):
            raise ValueError("a rate must be 0 or more")

    @property
    def cost_30_s(self) -> float:
        """The price of 30 seconds, in `currency`."""
        if self.impressions is None or self.cpm is None:
            return self.per_30_s
        return self.impressions * self.cpm / 1000

    @property
    def formula(self) -> str:
        """The formula with this rate's numbers in it, to print beside any amount."""
        return self.formula_with(0.0)

    def formula_with(self, mention_s: float) -> str:
        """The same, where each spoken mention is credited with so many seconds."""
        seconds = "reported seconds ÷ 30"
        if mention_s:
            seconds = f"(reported seconds + {mention_s:g} s × mentions) ÷ 30"
        if self.impressions is None or self.cpm is None:
            return f"{seconds} × {self.per_30_s:,.2f} {self.currency}"
        return (
            f"{seconds} × {self.impressions:,.0f} impressions"
            f" × {self.cpm:,.2f} {self.currency} per 1,000"
        )


@dataclass(frozen=True, slots=True)
class Methodology:
    """The rules that turn boxes into counted exposures. Change one with `dataclasses.replace`.

    A box counts when it passes `min_size` (share of the frame), `min_visibility` (share of the box
    inside the frame) and `min_clarity` (a box whose clarity nobody measured passes). With
    `dominant_only`, of several boxes of one brand in a frame only the largest counts. Sightings
    at most `gap_s` apart form one episode; it counts when it holds `minimum_s` of screen time.
    """

    key: str
    name: str
    version: int
    gap_s: float = 1.0
    minimum_s: float = 1.0
    bridge_counts: bool = False  # the time inside bridged gaps is reported too
    min_size: float = 0.0
    min_visibility: float = 0.0
    min_clarity: float = 0.0
    dominant_only: bool = False
    weights: Weights = field(default_factory=Weights)
    size_reference: float = 0.1  # share of the frame at which the size factor is full
    mention_s: float = 0.0  # seconds credited for one spoken mention; used in money only
    note: str = ""

    def __post_init__(self) -> None:
        seconds = (self.gap_s, self.minimum_s, self.mention_s)
        if not all(isfinite(s) and s >= 0 for s in seconds):
            raise ValueError("gap, minimum and mention must be 0 seconds or more")
        floors = (self.min_size, self.min_visibility, self.min_clarity)
        if not all(0 <= floor <= 1 for floor in floors):
            raise ValueError("the smallest size, visibility and clarity must be 0 to 1")
        if not 0 < self.size_reference <= 1:
            raise ValueError("size_reference must be above 0 and at most 1")


_PRESETS = (
    Methodology(
        key="raw",
        name="Raw",
        version=1,
        gap_s=0.0,
        minimum_s=0.0,
        note="Every analysed frame that shows the brand counts for as long as it was on screen; "
        "nothing is bridged and nothing is too short.",
    ),
    Methodology(
        key="one-second",
        name="1-second",
        version=1,
        gap_s=1.0,
        minimum_s=1.0,
        note="Gaps up to 1 s are bridged but not counted, and an exposure needs 1 s on screen, the "
        "shortest that Nielsen's Sponsorship Scorecard counted; readability is not tested.",
    ),
    Methodology(
        key="joyce-julius-like",
        name="Joyce-Julius-like",
        version=2,
        gap_s=1.0,
        minimum_s=0.0,
        min_visibility=0.9,
        min_clarity=0.3,
        dominant_only=True,
        mention_s=10.0,
        note="Follows what Joyce Julius published (clear, in focus, unobstructed, only the "
        "dominant of a sponsor's logos; a mention for 10 s) with limits of ours; it is not their "
        "count, and obstruction inside the frame is not measured.",
    ),
    Methodology(
        key="sri-like",
        name="SRi-like",
        version=2,
        gap_s=1.0,
        minimum_s=0.0,
        min_visibility=0.9,
        mention_s=5.0,
        note="Follows what SRi published (90 % of the logo visible; a mention for 5 s); it is not "
        "their count, and only the part cut off by the frame's edge is known to be hidden.",
    ),
    Methodology(
        key="brandmatrix-like",
        name="BrandMatrix-like",
        version=1,
        gap_s=1.0,
        minimum_s=0.0,
        bridge_counts=True,
        note="Follows what BrandMatrix published (a brand counts once however many of its logos "
        "are in the frame, in steps of 1 s) by counting gaps up to 1 s as exposure; it is not "
        "their count.",
    ),
    Methodology(
        key="mrc-50-2",
        name="MRC 50 % / 2 s",
        version=1,
        gap_s=0.0,
        minimum_s=2.0,
        min_visibility=0.5,
        note="Applies the MRC's viewability rule for video advertisements (half of the pixels in "
        "view for 2 continuous seconds) to logos, which it was not written for.",
    ),
)
METHODOLOGIES: dict[str, Methodology] = {method.key: method for method in _PRESETS}
DEFAULT = "one-second"
