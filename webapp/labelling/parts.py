"""A film labelled in parts: who has which, and its tracks joined where the parts meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils import timezone

from analysis.labelling import parts as film
from analysis.labelling.consensus import Merged, merge
from webapp.accounts.models import Action, Event, Refused, User
from webapp.labelling import documents
from webapp.labelling.items import Item
from webapp.labelling.notices import LabellingNotice
from webapp.labelling.works import Work

if TYPE_CHECKING:
    from webapp.labelling.jobs import LabelingJob

ALONE = ""  # in place of the other track: one is right though only one part has it


class TrackJoin(models.Model):
    """What a person said of two tracks where parts meet: the same, or two. `other_shape` is ""
    where they said that `shape` is right though the other part has nothing there."""

    WORKSPACE = "item__job__dataset__project__workspace"

    item = models.ForeignKey(Item, models.CASCADE, related_name="joins")
    shape = models.CharField(max_length=40)
    other = models.ForeignKey(Item, models.CASCADE, null=True, related_name="+")
    other_shape = models.CharField(max_length=40, blank=True)
    is_same = models.BooleanField()
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.shape} of {self.item}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One part of a film with what people drew in it: per frame, tracks by their names."""

    item: Item
    frames: list[list[Merged]]
    names: dict[int, str]  # of tracks, by their number in the part


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A doubt as its page shows it. `work`: where to look, on `frame` of its clip."""

    item: Item
    shape: str
    label: int
    frame: int
    work: int | None
    other: Item | None
    other_shape: str
    time_s: float


@dataclass(frozen=True, slots=True)
class Film:
    """The parts of one film that are done, in the order of time, and their tracks joined."""

    parts: list[Drawn]
    joined: film.Joined

    @classmethod
    def of(cls, job: LabelingJob, asset: int, *, accepted_only: bool) -> Film:
        """What is done of this film in the job."""
        parts = [
            drawn
            for item in of_film(job, asset)
            if (drawn := _drawn(item, accepted_only=accepted_only)) is not None
        ]
        return cls(parts, film.join([_part(one) for one in parts], _decided(parts)))

    def boxes(self, item: Item) -> list[list[Merged]]:
        """What is on each frame of a part: tracks numbered as in the whole film. What neighbours
        say of the frames that they share is put together."""
        i = next(i for i, one in enumerate(self.parts) if one.item.pk == item.pk)
        frames = [self._numbered(i, boxes) for boxes in self.parts[i].frames]
        for j in (i - 1, i + 1):
            if not 0 <= j < len(self.parts):
                continue
            theirs = self.parts[j]
            for number, other in film.shared_frames(item.times_s, theirs.item.times_s):
                frames[number] = _together(frames[number], self._numbered(j, theirs.frames[other]))
        return frames

    def _numbered(self, i: int, boxes: Sequence[Merged]) -> list[Merged]:
        names = self.parts[i].names
        numbers = self.joined.numbers
        return [
            one._replace(track=numbers[i, names[one.track]]) if one.track is not None else one
            for one in boxes
        ]

    def doubts(self) -> list[Doubtful]:
        """What a person has to say, in order of time."""
        found = [self._doubt(one) for one in self.joined.doubts]
        return sorted(found, key=lambda one: (one.time_s, one.item.pk, one.shape))

    def _doubt(self, doubt: film.Doubt) -> Doubtful:
        (i, shape), other = doubt.one, doubt.other
        item = self.parts[i].item
        work = item.works.filter(status=Work.Status.DONE).first()
        boxes = self.parts[i].frames
        names = self.parts[i].names
        labels = (b.label for on in boxes for b in on if names.get(b.track or 0) == shape)
        return Doubtful(
            item=item,
            shape=shape,
            label=next(labels, 0),
            frame=_nearest(item.times_s, doubt.time_s),
            work=work.pk if work else None,
            other=self.parts[other[0]].item if other else None,
            other_shape=other[1] if other else ALONE,
            time_s=doubt.time_s,
        )


def _nearest(times_s: Sequence[float], time_s: float) -> int:
    return min(range(len(times_s)), key=lambda i: abs(times_s[i] - time_s), default=0)


def _together(mine: Sequence[Merged], theirs: Sequence[Merged]) -> list[Merged]:
    """What two parts say of one frame: of a track that both have, the mean of its boxes."""
    found = {one.track: one for one in mine}
    for one in theirs:
        own = found.get(one.track)
        if own is None:
            found[one.track] = one
            continue
        x1, y1, x2, y2 = ((a + b) / 2 for a, b in zip(own.box, one.box, strict=True))
        found[one.track] = own._replace(
            box=(x1, y1, x2, y2), is_occluded=own.is_occluded and one.is_occluded
        )
    return sorted(found.values(), key=lambda one: (one.label, one.box))


def of_film(job: LabelingJob, asset: int) -> list[Item]:
    """The parts of this film in the job, in the order of time, but for what was taken out."""
    items = job.items.filter(asset=asset, set_aside=None).select_related("asset")
    return sorted(items, key=lambda item: (item.times_s[0], item.times_s[-1], item.pk))


def _drawn(item: Item, *, accepted_only: bool) -> Drawn | None:
    works = list(item.works.filter(status=Work.Status.DONE).order_by("pk"))
    if accepted_only:
        works = [work for work in works if work.verdict == Work.Verdict.ACCEPTED]
    if not works:
        return None
    n_frames = len(item.times_s)
    says = [documents.said(work.document, n_frames) for work in works]
    frames = [merge([frames[number] for frames in says]) for number in range(n_frames)]
    numbers = {one.track for boxes in frames for one in boxes if one.track is not None}
    names = {number: f"{number}" for number in sorted(numbers)}
    if len(works) == 1:  # else no one person's track stands for what several say
        own = dict(enumerate(documents.complete(works[0].document)["shapes"], start=1))
        names = {number: own[number] for number in sorted(numbers)}
    return Drawn(item, frames, names)


def _part(drawn: Drawn) -> film.Part:
    tracks: dict[str, film.Track] = {}
    boxes: dict[str, dict[int, Any]] = {name: {} for name in drawn.names.values()}
    for number, on in enumerate(drawn.frames):
        for one in on:
            if one.track is None:
                continue
            name = drawn.names[one.track]
            boxes[name][number] = one.box
            tracks[name] = film.Track(one.label, boxes[name])
    return film.Part(drawn.item.times_s, {name: tracks[name] for name in boxes})


def _decided(parts: Sequence[Drawn]) -> Mapping[tuple[film.Name, film.Name | None], bool]:
    at = {one.item.pk: i for i, one in enumerate(parts)}
    decided: dict[tuple[film.Name, film.Name | None], bool] = {}
    for row in TrackJoin.objects.filter(item__in=at):
        one = (at[row.item_id], row.shape)
        if not row.other_shape:
            decided[one, None] = True
        elif row.other_id in at:
            decided[one, (at[row.other_id], row.other_shape)] = row.is_same
    return decided


def doubts(job: LabelingJob) -> list[Doubtful]:
    """Where parts of the job's films meet and a person has to say what is the same."""
    assets = job.items.filter(set_aside=None).exclude(asset=None).values_list("asset", flat=True)
    only = job.dataset.project.reviewed_only
    found: list[Doubtful] = []
    for asset in dict.fromkeys(assets):
        if len(of_film(job, asset)) > 1:
            found += Film.of(job, asset, accepted_only=only).doubts()
    return found


@transaction.atomic
def say(
    item: Item, shape: str, other: Item | None, other_shape: str, *, same: bool, by: User
) -> TrackJoin:
    """A person's word on a doubt. It stands in place of what was said before."""
    if other is not None and other.job_id != item.job_id:
        raise Refused("Both parts are of one job.")
    TrackJoin.objects.filter(item=item, shape=shape, other=other, other_shape=other_shape).delete()
    return TrackJoin.objects.create(
        item=item, shape=shape, other=other, other_shape=other_shape, is_same=same, by=by
    )


# --- who has which -------------------------------------------------------------------------------


@transaction.atomic
def give(item: Item, user: User | None, *, by: User) -> None:
    """This part is for this person alone, or with None for whoever is free. Raises Refused."""
    job = item.job.locked()
    if user is not None:
        job.assign(user, by=by)
        others = item.works.filter(status=Work.Status.CLAIMED).exclude(user=user)
        if others.exists():
            raise Refused(f"{others[0].user} is at it: take it back from them first.")
        LabellingNotice.objects.tell(job, user, LabellingNotice.Kind.GIVEN, by=by)
    Item.objects.filter(pk=item.pk).update(assigned_to=user)


def share_out(job: LabelingJob, *, by: User) -> int:
    """Give the parts of films to the people of the job in turn. Returns how many."""
    members = job.workspace.memberships.all()
    may = {one.user_id for one in members if one.can(Action.LABEL)}
    people = [one.user for one in job.assignments.select_related("user") if one.user_id in may]
    items = job.items.filter(sample=None, set_aside=None, assigned_to=None).order_by("position")
    if not people:
        return 0
    for i, item in enumerate(items):
        give(item, people[i % len(people)], by=by)
    return len(items)


@transaction.atomic
def take_out(item: Item, *, by: User) -> None:
    """Leave this piece out of the job. What was drawn in it is kept, should it come back."""
    job = item.job.locked()
    if not job.is_open:
        raise Refused(f"{job} is {job.status}: open it again first.")
    if item.set_aside is not None:
        return
    claimed = item.works.filter(status=Work.Status.CLAIMED)
    claimed.update(status=Work.Status.RETURNED, reason="It was taken out of the job.")
    Item.objects.filter(pk=item.pk).update(set_aside=timezone.now(), n_open=0)
    Event.record(job.workspace, by, "took a piece out of a job", job.title)
    job.complete_if_done()


@transaction.atomic
def bring_back(item: Item, *, by: User) -> None:
    """Undo `take_out`: what is not done of it waits again, as it was left."""
    job = item.job.locked()
    if item.set_aside is None:
        return
    if job.status == job.Status.COMPLETE:
        job.reopen(by=by)
    finished = item.works.filter(status__in=Work.FINISHED).count()
    left = max(job.people_per_item - finished, 0)
    Item.objects.filter(pk=item.pk).update(set_aside=None, n_open=left)
    Event.record(job.workspace, by, "brought a piece back into a job", job.title)
