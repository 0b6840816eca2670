"""A night: exposures of one field, a reference, and what moved or changed between them.

It is planned (the reference is made ready), done exposure by exposure, and finished (what was found
in the exposures becomes candidates). While its exposures are worked on nobody holds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Count, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from webapp import erasing, jobs
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.assets.models import REFUSALS, Asset
from webapp.leases import Leased, LeasedQuerySet, Piece, Status, claim_first
from webapp.nights.fitting import require_fitting
from webapp.nights.options import checked, checked_observatory, checked_site
from webapp.runs.workers import Worker
from webapp.sky.exposures import SkyExposure
from webapp.stored_files import StoredFile

if TYPE_CHECKING:
    from webapp.nights.exposures import NightExposure

MOST_EXPOSURES = 400
QUEUE = "analysis"
_MASTERS = ("bias", "dark", "flat")
_TELLING_S = 0.5  # of work, before its speed says anything


class NightQuerySet(LeasedQuerySet["Night"]):
    @transaction.atomic
    def request(
        self,
        workspace: Workspace,
        exposures: Sequence[Asset],
        *,
        name: str,
        by: User | None,
        reference: Asset | None = None,
        masters: Mapping[str, Asset | None] | None = None,
        options: Mapping[str, Any] | None = None,
        observatory: str = "",
        site: Mapping[str, Any] | None = None,
        catalogue: str = "",
        known: str = "",
    ) -> Night:
        """A new night. Without a reference one is stacked of the exposures. `catalogue` and `known`
        are stored files. Raises Refused with the reason why not."""
        wanted = checked(options or {})
        row = self.create(
            workspace=workspace,
            name=_name(name),
            network=_network_of(workspace) if wanted["network"] else None,
            reference=reference,
            options=wanted,
            observatory=checked_observatory(observatory),
            site=checked_site(site or {}),
            catalogue=catalogue,
            known=known,
            software_version=settings.VERSION,
            created_by=by,
            **{key: (masters or {}).get(key) for key in _MASTERS},
        )
        added = row._take(exposures)
        if not added:
            raise Refused("Choose at least one exposure to search.")
        for asset in row.uses():
            _require_usable(asset, workspace)
        searched = [one.asset for one in added]
        require_fitting(searched, row.masters())
        if reference is None and len(added) < 2:
            raise Refused(
                "One exposure cannot be its own reference: choose a reference, or more exposures."
            )
        Event.record(workspace, by, "began a night", row.name, exposures=len(added))
        jobs.ring(row)
        return row

    def claimable(self) -> Self:
        """To plan or to finish. Between the two its exposures are what is claimed."""
        return super().claimable().exclude(stage=Night.Stage.EXPOSURES)

    def claim_next(self, worker: str) -> Any:
        """What only has to be finished first."""
        for stage in (Night.Stage.FINISH, Night.Stage.PLAN):
            in_turn = self.open().filter(stage=stage).order_by("pk")
            if night := claim_first(in_turn, lambda pk: self.claim(pk, worker)):
                return night
        return None

    def all_done(self) -> int:
        """Move those on to the finish of which every exposure is over. Returns how many."""
        from webapp.nights.exposures import NightExposure

        left = NightExposure.objects.unfinished()
        going_on = self.filter(stage=Night.Stage.EXPOSURES, status=Status.WORKING)
        return going_on.exclude(pk__in=left.values("night")).update(
            stage=Night.Stage.FINISH, status=Status.WAITING, attempt=0
        )

    def with_counts(self) -> Self:
        """Counted apart: joined, 200 exposures and 2,000 candidates are 400,000 rows to look at."""
        from webapp.nights.candidates import Candidate
        from webapp.nights.exposures import NightExposure

        candidates = Candidate.objects.filter(is_gone=False)
        return self.annotate(
            n_exposures=_count_of(NightExposure.objects.all()),
            n_candidates=_count_of(candidates),
            n_undecided=_count_of(candidates.filter(verdict="")),
        )

    def with_verdicts(self) -> Self:
        """How many of their candidates people accepted, and how many they rejected."""
        from webapp.nights.candidates import Candidate, Verdict

        return self.annotate(
            n_accepted=_count_of(Candidate.objects.filter(verdict=Verdict.REAL)),
            n_rejected=_count_of(Candidate.objects.filter(verdict=Verdict.ARTEFACT)),
        )


class Night(Leased):
    """options: `webapp.nights.options`. figures: what the finish measured, and by which methods.
    notes: sentences that a person should know of the whole."""

    WORKSPACE = "workspace"
    PIECE = Piece("night", QUEUE, "nights to begin or to finish")
    CANCELLED = "It was cancelled. What was found so far is kept."

    class Stage(models.TextChoices):
        PLAN = "plan"
        EXPOSURES = "exposures"
        FINISH = "finish"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="nights")
    name = models.CharField(max_length=120)
    reference = models.ForeignKey(
        Asset, models.SET_NULL, null=True, blank=True, related_name="reference_of_nights"
    )
    bias = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="+")
    dark = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="+")
    flat = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="+")
    stacked = StoredFile(blank=True)  # the reference where it was made of the exposures
    options: Any = models.JSONField(default=dict)
    observatory = models.CharField(max_length=3, blank=True)  # its code at the Minor Planet Center
    site: Any = models.JSONField(default=dict, blank=True)  # webapp.nights.options.SITE
    catalogue = StoredFile(blank=True, is_shared=True)  # stars of known brightness
    known = StoredFile(blank=True, is_shared=True)  # where known objects are
    # what is put into copies of the exposures to measure completeness: workers.nights.putting_in
    put_in: Any = models.JSONField(default=dict, blank=True)
    watch_key = models.CharField(max_length=200, blank=True)  # of a watched folder's night
    stage = models.CharField(max_length=9, choices=Stage, default=Stage.PLAN)
    step = models.CharField(max_length=80, blank=True)  # of planning or finishing, in words
    progress = models.FloatField(default=0)  # of planning or finishing
    is_cancelled = models.BooleanField(default=False)
    has_coordinates = models.BooleanField(default=False)  # rates are ″/h, else pixels/h
    timings: Any = models.JSONField(default=dict, blank=True)  # seconds by step of plan and finish
    figures: Any = models.JSONField(default=dict, blank=True)
    notes: Any = models.JSONField(default=list, blank=True)
    # by which version of what is real its candidates were scored
    scored_by = models.ForeignKey(
        "nights.SkyTeaching", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # the version whose network on tiles it also looks by, where that was asked for
    network = models.ForeignKey(
        "nights.SkyTeaching", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    software_version = models.CharField(max_length=40)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = NightQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    # --- questions ----------------------------------------------------------------------

    @property
    def rate_unit(self) -> str:
        return "″/h" if self.has_coordinates else "px/h"

    @property
    def state(self) -> str:
        """One word for programs: waiting, working, done, failed or cancelled."""
        if self.status == Status.FAILED and self.is_cancelled:
            return "cancelled"
        return self.status

    def masters(self) -> dict[str, Asset | None]:
        return {"bias": self.bias, "dark": self.dark, "flat": self.flat}

    def uses(self) -> list[Asset]:
        """Every asset that it rests on."""
        also = [self.reference, self.bias, self.dark, self.flat]
        exposures = Asset.everything.filter(night_exposures__night=self)
        return [*exposures, *(asset for asset in also if asset is not None)]

    def standing(self) -> dict[str, Any]:
        """How far it is: exposures in all and over, a share from 0 to 1, and seconds to go by the
        measured time of those that are done; None before that tells anything."""
        sums = self.exposures.aggregate(
            n=Count("pk"),
            n_done=Count("pk", filter=Q(status=Status.DONE)),
            n_failed=Count("pk", filter=Q(status=Status.FAILED)),
            working=Count("pk", filter=Q(status=Status.WORKING)),
            so_far=Sum("progress", default=0.0),
            busy_s=Sum("busy_s", default=0.0),
        )
        share = sums["so_far"] / sums["n"] if sums["n"] else 0.0
        if self.status == Status.DONE:
            return sums | {"share": 1.0, "remaining_s": 0.0}
        tells = sums["busy_s"] > _TELLING_S and sums["so_far"] > 0 and not self.is_over
        each_s = sums["busy_s"] / sums["so_far"] if tells else None
        left = sums["n"] - sums["so_far"]
        return sums | {
            "share": min(0.9 * share + (0.1 * self.progress if self._is_finishing else 0), 1.0),
            "remaining_s": each_s * left / max(sums["working"], 1) if each_s else None,
        }

    @property
    def _is_finishing(self) -> bool:
        return self.stage == self.Stage.FINISH

    def waiting_because(self) -> str:
        """Why nothing is happening just now, or "" when something is."""
        if self.is_over:
            return ""
        held = self.lease_until and self.lease_until > timezone.now()
        if held or self.exposures.filter(status=Status.WORKING).exists():
            return ""
        if not Worker.objects.serving(QUEUE).exists():
            return f"No worker serves the queue {QUEUE}. Start one with `make serve`."
        ahead = Night.objects.unfinished().filter(pk__lt=self.pk).count()
        return f"{ahead} before it in the queue." if ahead else "The worker is about to go on."

    # --- verbs a person uses ------------------------------------------------------------

    def can_be_retried(self) -> bool:
        """Whether it failed for a reason that may have gone, or one of its exposures did."""
        if self.status == Status.FAILED:
            return self.can_retry
        failed = self.exposures.filter(status=Status.FAILED, can_retry=True)
        return self.status == Status.DONE and failed.exists()

    @transaction.atomic
    def retry(self, **changes: Any) -> bool:
        """Go on from what is already done: exposures that failed are tried again, and what is
        found is finished anew."""
        if not self.can_be_retried():
            return False
        failed = self.exposures.filter(status=Status.FAILED)
        searches = self.stage != self.Stage.PLAN and failed.exists()
        on_exposures = searches or self.stage == self.Stage.EXPOSURES
        moved = self._moved(
            (self.status,),
            stage=self.Stage.EXPOSURES if on_exposures else self.stage,
            status=Status.WORKING if on_exposures else Status.WAITING,
            attempt=0,
            error="",
            finished=None,
            step="",
            progress=0.0,
            is_cancelled=False,
            **changes,
        )
        if moved:
            failed.update(status=Status.WAITING, attempt=0, error="", progress=0.0, busy_s=0.0)
            self._ring()
        return moved

    @transaction.atomic
    def add(self, exposures: Sequence[Asset], *, by: User | None = None) -> int:
        """More exposures of the same night: what is done stays, and it is finished anew. Returns
        how many were new. Raises Refused."""
        Night.objects.select_for_update().get(pk=self.pk)
        for asset in exposures:
            _require_usable(asset, self.workspace)
        require_fitting(exposures, self.masters())
        added = self._take(exposures)
        if not added:
            return 0
        Event.record(self.workspace, by, "added to a night", self.name, exposures=len(added))
        self.refresh_from_db()
        if self.stage != self.Stage.PLAN or self.is_over:
            planned = self.stage != self.Stage.PLAN
            Night.objects.filter(pk=self.pk).update(
                stage=self.Stage.EXPOSURES if planned else self.Stage.PLAN,
                status=Status.WORKING if planned else Status.WAITING,
                attempt=0,
                error="",
                finished=None,
                is_cancelled=False,
                lease_until=None,
                lease_token="",
            )
            self.refresh_from_db()
            self._ring()
        return len(added)

    def score_again(self) -> bool:
        """Have its candidates linked and scored anew, from what is kept of its exposures. Verdicts
        stay. False: it is worked on, or was never finished."""
        moved = self._moved(
            (Status.DONE,),
            stage=self.Stage.FINISH,
            status=Status.WAITING,
            attempt=0,
            finished=None,
            step="",
            progress=0.0,
        )
        if moved:
            jobs.ring(self)
        return moved

    @transaction.atomic
    def remove(self, *, by: User | None) -> None:
        """Delete it with its candidates and what people decided; the exposures stay."""
        Event.record(self.workspace, by, "deleted a night", self.name)
        erasing.delete(Night.objects.filter(pk=self.pk))

    def _take(self, assets: Sequence[Asset]) -> list[NightExposure]:
        from webapp.nights.exposures import NightExposure

        there = set(self.exposures.values_list("asset_id", flat=True))
        left_out = there | {self.reference_id}  # nothing differs from itself
        new = [one for one in _in_time(assets) if one.pk not in left_out]
        if len(there) + len(new) > MOST_EXPOSURES:
            raise Refused(f"A night has at most {MOST_EXPOSURES} exposures.")
        first = self.exposures.aggregate(n=Max("number"))["n"] or 0
        return NightExposure.objects.bulk_create(
            NightExposure(night=self, asset=one, number=first + n + 1) for n, one in enumerate(new)
        )

    def _ring(self) -> None:
        from webapp.nights.exposures import NightExposure

        if self.stage == self.Stage.EXPOSURES:
            self.all_done()  # where the last exposure ended just before it was stopped
            waiting = self.exposures.filter(status=Status.WAITING).count()
            idle = Worker.objects.idle(QUEUE).count()
            jobs.wake(NightExposure.PIECE.task, QUEUE, times=max(min(waiting, idle), 1))
        else:
            jobs.ring(self)

    # --- verbs the workers use ----------------------------------------------------------

    @transaction.atomic
    def planned(self, **about: Any) -> bool:
        """Hand over to the exposures. False: it is not this worker's any more."""
        mine = self._mine().update(
            stage=self.Stage.EXPOSURES,
            lease_until=None,
            lease_token="",
            worker="",
            attempt=0,
            step="",
            progress=0.0,
            **about,
        )
        if mine:  # this row keeps its token: the heartbeat must not take the night for its own
            Night.objects.get(pk=self.pk)._ring()
        return bool(mine)

    def is_mine_to_store(self) -> bool:
        """Still this worker's, and locked: until the transaction ends it stays so."""
        return self._mine().select_for_update().first() is not None

    def all_done(self) -> bool:
        """Move on to the finish when the last exposure is over; True for the one who moved it."""
        moved = bool(Night.objects.filter(pk=self.pk).all_done())
        if moved:
            jobs.ring(self)
        return moved


def _count_of(rows: models.QuerySet[Any]) -> Coalesce:
    """How many of these rows each night has."""
    mine = rows.filter(night=OuterRef("pk")).order_by().values("night")
    counted = mine.annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def _network_of(workspace: Workspace) -> Any:
    """The version whose network on tiles is looked by. Raises Refused where there is none."""
    from webapp.nights.teaching import SkyTeaching

    version = SkyTeaching.objects.looking(workspace)
    if version is None:
        raise Refused("No network on tiles was taught yet: teach one with what is real.")
    return version


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise Refused("Give the night a name.")
    if len(name) > 120:
        raise Refused("The name is too long: 120 characters at most.")
    return name


def _in_time(assets: Sequence[Asset]) -> list[Asset]:
    """Each once, in the order in which they were exposed; what says no time comes first."""
    skies = SkyExposure.objects.filter(asset__in=assets)
    times = dict(skies.values_list("asset_id", "middle_mjd"))
    return sorted(dict.fromkeys(assets), key=lambda one: (times.get(one.pk) or 0.0, one.pk))


def _require_usable(asset: Asset, workspace: Workspace) -> None:
    if asset.workspace_id != workspace.pk or asset.removed is not None:
        raise Refused("An exposure is not in this workspace, or was deleted.")
    if asset.status == Status.FAILED:
        raise Refused(f"{asset} could not be prepared, leave it out: {asset.error}")
    if not asset.is_ready:
        raise Refused(f"{asset} is not ready yet: wait until it is prepared.")


def nights_of(asset: Asset) -> list[str]:
    """Why an asset cannot be deleted: nights rest on it, and their positions could not be checked
    any more."""
    uses = Q(exposures__asset=asset) | Q(reference=asset)
    uses |= Q(bias=asset) | Q(dark=asset) | Q(flat=asset)
    names = Night.objects.filter(uses).distinct().values_list("name", flat=True)[:3]
    return [f"The night “{name}” rests on it: delete that first." for name in names]


REFUSALS.append(nights_of)
