"""How people's labels hold up: their time, and what the review and others made of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from analysis.measuring import agreement
from webapp.accounts.models import User
from webapp.labelling import documents
from webapp.labelling.items import Item
from webapp.labelling.reviews import Review
from webapp.labelling.works import Work
from webapp.projects.models import Project

MOST_COMPARED = 500  # pictures that several people labelled, the newest

COLUMNS = [
    ("person", "Who"),
    ("pictures", "Pictures and clips"),
    ("each_s", "Seconds each"),
    ("boxes", "Boxes and tracks"),
    ("judged", "Reviewed"),
    ("accepted_first", "Accepted at first"),
    ("sent_back", "Sent back"),
    ("mean_iou", "Overlap with what was accepted"),
]


@dataclass(slots=True)
class Row:
    """One person's. judged: pieces that a reviewer decided about; accepted_first: of these, the
    share accepted as they were drawn, without having been sent back; sent_back: how many were, at
    least once; mean_iou: over the boxes drawn at first that are in what was accepted too."""

    user: User
    pictures: int = 0
    total_s: float = 0.0
    boxes: int = 0
    judged: int = 0
    first: int = 0
    sent_back: int = 0
    n_pairs: int = 0
    iou_sum: float = 0.0

    @property
    def person(self) -> str:
        return str(self.user)

    @property
    def each_s(self) -> float | None:
        return self.total_s / self.pictures if self.pictures else None

    @property
    def accepted_first(self) -> float | None:
        return self.first / self.judged if self.judged else None

    @property
    def mean_iou(self) -> float | None:
        return self.iou_sum / self.n_pairs if self.n_pairs else None

    def values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name, _ in COLUMNS}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Krippendorff's alpha over the pictures that several people labelled; None without any."""

    alpha: float | None
    n_pictures: int


def works_of(project: Project) -> QuerySet[Work]:
    """All that was done in the jobs of a project that were made for people."""
    return Work.objects.filter(item__job__dataset__project=project, item__job__opened_from=None)


def rows(works: QuerySet[Work]) -> list[Row]:
    """One row for everybody who did something, by name."""
    found: dict[int, Row] = {}
    for work in works.filter(Q(status=Work.Status.DONE) | ~Q(verdict="")).select_related("user"):
        row = found.setdefault(work.user_id, Row(work.user))
        row.pictures += 1
        row.total_s += work.seconds
        row.boxes += len(documents.complete(work.document)["shapes"])
    _add_reviews(found, works)
    return sorted(found.values(), key=lambda row: (row.person.casefold(), row.user.pk))


def _add_reviews(found: dict[int, Row], works: QuerySet[Work]) -> None:
    decisions: dict[tuple[int, int], list[Review]] = defaultdict(list)
    standing = Review.objects.filter(work__in=works.values("pk"), undone=None)
    for review in standing.select_related("work__user").order_by("pk"):
        decisions[review.work.user_id, review.work_id].append(review)
    for (user, _), made in decisions.items():
        row = found.setdefault(user, Row(made[0].work.user))
        kinds = [review.kind for review in made]
        row.judged += 1
        row.first += kinds[0] == Review.Kind.ACCEPTED
        row.sent_back += Review.Kind.SENT_BACK in kinds or Review.Kind.REASSIGNED in kinds
        for review in made:
            if review.kind in Review.GOOD:
                row.n_pairs += review.n_pairs or 0
                row.iou_sum += review.iou_sum or 0.0


def agreed(works: QuerySet[Work]) -> Agreement:
    """How far people agree who labelled the same pictures, beyond chance."""
    done = works.filter(status=Work.Status.DONE)
    twice = Item.objects.filter(works__in=done).annotate(n=Count("works")).filter(n__gt=1)
    items = list(twice.exclude(sample=None).order_by("-pk").values_list("pk", flat=True))
    items = items[:MOST_COMPARED]
    said: dict[int, list[Any]] = defaultdict(list)
    for item, document in done.filter(item__in=items).values_list("item", "document"):
        said[item].append(documents.said(document)[0])
    return Agreement(agreement.alpha(_units(said.values())), len(said))


def _units(pictures: Iterable[list[Any]]) -> Iterable[list[int | None]]:
    for people in pictures:
        yield from agreement.units(people)
