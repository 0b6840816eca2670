"""“This box is right”, “it is none”, “it is another brand”: what a person says of single boxes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from analysis.exposure import corrections as arithmetic
from analysis.exposure.columns import clock
from analysis.types import Box
from webapp.accounts.models import Event, Refused, User
from webapp.assets.models import Asset
from webapp.projects.models import Label
from webapp.reviewing.changes import Changes
from webapp.reviewing.corrections import seen_otherwise
from webapp.runs.boxes import Box as FoundBox
from webapp.runs.run import Run


class VerdictQuerySet(models.QuerySet["Verdict"]):
    def standing(self) -> VerdictQuerySet:
        """Those that were not taken back."""
        return self.filter(undone=None)

    def about(self, asset: Asset, labels: Iterable[int]) -> VerdictQuerySet:
        """What holds of some labels in an asset."""
        among = list(labels)
        meant = Q(label__in=among) | Q(actually__in=among)
        return self.standing().filter(meant, asset=asset)

    def of(self, asset: Asset, labels: Iterable[int]) -> list[Verdict]:
        """The same, in the order in which it was said."""
        return list(self.about(asset, labels).select_related("label", "actually").order_by("pk"))

    @transaction.atomic
    def say(
        self, run: Run, box: FoundBox, *, by: User, actually: Label | None, of_track: bool
    ) -> Verdict:
        """What a box of a run is, as this person says: a label, or none. Raises Refused.

        of_track: said of its whole track, in whichever analysis of the film.
        """
        label = Label.objects.filter(pk=box.label).first()
        if label is None:
            raise Refused("The label of this box was deleted, so nothing counts of it.")
        if actually is not None and actually.project_id != label.project_id:
            raise Refused(f"{actually} is not a label of {label.project}.")
        track = run.tracks.filter(pk=box.track).first() if of_track and box.track else None
        made: Verdict = self.create(
            asset=run.asset,
            label=label,
            time_s=box.time_s,
            box=box.box,
            actually=actually,
            start_s=track.start_s if track else None,
            end_s=track.end_s if track else None,
            by=by,
        )
        _record(made, run, "said what a box is")
        seen_otherwise.send(Verdict, assets=[run.asset_id])
        return made

    @transaction.atomic
    def draw(self, run: Run, label: Label, time_s: float, box: Box, *, by: User) -> Verdict:
        """A box that was missed, in one frame. Raises Refused."""
        if not (0 <= box.x1 < box.x2 <= 1 and 0 <= box.y1 < box.y2 <= 1):
            raise Refused("The box lies outside the frame.")
        about = {"label": label, "actually": label, "box": list(box), "is_drawn": True}
        made: Verdict = self.create(asset=run.asset, time_s=time_s, by=by, **about)
        _record(made, run, "drew a box that was missed")
        seen_otherwise.send(Verdict, assets=[run.asset_id])
        return made

    @transaction.atomic
    def keep(self, verdicts: Iterable[Verdict]) -> list[Verdict]:
        """Store new ones at once. Whoever calls tells `seen_otherwise` of them."""
        made: list[Any] = list(verdicts)
        self.bulk_create(made)
        Changes.note(one.asset_id for one in made)
        return made

    def take_back(self) -> int:
        """Let what was found count again. Returns how many."""
        with transaction.atomic():
            rows = self.standing()
            about = list(rows.values_list("asset", flat=True))
            n = rows.update(undone=timezone.now())
            Changes.note(about)
            if n:
                seen_otherwise.send(Verdict, assets=sorted(set(about)))
        return n


class Verdict(models.Model):
    """What a person says of one box of a frame, or of its whole track. See
    `analysis.exposure.corrections.Verdict`, whose words these are."""

    WORKSPACE = "asset__workspace"

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="verdicts")
    label = models.ForeignKey(Label, models.CASCADE, related_name="verdicts")
    time_s = models.FloatField()
    box: Any = models.JSONField()  # xyxy fractions of the frame
    # the label that it is, or none; where it is deleted, what was said of it goes too
    actually = models.ForeignKey(Label, models.CASCADE, null=True, blank=True, related_name="+")
    moved_to: Any = models.JSONField(null=True, blank=True)
    is_drawn = models.BooleanField(default=False)
    start_s = models.FloatField(null=True, blank=True)  # of its track, where all of it is meant
    end_s = models.FloatField(null=True, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[Any] = VerdictQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["asset", "undone"], name="verdicts_standing")]

    def __str__(self) -> str:
        return f"a {self.kind} box at {self.time_s:.2f} s"

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        Changes.note([self.asset_id])

    @property
    def sentence(self) -> str:
        """ "Kestrel at 0:05.0 is not there", of its whole track where that is meant."""
        when = f"{self.label} at {clock(self.time_s)}"
        of = ", and in its whole track" if self.start_s is not None else ""
        said = {
            "drawn": f"{when} was missed and is there",
            "rejected": f"{when} is not there{of}",
            "confirmed": f"{when} is there{of}",
            "renamed": f"{when} is {self.actually}{of}",
        }
        return said[self.kind]

    @transaction.atomic
    def undo(self, *, by: User) -> bool:
        """Let what was found count again. False: it was taken back already."""
        is_back = bool(Verdict.objects.filter(pk=self.pk).take_back())
        if is_back:
            about = {"verdict": self.sentence}
            Event.record(
                self.asset.workspace, by, "took back what a box is", str(self.asset), **about
            )
        return is_back

    @property
    def kind(self) -> str:
        """confirmed, rejected, renamed or drawn."""
        if self.is_drawn:
            return "drawn"
        if self.actually_id is None:
            return "rejected"
        return "confirmed" if self.actually_id == self.label_id else "renamed"

    @property
    def as_arithmetic(self) -> arithmetic.Verdict:
        lasts = None
        if self.start_s is not None and self.end_s is not None:
            lasts = (self.start_s, self.end_s)
        return arithmetic.Verdict(
            self.label_id,
            self.time_s,
            Box(*self.box),
            self.actually_id,
            Box(*self.moved_to) if self.moved_to else None,
            self.is_drawn,
            lasts,
        )


def _record(verdict: Verdict, run: Run, what: str) -> None:
    about = {"verdict": verdict.sentence, "run": run.pk}
    Event.record(run.asset.workspace, verdict.by, what, str(run.asset), **about)
