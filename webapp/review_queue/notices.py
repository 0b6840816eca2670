"""Word that all is decided that waited: of an analysis, of a rule, of a whole project.

A batch ends with its last decision. It is told once: what is taken back and decided again ends no
new one, only items that came later do.
"""

from __future__ import annotations

import logging
import smtplib
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.core.mail import send_mail
from django.db import models, transaction
from django.db.models import Exists, Max
from django.urls import reverse
from django.utils import timezone

from webapp.accounts.models import Action, Event, User, Workspace
from webapp.projects.models import Project
from webapp.review_queue.items import ReviewItem, ReviewItemQuerySet, State
from webapp.review_queue.rules import ReviewRule
from webapp.review_queue.siftings import Sifting
from webapp.runs.run import Run

log = logging.getLogger("sightline.review")


class Emptied(models.Model):
    """A queue in which nothing waits any more. last_item: the newest there was in it then."""

    WORKSPACE = "project__workspace"

    project = models.ForeignKey(Project, models.CASCADE, related_name="emptied_queues")
    rule = models.ForeignKey(ReviewRule, models.CASCADE, null=True, blank=True, related_name="+")
    run = models.ForeignKey(Run, models.CASCADE, null=True, blank=True, related_name="+")
    scope = models.CharField(max_length=32)  # "project 5", for there to be one of each
    last_item = models.BigIntegerField()
    n_items = models.PositiveIntegerField()  # decided since the one before
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["scope", "last_item"], name="one_end_of_a_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: all decided"

    @property
    def name(self) -> str:
        """Whose queue it was."""
        if self.rule is not None:
            return f"{self.rule} of {self.project.name}"
        return f"{self.run.asset.stem} in {self.project.name}" if self.run else self.project.name


class QueueNoticeQuerySet(models.QuerySet["QueueNotice"]):
    def of(self, user: Any, workspace: Workspace) -> QueueNoticeQuerySet:
        """A person's own, of projects that are there."""
        about = {"emptied__project__workspace": workspace, "emptied__project__removed": None}
        return self.filter(user=user, **about)

    def unseen(self) -> QueueNoticeQuerySet:
        return self.filter(seen=None)

    def see(self) -> int:
        return self.unseen().update(seen=timezone.now())


class QueueNotice(models.Model):
    """That a person who asked is told of it."""

    WORKSPACE = "emptied__project__workspace"

    emptied = models.ForeignKey(Emptied, models.CASCADE, related_name="notices")
    user = models.ForeignKey(User, models.CASCADE, related_name="queue_notices")
    created = models.DateTimeField(auto_now_add=True)
    seen = models.DateTimeField(null=True, blank=True)
    told = models.DateTimeField(null=True, blank=True)  # by e-mail

    objects: ClassVar[Any] = QueueNoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["emptied", "user"], name="told_once_of_a_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.user} of {self.emptied}"


def tell_if_empty(item: ReviewItem) -> None:
    """Called once a decision is stored: where it was the last one of a batch, whoever asked for
    that is told. Who is told of the whole project is not told of its parts."""
    rows = ReviewItem.objects.there().filter(project=item.project_id)
    scopes: list[tuple[str, dict[str, Any], ReviewItemQuerySet]] = [
        (f"project {item.project_id}", {}, rows),
        (f"run {item.run_id}", {"run": item.run}, rows.filter(run=item.run_id)),
    ]
    if item.rule is not None:
        about = {"rule": item.rule}
        scopes.append((f"rule {item.rule_id}", about, rows.filter(rule=item.rule_id)))
    asked = {f"waits{n}": Exists(some.waiting()) for n, (_, _, some) in enumerate(scopes)}
    waits = Project.objects.filter(pk=item.project_id).values_list(*asked.values()).get()
    is_told = False
    for (scope, about, some), is_waiting in zip(scopes, waits, strict=True):
        if is_waiting:
            continue
        ended = _end(scope, about, some, item)
        if ended is not None and not is_told:
            is_told = True
            _tell(ended)


def _end(
    scope: str, about: dict[str, Any], rows: ReviewItemQuerySet, item: ReviewItem
) -> Emptied | None:
    """The end of a batch; None where it was told already, by whoever was first."""
    last = rows.aggregate(last=Max("pk"))["last"] or 0
    before = Emptied.objects.filter(scope=scope).order_by("-last_item").first()
    if before is not None and before.last_item >= last:
        return None
    since = before.last_item if before else 0
    n = rows.filter(pk__gt=since, state=State.DONE).count()
    values = {"project": item.project, "n_items": n, **about}
    made, is_new = Emptied.objects.get_or_create(scope=scope, last_item=last, defaults=values)
    return made if is_new else None


@transaction.atomic
def _tell(ended: Emptied) -> None:
    workspace = ended.project.workspace
    about = {"project": ended.project.name, "items": ended.n_items}
    Event.record(workspace, None, "nothing waits for review any more", ended.name, **about)
    made = [
        QueueNotice.objects.create(emptied=ended, user=user)
        for user in _who_asked(ended)
        if Workspace.objects.where(user, Action.VIEW).filter(pk=workspace.pk).exists()
    ]
    for notice in made:
        transaction.on_commit(partial(_write, notice))


def _who_asked(ended: Emptied) -> list[User]:
    """Who made the rules that were gone through with, who had that done, and of a single analysis
    whoever asked for it."""
    sifted = Sifting.objects.filter(run__project=ended.project)
    found = []
    if ended.run is not None:
        sifted = sifted.filter(run=ended.run)
        found += [ended.run.requested_by_id]
    elif ended.rule is not None:
        found += [ended.rule.created_by_id]
    else:
        rules = ReviewRule.objects.filter(project=ended.project)
        found += rules.values_list("created_by", flat=True)
    if ended.rule is None:
        before = Emptied.objects.filter(scope=ended.scope, last_item__lt=ended.last_item).first()
        since = sifted.filter(created__gt=before.created) if before else sifted
        found += since.values_list("requested_by", flat=True)
    return list(User.objects.filter(pk__in={pk for pk in found if pk}))


def _write(notice: QueueNotice) -> None:
    """By e-mail, where the site can send any; the inbox has it all the same."""
    if not settings.EMAIL_HOST:
        return
    ended = notice.emptied
    n = ended.n_items
    page = settings.SITE_URL.rstrip("/") + reverse("review")
    lines = [
        f"Nothing waits for review any more in {ended.name}.",
        f"{n:,} item{' was' if n == 1 else 's were'} decided since you were told last.",
        "",
        page,
        "",
    ]
    subject = " ".join(f"All reviewed: {ended.name}".split())
    try:
        send_mail(subject, "\n".join(lines), None, [notice.user.email])
    except (OSError, smtplib.SMTPException) as error:
        log.warning("%s was not told of %s: %s", notice.user.email, ended, error)
        return
    QueueNotice.objects.filter(pk=notice.pk).update(told=timezone.now())
