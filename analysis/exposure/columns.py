"""The columns of exposure, said once: what page, report, PDF, command line, CSV, API and
docs/methodology.md call each figure of a brand, how it reads and where it is shown. Another
column is another entry here. Files and the API hold all of them, in this order.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from enum import Enum, Flag, auto
from typing import Any, NamedTuple

UNCHECKED = "not checked by a person"  # what a detector may have missed, beside every figure
NO_FIGURE = "–"
_SAME_S = 1e-6  # what sums of floats are off by, and files are rounded to


class Face(Flag):
    """Where a column is shown to people."""

    NOWHERE = 0
    PAGE = auto()  # beside the player: narrow
    REPORT = auto()
    PAPER = auto()  # the report as a PDF
    COMMAND = auto()
    MONEY = auto()  # the table of amounts, in a report with a rate


class Format(Enum):
    """How a figure reads; `Column.decimals` says how exactly."""

    CLOCK = "h:mm:ss.f"
    PERCENT = "per cent"
    NUMBER = "number"


class Column(NamedTuple):
    key: str  # the field of BrandExposure, and the head of the CSV's column
    title: str
    unit: str
    format: Format
    decimals: int
    help: str
    on: Face = Face.NOWHERE
    of_picture: Face = Face.NOWHERE  # where it is shown of a picture, which has no seconds
    short: str = ""
    needs: str = ""  # what somebody must have done for it: "is_heard" or "is_read"

    @property
    def brief(self) -> str:
        """The title where there is little room."""
        return self.short or self.title

    @property
    def tip(self) -> str:
        return f"{self.title}: {self.help}"


NOWHERE, PAGE, REPORT, MONEY = Face.NOWHERE, Face.PAGE, Face.REPORT, Face.MONEY
SHEETS = REPORT | Face.PAPER
LOOKS = PAGE | SHEETS
ALL = LOOKS | Face.COMMAND
CLOCK, PERCENT, NUMBER = Format.CLOCK, Format.PERCENT, Format.NUMBER

# fmt: off
COLUMNS = (
    Column("on_screen_s", "On screen", "s", CLOCK, 1,
           "every frame that shows the brand, once per frame", ALL),
    Column("reported_s", "Reported", "s", CLOCK, 1,
           "time in the exposures that count; the headline", ALL),
    Column("border_error_s", "Border error", "s", NUMBER, 1,
           "the most that all borders together can be off"),
    Column("bridged_s", "Bridged", "s", CLOCK, 1,
           "analysed time inside the gaps of exposures that count"),
    Column("logo_s", "Logo-seconds", "s", CLOCK, 1, "each logo counted; never a measure of time"),
    Column("share_of_voice_time", "Share of voice", "share", PERCENT, 0,
           "this brand's seconds among those of all brands", ALL, NOWHERE, "Share"),
    Column("share_of_voice_area", "Share of voice, by area", "share", PERCENT, 0,
           "the same, by size × time", NOWHERE, LOOKS, "Share"),
    Column("share_of_screen_time", "Of the video", "share", PERCENT, 1,
           "reported ÷ duration", SHEETS | Face.COMMAND),
    Column("share_of_analysed_time", "Of the time analysed", "share", PERCENT, 1,
           "reported ÷ time analysed"),
    Column("count", "Times", "", NUMBER, 0, "exposures that count under the method", ALL, PAGE),
    Column("doubtful_ends", "Doubtful ends", "", NUMBER, 0,
           "beginnings and ends in the middle of an unbroken, still shot"),
    Column("longest_s", "Longest", "s", CLOCK, 1, "the longest exposure", SHEETS | Face.COMMAND),
    Column("mean_episode_s", "Mean exposure", "s", CLOCK, 1, "reported ÷ times"),
    Column("first_s", "First", "time", CLOCK, 1, "start of the first exposure"),
    Column("last_s", "Last", "time", CLOCK, 1, "end of the last exposure"),
    Column("solus_s", "Alone", "s", CLOCK, 1, "only this brand is shown", REPORT | Face.COMMAND),
    Column("mean_size_visible", "Size", "share", PERCENT, 1,
           "of the frame that it covers while on screen, mean", ALL, LOOKS),
    Column("mean_size_overall", "Size overall", "share", PERCENT, 1,
           "of the frame over the whole duration"),
    Column("max_size", "Largest size", "share", PERCENT, 1, "of the frame, in a single frame"),
    Column("position", "Position", "0–1", PERCENT, 0, "1 in the middle, 0 in a corner"),
    Column("clarity", "Clarity", "0–1", PERCENT, 0,
           "edge contrast of the main box", REPORT, REPORT),
    Column("visibility", "Visibility", "share", PERCENT, 0, "of the main box inside the frame"),
    Column("edge_touch_s", "Edge touch", "s", CLOCK, 1,
           "the main box reaches the border of the frame"),
    Column("prominence", "Prominence", "0–1", PERCENT, 0,
           "weighted mean of size, position, clarity, solus", REPORT, REPORT),
    Column("qe_s", "Quality-adjusted", "s", CLOCK, 1, "seconds weighted by prominence"),
    Column("mentions", "Said", "", NUMBER, 0, "spoken mentions", ALL, NOWHERE, needs="is_heard"),
    Column("said_s", "Time said", "s", CLOCK, 1, "time in which it is being said"),
    Column("mentions_seen", "Said while seen", "", NUMBER, 0,
           "mentions with the brand on screen within 2 s", SHEETS, NOWHERE, needs="is_heard"),
    Column("mention_lift", "Mention lift", "×", NUMBER, 2,
           "how many times as often as by chance a mention has the brand on screen"),
    Column("written", "Written", "", NUMBER, 0,
           "captions and signs in the picture that show its name", SHEETS | Face.COMMAND, SHEETS,
           needs="is_read"),
    Column("written_s", "Time written", "s", CLOCK, 1, "time in which one of them is on screen"),
    Column("seen_only", "Seen only", "", NUMBER, 0,
           "moments of the brand (2 s apart or more) in which it is neither said nor written"),
    Column("said_only", "Said only", "", NUMBER, 0, "moments in which it is only said"),
    Column("written_only", "Written only", "", NUMBER, 0, "moments in which it is only written"),
    Column("together", "Together", "", NUMBER, 0, "moments of two or three of them"),
    Column("media_value", "Media value", "money", NUMBER, 2,
           "full equivalence; only with a rate", MONEY, MONEY, "Full equivalence"),
    Column("media_value_adjusted", "Media value, weighted", "money", NUMBER, 2,
           "by quality-adjusted seconds", MONEY, MONEY, "Weighted by prominence"),
)
# fmt: on
BY_KEY = {column.key: column for column in COLUMNS}


def shown_on(
    face: Face, *, of_picture: bool = False, has: Collection[str] = ()
) -> tuple[Column, ...]:
    """The columns that a face shows, in their order; of words only those whose need it `has`."""
    shown = (c for c in COLUMNS if face & (c.of_picture if of_picture else c.on))
    return tuple(c for c in shown if not c.needs or c.needs in has)


def done(exposure: Any) -> set[str]:
    """What `shown_on` asks for, of an Exposure or its dict in a report."""
    needs = {column.needs for column in COLUMNS if column.needs}
    if isinstance(exposure, Mapping):
        return {need for need in needs if exposure.get(need)}
    return {need for need in needs if getattr(exposure, need)}


def figure(column: Column, brand: Any) -> str:
    """The figure of one brand as people read it: of a BrandExposure, or of its dict in a report."""
    if isinstance(brand, Mapping):
        return shown(column, brand.get(column.key))
    return shown(column, getattr(brand, column.key))


def shown(column: Column, value: float | None) -> str:
    """A value of this column for people: 2:41.4, 45.7 %, 1,234; a dash where there is none."""
    if value is None:
        return NO_FIGURE
    if column.format is Format.CLOCK:
        return clock(value, column.decimals)
    if column.format is Format.PERCENT:
        return percent(value, column.decimals)
    return f"{value:,.{column.decimals}f}"


def doubts(n: int) -> str:
    """What to say of so many beginnings and ends that nothing in the picture explains."""
    if not n:
        return ""
    what = "1 beginning or end is" if n == 1 else f"{n:,} beginnings or ends are"
    return f"{what} doubtful: the picture stood still there"


def edges(border_error_s: float) -> str:
    """How far starts and ends that fell between samples can be off, together: no less than this."""
    return f"edges ± {math.ceil((border_error_s - _SAME_S) * 10) / 10:.1f} s"


# How seconds read. In columns and as a place in the film: `clock`. In a sentence: `seconds`. Aloud:
# `spoken`. In files and the API: a number, in seconds. All but the last are cut off, as a running
# clock is, and not rounded: a film of 12.96 s would be shown to have 13.0 s of a brand.


def clock(time_s: float | None, decimals: int = 1, *, hours: bool = False) -> str:
    """h:mm:ss.f: 0:07.5, 2:41.4, 1:02:03.0; `hours`: also where there are none."""
    if time_s is None:
        return ""
    whole, fraction = divmod(_ticks(time_s, decimals), 10**decimals)
    minutes, s = divmod(whole, 60)
    h, m = divmod(minutes, 60)
    text = f"{h}:{m:02}:{s:02}" if h or hours else f"{m}:{s:02}"
    return f"{text}.{fraction:0{decimals}}" if decimals else text


def seconds(length_s: float) -> str:
    """12.96 → "12.9 s"."""
    return f"{_ticks(length_s, 1) / 10:,.1f} s"


def spoken(length_s: float) -> str:
    """161.44 → "2 minutes 41.4 seconds", for who listens."""
    minutes, ticks = divmod(_ticks(length_s, 1), 600)
    parts = [f"{minutes} minute{'' if minutes == 1 else 's'}"] if minutes else []
    return " ".join([*parts, f"{ticks / 10:g} second{'' if ticks == 10 else 's'}"])


def _ticks(length_s: float, decimals: int) -> int:
    return math.floor((max(float(length_s), 0.0) + _SAME_S) * 10**decimals)


def percent(share: float | None, decimals: int = 0) -> str:
    """0.4567 → "46 %", with a thin gap before the sign."""
    return "" if share is None else f"{share * 100:.{decimals}f}\u202f%"


def markdown() -> str:
    """The table in docs/methodology.md."""
    lines = ["| column | called | unit | what it is |", "|---|---|---|---|"]
    lines += [f"| `{c.key}` | {c.title} | {c.unit or '–'} | {c.help} |" for c in COLUMNS]
    return "\n".join(lines)
