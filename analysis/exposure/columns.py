"""The columns of exposure, said once: what the command line, the CSV file, the PDF and
docs/methodology.md call each figure of a brand. Another column is another line here.
"""

from __future__ import annotations

from typing import NamedTuple


class Column(NamedTuple):
    key: str  # the field of BrandExposure, and the head of the CSV's column
    title: str
    unit: str
    help: str


COLUMNS = (
    Column("reported_s", "On screen", "s", "time in the exposures that count; the headline"),
    Column("on_screen_s", "Seen", "s", "every frame that shows the brand, once per frame"),
    Column("bridged_s", "Bridged", "s", "analysed time inside the gaps of exposures that count"),
    Column("border_error_s", "Border error", "s", "the most that all borders together can be off"),
    Column("logo_s", "Logo-seconds", "s", "each logo counted; never a measure of time"),
    Column("solus_s", "Alone", "s", "only this brand is shown"),
    Column("count", "Times", "", "exposures that count"),
    Column("longest_s", "Longest", "s", "the longest exposure"),
    Column("mean_episode_s", "Mean exposure", "s", "on screen ÷ times"),
    Column("first_s", "First", "time", "start of the first exposure"),
    Column("last_s", "Last", "time", "end of the last exposure"),
    Column("share_of_screen_time", "Of the video", "share", "on screen ÷ duration"),
    Column("share_of_analysed_time", "Of the time analysed", "share", "on screen ÷ time analysed"),
    Column("share_of_voice_time", "Share of voice", "share", "among the seconds of all brands"),
    Column("share_of_voice_area", "Share of voice, by area", "share", "the same, by size × time"),
    Column("mean_size_visible", "Size", "share", "of the frame while on screen, mean"),
    Column("mean_size_overall", "Size overall", "share", "of the frame over the whole duration"),
    Column("max_size", "Largest size", "share", "of the frame, in a single frame"),
    Column("position", "Position", "0–1", "1 in the middle, 0 in a corner"),
    Column("clarity", "Clarity", "0–1", "edge contrast of the main box"),
    Column("visibility", "Visibility", "share", "of the main box inside the frame"),
    Column("edge_touch_s", "Edge touch", "s", "the main box reaches the border of the frame"),
    Column("prominence", "Prominence", "0–1", "weighted mean of size, position, clarity, solus"),
    Column("qe_s", "Quality-adjusted", "s", "seconds weighted by prominence"),
    Column("mentions", "Mentions", "", "spoken, where they were given"),
    Column("media_value", "Media value", "money", "full equivalence; only with a rate"),
    Column("media_value_adjusted", "Media value, weighted", "money", "by quality-adjusted seconds"),
)
BY_KEY = {column.key: column for column in COLUMNS}


def markdown() -> str:
    """The table in docs/methodology.md."""
    lines = ["| column | called | unit | what it is |", "|---|---|---|---|"]
    lines += [f"| `{c.key}` | {c.title} | {c.unit or '–'} | {c.help} |" for c in COLUMNS]
    return "\n".join(lines)
