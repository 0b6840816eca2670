"""A rule of a project: which frames of its analyses a person should see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from analysis.rules import RefusedRule, Rule, in_words
from webapp.accounts.models import Event, Refused, User
from webapp.projects.models import Project

MOST = 20  # of a project
MOST_PEOPLE = 3
_KEPT = timedelta(days=1)  # what was deleted, to be put back


class ReviewRuleQuerySet(models.QuerySet["ReviewRule"]):
    def working(self) -> ReviewRuleQuerySet:
        """Those that choose from what is analysed from now on."""
        return self.filter(is_on=True)

    @transaction.atomic
    def make(
        self, project: Project, name: str, conditions: Any, *, by: User | None, people: int = 1
    ) -> ReviewRule:
        """Raises Refused for conditions that are none, and for a name that is taken."""
        _refuse_too_many(project)
        made = self.model(project=project, created_by=by)
        made.change(name=name, conditions=conditions, people=people, by=by)
        return made


class VisibleRules(models.Manager.from_queryset(ReviewRuleQuerySet)["ReviewRule"]):  # type: ignore[misc]
    """All but those that were deleted and may be put back."""

    def get_queryset(self) -> ReviewRuleQuerySet:
        return ReviewRuleQuerySet(self.model, using=self._db).filter(removed=None)


class ReviewRule(models.Model):
    """`conditions`: as `analysis.rules.Rule` reads them."""

    WORKSPACE = "project__workspace"

    project = models.ForeignKey(Project, models.CASCADE, related_name="review_rules")
    name = models.CharField(max_length=80)
    conditions: Any = models.JSONField()
    people = models.PositiveSmallIntegerField(default=1)  # who decide for each item, one by one
    is_on = models.BooleanField(default=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    removed = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = VisibleRules()
    everything: ClassVar[Any] = ReviewRuleQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"], condition=Q(removed=None), name="one_rule_a_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rule(self) -> Rule:
        return Rule.parse(self.conditions)

    @transaction.atomic
    def change(
        self,
        *,
        by: User | None,
        name: str | None = None,
        conditions: Any = None,
        people: int | None = None,
        is_on: bool | None = None,
    ) -> None:
        """What is not given stays. What was chosen before stays in the queue. Raises Refused."""
        if name is not None:
            self.name = _name(name, self)
        if conditions is not None:
            self.conditions = _read(conditions)
        if people is not None:
            if not 1 <= people <= MOST_PEOPLE:
                raise Refused(f"1 to {MOST_PEOPLE} people decide for an item.")
            self.people = people
        if is_on is not None:
            self.is_on = is_on
        what = "changed a review rule" if self.pk else "made a review rule"
        self.save()
        about = {"project": self.project.name, "conditions": self.conditions, "is_on": self.is_on}
        Event.record(self.project.workspace, by, what, self.name, **about)

    @property
    def words(self) -> str:
        """What it sends."""
        return in_words(self.rule)

    @transaction.atomic
    def remove(self, *, by: User) -> None:
        """Nothing more is chosen by it; what was chosen stays in the queue."""
        rules = ReviewRule.everything.filter(project=self.project)
        rules.filter(removed__lt=timezone.now() - _KEPT).delete()
        rules.filter(pk=self.pk).update(removed=timezone.now())
        Event.record(self.project.workspace, by, "deleted a review rule", self.name)

    @transaction.atomic
    def restore(self, *, by: User) -> None:
        """Undo its deletion. Raises Refused where another one took its name meanwhile."""
        if self.removed is None:
            return
        _refuse_too_many(self.project)
        self.name, self.removed = _name(self.name, self), None
        self.save(update_fields=["name", "removed"])
        Event.record(self.project.workspace, by, "restored a review rule", self.name)


def _refuse_too_many(project: Project) -> None:
    if ReviewRule.objects.filter(project=project).count() >= MOST:
        raise Refused(f"A project has {MOST} rules at most.")


def _name(name: str, rule: ReviewRule) -> str:
    name = " ".join(name.split())
    if not name:
        raise Refused("A rule needs a name.")
    if len(name) > 80:
        raise Refused("The name of a rule has 80 characters at most.")
    others = ReviewRule.objects.filter(project=rule.project, name__iexact=name)
    if others.exclude(pk=rule.pk).exists():
        raise Refused(f"There is a rule called {name} already.")
    return name


def _read(conditions: Any) -> Any:
    try:
        return Rule.parse(conditions).to_json()
    except RefusedRule as refused:
        raise Refused(str(refused)) from refused
