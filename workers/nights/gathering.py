"""What the exposures of a night found, put together: which of it can be linked, and what cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.sky.sources import Sources, concatenated
from webapp.nights.exposures import NightExposure

_SAME_S = 0.5  # exposures whose middles are nearer than this were made at the same time
_DAY_S = 86400.0


@dataclass
class Gathered:
    """sources: of all exposures; row: which detection of its exposure each is. linkable: the
    numbers of exposures that can be linked; notes: why the others cannot."""

    sources: Sources
    rows: np.ndarray  # shape (n,)
    by_network: np.ndarray  # shape (n,): which the network found alone
    linkable: list[int]
    by_number: dict[int, NightExposure]
    notes: list[str] = field(default_factory=list)

    @property
    def on_sky(self) -> bool:
        return bool(len(self.sources)) and self.sources.on_sky

    def of(self, numbers: Sequence[int]) -> np.ndarray:
        """Which rows of `sources` are of these exposures."""
        return np.nonzero(np.isin(self.sources.exposure, numbers))[0]


def gather(
    exposures: Sequence[NightExposure], *, with_put_in: bool = False, with_network: bool = True
) -> Gathered:
    """Of the exposures that were searched; with_put_in: of their copies with made-up objects;
    with_network: also what a network on tiles found alone."""
    parts, rows, by_network = [], [], []
    for one in exposures:
        table = one.table(with_put_in=with_put_in)
        n = len(table["x"])
        parts.append(
            Sources.of(
                np.full(n, one.number),
                mjd=np.nan if one.middle_mjd is None else one.middle_mjd,
                seconds=np.nan if one.seconds is None else one.seconds,
                **table,
            )
        )
        rows.append(np.arange(n))
        by_network.append(one.is_by_network(n, with_put_in=with_put_in))
    linkable, notes = _in_time(exposures)
    sources = concatenated(parts)
    alone = np.concatenate(by_network) if by_network else np.empty(0, np.bool_)
    kept, said = _on_the_sky(sources)
    if not with_network:
        kept = kept & ~alone
    return Gathered(
        sources.take(kept),
        (np.concatenate(rows) if rows else np.empty(0, np.intp))[kept],
        alone[kept],
        linkable,
        {one.number: one for one in exposures},
        notes + said,
    )


def _on_the_sky(sources: Sources) -> tuple[np.ndarray, list[str]]:
    """Which rows have a place on the sky, where most have one: some projections leave corners of a
    picture without, and there nothing of the sky is. Without coordinates all rows count."""
    known = np.isfinite(sources.ra) & np.isfinite(sources.dec)
    n_off = int((~known).sum())
    if n_off == 0 or n_off > len(sources) / 2:
        return np.ones(len(sources), bool), []
    lie = "1 detection lies" if n_off == 1 else f"{n_off:,} detections lie"
    are = "is" if n_off == 1 else "are"
    return known, [
        f"{lie} where, by its coordinates, the picture shows no sky, and {are} left out."
    ]


def _in_time(exposures: Sequence[NightExposure]) -> tuple[list[int], list[str]]:
    """Those that have a time of their own."""
    notes = []
    timeless = [one for one in exposures if one.middle_mjd is None]
    if timeless:
        notes.append(
            f"{_named(timeless)} {'does' if len(timeless) == 1 else 'do'} not say when "
            f"{'it was' if len(timeless) == 1 else 'they were'} made: nothing in "
            f"{'it' if len(timeless) == 1 else 'them'} can be linked by its motion."
        )
    timed = sorted((one for one in exposures if one.middle_mjd is not None), key=_when)
    together: list[list[NightExposure]] = []
    for one in timed:
        if together and (_when(one) - _when(together[-1][0])) * _DAY_S < _SAME_S:
            together[-1].append(one)
        else:
            together.append([one])
    kept = [max(some, key=lambda one: one.n_stars) for some in together]
    for some, best in zip(together, kept, strict=True):
        if len(some) > 1:
            said = f"{_named(some)} were made at the same time: only {best.asset} is linked."
            notes.append(said)
    return [one.number for one in kept], notes


def _when(one: NightExposure) -> float:
    return one.middle_mjd or 0.0


def _named(exposures: Sequence[NightExposure]) -> str:
    names = [str(one.asset) for one in exposures]
    if len(names) > 3:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
