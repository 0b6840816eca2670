"""How a labelling job stands, and how everybody does in it, for its pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Avg, Count, Max, Q, Sum
from django.utils import timezone

from webapp.accounts.models import User
from webapp.labelling.jobs import Assignment, LabelingJob
from webapp.labelling.works import Work

_PACE_OF = 20  # the last so many pieces say how fast a person is


@dataclass(frozen=True, slots=True)
class Person:
    """How somebody does in a job. `figures`: done, skipped and open pieces; each_s and total_s;
    agreed with others and right on check pictures (means, 0 to 1); n_checks; last."""

    user: User
    assignment: Assignment | None
    figures: dict[str, Any]


def pace_s(job: LabelingJob, user: User | None = None) -> float | None:
    """Seconds a piece takes: the person's last ones, else everybody's. None: none is done."""
    done = job.works().filter(status=Work.Status.DONE, seconds__gt=0)
    mine = list(
        done.filter(user=user).order_by("-finished").values_list("seconds", flat=True)[:_PACE_OF]
    )
    if mine:
        return sum(mine) / len(mine)
    return done.aggregate(pace=Avg("seconds"))["pace"]


def progress(job: LabelingJob, user: User | None = None) -> dict[str, Any]:
    """How far it is. `left_s` is for the rest at this pace, by those at work lately."""
    sums = job.items.filter(set_aside=None).aggregate(
        total=Count("pk"), needed=Sum("n_open", default=0)
    )
    works = job.works().aggregate(
        claimed=Count("pk", filter=Q(status=Work.Status.CLAIMED)),
        finished=Count("pk", filter=Q(status__in=Work.FINISHED)),
        people=Count(
            "user",
            distinct=True,
            filter=Q(touched__gt=timezone.now() - timedelta(hours=1)),
        ),
    )
    left = sums["needed"] + works["claimed"]
    all_ = left + works["finished"]
    pace = pace_s(job, user)
    return {
        "total": sums["total"],
        "done": sums["total"] * works["finished"] // all_ if all_ else 0,
        "left_s": left * pace / max(works["people"], 1) if pace is not None else None,
    }


def people(job: LabelingJob) -> list[Person]:
    """How everybody does who works in it or did."""
    rows = {
        row["user"]: row
        for row in job.works()
        .values("user")
        .annotate(
            done=Count("pk", filter=Q(status=Work.Status.DONE)),
            skipped=Count("pk", filter=Q(status=Work.Status.SKIPPED)),
            open=Count("pk", filter=Q(status=Work.Status.CLAIMED)),
            each_s=Avg("seconds", filter=Q(status=Work.Status.DONE)),
            total_s=Sum("seconds"),
            agreed=Avg("agreement"),
            right=Avg("score"),
            n_checks=Count("score"),
            last=Max("touched"),
        )
    }
    assigned = {a.user_id: a for a in job.assignments.all()}
    users = User.objects.filter(pk__in=[*rows, *assigned]).order_by("email")
    return [Person(user, assigned.get(user.pk), dict(rows.get(user.pk, {}))) for user in users]


def at_work(job: LabelingJob, *, but: User) -> list[dict[str, Any]]:
    """Who else has pieces of the job open: {who, pieces, last}, the one touched last first."""
    works = job.works().filter(status=Work.Status.CLAIMED).exclude(user=but)
    people: dict[User, list[Work]] = {}
    for work in works.select_related("user").order_by("-touched"):
        people.setdefault(work.user, []).append(work)
    return [
        {"who": who, "pieces": len(theirs), "last": theirs[0].touched}
        for who, theirs in people.items()
    ]
