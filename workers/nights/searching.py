"""One exposure of a night, searched: from two files to what is new in one of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analysis.errors import AnalysisError, UnreadableMedia
from analysis.sky import streaming
from analysis.sky.calibration import Masters, calibrated
from analysis.sky.detection import TRAILS, Detections
from analysis.sky.exposures import Exposure, opened
from analysis.sky.pairs import Pair
from analysis.sky.panels import Panel, panels_of
from analysis.sky.photometry import Catalogue
from analysis.sky.plane import separation
from analysis.sky.sources import Sources, concatenated, of_points, sky_of
from workers.nights.brightness import zero_of
from workers.nights.cutouts import Cutouts, cut_out
from workers.nights.looking import Network, added_by
from workers.nights.paneled import Looked, Points, together
from workers.nights.putting_in import put_in as put_in_of
from workers.nights.seen import Scored, Seen
from workers.nights.storing import known_number
from workers.nights.trails import Trails, trails_of, with_trails

MOST_FOUND = 10_000  # detections of an exposure: of more, the brightest are kept
_NOISY = 1.3  # deviation of the score from which it is said
_OFF_PX = 0.3  # of single stars from their places, from which it is said
_DRAWN_OUT = 1.5  # times the longest trail, up to which one is looked for


@dataclass
class Searched:
    """What an exposure has that the reference has not. figures: columns of `NightExposure`."""

    sources: Sources
    cutouts: Cutouts
    with_put_in: Sources | None
    figures: dict[str, Any]
    warnings: list[str]
    timings: dict[str, float] = field(default_factory=dict)


# of an exposure, that is done before and after each step; parts are subtracted and searched in turn
_SHARES: dict[str, tuple[float, float]] = {
    "read": (0.0, 0.05),
    "calibrate": (0.05, 0.1),
    "align": (0.1, 0.3),
    "subtract": (0.3, 0.5),
    "detect": (0.3, 0.5),
    "network": (0.5, 0.5),
    "trails": (0.5, 0.68),
    "cut": (0.68, 0.7),
    "put_in": (0.7, 1.0),
}


class Clock:
    """Tells which step is on and how much is done, and how long each took."""

    def __init__(self, told: Callable[[str, float], None]) -> None:
        self.timings: dict[str, float] = {}
        self._told = told
        self._name, self._share = "", 0.0
        self._panel, self._begun = (0, 1), set[str]()

    def go_to(self, panel: int, n_panels: int) -> None:
        """Searching the panel of this number, of so many, begins."""
        self._panel, self._begun = (panel, n_panels), set()

    def tell(self, share: float) -> None:
        """How much is done of the step that is on."""
        self._share = share
        first, last = _SHARES[self._name]
        before, n = self._panel
        self._told(self._name, (before + first + share * (last - first)) / n)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        # what is done part by part goes on from where it was
        self._name = name
        self.tell(self._share if name in self._begun else 0.0)
        self._begun.add(name)
        begun = time.perf_counter()
        yield
        self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - begun


class Source(NamedTuple):
    """A picture of a file: the first, or that of an extension."""

    path: Path
    extension: int | None = None


@dataclass(frozen=True)
class Against:
    """What an exposure is searched against. masters: by "bias", "dark" and "flat", those there
    are. is_raw: the reference is calibrated by them too. catalogue: stars of known brightness.
    network: what is looked by as well."""

    reference: Source
    masters: Mapping[str, Source]
    is_raw: bool = False
    catalogue: Catalogue | None = None
    band: str = ""
    network: Network | None = None


def search(
    source: Source,
    against: Against,
    options: dict[str, Any],
    *,
    put_in: dict[str, Any],
    number: int,
    most_pixels: int,
    told: Callable[[str, float], None],
) -> Searched:
    """Search one picture. number: of the exposure in its night. most_pixels: of a picture that are
    held at once; a larger one is searched panel by panel. told: called with the step that is on and
    the share of all that is done, and may raise to stop. Raises AnalysisError."""
    clock = Clock(told)
    with clock.step("read"), ExitStack() as files:
        with clock.step("calibrate"):
            new, old = both_opened(source, against, files)
        with clock.step("align"):
            panels = panels_of(new, old, most_pixels)
        about: dict[str, Any] = {
            "exposure": number,
            "mjd": new.middle_mjd,
            "seconds": new.seconds,
        }
        searching = _Searching(against, options, put_in, about, _trails(options, new, old), clock)
        done, looked, why = _looked_at(panels, searching)
        found = looked[0]
        if len(panels) > 1:
            found = together(done, looked, MOST_FOUND, options.get("trails", 0), old.wcs)
        figures = found.figures | {"scale_arcsec": scale_of(old)}
    sources = with_trails(concatenated(found.points), found.trails.sources)
    figures |= {
        "n_found": len(sources),
        "trails": found.trails.ends,
        "n_by_network": len(found.points.added),
        "n_by_network_put_in": len(found.put_in.added) if found.put_in else 0,
    }
    warnings = _warnings(new, figures, len(found.points.found)) + _crossed_by(found.trails) + why
    if against.catalogue is not None:
        figures["photometry"], none = found.photometry
        warnings += [none] if none else []
    with_put_in = concatenated(found.put_in) if found.put_in else None
    others = sum(seconds for name, seconds in clock.timings.items() if name != "read")
    clock.timings["read"] -= others
    return Searched(sources, found.cutouts, with_put_in, figures, warnings, clock.timings)


def both_opened(source: Source, against: Against, files: ExitStack) -> tuple[Exposure, Exposure]:
    """The exposure and its reference, calibrated, open as long as `files` are. Raises
    AnalysisError."""
    new, old = (files.enter_context(opened(*one)) for one in (source, against.reference))
    masters = Masters(
        **{name: files.enter_context(opened(*one)) for name, one in against.masters.items()}
    )
    if against.masters:
        new = calibrated(new, masters)
        old = calibrated(old, masters) if against.is_raw else old
    return new, old


class _Searching(NamedTuple):
    """What every panel is searched by. about: of the exposure, as `of_points` takes it."""

    against: Against
    options: dict[str, Any]
    put_in: dict[str, Any]
    about: dict[str, Any]
    trails: list[float]
    clock: Clock


def _looked_at(
    panels: Sequence[Panel], by: _Searching
) -> tuple[list[Panel], list[Looked], list[str]]:
    """Those panels that can be searched, what each has, and a sentence on those that cannot: a
    mosaic has gaps between its detectors. Raises AnalysisError where none can."""
    done: list[Panel] = []
    looked: list[Looked] = []
    first: AnalysisError | None = None
    for n, panel in enumerate(panels):
        by.clock.go_to(n, len(panels))
        try:
            looked.append(_looked(panel, by))
            done.append(panel)
        except UnreadableMedia:
            raise
        except AnalysisError as error:
            first = first or error
    if not looked:
        raise first or AnalysisError("The exposure and its reference share no pixel.")
    if first is None:
        return done, looked, []
    left = len(panels) - len(done)
    were = "was" if left == 1 else "were"
    why = f"{left} of its {len(panels)} parts {were} left out. {first.message}"
    return done, looked, [why]


def _looked(panel: Panel, by: _Searching) -> Looked:
    """One panel, searched."""
    against, options, clock = by.against, by.options, by.clock
    with clock.step("align"):
        pair = panel.pair()
    shape = pair.new.pixels.shape
    seen = Seen(shape) if against.network is None else Scored(shape)
    points = _detected(pair, by, each=seen.take, during=clock.step)
    about = by.about | {"wcs": panel.reference.wcs}
    found = of_points(points, **about)
    added = Sources.none()
    if against.network is not None and isinstance(seen, Scored):
        with clock.step("network"):
            added = added_by(against.network, pair, seen, points, **about)
    with clock.step("trails"):
        most = options.get("trails", 0)
        long = trails_of(seen, most, **about, fwhm=pair.new.psf.fwhm, step=clock.tell)
    with clock.step("cut"):
        every = with_trails(concatenated([found, added]), long.sources)
        cutouts = cut_out(every, pair.new, pair.reference, seen.difference)
    figures = _figures(pair, by.about, seen)
    del seen  # the copy has pixels of its own
    with_put_in = None
    if by.put_in and about["mjd"] is not None:
        with clock.step("put_in"):
            with_put_in = _found_of_put_in(pair, panel, by, about)
    photometry: tuple[dict[str, Any], str] = {}, ""
    if against.catalogue is not None:
        photometry = zero_of(pair, about["wcs"], against.catalogue, against.band)
    return Looked(Points(found, added), long, cutouts, with_put_in, figures, photometry)


def _found_of_put_in(pair: Pair, panel: Panel, by: _Searching, about: dict[str, Any]) -> Points:
    """What is found in a copy of the exposure with made-up objects."""
    about = about | {"seconds": about["seconds"] or 0.0}
    made = {"mjd": about["mjd"], "seconds": about["seconds"], "seed": about["exposure"]}
    copy = put_in_of(pair, by.put_in, origin=(panel.left, panel.top), **made)
    network = by.against.network
    if network is None:
        return Points(of_points(_detected(copy, by), **about), Sources.none())
    seen = Scored(copy.new.pixels.shape)
    points = _detected(copy, by, each=seen.take)
    added = added_by(network, copy, seen, points, **about)
    return Points(of_points(points, **about), added)


def _detected(pair: Pair, by: _Searching, **how: Any) -> Detections:
    """What appeared; how: arguments of `streaming.search`."""
    how |= {"also_gone": False, "trails": by.trails, "step": by.clock.tell}
    return _brightest(streaming.search(pair, by.options["method"], by.options["threshold"], **how))


def _trails(options: dict[str, Any], new: Exposure, old: Exposure) -> list[float]:
    """Lengths in pixels that what is looked for may be drawn out to while the shutter is open."""
    longest = options["fastest"] / (scale_of(old) or 1.0) * (new.seconds or 0.0) / 3600
    return [length for length in TRAILS if length <= _DRAWN_OUT * longest]


def _brightest(points: Detections) -> Detections:
    if len(points) <= MOST_FOUND:
        return points
    kept = slice(0, MOST_FOUND)  # they come in that order
    columns = (points.x, points.y, points.score, points.flux, points.flux_error, points.misfit)
    return Detections(*(column[kept] for column in columns))


def _figures(pair: Pair, about: dict[str, Any], seen: Seen) -> dict[str, Any]:
    """What says how well it went."""
    return {
        "middle_mjd": about["mjd"],
        "seconds": about["seconds"],
        "n_stars": len(pair.stars.x),
        "residual_px": known_number(np.hypot(*pair.misplaced)),
        "noise_ratio": seen.score_deviation(),
        "fwhm_px": known_number(pair.new.psf.fwhm),
        "zero_point": known_number(pair.new.zero_point),
    }


def scale_of(reference: Exposure) -> float | None:
    """Arcseconds a pixel in the middle; None without coordinates."""
    x, y = (reference.shape[1] - 1) / 2, (reference.shape[0] - 1) / 2
    ra, dec = sky_of(np.array([x, x + 1.0]), np.array([y, y]), reference.wcs)
    return known_number(separation(ra[0], dec[0], ra[1], dec[1]) * 3600)


def _warnings(new: Exposure, figures: dict[str, Any], n_found: int) -> list[str]:
    said = [note for note in new.notes if "gain" not in note]
    ratio, off = figures["noise_ratio"], figures["residual_px"]
    if ratio is not None and ratio > _NOISY:
        said.append(
            f"Its difference is {ratio:.2f} × as noisy as it should be: more of what is found is "
            "not real."
        )
    if off is not None and off > _OFF_PX:
        said.append(
            f"Its stars lie {off:.2f} pixels beside those of the reference: bright ones may leave "
            "something behind."
        )
    if n_found >= MOST_FOUND:
        said.append(f"More than {MOST_FOUND:,} things were found: the brightest are kept.")
    return said


def _crossed_by(long: Trails) -> list[str]:
    if long.n_all <= len(long.ends):
        return []
    return [f"{long.n_all} trails cross it: the {len(long.ends)} that stand out most are kept."]
