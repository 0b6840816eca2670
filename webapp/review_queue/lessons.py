"""What people decided in the queue, or corrected where they read it, as pictures of a dataset that
the next model learns from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Subquery

from analysis.auditing import stretch_s
from webapp.accounts.models import Refused, User
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.datasets.transfers import Transfer
from webapp.review_queue.corrected_frames import (
    CorrectedFrame,
    Frame,
    corrected_frames,
    uncorrected,
)
from webapp.review_queue.decisions import Decision
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.taught import unsay

_NEAR_S = 1e-3


class Lesson(models.Model):
    """A decision that a picture of a dataset says. A later one about the frame takes its place."""

    WORKSPACE = "item__workspace"

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="lessons")
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="lessons")
    sample = models.ForeignKey(Sample, models.SET_NULL, null=True, related_name="+")
    version = models.PositiveIntegerField(default=0)  # of the picture, since it says so
    before = models.JSONField(null=True)  # Sample.said; None: the picture came with it
    decision = models.ForeignKey(Decision, models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "dataset"], name="one_lesson_a_dataset"),
        ]

    def __str__(self) -> str:
        return f"{self.item} in {self.dataset}"


class Told(NamedTuple):
    """An item with the decision that settled it, or a frame that was corrected elsewhere."""

    asset: int
    time_s: float
    item: ReviewItem | None = None
    decision: Decision | None = None
    frame: Frame | None = None


def untaught(
    dataset: Dataset, asset: Asset | None = None, *, most: int | None = None
) -> Iterator[Told]:
    """What was decided in the dataset's project, and then what was corrected outside the queue,
    and its pictures do not say yet, each by asset and time; `most` of each where that is enough.

    Frames that an audit asked about are left out: a model that learned from them would look better
    than it is on the very frames that say how good it is.
    """
    audited: dict[int, list[tuple[float, float]]] = {}
    for told in [*_decided(dataset, asset, most), *_corrected(dataset, asset, most)]:
        if told.asset not in audited:
            audited[told.asset] = _audited(told.asset)
        if not _is_near(told.time_s, audited[told.asset]):
            yield told


def _decided(dataset: Dataset, asset: Asset | None, most: int | None) -> list[Told]:
    last = Decision.objects.standing().filter(item=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    known = Lesson.objects.filter(item=OuterRef("pk"), dataset=dataset, decision=OuterRef("last"))
    items = ReviewItem.objects.there().frames().filter(project=dataset.project_id, state=State.DONE)
    if asset is not None:
        items = items.filter(run__asset=asset)
    items = items.annotate(last=Subquery(last)).exclude(last=None).filter(~Exists(known))
    rows = items.select_related("run__asset").order_by("run__asset", "time_s", "pk")[:most]
    decisions = Decision.objects.select_related("by").in_bulk([row.last for row in rows])
    told = ((row, decisions[row.last]) for row in rows)
    return [
        Told(row.run.asset_id, row.time_s, row, decision)
        for row, decision in told
        if not decision.is_unsure
    ]


def _corrected(dataset: Dataset, asset: Asset | None, most: int | None) -> Iterator[Told]:
    """Without frames of which somebody decided later in the queue: that says all of them."""
    settled: dict[int, list[tuple[float, datetime]]] = {}
    for frame in islice(corrected_frames(dataset, asset), most):
        if frame.asset not in settled:
            settled[frame.asset] = _settled(dataset, frame.asset)
        if not any(
            abs(time_s - frame.time_s) < _NEAR_S and frame.at is not None and at > frame.at
            for time_s, at in settled[frame.asset]
        ):
            yield Told(frame.asset, frame.time_s, frame=frame)


def _settled(dataset: Dataset, asset: int) -> list[tuple[float, datetime]]:
    """When each frame was decided about in the queue."""
    rows = Decision.objects.standing().filter(item__state=State.DONE, is_unsure=False)
    mine = rows.filter(item__project=dataset.project_id, item__run__asset=asset)
    return list(mine.values_list("item__time_s", "created"))


def _audited(asset: int) -> list[tuple[float, float]]:
    """What audits asked about: frames, and stretches from where they begin to where they end."""
    rows = Asset.objects.filter(pk=asset, runs__audit__labels__items__isnull=False)
    of = "runs__audit__labels__"
    columns = [f"{of}{name}" for name in ("items__time_s", "what", "gap_s", "minimum_s")]
    return [
        (time_s, time_s + ((stretch_s(gap_s, minimum_s) or 0.0) if what == "times" else 0.0))
        for time_s, what, gap_s, minimum_s in rows.values_list(*columns)
    ]


def _is_near(time_s: float, asked: list[tuple[float, float]]) -> bool:
    return any(first_s - _NEAR_S <= time_s <= last_s + _NEAR_S for first_s, last_s in asked)


def taken_back(dataset: Dataset) -> list[Lesson | CorrectedFrame]:
    """What pictures say although it was taken back, and nothing else was decided for the frame."""
    lessons = list(dataset.lessons.exclude(decision__undone=None).select_related("item"))
    if lessons:
        anew = {told.item for told in _decided(dataset, None, None)}
        lessons = [lesson for lesson in lessons if lesson.item not in anew]
    return [*lessons, *uncorrected(dataset)]


class Taught(NamedTuple):
    """What `teach` began, and what it did at once."""

    transfer: Transfer | None
    n_pictures: int  # that the transfer brings
    n_taken_back: int  # pictures that say again what they said before, or went


@transaction.atomic
def teach(dataset: Dataset, *, by: User) -> Taught:
    """Have a worker bring what was decided into the dataset, and take what was taken back out of
    it. Refused where there is nothing new."""
    told = list(untaught(dataset))
    n_back = _take_back(dataset, by=by)
    if not told:
        if not n_back:
            raise Refused(f"{dataset} says all that was decided already.")
        return Taught(None, 0, n_back)
    going = dataset.transfers.unfinished().filter(kind=Transfer.Kind.FRAMES)
    if going.filter(options__how="reviewed").exists():
        raise Refused("It is being brought in already.")
    assets = list(dict.fromkeys(one.asset for one in told))
    options = {"how": "reviewed", "assets": assets}
    transfer = Transfer.objects.request(dataset, "frames", options=options, by=by)
    return Taught(transfer, len(told), n_back)


def _take_back(dataset: Dataset, *, by: User) -> int:
    """How many pictures say again what they said before, or are gone because they came with it."""
    unsaid = [row for row in taken_back(dataset) if unsay(row)]
    came_with_it = [row.sample_id for row in unsaid if row.before is None and row.sample_id]
    dataset.remove_pictures(came_with_it, by=by)
    return len(unsaid)
