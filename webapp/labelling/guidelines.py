"""What counts as a label: in words and in pictures, beside whoever labels or reviews."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User
from webapp.assets.links import media_link
from webapp.erasing import hold
from webapp.projects.models import Label
from webapp.projects.pictures import Picture
from webapp.storage import keep_once
from webapp.stored_files import StoredFile

LONGEST = 4000
MOST_PICTURES = 8


class Guideline(models.Model):
    """What counts as a label, in plain paragraphs. A change makes a new one; the last one holds."""

    WORKSPACE = "label__project__workspace"

    label = models.ForeignKey(Label, models.CASCADE, related_name="guidelines")
    text = models.TextField(max_length=LONGEST, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.label}: {self.text[:60]}"


class GuidePicture(models.Model):
    """An example of what is the label (`is_right`), or of what is not."""

    WORKSPACE = "label__project__workspace"

    label = models.ForeignKey(Label, models.CASCADE, related_name="guide_pictures")
    file = StoredFile(is_shared=True)
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    is_right = models.BooleanField(default=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    removed = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-is_right", "pk"]

    def __str__(self) -> str:
        return f"{'like this' if self.is_right else 'not like this'}: {self.label}"

    @property
    def link(self) -> str:
        return media_link(self.file)

    def set_removed(self, removed: bool, *, by: User) -> None:
        if not removed:
            _refuse_one_more(self.label)
        self.removed = timezone.now() if removed else None
        self.save(update_fields=["removed"])
        what = "removed an example of a label" if removed else "brought back an example of a label"
        Event.record(self.label.project.workspace, by, what, str(self))


@transaction.atomic
def write(label: Label, text: str, *, by: User) -> Guideline | None:
    """Say what counts. None: it says so already. Raises Refused for what is too long."""
    text = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip().split("\n"))
    if len(text) > LONGEST:
        raise Refused(f"A guideline has {LONGEST:,} letters at most; this has {len(text):,}.")
    if "\0" in text:
        raise Refused("A guideline is made of letters that can be read.")
    last = label.guidelines.first()
    if text == (last.text if last else ""):
        return None
    Event.record(label.project.workspace, by, "changed a guideline", label.name)
    return Guideline.objects.create(label=label, text=text, by=by)


@transaction.atomic
def add_picture(label: Label, picture: Picture, *, is_right: bool, by: User) -> GuidePicture:
    """One more example. Raises Refused where it is there already, or there are enough."""
    _refuse_one_more(label)
    if label.guide_pictures.filter(sha256=picture.sha256, removed=None).exists():
        raise Refused(f"{label} has this example already.")
    file = f"references/{picture.sha256}.{picture.extension}"
    hold(file)
    keep_once(file, picture.data)
    Event.record(label.project.workspace, by, "added an example of a label", label.name)
    return GuidePicture.objects.create(
        label=label, file=file, sha256=picture.sha256, width=picture.width,
        height=picture.height, is_right=is_right, by=by,
    )  # fmt: skip


def _refuse_one_more(label: Label) -> None:
    if label.guide_pictures.filter(removed=None).count() >= MOST_PICTURES:
        raise Refused(f"A label has {MOST_PICTURES} examples at most.")


def of_labels(labels: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The guideline of each of these labels that has one, for its page."""
    wanted = list(labels)
    found: dict[int, dict[str, Any]] = {}
    for row in Guideline.objects.filter(label__in=wanted).select_related("by").order_by("pk"):
        found[row.label_id] = {
            "number": row.pk,
            "text": row.text,
            "changed": row.created.isoformat(),
            "by": str(row.by or "somebody who left"),
            "pictures": [],
        }
    nothing = {"number": 0, "text": "", "changed": None, "by": ""}
    for one in GuidePicture.objects.filter(label__in=wanted, removed=None):
        about = found.setdefault(one.label_id, nothing | {"pictures": []})
        about["pictures"].append({"url": one.link, "is_right": one.is_right})
    return {pk: about for pk, about in found.items() if about["text"] or about["pictures"]}
