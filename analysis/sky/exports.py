"""Measured places, as they are sent on: MPC 80 columns, ADES, CSV and DS9 regions.

80 columns: minorplanetcenter.net/iau/info/OpticalObs.html. ADES: the Astrometry Data Exchange
Standard of the IAU in its version of 2022, as pipe-separated values in the order of its schema for
submissions. Rounding is done once, in whole steps of what is printed, so that 59.9999 s become the
next minute.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from analysis.errors import AnalysisError
from analysis.exposure.exports import safe_cell
from analysis.sky.designations import Designation, columns_of, designation, of_columns

_MJD_OF_DAY = date(1858, 11, 17).toordinal()  # of modified Julian date 0
_MICRODAYS = 1_000_000
_MILLISECONDS = 86_400_000
_CODE = re.compile(r"[A-Z0-9][0-9]{2}|[A-Za-z0-9]{4}")
_RECORD = re.compile(
    r"(?P<name>.{12})(?P<discovery>[ *+])(?P<note>.)(?P<mode>.)"
    r"(?P<date>\d{4} \d\d \d\d\.\d{6})(?P<ra>\d\d \d\d \d\d\.\d{3})"
    r"(?P<dec>[-+]\d\d \d\d \d\d\.\d\d)(?P<blank> {9})(?P<mag>.{5})(?P<band>.) {6}(?P<code>.{3})"
)
_ADES_COLUMNS = (
    ("permID", 9),
    ("provID", 11),
    ("trkSub", 8),
    ("mode", 4),
    ("stn", 4),
    ("obsTime", 24),
    ("ra", 11),
    ("dec", 11),
    ("rmsRA", 6),
    ("rmsDec", 6),
    ("astCat", 8),
    ("mag", 6),
    ("rmsMag", 6),
    ("band", 4),
    ("photCat", 8),
    ("logSNR", 6),
    ("exp", 6),
    ("disc", 4),
    ("notes", 5),
    ("remarks", 7),
)
_CSV_COLUMNS = (
    "name",
    "known_as",
    "tracklet",
    "exposure",
    "time_utc",
    "mjd_utc",
    "ra_deg",
    "dec_deg",
    "ra_error_arcsec",
    "dec_error_arcsec",
    "mag",
    "mag_error",
    "band",
    "x_px",
    "y_px",
    "score",
    "rate_arcsec_per_hour",
    "position_angle_deg",
    "chance",
    *("x0_px", "y0_px", "x1_px", "y1_px", "ra0_deg", "dec0_deg", "ra1_deg", "dec1_deg"),
)


@dataclass(frozen=True, slots=True)
class Trail:
    """From where to where a long trail goes: pixels as of `Observation`, and degrees, ICRS."""

    x0: float
    y0: float
    x1: float
    y1: float
    ra0: float = math.nan
    dec0: float = math.nan
    ra1: float = math.nan
    dec1: float = math.nan


@dataclass(frozen=True, slots=True)
class Observation:
    """One place that was measured. What is not known is NaN, or empty."""

    name: Designation
    mjd: float  # UTC, the middle of the exposure
    ra: float  # degrees, ICRS
    dec: float
    ra_error: float = math.nan  # standard deviation in arcseconds, on the sky (times cos δ)
    dec_error: float = math.nan
    mag: float = math.nan  # of a catalogue's system: instrumental ones are not sent
    mag_error: float = math.nan
    band: str = ""
    score: float = math.nan  # signal to noise
    seconds: float = math.nan  # how long the shutter was open
    x: float = math.nan  # pixels of the reference; the first pixel's centre is 0
    y: float = math.nan
    exposure: int = -1
    tracklet: int = -1
    known_as: str = ""
    rate: float = math.nan  # arcseconds an hour
    position_angle: float = math.nan  # degrees from north to east
    chance: float = math.nan
    discovery: bool = False  # the record by which a new object is claimed
    trailed: bool = False
    trail: Trail | None = None  # of a long one


@dataclass(frozen=True, slots=True)
class Site:
    """Who observed, where and by what: the head of a report."""

    code: str  # the observatory's, of the Minor Planet Center: three characters, XXX for none
    submitter: str = "unknown"
    observers: tuple[str, ...] = ("unknown",)
    measurers: tuple[str, ...] = ("unknown",)
    telescope: str = "Reflector"  # design
    aperture_m: float = 1.0
    detector: str = "CCD"
    f_ratio: float | None = None
    pixel_scale: float | None = None  # arcseconds
    catalogue: str = "UNK"  # astCat: what positions were measured against, such as Gaia3
    photometric_catalogue: str = ""
    comments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (_CODE.fullmatch(self.code) or self.code == "XXX"):
            raise AnalysisError(
                f"“{self.code[:20]}” is no observatory code: it has three characters, such as 807 "
                "or W84; XXX where there is none yet."
            )

    @property
    def mode(self) -> str:
        return "CMO" if self.detector.upper().startswith("CMO") else "CCD"


# ---- 80 columns --------------------------------------------------------------------------------


def mpc80(observations: Iterable[Observation], site: Site, *, head: bool = True) -> str:
    """A report in 80 columns, with the lines that say who observed; each line ends with a newline.

    Times to a microday, right ascensions to 0.001 s, declinations to 0.01″, magnitudes to 0.01.
    Raises AnalysisError where a place or time is missing, or a name or code does not fit.
    """
    records = [_record(observation, site) for observation in observations]
    lines = [*_head80(site, len(records)), *records] if head else records
    return "".join(line + "\n" for line in lines)


def read_mpc80(text: str) -> list[Observation]:
    """The records of a report that `mpc80` wrote, or of its form; lines of the head are left out.

    Raises AnalysisError with the number of a line that is none.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or re.match(r"(COD|CON|OBS|MEA|TEL|NET|BND|COM|NUM|ACK|AC2) ", line):
            continue
        match = _RECORD.fullmatch(line)
        if match is None:
            raise AnalysisError(f"Line {number} is no record of 80 columns: “{line[:60]}”.")
        mag = match["mag"].strip()
        found.append(
            Observation(
                of_columns(match["name"]),
                _mjd_of_date(match["date"]),
                15 * _sixties(match["ra"]),
                _sixties(match["dec"]),
                mag=float(mag) if mag else math.nan,
                band=match["band"].strip(),
                discovery=match["discovery"] == "*",
                trailed=match["note"] == "t",
            )
        )
    return found


def _head80(site: Site, records: int) -> list[str]:
    ratio = f" f/{site.f_ratio:g}" if site.f_ratio else ""
    lines = [
        f"COD {site.code}",
        f"OBS {', '.join(map(_plain, site.observers))}",
        f"MEA {', '.join(map(_plain, site.measurers))}",
        f"TEL {site.aperture_m:g}-m{ratio} {_plain(site.telescope)} + {_plain(site.detector)}",
        *([f"NET {_plain(site.catalogue)}"] if site.catalogue != "UNK" else []),
        *(f"COM {_plain(comment)}" for comment in site.comments),
        f"NUM {records}",
    ]
    return [line[:80].rstrip() for line in lines]


def _record(one: Observation, site: Site) -> str:
    _require_place(one)
    if len(site.code) != 3:
        raise AnalysisError(f"The observatory code {site.code} does not fit into 80 columns.")
    mag = f"{one.mag:5.2f}" if math.isfinite(one.mag) else " " * 5
    band = one.band if math.isfinite(one.mag) else ""
    if len(band) > 1:
        raise AnalysisError(f"The band “{band}” does not fit into one column: send it as ADES.")
    record = (
        columns_of(one.name)
        + ("*" if one.discovery else " ")
        + ("t" if one.trailed else " ")
        + ("B" if site.mode == "CMO" else "C")
        + _date_of(one.mjd)
        + _hours_of(one.ra)
        + _degrees_of(one.dec)
        + " " * 9
        + mag
        + band.ljust(1)
        + " " * 6
        + site.code
    )
    if len(record) != 80:
        raise AnalysisError(f"The magnitude {one.mag:g} of {one.name} does not fit into a record.")
    return record


def _date_of(mjd: float) -> str:
    days, part = divmod(round(mjd * _MICRODAYS), _MICRODAYS)
    day = _day(days)
    return f"{day.year:04d} {day.month:02d} {day.day:02d}.{part:06d}"


def _mjd_of_date(text: str) -> float:
    year, month, rest = text.split(" ")
    day, part = rest.split(".")
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _MJD_OF_DAY
    except ValueError as error:
        raise AnalysisError(f"“{text}” is no date.") from error
    return days + int(part) / 10 ** len(part)


def _hours_of(ra: float) -> str:
    steps = round(ra / 15 * 3_600_000) % 86_400_000
    hours, steps = divmod(steps, 3_600_000)
    minutes, steps = divmod(steps, 60_000)
    return f"{hours:02d} {minutes:02d} {steps // 1000:02d}.{steps % 1000:03d}"


def _degrees_of(dec: float) -> str:
    steps = round(abs(dec) * 360_000)
    sign = "-" if dec < 0 and steps else "+"
    degrees, steps = divmod(steps, 360_000)
    minutes, steps = divmod(steps, 6_000)
    return f"{sign}{degrees:02d} {minutes:02d} {steps // 100:02d}.{steps % 100:02d}"


def _sixties(text: str) -> float:
    whole, minutes, seconds = text.lstrip("+-").split(" ")
    value = int(whole) + int(minutes) / 60 + float(seconds) / 3600
    return -value if text.startswith("-") else value


# ---- ADES --------------------------------------------------------------------------------------


def ades_psv(observations: Iterable[Observation], site: Site) -> str:
    """A report in ADES of 2022 as pipe-separated values.

    Right ascension and declination in degrees to 0.4 milliarcseconds, times to a millisecond.
    Columns that no record fills are left out. Raises AnalysisError as `mpc80` does.
    """
    rows = [_ades_row(observation, site) for observation in observations]
    needed = ("mode", "stn", "obsTime", "ra", "dec", "astCat")
    columns = [
        (name, width)
        for name, width in _ADES_COLUMNS
        if name in needed or any(row.get(name) for row in rows)
    ]
    widths = {
        name: max(width, len(name), *(len(row.get(name, "")) for row in rows), 0)
        for name, width in columns
    }
    lines = _ades_head(site)
    lines.append("|".join(name.ljust(widths[name]) for name, _ in columns).rstrip())
    lines += [
        "|".join(row.get(n, "").ljust(widths[n]) for n, _ in columns).rstrip() for row in rows
    ]
    return "".join(line + "\n" for line in lines)


def read_ades_psv(text: str) -> list[Observation]:
    """The records of a report that `ades_psv` wrote, or of its form.

    Raises AnalysisError with the number of a line that is none.
    """
    found: list[Observation] = []
    names: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith(("#", "!")):
            names = [] if line.startswith("#") else names
            continue
        cells = [cell.strip() for cell in line.split("|")]
        if not names:
            names = cells
            continue
        row = dict(zip(names, cells, strict=False))
        try:
            found.append(_of_ades(row))
        except (KeyError, ValueError) as error:
            raise AnalysisError(f"Line {number} is no record of ADES: “{line[:60]}”.") from error
    return found


def _ades_head(site: Site) -> list[str]:
    names = {
        "observers": site.observers,
        "measurers": site.measurers,
    }
    lines = ["# version=2022", "# observatory", f"! mpcCode {site.code}"]
    lines += ["# submitter", f"! name {_plain(site.submitter)}"]
    for heading, people in names.items():
        lines += [f"# {heading}", *(f"! name {_plain(person)}" for person in people)]
    lines += [
        "# telescope",
        f"! design {_plain(site.telescope)[:35]}",
        f"! aperture {_decimal(site.aperture_m, 6)}",
        f"! detector {_plain(site.detector)[:25]}",
    ]
    if site.f_ratio:
        lines.append(f"! fRatio {_decimal(site.f_ratio, 6)}")
    if site.pixel_scale:
        lines.append(f"! pixelScale {_decimal(site.pixel_scale, 6)}")
    if site.comments:
        lines += ["# comment", *(f"! line {_plain(comment)}" for comment in site.comments)]
    return lines


def _ades_row(one: Observation, site: Site) -> dict[str, str]:
    _require_place(one)
    row = {
        "permID": one.name.number,
        "provID": one.name.provisional,
        "trkSub": one.name.temporary,
        "mode": site.mode,
        "stn": site.code,
        "obsTime": iso_time(one.mjd),
        "ra": _right_ascension(one.ra),
        "dec": f"{one.dec:+.7f}",
        "rmsRA": _error(one.ra_error),
        "rmsDec": _error(one.dec_error),
        "astCat": site.catalogue,
        "logSNR": f"{math.log10(one.score):.2f}" if one.score > 0 else "",
        "exp": _decimal(one.seconds, 6) if one.seconds > 0 else "",
        "disc": "*" if one.discovery else "",
        "notes": "t" if one.trailed else "",
    }
    if math.isfinite(one.mag):
        if not (one.band and re.fullmatch(r"[A-Za-z0-9]{1,3}", one.band)):
            raise AnalysisError(f"The magnitudes need a band, such as G or r; it is “{one.band}”.")
        row |= {
            "mag": f"{one.mag:.2f}",
            "rmsMag": _error(one.mag_error),
            "band": one.band,
            "photCat": site.photometric_catalogue,
        }
    return row


def _of_ades(row: dict[str, str]) -> Observation:
    def number(name: str) -> float:
        return float(row[name]) if row.get(name) else math.nan

    given = Designation(row.get("permID", ""), row.get("provID", ""), row.get("trkSub", ""))
    clock = row["obsTime"].removesuffix("Z")
    day, passed = clock.split("T")
    hours, minutes, seconds = passed.split(":")
    ordinal = date.fromisoformat(day).toordinal() - _MJD_OF_DAY
    of_day = (int(hours) * 3600 + int(minutes) * 60 + float(seconds)) / 86400
    return Observation(
        given,
        ordinal + of_day,
        float(row["ra"]),
        float(row["dec"]),
        ra_error=number("rmsRA"),
        dec_error=number("rmsDec"),
        mag=number("mag"),
        mag_error=number("rmsMag"),
        band=row.get("band", ""),
        seconds=number("exp"),
        discovery=row.get("disc") == "*",
        trailed="t" in row.get("notes", ""),
    )


def iso_time(mjd: float) -> str:
    """A time in UTC to a millisecond, such as 2026-11-30T04:05:06.789Z."""
    days, left = divmod(round(mjd * _MILLISECONDS), _MILLISECONDS)
    hours, left = divmod(left, 3_600_000)
    minutes, left = divmod(left, 60_000)
    day = _day(days).isoformat()
    return f"{day}T{hours:02d}:{minutes:02d}:{left // 1000:02d}.{left % 1000:03d}Z"


def _right_ascension(ra: float) -> str:
    steps = round(ra * 10_000_000) % 3_600_000_000
    return f"{steps // 10_000_000}.{steps % 10_000_000:07d}"


def _error(value: float) -> str:
    """Of at most seven characters, and never 0: nobody measures that well."""
    return _decimal(max(value, 0.001), 6) if math.isfinite(value) else ""


def _decimal(value: float, width: int) -> str:
    """Plain digits in so many characters, three after the point where there is room."""
    whole = len(str(int(value)))
    text = f"{value:.{max(min(3, width - whole - 1), 0)}f}"
    if len(text) > width:
        raise AnalysisError(f"{value:g} is too large for a report.")
    return text


# ---- CSV and DS9 -------------------------------------------------------------------------------


def observations_csv(observations: Iterable[Observation]) -> str:
    """One row for each detection. Encode as "utf-8-sig" for Excel; no cell starts a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_CSV_COLUMNS)
    for one in observations:
        writer.writerow(
            (
                safe_cell(str(one.name)),
                safe_cell(one.known_as),
                one.tracklet if one.tracklet >= 0 else "",
                one.exposure if one.exposure >= 0 else "",
                iso_time(one.mjd) if math.isfinite(one.mjd) else "",
                _cell(one.mjd, 7),
                _cell(one.ra, 7),
                _cell(one.dec, 7),
                _cell(one.ra_error, 3),
                _cell(one.dec_error, 3),
                _cell(one.mag, 3),
                _cell(one.mag_error, 3),
                safe_cell(one.band),
                _cell(one.x, 2),
                _cell(one.y, 2),
                _cell(one.score, 2),
                _cell(one.rate, 3),
                _cell(one.position_angle, 2),
                f"{one.chance:.3g}" if math.isfinite(one.chance) else "",
                *_cells_of(one.trail),
            )
        )
    return out.getvalue()


def ds9_regions(
    observations: Sequence[Observation], *, system: str = "icrs", radius: float = 5.0
) -> str:
    """Circles with the names, and trails as lines, for SAOImage DS9.

    system: "icrs", with radius in arcseconds, or "image", with radius in pixels, where the first
    pixel's centre is (1, 1). Raises AnalysisError where places in that system are missing.
    """
    if system not in ("icrs", "image"):
        raise ValueError("regions are in icrs or image")
    lines = ["# Region file format: DS9 version 4.1", "global color=green", system]
    for one in observations:
        label = re.sub(r"[{}\r\n;#]", "", one.known_as or str(one.name))
        if system == "icrs":
            _require_place(one, time=False)
            if one.trail is not None and math.isfinite(one.trail.ra0):
                lines.append(f"{_line_of(one.trail, system)} # line=0 0 text={{{label}}}")
                continue
            lines.append(f'circle({one.ra:.7f},{one.dec:.7f},{radius:g}") # text={{{label}}}')
        else:
            if not (math.isfinite(one.x) and math.isfinite(one.y)):
                raise AnalysisError(f"{one.name} has no place in the picture.")
            if one.trail is not None:
                lines.append(f"{_line_of(one.trail, system)} # line=0 0 text={{{label}}}")
                continue
            lines.append(f"circle({one.x + 1:.3f},{one.y + 1:.3f},{radius:g}) # text={{{label}}}")
    return "".join(line + "\n" for line in lines)


def _cells_of(trail: Trail | None) -> tuple[str, ...]:
    if trail is None:
        return ("",) * 8
    pixels = (trail.x0, trail.y0, trail.x1, trail.y1)
    degrees = (trail.ra0, trail.dec0, trail.ra1, trail.dec1)
    return *(_cell(one, 2) for one in pixels), *(_cell(one, 7) for one in degrees)


def _line_of(trail: Trail, system: str) -> str:
    """A line of DS9, which counts pixels from 1."""
    if system == "icrs":
        return f"line({trail.ra0:.7f},{trail.dec0:.7f},{trail.ra1:.7f},{trail.dec1:.7f})"
    ends = (one + 1 for one in (trail.x0, trail.y0, trail.x1, trail.y1))
    return f"line({','.join(f'{one:.3f}' for one in ends)})"


def _cell(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else ""


def _require_place(one: Observation, *, time: bool = True) -> None:
    if not (math.isfinite(one.ra) and math.isfinite(one.dec)):
        raise AnalysisError(
            f"{one.name} has no right ascension and declination: the pictures have no coordinates. "
            "Solve the field first, for example with astrometry.net, and give the files again."
        )
    if not (0 <= one.ra <= 360 and -90 <= one.dec <= 90):
        raise AnalysisError(f"The place {one.ra:g}, {one.dec:g} of {one.name} is not on the sky.")
    if time and not math.isfinite(one.mjd):
        raise AnalysisError(f"The exposure of {one.name} does not say when it was made.")


def _day(days: int) -> date:
    try:
        return date.fromordinal(days + _MJD_OF_DAY)
    except (ValueError, OverflowError) as error:
        raise AnalysisError(f"A modified Julian date of {days} is in no calendar.") from error


def _plain(text: str) -> str:
    """Of one line, without what separates cells; a name that is empty is unknown."""
    return " ".join(re.sub(r"[|\x00-\x1f]", " ", text).split())[:100] or "unknown"


__all__ = [
    "Observation",
    "Site",
    "ades_psv",
    "designation",
    "ds9_regions",
    "iso_time",
    "mpc80",
    "observations_csv",
    "read_ades_psv",
    "read_mpc80",
]
