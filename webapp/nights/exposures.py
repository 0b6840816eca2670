"""One exposure of a night: what a worker claims, what is stored at once, what a crash costs."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from django.db import models
from django.db.models import Q
from numpy.typing import NDArray

from webapp.assets.models import Asset
from webapp.leases import Leased, LeasedQuerySet, Piece, Status, claim_first
from webapp.nights.night import QUEUE, Night
from webapp.stored_files import StoredFile

# Of each detection, as `analysis.sky.sources.Sources` means them.
COLUMNS = ("x", "y", "ra", "dec", "flux", "flux_error", "score", "length", "angle")
STEPS = {
    "read": "Read",
    "calibrate": "Calibrate",
    "align": "Align",
    "subtract": "Subtract",
    "detect": "Detect",
    "network": "Look by the network",
    "trails": "Find trails",
    "cut": "Cut out",
    "put_in": "Put in and find",
}


class NightExposureQuerySet(LeasedQuerySet["NightExposure"]):
    def open(self) -> Self:
        """Free, and of a night that goes on."""
        return self.claimable().filter(
            night__status=Status.WORKING, night__stage=Night.Stage.EXPOSURES, asset__removed=None
        )

    def claim_next(self, worker: str) -> Any:
        """What a dead worker left first, then in the order of nights and of their exposures."""
        waiting = self.open().filter(status=Status.WAITING)
        for rows in (
            self.open().filter(status=Status.WORKING).order_by("lease_until"),
            waiting.order_by("night_id", "number"),
        ):
            if row := claim_first(rows, lambda pk: self.claim(pk, worker)):
                return row
        return None


class NightExposure(Leased):
    """`found` holds its detections, `COLUMNS` as packed numbers; `cuts` their pictures. Both and
    the figures are written with the finish, in one update: a crash leaves none of it.

    An exposure that fails does not end its night: the others may be enough.
    """

    WORKSPACE = "night__workspace"
    PIECE = Piece("night_exposure", QUEUE, "exposures of nights")

    night = models.ForeignKey(Night, models.CASCADE, related_name="exposures")
    asset = models.ForeignKey(Asset, models.CASCADE, related_name="night_exposures")
    number = models.PositiveIntegerField()  # in the night, from 1
    step = models.CharField(max_length=20, blank=True)  # a key of STEPS
    progress = models.FloatField(default=0)
    busy_s = models.FloatField(default=0)
    timings: Any = models.JSONField(default=dict, blank=True)  # seconds by key of STEPS
    middle_mjd = models.FloatField(null=True, blank=True)
    seconds = models.FloatField(null=True, blank=True)
    n_stars = models.PositiveIntegerField(default=0)  # that it shares with the reference
    residual_px = models.FloatField(null=True, blank=True)  # of single stars, after alignment
    noise_ratio = models.FloatField(null=True, blank=True)  # deviation of the score; 1 is right
    fwhm_px = models.FloatField(null=True, blank=True)
    zero_point = models.FloatField(null=True, blank=True)  # of its stars ÷ the reference's
    scale_arcsec = models.FloatField(null=True, blank=True)  # a pixel of the reference
    # analysis.sky.photometry.ZeroPoint of the reference by the stars of this exposure; or empty
    photometry: Any = models.JSONField(default=dict, blank=True)
    n_found = models.PositiveIntegerField(default=0)
    # of its detections, before the trails: those of the network alone; and so in the copy
    n_by_network = models.PositiveIntegerField(default=0)
    n_by_network_put_in = models.PositiveIntegerField(default=0)
    warnings: Any = models.JSONField(default=list, blank=True)  # sentences
    # of its detections the last are long trails, and these their ends: workers.nights.trails
    trails: Any = models.JSONField(default=list, blank=True)
    found = models.BinaryField(default=b"", blank=True)
    found_put_in = models.BinaryField(default=b"", blank=True)  # with what was put in
    cuts = StoredFile(blank=True)

    objects: ClassVar[Any] = NightExposureQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["night_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["night", "asset"], name="one_exposure_a_night"),
            models.UniqueConstraint(fields=["night", "number"], name="one_exposure_a_number"),
        ]

    def __str__(self) -> str:
        return f"{self.asset} of {self.night}"

    @property
    def step_in_words(self) -> str:
        return STEPS.get(self.step, "")

    def fail(self, message: str, *, can_retry: bool, **changes: Any) -> bool:
        """The night goes on with the others, and may just have been waiting for this one."""
        failed = super().fail(message, can_retry=can_retry, progress=1.0, **changes)
        if failed:
            self.night.all_done()
        return failed

    def is_wanted(self) -> bool:
        """Still this worker's, and its night goes on: asked with each beat."""
        going_on = Q(night__status=Status.WORKING, asset__removed=None)
        return self._mine().filter(going_on).exists()

    def is_by_network(self, n_rows: int, *, with_put_in: bool = False) -> NDArray[np.bool_]:
        """Which of so many detections the network found alone: the last before the trails."""
        n = self.n_by_network_put_in if with_put_in else self.n_by_network
        last = n_rows - (0 if with_put_in else len(self.trails))
        rows = np.arange(n_rows)
        return np.asarray((rows >= last - n) & (rows < last))

    def table(self, *, with_put_in: bool = False) -> dict[str, NDArray[np.float64]]:
        """Its detections: `COLUMNS`, of equal lengths. with_put_in: those of the copy in which are
        made-up objects."""
        return unpacked(bytes(self.found_put_in if with_put_in else self.found))


def packed(columns: Mapping[str, NDArray[np.float64]]) -> bytes:
    """Detections as they are kept: numpy's own format, in which nothing is pickled."""
    rows = np.stack([np.asarray(columns[name], np.float64) for name in COLUMNS])
    out = io.BytesIO()
    np.savez_compressed(out, found=rows)
    return out.getvalue()


def unpacked(kept: bytes) -> dict[str, NDArray[np.float64]]:
    """What `packed` kept; empty columns of nothing."""
    if not kept:
        return {name: np.empty(0) for name in COLUMNS}
    with np.load(io.BytesIO(kept), allow_pickle=False) as file:
        rows = file["found"]
    return {name: rows[n] for n, name in enumerate(COLUMNS)}
