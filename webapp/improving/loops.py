"""A loop: when a model is trained again, on what, and what is asked of the version that comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.training.models import TrainingRun
from webapp.training.options import checked

if TYPE_CHECKING:
    from webapp.improving.rounds import Round

AFTER_CHANGES = 10  # pictures, as in the sample of Amazon's that does the same
MOST_FALL = 0.02
MOST_ASSETS = 20
MOST_CHANGES, MOST_HOURS = 100_000, 24 * 366
PRODUCTION, CANDIDATE = "production", "candidate"


class Loop(models.Model):
    """Of one model: the dataset it learns from, when a round begins, and the gate.

    `options` are those of the trainings (webapp.training.options). Where they start from a version,
    it is `base`, else the one in production, else the newest.
    """

    WORKSPACE = "model__workspace"

    model = models.OneToOneField(RegisteredModel, models.CASCADE, related_name="loop")
    dataset = models.ForeignKey(Dataset, models.SET_NULL, null=True, related_name="loops")
    is_on = models.BooleanField(default=True)  # rounds begin by themselves
    # new or changed pictures since the round before; None: not by their number
    after_changes = models.PositiveIntegerField(null=True, default=AFTER_CHANGES)
    every_hours = models.PositiveIntegerField(null=True)  # None: not by the clock
    base = models.ForeignKey(ModelVersion, models.SET_NULL, null=True, related_name="+")
    options = models.JSONField(default=dict)
    least_f1 = models.FloatField(null=True)  # None: that of the version in production
    most_fall = models.FloatField(default=MOST_FALL)  # of any label
    # a round also trains a version on frames that the one in use is sure of, and takes the better
    learns_from_sure = models.BooleanField(default=False)
    assets = models.ManyToManyField(Asset, related_name="+")  # on which a candidate is tried
    why_not = models.CharField(max_length=300, blank=True)  # a round that was due did not begin
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"the loop of {self.model}"

    @classmethod
    @transaction.atomic
    def make(
        cls, model: RegisteredModel, dataset: Dataset, *, by: User | None, **wish: Any
    ) -> Loop:
        """The loop of a model that has none. Raises Refused."""
        RegisteredModel.objects.select_for_update().get(pk=model.pk)
        if cls.objects.filter(model=model).exists():
            raise Refused(f"{model} has a loop already.")
        loop = cls(model=model, created_by=by)
        loop.change(dataset=dataset, by=by, **wish)
        return loop

    # --- questions ----------------------------------------------------------------------

    @property
    def workspace(self) -> Workspace:
        return self.model.workspace

    def version_called(self, name: str) -> ModelVersion | None:
        """The version of the model that goes by this name now."""
        alias = self.model.aliases.filter(name=name).select_related("version__model").first()
        return alias.version if alias else None

    def last_round(self) -> Round | None:
        return self.rounds.order_by("-number").first()

    def since(self) -> datetime | None:
        """From when on pictures count as new: the last round, or the last training on them."""
        if last := self.last_round():
            return last.created
        trained = TrainingRun.objects.filter(model=self.model, version__dataset=self.dataset)
        done = trained.exclude(result=None).order_by("-version__created")
        return done.values_list("version__created", flat=True).first()

    def n_changed(self) -> int:
        """New or changed labelled pictures since then. Golden ones are never trained on."""
        if self.dataset is None:
            return 0
        rows = self.dataset.samples.current().filter(state=Sample.State.LABELLED, is_golden=False)
        since = self.since()
        return (rows if since is None else rows.filter(changed__gt=since)).count()

    def n_golden(self) -> int:
        return golden(self.dataset).count() if self.dataset else 0

    def why_none(self) -> str:
        """Why no round can begin now, in a sentence that says what helps; "" when one can."""
        if self.dataset is None or self.dataset.is_deleted:
            return "The dataset of this loop was deleted. Choose another in its settings."
        last = self.last_round()
        if last is not None and not last.is_over:
            return f"{last.title} goes on. Wait for it, or cancel it."
        if last is not None and last.is_undecided:
            return f"{last.title} waits for a decision: accept its version, or keep the one in use."
        training = TrainingRun.objects.unfinished().filter(model=self.model).first()
        if training is not None:
            return f"Training {training.pk} of {self.model} goes on. Wait for it, or cancel it."
        return self._why_not_measured()

    def _why_not_measured(self) -> str:
        assert self.dataset is not None
        if not golden(self.dataset).exists():
            return (
                f"No labelled picture of {self.dataset} is golden, so two versions could not be "
                "compared. Mark some in the dataset as golden: those are always measured on and "
                "never trained on."
            )
        production = self.version_called(PRODUCTION)
        if production is not None and production.task != self.dataset.task:
            return f"{production} was made for another task than {self.dataset}."
        return ""

    def due(self) -> Round.Reason | None:
        """For what reason a round is to begin by itself now, if it is."""
        from webapp.improving.rounds import Round

        n = self.n_changed() if self.is_on else 0
        if not n:
            return None
        if self.after_changes is not None and n >= self.after_changes:
            return Round.Reason.CHANGES
        if self.every_hours is not None and self.next_hour() <= timezone.now():
            return Round.Reason.TIME
        return None

    def next_hour(self) -> datetime:
        """When a round is due by the clock."""
        last = self.last_round()
        return (last.created if last else self.created) + timedelta(hours=self.every_hours or 0)

    # --- verbs --------------------------------------------------------------------------

    @transaction.atomic
    def change(self, *, by: User | None, **wish: Any) -> None:
        """What is not given stays. A round that goes on is not changed by it. Raises Refused.

        wish: dataset, is_on, after_changes, every_hours, base, options, least_f1, most_fall,
        learns_from_sure, assets.
        """
        assets = wish.pop("assets", None)
        for name, value in wish.items():
            setattr(self, name, _CHECKS.get(name, _as_it_is)(value))
        self._refuse_what_is_elsewhere()
        self.why_not = ""
        is_new = self.pk is None
        self.save()
        if assets is not None:
            self.assets.set(_some(assets, self.workspace))
        about = {"on": self.is_on, "dataset": str(self.dataset)}
        what = "made an improvement loop" if is_new else "changed an improvement loop"
        Event.record(self.workspace, by, what, str(self.model), **about)

    def _refuse_what_is_elsewhere(self) -> None:
        if self.dataset is None or self.dataset.project.workspace_id != self.workspace.pk:
            raise Refused("Choose a dataset of the model's workspace.")
        if self.base is not None and self.base.model.workspace_id != self.workspace.pk:
            raise Refused("Choose a version of the model's workspace to start from.")
        if self.learns_from_sure and self.dataset.task != Dataset.Task.BOXES:
            raise Refused(
                "Only boxes can be learnt from what a version is sure of: a tracker has to agree."
            )
        production = self.version_called(PRODUCTION)
        if production is not None and production.task != self.dataset.task:
            raise Refused(f"{production} was made for another task than {self.dataset}.")

    @transaction.atomic
    def begin(self, reason: str, *, by: User | None) -> Round:
        """One more round. Raises Refused with the reason why there cannot be one."""
        from webapp.improving.rounds import Round

        loop = self._locked()
        if why := loop.why_none():
            raise Refused(why)
        return Round.objects.begin(loop, reason, by=by)

    def begin_if_due(self) -> Round | None:
        """The round that is due by now, begun; why it cannot be is remembered for people."""
        with transaction.atomic():
            loop = self._locked()
            reason = loop.due()
            if reason is None:
                return None
            if why := loop.why_none():
                Loop.objects.filter(pk=self.pk).update(why_not=why[:300])
                return None
            return loop.begin(reason, by=None)

    def _locked(self) -> Loop:
        """The row for this transaction alone: two that begin at once begin one round."""
        rows = Loop.objects.select_for_update(of=("self",))
        return rows.select_related("model__workspace", "dataset__project").get(pk=self.pk)


def golden(dataset: Dataset) -> models.QuerySet[Sample]:
    """The pictures that versions are compared on."""
    return dataset.samples.current().filter(state=Sample.State.LABELLED, is_golden=True)


def _whole(least: int, most: int, what: str) -> Any:
    def check(value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Refused(f"{what} must be a whole number from {least} to {most:,}.")
        return value

    return check


def _share(what: str, *, may_be_none: bool) -> Any:
    def check(value: Any) -> float | None:
        if value is None and may_be_none:
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not isfinite(value) or not 0 <= value <= 1:
            raise Refused(f"{what} must be from 0 to 1.")
        return float(value)

    return check


def _options(wish: Mapping[str, Any]) -> dict[str, Any]:
    """Refuses what no training takes; kept as wished, so that defaults may get better."""
    checked(wish)
    return dict(wish)


def _some(assets: Iterable[Asset], workspace: Workspace) -> list[Asset]:
    chosen = list(assets)
    if len(chosen) > MOST_ASSETS:
        raise Refused(f"Choose {MOST_ASSETS} films and pictures at most.")
    for asset in chosen:
        if asset.workspace_id != workspace.pk:
            raise Refused("Choose films and pictures of the model's workspace.")
        if asset.kind == Asset.Kind.AUDIO:
            raise Refused(f"{asset.name} is sound without pictures: nothing can be found in it.")
        if not asset.has_frames:
            raise Refused(f"{asset.name} is an exposure of the sky: there are no logos in it.")
    return chosen


def _as_it_is(value: Any) -> Any:
    return value


_CHECKS: dict[str, Any] = {
    "after_changes": _whole(1, MOST_CHANGES, "The number of pictures"),
    "every_hours": _whole(1, MOST_HOURS, "The hours between rounds"),
    "learns_from_sure": bool,
    "least_f1": _share("The least F1", may_be_none=True),
    "most_fall": _share("What a label may lose", may_be_none=False),
    "options": _options,
}
