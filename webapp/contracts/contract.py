"""A contract: what a sponsor was promised, and how it stood when that was last looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from analysis.contracting import Status
from analysis.exposure.measure import DEFAULT
from webapp.accounts.models import Action, Event, Refused, User, Workspace
from webapp.assets.models import Collection
from webapp.contracts import promises as terms
from webapp.methodologies.models import named
from webapp.projects.models import Label, Project

MOST = 200  # of a workspace
MOST_PLANNED = 10_000
CHECKED_EVERY = timedelta(days=1)
SETTLED = timedelta(days=60)  # after its end nothing is looked at any more unless somebody opens it
LATE = (Status.BEHIND, Status.FAILED)
_FIRST_DAY, _LAST_DAY = date(1990, 1, 1), date(2099, 12, 31)
_KEPT = timedelta(days=1)  # what was deleted, to be put back
_CONFIDENCES = (0.05, 1.0)


class ContractQuerySet(models.QuerySet["Contract"]):
    @transaction.atomic
    def make(self, workspace: Workspace, *, by: User | None, **about: Any) -> Contract:
        """Raises Refused, with what is wrong."""
        _refuse_too_many(workspace)
        made = self.model(workspace=workspace, created_by=by)
        made.change(by=by, **about)
        return made

    def late(self) -> ContractQuerySet:
        """Those that are behind what they promise, or broke it."""
        return self.filter(status__in=LATE)

    def alive(self) -> ContractQuerySet:
        """Those whose figures can still be made, and may still change."""
        ended = timezone.now().date() - SETTLED
        return self.filter(ends__gte=ended, project__removed=None).exclude(label=None)

    def figures_changed(self, project_id: int) -> int:
        """What is counted for a project is another: they are due. Returns how many."""
        return self.alive().filter(project=project_id).update(checked=None)

    def due(self) -> ContractQuerySet:
        """Those whose figures changed, and those at which nobody has looked for a day."""
        late = Q(checked=None) | Q(checked__lt=timezone.now() - CHECKED_EVERY)
        return self.alive().filter(late)


class VisibleContracts(models.Manager.from_queryset(ContractQuerySet)["Contract"]):  # type: ignore[misc]
    """All but those that were deleted and may be put back."""

    def get_queryset(self) -> ContractQuerySet:
        return ContractQuerySet(self.model, using=self._db).filter(removed=None)


class Contract(models.Model):
    """`brand` and `shelf` are the names of label and collection when they were chosen: the
    contract is about these, whatever becomes of the rows.

    `figures`: how it stood when it was looked at last, as `delivered.figures` makes it.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="contracts")
    name = models.CharField(max_length=120)
    sponsor = models.CharField(max_length=120, blank=True)
    project = models.ForeignKey(
        Project, models.SET_NULL, null=True, blank=True, related_name="contracts"
    )
    label = models.ForeignKey(
        Label, models.SET_NULL, null=True, blank=True, related_name="contracts"
    )
    brand = models.CharField(max_length=60)
    collection = models.ForeignKey(
        Collection, models.SET_NULL, null=True, blank=True, related_name="contracts"
    )
    shelf = models.CharField(max_length=120, blank=True)
    starts = models.DateField()
    ends = models.DateField()
    planned = models.PositiveIntegerField(null=True, blank=True)  # events in all
    promises: Any = models.JSONField(default=dict)  # by analysis.contracting.Kind
    method = models.CharField(max_length=60, default=DEFAULT)  # the key of one version
    threshold = models.FloatField(null=True, blank=True)  # None: each label's own
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    figures: Any = models.JSONField(default=dict)
    status = models.CharField(max_length=16, blank=True)  # of the figures; "" before there are any
    since = models.DateTimeField(null=True, blank=True)  # when it became that
    checked = models.DateTimeField(null=True, blank=True)

    removed = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = VisibleContracts()
    everything: ClassVar[Any] = ContractQuerySet.as_manager()

    class Meta:
        ordering = ["-ends", "name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def days(self) -> int:
        return (self.ends - self.starts).days + 1

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """The period: its first moment and the one at which it is over. Days are those of UTC."""
        first = datetime.combine(self.starts, time(), UTC)
        return first, datetime.combine(self.ends + timedelta(days=1), time(), UTC)

    # --- what was agreed ----------------------------------------------------------------------

    @transaction.atomic
    def change(self, *, by: User | None, **about: Any) -> None:
        """What is not given stays. Raises Refused, with what is wrong."""
        before = self.terms if self.pk else {}
        if "label" in about and about["label"] != self.label:
            self._be_about(about["label"])
        if "collection" in about and about["collection"] != self.collection:
            self._choose(about["collection"])
        if "name" in about:
            self.name = _line(about["name"], "name", needed=True)
        if "sponsor" in about:
            self.sponsor = _line(about["sponsor"], "sponsor")
        for field in ("starts", "ends", "planned", "threshold"):
            if field in about:
                setattr(self, field, about[field])
        if "method" in about:
            self.method = _method(about["method"], self.workspace_id)
        if "promises" in about:
            self.promises = terms.read(about["promises"])
        self._refuse_nonsense()
        self.save()
        if self.terms != before:
            what = "changed a contract" if before else "made a contract"
            kept = {key: [before.get(key), now] for key, now in self.terms.items()}
            told: dict[str, Any] = {k: pair for k, pair in kept.items() if pair[0] != pair[1]}
            told = {"changes": told} if before else self.terms
            Event.record(self.workspace, by, what, self.name, contract=self.pk, **told)

    @property
    def terms(self) -> dict[str, Any]:
        """What was agreed and how it is counted, as the log of changes keeps it."""
        return {
            "name": self.name,
            "sponsor": self.sponsor,
            "brand": self.brand,
            "project": self.project.name if self.project else None,
            "collection": self.shelf or None,
            "starts": str(self.starts),
            "ends": str(self.ends),
            "planned": self.planned,
            "promises": dict(self.promises),
            "method": self.method,
            "threshold": self.threshold,
        }

    def _be_about(self, label: Label | None) -> None:
        if label is None:
            raise Refused("A contract is about a brand: choose one.")
        if label.project.workspace_id != self.workspace_id:
            raise Refused("This brand is of another workspace.")
        if label.archived:
            raise Refused(f"{label} was removed from {label.project}. Bring it back there first.")
        self.label, self.project, self.brand = label, label.project, label.name
        self._begin_anew()

    def _choose(self, collection: Collection | None) -> None:
        if collection and collection.workspace_id != self.workspace_id:
            raise Refused("This collection is of another workspace.")
        self.collection, self.shelf = collection, collection.name if collection else ""
        self._begin_anew()

    def _begin_anew(self) -> None:
        """What was known of other events says nothing of these."""
        self.figures, self.status = {}, ""

    def _refuse_nonsense(self) -> None:
        if not self.brand:
            raise Refused("A contract is about a brand: choose one.")
        if not self.starts or not self.ends:
            raise Refused("A contract has a first and a last day.")
        if self.starts > self.ends:
            raise Refused("The period ends before it begins: its last day comes first.")
        if not (self.starts >= _FIRST_DAY and self.ends <= _LAST_DAY):
            raise Refused(f"A period lies between {_FIRST_DAY.year} and {_LAST_DAY.year}.")
        if self.planned is not None and not 1 <= self.planned <= MOST_PLANNED:
            raise Refused(f"1 to {MOST_PLANNED:,} events can be planned.")
        least, most = _CONFIDENCES
        if self.threshold is not None and not least <= self.threshold <= most:
            raise Refused(f"The confidence goes from {least} to {most:g}.")
        terms.read(self.promises)

    # --- how it stands ------------------------------------------------------------------------

    def look(self) -> None:
        """Somebody is about to look how it stands: what changes from now on makes it due again,
        and one whose figures cannot be made is not tried again and again."""
        self.checked = timezone.now()
        Contract.objects.filter(pk=self.pk).update(checked=self.checked)

    @transaction.atomic
    def note(self, figures: Mapping[str, Any]) -> None:
        """Keep how it stands; whoever made it is told where it fell behind or came back."""
        row = Contract.objects.select_for_update().filter(pk=self.pk).first()
        if row is None:
            return
        before, status = row.status, figures["status"]
        since = row.since if status == before else timezone.now()
        kept = {"figures": figures, "status": status, "since": since}
        Contract.objects.filter(pk=self.pk).update(**kept)
        for field, value in kept.items():
            setattr(self, field, value)
        if before and (before in LATE) != (status in LATE):
            ContractNotice.objects.tell(self, before)

    @property
    def lateness(self) -> str:
        """How one that is late stands, in a word."""
        return "not fulfilled" if self.status == Status.FAILED else "behind"

    # --- deleting -----------------------------------------------------------------------------

    @transaction.atomic
    def remove(self, *, by: User | None) -> None:
        mine = Contract.everything.filter(workspace=self.workspace_id)
        mine.filter(removed__lt=timezone.now() - _KEPT).delete()
        if mine.filter(pk=self.pk, removed=None).update(removed=timezone.now()):
            Event.record(self.workspace, by, "deleted a contract", self.name, **self.terms)

    @transaction.atomic
    def restore(self, *, by: User | None) -> None:
        """Undo its deletion. Raises Refused where there is no room for it any more."""
        if self.removed is None:
            return
        _refuse_too_many(self.workspace)
        self.removed = None
        self.save(update_fields=["removed"])
        Event.record(self.workspace, by, "restored a contract", self.name)


class ContractNoticeQuerySet(models.QuerySet["ContractNotice"]):
    def of(self, user: Any, workspace: Workspace) -> ContractNoticeQuerySet:
        """A person's own, of contracts that are there."""
        return self.filter(user=user, contract__workspace=workspace, contract__removed=None)

    def unseen(self) -> ContractNoticeQuerySet:
        return self.filter(seen=None)

    def see(self) -> int:
        return self.unseen().update(seen=timezone.now())

    def tell(self, contract: Contract, before: str) -> None:
        """Whoever made it, as long as they may see it."""
        by = contract.created_by
        may = Workspace.objects.where(by, Action.VIEW) if by else Workspace.objects.none()
        if may.filter(pk=contract.workspace_id).exists():
            self.create(contract=contract, user=by, before=before, status=contract.status)


class ContractNotice(models.Model):
    """That a contract fell behind what it promises, or came back."""

    WORKSPACE = "contract__workspace"

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="notices")
    user = models.ForeignKey(User, models.CASCADE, related_name="contract_notices")
    before = models.CharField(max_length=16)
    status = models.CharField(max_length=16)
    created = models.DateTimeField(auto_now_add=True)
    seen = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = ContractNoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.contract} {self.said}"

    @property
    def said(self) -> str:
        """What happened, after the contract's name."""
        if self.status == Status.FAILED:
            return "is over and was not fulfilled"
        if self.status == Status.BEHIND:
            return "has fallen behind"
        return {Status.FULFILLED: "is fulfilled"}.get(Status(self.status), "is on course again")


def _refuse_too_many(workspace: Workspace) -> None:
    if Contract.objects.filter(workspace=workspace).count() >= MOST:
        raise Refused(f"A workspace has {MOST} contracts at most. Delete one first.")


def _line(text: str, what: str, *, needed: bool = False) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if needed and not line:
        raise Refused(f"A contract needs a {what}.")
    if len(line) > 120:
        raise Refused(f"The {what} has 120 characters at most.")
    return line


def _method(key: str, workspace_id: int) -> str:
    """The key of this very version, so that a later change of it changes no contract."""
    found = named(key, workspace_id)
    if found is None:
        raise Refused(f"There is no method called “{key[:40]}”.")
    return found[1]
