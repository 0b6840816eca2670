"""What is done of a night at a time: it is planned, searched exposure by exposure, finished."""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack, suppress
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage

from analysis.errors import AnalysisError
from analysis.sky.calibration import Masters, calibrated
from analysis.sky.exposures import opened
from analysis.sky.sources import Sources
from analysis.sky.stacking import stack
from webapp.assets.models import Asset
from webapp.nights.exposures import COLUMNS, NightExposure, packed
from webapp.nights.night import Night
from webapp.sky.exposures import SkyExposure
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, keep_file, local_path, scratch_file
from workers.nights.brightness import catalogue_of
from workers.nights.finishing import finish
from workers.nights.looking import Network
from workers.nights.putting_in import laid_out
from workers.nights.searching import Against, Source, scale_of, search

MOST_STACKED = 30  # exposures that a reference is made of
_SCIENCE = SkyExposure.Role.SCIENCE


def plan_or_finish(row: Night, beat: Heartbeat) -> dict[str, Any] | None:
    """Plan a night, or finish it. The columns of the finish; None where it is only planned."""
    if row.stage == Night.Stage.FINISH:
        return finish(row, beat)
    _plan(row, beat)
    return None


def _plan(row: Night, beat: Heartbeat) -> None:
    """See that the reference is there, or stack one; and lay out what is put into copies."""
    beat.note(step="Preparing the reference", progress=0.0)
    begun = time.perf_counter()
    stacked = row.stacked
    if row.reference is not None:
        _require_there(row.reference)
    elif not stacked:
        stacked = _stacked(row, beat)
    with opened(*_reference_of(row, stacked)) as reference:
        shape, scale = reference.shape, scale_of(reference)
    row.planned(
        stacked=stacked,
        put_in=laid_out(row, shape, scale),
        timings={"reference": round(time.perf_counter() - begun, 4)},
    )


def _stacked(row: Night, beat: Heartbeat) -> str:
    """The clipped mean of some exposures, as a stored file."""
    every = [one.asset for one in row.exposures.select_related("asset")]
    some = every[:: max(-(-len(every) // MOST_STACKED), 1)]
    masters = _masters(row)

    def step(share: float) -> None:
        beat.tick()
        beat.note(step=f"Stacking {len(some)} exposures", progress=share)

    with ExitStack() as files, scratch_file(".fits") as path:
        opened_all = [files.enter_context(opened(*source_of(asset))) for asset in some]
        if masters:
            by = Masters(**{n: files.enter_context(opened(*one)) for n, one in masters.items()})
            opened_all = [calibrated(one, by) for one in opened_all]
        stack(opened_all, path, step=step)
        return keep_file(f"nights/{row.pk}/reference-{secrets.token_hex(4)}.fits", path)


def search_exposure(row: NightExposure, beat: Heartbeat) -> None:
    """Search one exposure. What it finds is written at once, with its finish."""
    begun = time.perf_counter()
    about = row.night

    def told(step: str, share: float) -> None:
        beat.tick()
        beat.note(step=step, progress=share)

    found = search(
        source_of(row.asset),
        against_of(about),
        about.options,
        put_in=about.put_in,
        number=row.number,
        most_pixels=settings.NIGHT_PIXELS,
        told=told,
    )
    cuts = keep(
        f"nights/{about.pk}/cuts-{row.number}-{secrets.token_hex(4)}.npz", found.cutouts.packed()
    )
    before = row.cuts
    done = row.finish(
        **found.figures,
        warnings=found.warnings,
        timings={name: round(s, 4) for name, s in found.timings.items()},
        found=packed(_columns(found.sources)),
        found_put_in=packed(_columns(found.with_put_in)) if found.with_put_in else b"",
        cuts=cuts,
        step="",
        progress=1.0,
        busy_s=time.perf_counter() - begun,
    )
    if stale := before if done else cuts:
        default_storage.delete(stale)
    if done:
        about.all_done()


def _columns(sources: Sources) -> dict[str, Any]:
    return {name: getattr(sources, name) for name in COLUMNS}


def _masters(about: Night) -> dict[str, Source]:
    masters = {"bias": about.bias, "dark": about.dark, "flat": about.flat}
    return {name: source_of(asset) for name, asset in masters.items() if asset is not None}


def _reference_of(about: Night, stacked: str) -> Source:
    if about.reference is not None:
        return source_of(about.reference)
    if not stacked:
        raise AnalysisError("The reference of the night was deleted.")
    return Source(local_path(stacked))


def against_of(about: Night) -> Against:
    """The reference and the masters of a night, as files."""
    there = _masters(about)
    skies = SkyExposure.objects.filter(asset__night_exposures__night=about)
    if about.reference is not None:
        skies = SkyExposure.objects.filter(asset=about.reference)
    sky = skies.first()
    is_raw = about.reference is not None and sky is not None and sky.role == _SCIENCE
    band = sky.band.strip() if sky else ""
    catalogue = None
    if about.catalogue:
        with suppress(AnalysisError):  # the finish says what is wrong: magnitudes are not all
            catalogue = catalogue_of(about.catalogue, band)
    reference = _reference_of(about, about.stacked)
    return Against(reference, there, is_raw, catalogue, band, _network_of(about))


def _network_of(about: Night) -> Network | None:
    """What the night also looks by; None where it was not asked to, or the version was deleted."""
    version = about.network
    if version is None or not version.network:
        return None
    return Network(local_path(version.network), version.figures["tiles"]["threshold"])


def source_of(asset: Asset) -> Source:
    """The picture of an asset that is used. Raises AnalysisError where it was deleted, or its file
    was lost."""
    _require_there(asset)
    sky = SkyExposure.objects.filter(asset=asset).first()
    try:
        path = local_path(asset.file)
        path.stat()
    except FileNotFoundError as error:
        raise AnalysisError(
            f"The file of {asset} is not in the storage any more. Restore it, or begin a night "
            "without it.",
            permanent=False,
        ) from error
    return Source(path, sky.extension if sky else None)


def _require_there(asset: Asset) -> None:
    if asset.removed is not None or not asset.file:
        raise AnalysisError(f"{asset} was deleted.", permanent=False)
