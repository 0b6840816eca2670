"""The end of a night: what its exposures found becomes candidates."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from analysis.errors import AnalysisError, Stopped
from analysis.sky.known import Named, named, reaching, read_known
from analysis.sky.linking import Tracklet, link
from analysis.sky.photometry import magnitudes, position_errors
from webapp.accounts.models import Refused
from webapp.leases import Status
from webapp.nights.candidates import CandidatePoint
from webapp.nights.exposures import NightExposure
from webapp.nights.night import Night
from webapp.nights.notices import tell
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, local_path
from workers.nights.brightness import catalogue_said, zero_of_night
from workers.nights.cutouts import Cutouts
from workers.nights.gathering import Gathered, gather
from workers.nights.putting_in import measured
from workers.nights.scoring import score
from workers.nights.storing import Found, known_number, store
from workers.nights.trails import direction_of, pieces_of_trails, said_of, trail_of

MOST_SINGLES = 500  # detections that are candidates by themselves, the brightest
MOST_LINKED = 5000  # tracklets that are candidates, those that chance makes least


class Finishing:
    """One night's finish: its steps told and timed."""

    def __init__(self, night: Night, beat: Heartbeat) -> None:
        self.night, self.beat = night, beat
        self.timings = dict(night.timings)
        self.notes: list[str] = []

    def tick(self, _: float = 0.0) -> None:
        if self.beat.should_stop():
            raise Stopped

    @contextmanager
    def step(self, name: str, title: str, progress: float) -> Iterator[None]:
        self.tick()
        self.beat.note(step=title, progress=progress)
        begun = time.perf_counter()
        yield
        self.timings[name] = round(time.perf_counter() - begun, 4)


def finish(night: Night, beat: Heartbeat) -> dict[str, Any]:
    """Link, name, cut out, store. Raises Refused where no exposure could be searched."""
    on = Finishing(night, beat)
    exposures = _searched(night)
    gathered = gather(exposures)
    on.notes += [*gathered.notes, *catalogue_said(night, exposures)]
    if night.options.get("network") and night.network_id is None:
        on.notes.append(
            "The network that it should also look by was deleted: exposures that were searched "
            "since were looked at without it."
        )
    with on.step("link", "Linking what moves", 0.1):
        tracklets = _linked(gathered, on)
    completeness = _completeness(night, exposures, gathered, tracklets, on)
    with on.step("name", "Naming known objects", 0.5):
        names = _names(tracklets[:MOST_LINKED], gathered, on)
    all_measured = _Measured(gathered, exposures)
    found = [
        _of_tracklet(one, name, all_measured)
        for one, name in zip(tracklets[:MOST_LINKED], names, strict=True)
    ]
    found += _singles(all_measured, on) if not _can_link(gathered, night) else []
    found += _trails(all_measured, tracklets)
    with on.step("cut", "Cutting out candidates", 0.7):
        _cut_out(night, found, on)
    with on.step("score", "Scoring candidates", 0.9):
        version = score(night, found, on.tick, on.notes)
    with on.step("store", "Storing candidates", 0.95):
        new = store(night, found)
    if night.watch_key:
        tell(night, sum(not (one.is_still or one.is_trail or one.known_as) for one in new))
    used = sum(len(one.rows) for one in tracklets)
    figures: dict[str, Any] = {
        "completeness": completeness,
        "searched": len(exposures),
        "detections": len(gathered.sources),
        "linked": used,
        "by_network": int(gathered.by_network.sum()),
        "tracklets": len(tracklets),
        "moving": sum(not one.stationary for one in tracklets),
        "new": len(new),
        "known": sum(name is not None for name in names),
        "first_score": version is None,
        "zero": asdict(all_measured.zero) if not all_measured.zero.instrumental else None,
    }
    return {
        "has_coordinates": gathered.on_sky,
        "figures": night.figures | figures,
        "scored_by": version,
        "notes": on.notes,
        "timings": on.timings,
        "step": "",
        "progress": 1.0,
    }


def _searched(night: Night) -> list[NightExposure]:
    rows = night.exposures.select_related("asset")
    done = list(rows.filter(status=Status.DONE))
    if not done:
        failed = rows.filter(status=Status.FAILED).first()
        why = f" {failed.asset}: {failed.error}" if failed else ""
        raise Refused(f"No exposure of the night could be searched.{why}")
    return done


def _can_link(gathered: Gathered, night: Night) -> bool:
    return len(gathered.linkable) >= night.options["least"]


def _linked(gathered: Gathered, on: Finishing) -> list[Tracklet]:
    """Tracklets, their rows those of all sources; the least likely by chance first."""
    options = on.night.options
    if not _can_link(gathered, on.night):
        n = len(gathered.linkable)
        on.notes.append(
            f"Motion needs {options['least']} exposures with times of their own, and "
            f"{n} {'is' if n == 1 else 'are'} there: each detection is a candidate by itself."
        )
        return []
    rows = gathered.of(gathered.linkable)
    limits = {"slowest": options["slowest"], "fastest": options["fastest"]}
    named: dict[str, Any] = {}
    for unit in ("arcsec", "px"):
        named |= {f"{name}_{unit}_per_hour": value for name, value in limits.items()}
        named[f"tolerance_{unit}"] = options["tolerance"]
    found = link(gathered.sources.take(rows), least=options["least"], step=on.tick, **named)
    return [_renumbered(one, rows) for one in found]


def _completeness(
    night: Night,
    exposures: list[NightExposure],
    gathered: Gathered,
    real: list[Tracklet],
    on: Finishing,
) -> dict[str, Any] | None:
    """How much of what was put into copies of the exposures is found; None where nothing was."""
    copies = [one for one in exposures if one.found_put_in]
    if not night.put_in or len(copies) < night.options["least"]:
        return None
    with on.step("completeness", "Finding what was put in", 0.3):
        notes, on.notes = on.notes, []
        made = _made_up_found(night, exposures, copies, gathered, real, on)
        if night.network_id and any(one.n_by_network_put_in for one in copies):
            before = gather(exposures, with_network=False)
            usual = _made_up_found(
                night, exposures, copies, before, _linked(before, on), on, with_network=False
            )
            kept = ("found", "number", "false", "half_magnitude")
            made["without_network"] = {name: usual[name] for name in kept}
        on.notes = notes
        return made


def _made_up_found(
    night: Night,
    exposures: list[NightExposure],
    copies: list[NightExposure],
    gathered: Gathered,
    real: list[Tracklet],
    on: Finishing,
    *,
    with_network: bool = True,
) -> dict[str, Any]:
    again = gather(copies, with_put_in=True, with_network=with_network)
    scale = next((one.scale_arcsec for one in copies if one.scale_arcsec), None)
    return measured(
        night.put_in,
        _linked(again, on),
        again.sources,
        real,
        gathered.sources,
        exposures=len(copies),
        unit=scale or 1.0,
        zero=zero_of_night(exposures).magnitude,
    )


def _renumbered(tracklet: Tracklet, rows: np.ndarray) -> Tracklet:
    return replace(tracklet, rows=rows[tracklet.rows])


class _Measured:
    """What was found, with magnitudes and the errors of places. is_trail: which of it has ends."""

    def __init__(self, gathered: Gathered, exposures: list[NightExposure]) -> None:
        self.gathered, self.sources = gathered, gathered.sources
        self.zero = zero_of_night(exposures)
        self.trails = [
            trail_of(gathered.by_number[int(number)], int(row))
            for number, row in zip(self.sources.exposure, gathered.rows, strict=True)
        ]
        self.is_trail = np.array([bool(one) for one in self.trails], np.bool_)
        self.mag, self.mag_error = magnitudes(self.sources.flux, self.sources.flux_error, self.zero)
        wide = {one.number: _width(one) for one in exposures}
        each = np.array([wide[int(number)] for number in self.sources.exposure])
        self.place_error = position_errors(1.0, self.sources.score) * each

    def point(self, row: int) -> tuple[NightExposure, int, dict[str, Any]]:
        """The exposure of a detection, which of its detections it is, and columns of its point."""
        about: dict[str, Any] = {
            name: known_number(getattr(self.sources, name)[row])
            for name in ("mjd", "x", "y", "ra", "dec", "flux", "flux_error", "score")
        }
        about["magnitude"] = known_number(self.mag[row])
        about["magnitude_error"] = known_number(self.mag_error[row])
        about["position_error"] = known_number(self.place_error[row])
        about["trail"] = self.trails[row]
        about["is_by_network"] = bool(self.gathered.by_network[row])
        exposure = self.gathered.by_number[int(self.sources.exposure[row])]
        return exposure, int(self.gathered.rows[row]), about

    def brightness(self, rows: np.ndarray) -> dict[str, Any]:
        """Of several detections together: the mean flux, as a magnitude."""
        error = self.sources.flux_error[rows]
        weight = 1 / np.maximum(error, 1e-30) ** 2
        mean = np.array([(weight * self.sources.flux[rows]).sum() / weight.sum()])
        deviation = np.array([weight.sum() ** -0.5])
        mag, mag_error = magnitudes(mean, deviation, self.zero)
        return {"magnitude": known_number(mag[0]), "magnitude_error": known_number(mag_error[0])}


def _width(exposure: NightExposure) -> float:
    """Of its stars, in ″; in pixels where there are no coordinates."""
    return (exposure.fwhm_px or 0.0) * (exposure.scale_arcsec or 1.0)


def _names(tracklets: list[Tracklet], gathered: Gathered, on: Finishing) -> list[Named | None]:
    """The known object that each is, by the file that was given."""
    none: list[Named | None] = [None] * len(tracklets)
    if not on.night.known:
        return none
    if not gathered.on_sky:
        on.notes.append("Without coordinates nothing can be compared with known objects.")
        return none
    try:
        known = read_known(local_path(on.night.known))
    except AnalysisError as error:
        on.notes.append(error.message)
        return none
    if not reaching(known, gathered.sources.mjd[np.isfinite(gathered.sources.mjd)]):
        on.notes.append(
            "The list of known objects has no place at the times of the exposures: nothing is "
            "named by it. It needs two times, before and after, or a time with a rate and a pa."
        )
        return none
    return named(tracklets, gathered.sources, known, step=on.tick)


def _of_tracklet(tracklet: Tracklet, name: Named | None, measured: _Measured) -> Found:
    sources = measured.sources
    score = float(np.sqrt((sources.score[tracklet.rows] ** 2).sum()))
    angle = tracklet.position_angle if tracklet.unit == "arcsec" else tracklet.direction
    about = {
        "score": score,
        "rate": tracklet.rate,
        "angle": known_number(angle),
        "residual": tracklet.residual,
        "chance": tracklet.chance,
        "is_still": tracklet.stationary,
        "is_single": False,
        "is_trail": False,
        "notes": [],
        "known_as": name.name[:60] if name else "",
        "known_apart": name.separation_arcsec if name else None,
    } | measured.brightness(tracklet.rows)
    points = [measured.point(int(row)) for row in tracklet.rows]
    return Found(about, points)


def _singles(measured: _Measured, on: Finishing) -> list[Found]:
    """Every detection by itself, the brightest first."""
    gathered = measured.gathered
    alone = ~pieces_of_trails(gathered.sources, list(gathered.by_number.values()))
    alone &= ~measured.is_trail
    order = np.argsort(-gathered.sources.score, kind="stable")
    order = order[alone[order]]
    if len(order) > MOST_SINGLES:
        on.notes.append(
            f"{len(order):,} things were found; the {MOST_SINGLES} that stand out most are "
            "candidates."
        )
    found = []
    for row in order[:MOST_SINGLES]:
        score = float(gathered.sources.score[row])
        about = {"score": score, "is_single": True, "is_still": False, "is_trail": False}
        about |= {"notes": []} | measured.brightness(np.array([row]))
        found.append(Found(about, [measured.point(int(row))]))
    return found


def _trails(measured: _Measured, tracklets: list[Tracklet]) -> list[Found]:
    """Those trails that are on no line with others, each by itself."""
    linked = np.zeros(len(measured.sources), np.bool_)
    for one in tracklets:
        linked[one.rows] = True
    found = []
    for row in np.nonzero(measured.is_trail & ~linked)[0]:
        exposure, n, point = measured.point(int(row))
        about = {"score": point["score"], "is_single": True, "is_still": False, "is_trail": True}
        about |= {"angle": direction_of(point["trail"])}
        about |= {"notes": [said_of(point["trail"], exposure.seconds, exposure.fwhm_px)]}
        found.append(Found(about | measured.brightness(np.array([row])), [(exposure, n, point)]))
    return found


def _cut_out(night: Night, found: list[Found], on: Finishing) -> None:
    """Pictures of all points, exposure by exposure: the cut-outs of one are read at once."""
    by_exposure: dict[NightExposure, list[tuple[int, dict[str, Any]]]] = {}
    for one in found:
        for exposure, row, about in one.points:
            by_exposure.setdefault(exposure, []).append((row, about))
    there = set(
        CandidatePoint.objects.filter(candidate__night=night).values_list("cutout", flat=True)
    )
    for exposure, points in by_exposure.items():
        on.tick()
        if not exposure.cuts:
            continue
        cutouts = Cutouts.unpacked(local_path(exposure.cuts).read_bytes())
        stem = exposure.cuts.removesuffix(".npz")  # new whenever the exposure is searched anew
        for row, about in points:
            name = f"{stem}-{row}.png"
            if name not in there and (png := cutouts.png_of(row)) is not None:
                keep(name, png)
                there.add(name)
            if name in there:
                about["cutout"] = name
