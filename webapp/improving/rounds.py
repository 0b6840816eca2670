"""A round of a loop: from a frozen dataset version to a person's decision.

Workers move it on, step by step (workers.improving.rounds). Each step asks for a row of what exists
already, a dataset version, a training, evaluations, runs, and remembers it in the same transaction:
whoever dies in between loses nothing and doubles nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar, Self

from django.db import models, transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from analysis.measuring.gate import Gate
from webapp import jobs
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.datasets.versions import DatasetVersion
from webapp.improving.confidences import give_back, seen, take_over
from webapp.improving.loops import CANDIDATE, PRODUCTION, Loop
from webapp.leases import UNFINISHED, Leased, LeasedQuerySet, Piece, Status
from webapp.projects.models import Project
from webapp.registry.versions import ModelVersion
from webapp.training.models import Evaluation, TrainingRun


class RoundQuerySet(LeasedQuerySet["Round"]):
    def measuring(self, evaluation: Evaluation) -> Self:
        """Those that made this version, or asked for its figures."""
        version = evaluation.model_version_id
        made = Q(training__result=version) | Q(pseudo_training__result=version)
        asked = Q(measured=evaluation) | Q(measured_old=evaluation) | Q(pseudo_measured=evaluation)
        return self.filter(made | asked)

    def begin(self, loop: Loop, reason: str, *, by: User | None) -> Round:
        """The next round. Call Loop.begin, which looks first whether there may be one."""
        last = loop.rounds.aggregate(last=Max("number"))["last"] or 0
        row = self.create(
            loop=loop,
            number=last + 1,
            reason=reason,
            n_changed=loop.n_changed(),
            production=loop.version_called(PRODUCTION),
            settings=_as_agreed(loop),
            requested_by=by,
        )
        Loop.objects.filter(pk=loop.pk).update(why_not="")
        about = {"round": row.number, "because": row.get_reason_display()}
        Event.record(loop.workspace, by, "began a round of improvement", str(loop.model), **about)
        jobs.ring(row)
        return row


def _as_agreed(loop: Loop) -> dict[str, Any]:
    """What the loop says now: a change of it does not change a round that goes on."""
    return {
        "dataset": loop.dataset_id,
        "base": loop.base_id,
        "options": loop.options,
        "least_f1": loop.least_f1,
        "most_fall": loop.most_fall,
        "first_f1": loop.model.gate_f1,
        "learns_from_sure": loop.learns_from_sure,
        "assets": list(loop.assets.order_by("pk").values_list("pk", flat=True)),
    }


class Round(Leased):
    """`status` is that of the workers' part; once that is done, `outcome` says what came of it."""

    WORKSPACE = "loop__model__workspace"
    PIECE = Piece("improve", "batch", "rounds of improvement")

    class Reason(models.TextChoices):
        HAND = "hand", "by hand"
        CHANGES = "changes", "new or changed pictures"
        TIME = "time", "the clock"

    class Stage(models.TextChoices):
        FREEZE = "freeze", "Freeze the pictures"
        TRAIN = "train", "Train a version"
        MEASURE = "measure", "Measure it and the version in use"
        MINE = "mine", "Choose frames that the version in use is sure of"
        WITH = "with", "Train one more with these, and measure it"
        GATE = "gate", "Look whether it is as good"
        COMPARE = "compare", "Try it on past films"
        DECIDE = "decide", "A person decides"

    class Outcome(models.TextChoices):
        REFUSED = "refused", "did not pass the gate"
        ACCEPTED = "accepted", "accepted"
        KEPT = "kept", "not taken"
        ROLLED_BACK = "rolled back", "rolled back"

    loop = models.ForeignKey(Loop, models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField()
    reason = models.CharField(max_length=7, choices=Reason)
    n_changed = models.PositiveIntegerField(default=0)  # pictures, since the round before
    settings = models.JSONField(default=dict)  # of the loop, when it began
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    stage = models.CharField(max_length=7, choices=Stage, default=Stage.FREEZE)
    outcome = models.CharField(max_length=11, choices=Outcome, blank=True)
    is_cancelled = models.BooleanField(default=False)

    version = models.ForeignKey(DatasetVersion, models.SET_NULL, null=True, related_name="+")
    training = models.ForeignKey(TrainingRun, models.SET_NULL, null=True, related_name="rounds")
    candidate = models.ForeignKey(ModelVersion, models.SET_NULL, null=True, related_name="+")
    production = models.ForeignKey(ModelVersion, models.SET_NULL, null=True, related_name="+")
    measured = models.ForeignKey(Evaluation, models.SET_NULL, null=True, related_name="+")
    measured_old = models.ForeignKey(Evaluation, models.SET_NULL, null=True, related_name="+")
    pseudo = models.JSONField(null=True)  # what was mined, and what the guard said of it
    pseudo_version = models.ForeignKey(DatasetVersion, models.SET_NULL, null=True, related_name="+")
    pseudo_training = models.ForeignKey(TrainingRun, models.SET_NULL, null=True, related_name="+")
    pseudo_measured = models.ForeignKey(Evaluation, models.SET_NULL, null=True, related_name="+")
    verdict = models.JSONField(null=True)  # analysis.measuring.gate.Verdict, with notes
    # accepted: who and when, and the projects that went over to the new version with it
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    decided = models.DateTimeField(null=True)
    moved = models.JSONField(default=list)
    confidences = models.JSONField(default=list)  # of labels that it changed, before and after
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = RoundQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["loop", "number"], name="one_round_a_number"),
            models.UniqueConstraint(
                fields=["loop"], name="one_round_at_once", condition=Q(status__in=UNFINISHED)
            ),
        ]

    def __str__(self) -> str:
        return f"round {self.number} of {self.loop.model}"

    # --- questions ----------------------------------------------------------------------

    @property
    def title(self) -> str:
        return f"Round {self.number}"

    @property
    def workspace(self) -> Workspace:
        return self.loop.workspace

    @property
    def is_undecided(self) -> bool:
        """It waits for a person."""
        return self.status == Status.DONE and self.stage == self.Stage.DECIDE and not self.outcome

    @property
    def is_accepted(self) -> bool:
        return self.outcome == self.Outcome.ACCEPTED

    @property
    def gate(self) -> Gate:
        said = self.settings
        return Gate(said["least_f1"], said["most_fall"], said["first_f1"])

    @property
    def learns_from_sure(self) -> bool:
        return bool(self.settings.get("learns_from_sure"))

    @property
    def is_last(self) -> bool:
        return not self.loop.rounds.filter(number__gt=self.number).exists()

    @property
    def may_retry(self) -> bool:
        return self.status == Status.FAILED and self.can_retry and self.is_last

    def projects(self) -> models.QuerySet[Project]:
        """Those that look with the version in use, and go over to the new one."""
        if self.production is None:
            return Project.objects.none()
        return Project.objects.filter(workspace=self.workspace, model_version=self.production)

    def going_back(self) -> models.QuerySet[Project]:
        """Those that went over and look with its version still."""
        if self.candidate is None:
            return Project.objects.none()
        return Project.objects.filter(pk__in=self.moved, model_version=self.candidate)

    def why_not_accept(self) -> str:
        """Why it cannot be accepted, in a sentence; "" where it can."""
        if not self.is_undecided:
            return f"{self.title} does not wait for a decision."
        if self.candidate is None:
            return "The version that it made was deleted."
        if self.candidate.archived is not None:
            return f"{self.candidate} is archived. Bring it back first."
        return self._why_another()

    def _why_another(self) -> str:
        now = self.loop.version_called(PRODUCTION)
        if now == self.production:
            return ""
        measured = f"measured beside {self.production}" if self.production else "made"
        return (
            f"{now or 'No version'} is in production since {self.candidate} was {measured}. "
            "Keep the version in use, and begin another round."
        )

    def why_not_roll_back(self) -> str:
        """Why the version before cannot be brought back, in a sentence; "" where it can."""
        if self.outcome != self.Outcome.ACCEPTED:
            return f"{self.title} was not accepted, so there is nothing to go back from."
        now = self.loop.version_called(PRODUCTION)
        if now is None or now != self.candidate:
            return f"{now or 'No version'} is in production since."
        if self.production is None and self.had_one:
            return "The version before was deleted."
        if self.production is not None and self.production.archived is not None:
            return f"{self.production} is archived. Bring it back first."
        return ""

    @property
    def had_one(self) -> bool:
        """Whether a version was in production when it was measured."""
        return bool(self.verdict and self.verdict["old_name"])

    # --- verbs a person uses ------------------------------------------------------------

    @transaction.atomic
    def cancel(self, **changes: Any) -> bool:
        """End it now, with what it has asked for."""
        if not super().cancel(**changes):
            return False
        for training in (self.training, self.pseudo_training):
            if training is not None:
                training.cancel()
        for run in self._runs():
            run.cancel()
        self._drop_candidate(by=None)
        return True

    def _runs(self) -> list[Any]:
        """Those that were made for it and go on."""
        found = [run for row in self.comparisons.all() for run in (row.before, row.after)]
        return [run for run in found if run and run.is_shadow and not run.is_over]

    @transaction.atomic
    def retry(self, **changes: Any) -> bool:
        """Go on from the step that failed, or where it was cancelled."""
        if not self.is_last or not super().retry(**changes):
            return False
        asked = (
            *(self.version, self.training, self.measured, self.measured_old),
            *(self.pseudo_version, self.pseudo_training, self.pseudo_measured),
        )
        for row in asked:
            if row is not None and row.status == Status.FAILED:
                row.retry()
        for comparison in self.comparisons.all():
            comparison.retry()
        if self.stage == self.Stage.COMPARE and self.candidate and not self.candidate.archived:
            self.loop.model.promote(self.candidate, CANDIDATE, by=None)
        return True

    @transaction.atomic
    def accept(
        self,
        *,
        by: User | None,
        labels: Collection[int] | None = None,
        shown: str | None = None,
    ) -> None:
        """The new version is in production, and the projects that look with the old one go over,
        with the confidences that suit it: of these labels, or of all but those set by hand.

        `shown` is what confidences.seen said of the projects when a person looked. Raises Refused.
        """
        row = self._locked()
        if why := row.why_not_accept():
            raise Refused(why)
        assert row.candidate is not None
        projects = list(row.projects().order_by("pk").select_for_update())
        if shown is not None and shown != seen(projects):
            raise Refused("A project that goes over was changed meanwhile. Look once more.")
        row.loop.model.promote(row.candidate, PRODUCTION, by=by)
        row._drop_candidate(by=by)
        take_over(row, projects, labels, by=by)
        moved = [project.pk for project in projects]
        _look_with(row.candidate, moved, by=by)
        row._decide(Round.Outcome.ACCEPTED, by=by, moved=moved)
        self.refresh_from_db()

    @transaction.atomic
    def keep_the_old(self, *, by: User | None) -> None:
        """The version in use stays. Raises Refused where nothing waits for a decision."""
        row = self._locked()
        if not row.is_undecided:
            raise Refused(f"{row.title} does not wait for a decision.")
        row._drop_candidate(by=by)
        row._decide(Round.Outcome.KEPT, by=by)
        self.refresh_from_db()

    @transaction.atomic
    def roll_back(self, *, by: User | None) -> None:
        """The version before is in production again, and the projects look with it, from the
        confidences before where nobody changed them since. Raises Refused."""
        row = self._locked()
        if why := row.why_not_roll_back():
            raise Refused(why)
        if row.production is None:
            row.loop.model.drop_alias(PRODUCTION, by=by)
        else:
            row.loop.model.promote(row.production, PRODUCTION, by=by)
            still = list(row.going_back().order_by("pk").select_for_update())
            give_back(row, by=by)
            _look_with(row.production, [project.pk for project in still], by=by)
        row._decide(Round.Outcome.ROLLED_BACK, by=by, moved=row.moved)
        self.refresh_from_db()

    def _locked(self) -> Round:
        """As it is now, and nobody else decides until this transaction ends."""
        Loop.objects.select_for_update().get(pk=self.loop_id)
        rows = Round.objects.select_related("loop__model__workspace", "candidate", "production")
        found: Round = rows.get(pk=self.pk)
        return found

    def _decide(self, outcome: str, *, by: User | None, moved: list[int] | None = None) -> None:
        done = {"decided_by": by, "decided": timezone.now(), "moved": moved or []}
        done["confidences"] = self.confidences
        Round.objects.filter(pk=self.pk).update(outcome=outcome, **done)
        about = {"round": self.number, "version": str(self.candidate), "projects": len(moved or [])}
        said = {
            Round.Outcome.ACCEPTED: "accepted a round of improvement",
            Round.Outcome.KEPT: "kept the version in use",
            Round.Outcome.ROLLED_BACK: "rolled a round of improvement back",
        }
        Event.record(
            self.workspace, by, said[Round.Outcome(outcome)], str(self.loop.model), **about
        )

    def _drop_candidate(self, *, by: User | None) -> None:
        """Where another version is called so by now, that one keeps the name."""
        if self.candidate is not None and self.loop.version_called(CANDIDATE) == self.candidate:
            self.loop.model.drop_alias(CANDIDATE, by=by)


def _look_with(version: ModelVersion, projects: list[int], *, by: User | None) -> None:
    """Let these projects look with a version from their next run on."""
    rows = Project.objects.filter(pk__in=projects)
    rows.update(model_version=version, version=F("version") + 1, changed=timezone.now())
    for project in rows:
        about = {"model": str(version)}
        Event.record(project.workspace, by, "changed how a project looks", project.name, **about)
