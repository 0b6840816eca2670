"""Examples of what is real and what is not, from nights: what people said, what was left over, and
what is put into copies of their exposures."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.sky.injection import on_good_pixels, with_points_and_hits
from analysis.sky.pairs import Pair
from analysis.sky.panels import panels_of
from analysis.sky.realbogus import Examples
from analysis.sky.sources import of_points
from analysis.sky.streaming import search
from analysis.sky.triplets import SIDE, Greys
from webapp.leases import Status
from webapp.nights.candidates import CandidatePoint, Verdict
from webapp.nights.exposures import NightExposure
from webapp.nights.night import Night
from webapp.nights.teaching import SOURCES, SkyTeaching
from workers.engine.originals import local_path
from workers.nights.cutouts import Cutouts, cut_out
from workers.nights.searching import Against, Source, both_opened
from workers.nights.seen import Seen

MOST_LEFT = 1000  # of a night, of what lies on no line
MOST_EXPOSURES = 4  # of a night, that something is put into
_SIGNAL = (5.0, 30.0)  # signal to noise of what is put in
_WITHIN = 2.0  # pixels from where it was put
_CELL = 8.0  # pixels: what stands in one place in several exposures is one thing

ReferenceOf = Callable[[Night], Against]
SourceOf = Callable[[NightExposure], Source]


class PanelPair(NamedTuple):
    """left, top: where it begins, in pixels of the whole."""

    pair: Pair
    left: int
    top: int


@dataclass
class Gathering:
    """Examples as they come together."""

    greys: list[Greys] = field(default_factory=list)  # each (3, SIDE, SIDE)
    sources: list[str] = field(default_factory=list)  # keys of SOURCES
    groups: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, picture: Greys, source: str, *thing: object) -> None:
        self.greys.append(picture)
        self.sources.append(source)
        digest = hashlib.sha256(repr((SOURCES[source][1], *thing)).encode()).digest()
        self.groups.append(int.from_bytes(digest[:7], "big"))

    def packed(self) -> bytes:
        out = io.BytesIO()
        np.savez_compressed(
            out,
            greys=np.array(self.greys, np.uint8).reshape(-1, 3, SIDE, SIDE),
            sources=np.array([list(SOURCES).index(one) for one in self.sources], np.uint8),
            groups=np.array(self.groups, np.int64),
            notes=np.array(self.notes, dtype=str),
        )
        return out.getvalue()


@dataclass(frozen=True, eq=False)
class Gathered:
    """What `Gathering.packed` kept."""

    examples: Examples
    sources: list[str]
    notes: list[str]

    @property
    def counts(self) -> dict[str, int]:
        return {name: self.sources.count(name) for name in SOURCES}

    @classmethod
    def unpacked(cls, kept: bytes) -> Gathered:
        with np.load(io.BytesIO(kept), allow_pickle=False) as file:
            names = list(SOURCES)
            sources = [names[n] for n in file["sources"].tolist()]
            real = np.array([SOURCES[one][1] for one in sources], np.bool_)
            examples = Examples(file["greys"], real, file["groups"])
            return cls(examples, sources, [str(note) for note in file["notes"]])


def gather(
    teaching: SkyTeaching,
    *,
    against: ReferenceOf,
    source_of: SourceOf,
    told: Callable[[str, float], None],
) -> bytes:
    """All examples of a teaching, packed. told: what it does and the share that is done, and may
    raise to stop. An exposure that cannot be read any more is noted and left out."""
    on = Gathering()
    nights = list(teaching.nights.order_by("pk"))
    for n, night in enumerate(nights):
        told(f"Reading what people said of {night}", n / len(nights))
        exposures = list(night.exposures.filter(status=Status.DONE))
        for exposure in exposures:
            _kept(on, night, exposure)
        some = exposures[:: max(-(-len(exposures) // MOST_EXPOSURES), 1)]
        for k, exposure in enumerate(some if teaching.options["put_in"] else []):
            told(f"Putting points into {exposure.asset}", (n + k / len(some)) / len(nights))
            try:
                _put_in(on, exposure, teaching, against(night), source_of(exposure))
            except AnalysisError as error:
                on.notes.append(f"Nothing was put into {exposure.asset}: {error.message}")
    return on.packed()


# ---- What is kept of the night -----------------------------------------------------------------


def _kept(on: Gathering, night: Night, exposure: NightExposure) -> None:
    if not exposure.cuts:
        return
    cutouts = Cutouts.unpacked(local_path(exposure.cuts).read_bytes())
    points = CandidatePoint.objects.filter(exposure=exposure).select_related("candidate")
    on_lines = {point.row: point for point in points}
    for row, point in on_lines.items():
        verdict, place = point.candidate.verdict, cutouts.place_of(row)
        is_point = place is not None and not point.candidate.is_trail
        if is_point and verdict in (Verdict.REAL, Verdict.ARTEFACT):
            on.add(cutouts.pictures[place], str(verdict), "candidate", point.candidate_id)
    if not night.figures.get("tracklets"):
        return  # nothing was linked: what lies on no line says nothing
    table = exposure.table()
    left = [
        n
        for n, row in enumerate(cutouts.rows.tolist())
        if row not in on_lines and table["length"][row] == 0
    ]
    draw = np.random.default_rng(exposure.pk)
    most = MOST_LEFT // max(night.figures.get("searched", 1), 1)
    for n in sorted(draw.permutation(left)[: max(most, 1)].astype(int).tolist()):
        row = int(cutouts.rows[n])
        cell = round(table["x"][row] / _CELL), round(table["y"][row] / _CELL)
        on.add(cutouts.pictures[n], "left over", night.pk, *cell)


# ---- What is put in ----------------------------------------------------------------------------


def panel_of_exposure(exposure: NightExposure, against: Against, source: Source) -> PanelPair:
    """The exposure and its reference, calibrated as the night calibrates them; of what is too large
    to be held the panel in its middle. Raises AnalysisError."""
    with ExitStack() as files:
        new, old = both_opened(source, against, files)
        panels = panels_of(new, old, settings.NIGHT_PIXELS)
        if not panels:
            raise AnalysisError("The exposure and its reference share no pixel.")
        panel = panels[len(panels) // 2]
        return PanelPair(panel.pair(), panel.left, panel.top)


def _put_in(
    on: Gathering, exposure: NightExposure, teaching: SkyTeaching, against: Against, source: Source
) -> None:
    """Points and hits in one copy of the exposure; examples are those that the search finds."""
    pair = panel_of_exposure(exposure, against, source).pair
    count = min(teaching.options["put_in"], pair.new.pixels.size // (4 * SIDE**2 // 9))
    draw = np.random.default_rng([teaching.pk, exposure.pk])
    points, hits = _places(pair, count, draw), _places(pair, count, draw)
    noise = float(np.median(pair.new.noise[:256, :256]))  # a part of a large one is enough
    copy = with_points_and_hits(pair, points, hits, draw, noise=noise, signal=_SIGNAL)
    options = exposure.night.options
    seen = Seen(copy.new.pixels.shape)
    listed = search(copy, options["method"], options["threshold"], also_gone=False, each=seen.take)
    sources = of_points(listed, exposure=exposure.number, mjd=None)
    cutouts = cut_out(sources, copy.new, copy.reference, seen.difference)
    for name, places in (("put in", points), ("hits put in", hits)):
        for n, row in enumerate(cutouts.rows.tolist()):
            away = np.hypot(*(places - [sources.x[row], sources.y[row]]).T)
            if len(away) and away.min() <= _WITHIN:
                on.add(cutouts.pictures[n], name, exposure.pk, int(away.argmin()))


def _places(pair: Pair, count: int, draw: np.random.Generator) -> NDArray[np.float64]:
    """So many (x, y), where neither picture is bad."""
    height, width = pair.new.pixels.shape
    return on_good_pixels(pair, draw.uniform([0, 0], [width - 1, height - 1], (3 * count, 2)))[
        :count
    ]
