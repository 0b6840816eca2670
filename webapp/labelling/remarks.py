"""What a reviewer says about a place of a labelled picture, and what its labeller made of it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from analysis.labelling import interpolation
from webapp.accounts.models import Refused, User
from webapp.labelling import documents
from webapp.labelling.documents import BadChange
from webapp.labelling.works import Work

LONGEST = 1000
MOST = 200


class RemarkQuerySet(models.QuerySet["Remark"]):
    def standing(self) -> RemarkQuerySet:
        return self.filter(deleted=None)

    def say(self, work: Work, body: dict[str, Any], *, by: User) -> Remark:
        """One more remark: on a box, a place, or with neither on the whole picture.

        body: {"text", "shape"?, "at"?: [x, y], "frame"?}. Raises BadChange, Refused.
        """
        if self.filter(work=work).standing().count() >= MOST:
            raise Refused(f"A picture or clip holds {MOST} remarks at most.")
        frame = body.get("frame") or 0
        n_frames = max(len(work.item.times_s), 1)
        if isinstance(frame, bool) or not isinstance(frame, int) or not 0 <= frame < n_frames:
            raise BadChange(f"The frames go from 0 to {n_frames - 1}.")
        shape = body.get("shape") or ""
        remark = Remark(work=work, by=by, frame=frame, text=read_text(body.get("text")))
        if shape:
            remark._pin_to(shape)
        elif body.get("at") is not None:
            remark.place = _read_place(body["at"])
        remark.save()
        return remark


class Remark(models.Model):
    """`place` is [x1, y1, x2, y2] of the box when it was said, or [x, y]; fractions of the picture.
    It stays when the box is moved, deleted, or its label removed: so does `about`, its name."""

    WORKSPACE = "work__item__job__dataset__project__workspace"

    work = models.ForeignKey(Work, models.CASCADE, related_name="remarks")
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    text = models.CharField(max_length=LONGEST)
    shape = models.CharField(max_length=40, blank=True)
    about = models.CharField(max_length=60, blank=True)
    place = models.JSONField(default=list, blank=True)
    frame = models.PositiveIntegerField(default=0)
    answer = models.CharField(max_length=LONGEST, blank=True)  # of who resolved it
    resolved = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    deleted = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects = RemarkQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.text[:60]

    def _pin_to(self, name: Any) -> None:
        shape = documents.complete(self.work.document)["shapes"].get(name)
        if shape is None:
            raise Refused("This box is gone: say it about the place or the whole picture.")
        label = self.work.job.dataset.project.labels.filter(pk=shape["label"]).first()
        self.shape, self.about = name, label.name if label else "a removed label"
        if "keys" in shape:
            placed = interpolation.at(shape["keys"], self.frame)
            self.place = list(placed.box) if placed else []
        else:
            self.place = shape.get("box", [])

    def resolve(self, done: bool, *, answer: str = "", by: User) -> None:
        """Say that it is seen to, with an answer or without; or take that back."""
        self.resolved = timezone.now() if done else None
        self.resolved_by = by if done else None
        self.answer = answer[:LONGEST] if done else ""
        self.save(update_fields=["resolved", "resolved_by", "answer"])

    def delete_it(self, deleted: bool, *, by: User) -> None:
        if self.by_id != by.pk:
            raise Refused("Only who said it can take it back.")
        self.deleted = timezone.now() if deleted else None
        self.save(update_fields=["deleted"])

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.pk,
            "text": self.text,
            "by": str(self.by or "somebody who left"),
            "by_id": self.by_id,
            "at": self.created.isoformat(),
            "shape": self.shape,
            "about": self.about,
            "place": self.place,
            "frame": self.frame,
            "resolved": self.resolved is not None,
            "resolved_by": str(self.resolved_by or "") if self.resolved else "",
            "answer": self.answer,
        }


def read_text(text: Any) -> str:
    """What somebody wrote, tidied. Raises BadChange."""
    said = " ".join(text.split()) if isinstance(text, str) else ""
    if not said:
        raise BadChange("Write what is wrong, in a few words.")
    if len(said) > LONGEST:
        raise BadChange(f"A remark has {LONGEST:,} letters at most.")
    if not said.isprintable():
        raise BadChange("A remark is made of letters that can be read.")
    return said


def _read_place(at: Any) -> list[float]:
    is_pair = isinstance(at, list) and len(at) == 2 and all(map(documents.is_number, at))
    if not is_pair or not all(0 <= side <= 1 for side in at):
        raise BadChange("A place is [x, y], each from 0 to 1 of the picture.")
    return [round(float(side), 6) for side in at]
