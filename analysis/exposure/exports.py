"""An Exposure as text to send on: CSV, JSON-able values, WebVTT.

Every one of them carries the methodology and its limits, so that a figure never travels without
the rule that made it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from analysis.exposure.columns import COLUMNS, clock, seconds
from analysis.exposure.measure import BrandExposure, Episode, Exposure

SCHEMA = "sightline.exposure/1"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")

_BRAND_NUMBERS = tuple(column.key for column in COLUMNS)
_SHARED = ("threshold", "method", "method_version", "currency")


class Origin(NamedTuple):
    """Where the rows of a file come from, so that rows of many files can be told apart."""

    file: str = ""  # the asset's name
    project: str = ""
    report: str = ""  # the title it was issued under; empty where it was not
    run: str = ""  # its number

    def cells(self) -> tuple[str, ...]:
        return tuple(map(safe_cell, self))


NOWHERE = Origin()


class MentionRow(NamedTuple):
    """A brand in words, as it is sent on."""

    label: int
    source: str  # said, or written
    start_s: float
    end_s: float
    text: str  # the words as they are written
    name: str  # the name or alias that they are taken for
    by: str  # what makes them that: analysis.text.mentions.By
    score: float  # how well they fit, 0 to 1
    confidence: float  # that, and how surely the words were recognised
    reviewed: str = ""  # confirmed, or renamed: by a person; of another brand as it was found


def safe_cell(text: str) -> str:
    """Text that a spreadsheet shows and does not calculate.

    A cell that begins like a formula gets an apostrophe in front, also after blanks, which some
    programs skip.
    """
    if text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS):
        return "'" + text
    return text


def brands_csv(exposure: Exposure, names: Mapping[int, str], origin: Origin = NOWHERE) -> str:
    """One row per brand, in seconds and shares, each with where it comes from and how it was
    counted.

    The sentences about its limits stand once, in the last column of the first row. `names` gives
    the name of each label. Encode as "utf-8-sig" for Excel.
    """
    header = (*Origin._fields, "brand", "reported", *_BRAND_NUMBERS, *_SHARED)
    rows = [
        (
            *origin.cells(),
            safe_cell(names[brand.label]),
            clock(brand.reported_s, hours=True),
            *(_number(getattr(brand, name)) for name in _BRAND_NUMBERS),
            *_shared_cells(exposure, brand),
        )
        for brand in exposure.brands
        if not brand.is_hidden
    ]
    return _csv(header, rows, exposure)


def episodes_csv(exposure: Exposure, names: Mapping[int, str], origin: Origin = NOWHERE) -> str:
    """One row per exposure, in the order of time, each with where it comes from and how it was
    counted."""
    header = (
        *Origin._fields,
        *("brand", "start", "end", "start_s", "end_s", "on_screen_s"),
        *("mean_size", "peak_confidence", "mean_confidence", "doubtful"),
        *_SHARED,
    )
    rows = [
        (
            *origin.cells(),
            safe_cell(names[brand.label]),
            clock(episode.start_s, hours=True),
            clock(episode.end_s, hours=True),
            *(
                _number(value)
                for value in (
                    *(episode.start_s, episode.end_s, episode.on_screen_s),
                    *(episode.mean_size, episode.peak_confidence, episode.mean_confidence),
                )
            ),
            episode.doubtful,
            *_shared_cells(exposure, brand),
        )
        for episode, brand in in_playing_order(exposure)
    ]
    return _csv(header, rows, exposure)


def mentions_csv(
    exposure: Exposure,
    names: Mapping[int, str],
    mentions: Sequence[MentionRow],
    origin: Origin = NOWHERE,
) -> str:
    """One row per mention, in the order given, each with where it comes from."""
    header = (
        *Origin._fields,
        *("brand", "source", "start", "end", "start_s", "end_s"),
        *("text", "name", "by", "score", "confidence", "reviewed"),
    )
    rows = [
        (
            *origin.cells(),
            *(safe_cell(names[one.label]), one.source),
            *(clock(one.start_s, hours=True), clock(one.end_s, hours=True)),
            *(_number(one.start_s), _number(one.end_s)),
            *(safe_cell(one.text), safe_cell(one.name), one.by, one.score, one.confidence),
            one.reviewed,
        )
        for one in mentions
    ]
    return _csv(header, rows, exposure)


def as_dict(exposure: Exposure, names: Mapping[int, str]) -> dict[str, Any]:
    """Dicts, lists, strings and numbers for `json.dumps`; no NaN, None where there is no figure.

    Keys are those of Exposure and BrandExposure; `schema` changes when their meaning does.
    """
    return {
        "schema": SCHEMA,
        "method": asdict(exposure.method),
        "limits": list(exposure.limits),
        "duration_s": exposure.duration_s,
        "window": list(exposure.window),
        "analysed_s": _rounded(exposure.analysed_s),
        "stride_s": _rounded(exposure.stride_s),
        "widest_s": _rounded(exposure.widest_s),
        "every_frame": exposure.every_frame,
        "is_held": exposure.is_held,
        "any_s": _rounded(exposure.any_s),
        "clear_s": _rounded(exposure.clear_s),
        "is_heard": exposure.is_heard,
        "is_read": exposure.is_read,
        "rate": asdict(exposure.rate) | {"formula": exposure.formula} if exposure.rate else None,
        "brands": [
            {
                "name": names[brand.label],
                "threshold": exposure.thresholds[brand.label],
                **_figures(brand),
                "episodes": [_rounded(_episode(episode)) for episode in brand.episodes],
            }
            for brand in exposure.brands
        ],
    }


def _figures(brand: BrandExposure) -> dict[str, Any]:
    return _rounded(asdict(replace(brand, episodes=())))


def _episode(episode: Episode) -> dict[str, Any]:
    begin, end = episode.doubtful_begin, episode.doubtful_end
    return episode._asdict() | {
        "doubtful_begin": begin._asdict() if begin else None,
        "doubtful_end": end._asdict() if end else None,
    }


def web_vtt(exposure: Exposure, names: Mapping[int, str]) -> str:
    """One cue per exposure, named after its brand; the methodology stands in the notes on top."""
    blocks = ["WEBVTT"]
    blocks += ["NOTE " + _one_line(sentence) for sentence in exposure.limits]
    for number, (episode, brand) in enumerate(in_playing_order(exposure), start=1):
        start_s, end_s = episode.start_s, max(episode.end_s, episode.start_s + 0.001)
        text = _one_line(f"{names[brand.label]}: {seconds(episode.on_screen_s)} on screen")
        blocks.append(f"{number}\n{_vtt_time(start_s)} --> {_vtt_time(end_s)}\n{text}")
    return "\n\n".join(blocks) + "\n"


def in_playing_order(exposure: Exposure) -> list[tuple[Any, BrandExposure]]:
    """All kept episodes with their brands, by start, then in the order of the brands."""
    pairs = [(episode, brand) for brand in exposure.brands for episode in brand.episodes]
    return sorted(pairs, key=lambda pair: pair[0].start_s)


def _shared_cells(exposure: Exposure, brand: BrandExposure) -> tuple[object, ...]:
    return (
        exposure.thresholds[brand.label],
        safe_cell(exposure.method.name),
        exposure.method.version,
        safe_cell(exposure.rate.currency) if exposure.rate else "",
    )


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]], exposure: Exposure) -> str:
    sentences = [safe_cell(" ".join(exposure.limits)), *[""] * len(rows)]
    text = io.StringIO()
    csv.writer(text).writerow((*header, "limits"))
    csv.writer(text).writerows((*row, said) for row, said in zip(rows, sentences, strict=False))
    return text.getvalue()


def _number(value: float | None) -> float | str:
    return "" if value is None else _rounded(value)


def _rounded(value: Any) -> Any:
    """Floats to a millionth, through dicts and sequences: what lies behind that is rounding."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_rounded(item) for item in value]
    return value


def _one_line(text: str) -> str:
    """Text that cannot end a WebVTT block, start a tag or look like a time."""
    flat = " ".join(text.split())
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _vtt_time(time_s: float) -> str:
    thousandths = round(time_s * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
