"""The pictures of a dataset, and what is said to be on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from analysis.datasets.types import LabelledBox, LabelledPicture
from analysis.datasets.types import Split as SetSplit
from analysis.types import Box
from webapp.accounts.models import Refused, User
from webapp.assets.models import Asset
from webapp.projects.models import Label, Project
from webapp.stored_files import StoredFile


class Split(models.TextChoices):
    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class SampleQuerySet(models.QuerySet["Sample"]):
    def current(self) -> SampleQuerySet:
        return self.filter(removed=None)

    def with_video_names(self) -> SampleQuerySet:
        """With what their videos are called, and not all else that is known of these."""
        own = [column.name for column in Sample._meta.concrete_fields]
        return self.select_related("asset").only(*own, "asset__name")

    def without_thumb(self) -> SampleQuerySet:
        """Large pictures of which no small copy was made."""
        is_large = Q(width__gt=Sample.LARGE) | Q(height__gt=Sample.LARGE)
        return self.filter(is_large, thumb="")


class Sample(models.Model):
    """One picture of a dataset: uploaded, cut from a video, imported or synthesised.

    `source` names where it comes from (a file's name, "film.mp4@12.480"). What is imported again
    with the same pixels is this sample, and its newest labels win; workers.datasets.matching.
    """

    WORKSPACE = "dataset__project__workspace"
    LARGE = 960  # pixels of the longer side: too much for a gallery

    class Origin(models.TextChoices):
        UPLOAD = "upload"
        FRAME = "frame"
        IMPORT = "import"
        SYNTHETIC = "synthetic"  # never in a test split
        REVIEW = "review"

    class State(models.TextChoices):
        NEW = "new"
        LABELLED = "labelled"  # also when nothing is on it
        SKIPPED = "skipped"

    dataset = models.ForeignKey("datasets.Dataset", models.CASCADE, related_name="samples")
    source = models.CharField(max_length=255)
    file = StoredFile(is_shared=True, help_text="Name in the media storage.")
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    asset = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="samples")
    time_s = models.FloatField(null=True, blank=True)  # of a frame of a video
    video = models.CharField(max_length=255, blank=True)  # its name, where no asset says it
    frame = models.PositiveIntegerField(null=True, blank=True)  # which of the video's frames
    origin = models.CharField(max_length=9, choices=Origin, default=Origin.UPLOAD)
    state = models.CharField(max_length=8, choices=State, default=State.NEW)
    labels = models.JSONField(default=list, blank=True)  # of the whole picture: ids of labels
    # What may not be torn apart by a split: "asset:12", or the first of its near-duplicates.
    group = models.CharField(max_length=64, blank=True)
    thumb = StoredFile(is_shared=True, blank=True)  # a small JPEG, where one was made
    phash = models.CharField(max_length=16, blank=True)  # analysis.near_duplicates; a worker's work
    given_split = models.CharField(max_length=5, choices=Split, blank=True)
    is_golden = models.BooleanField(default=False)  # always test, never training
    uncertainty = models.FloatField(null=True, blank=True)  # by the detector in use, 0 to 1
    version = models.PositiveIntegerField(default=1)
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    removed = models.DateTimeField(null=True, blank=True)

    objects = SampleQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "source"], name="one_sample_a_source")
        ]
        indexes = [models.Index(fields=["dataset", "state"], name="sample_state")]

    def __str__(self) -> str:
        return self.source

    @property
    def wants_thumb(self) -> bool:
        return not self.thumb and max(self.width, self.height) > self.LARGE

    @property
    def video_name(self) -> str:
        """The video that it is a frame of; "" for a picture."""
        return self.asset.name if self.asset and self.time_s is not None else self.video

    def as_labelled_picture(self, names: dict[int, str]) -> LabelledPicture:
        """`names` says what the ids of labels are called; others are left out."""
        boxes = tuple(
            LabelledBox(names[a.label_id], Box(*a.box), a.occluded, a.track)
            for a in self.annotations.all()
            if a.label_id in names
        )
        return LabelledPicture(
            source=self.source,
            width=self.width,
            height=self.height,
            boxes=boxes,
            labels=tuple(names[pk] for pk in self.labels if pk in names),
            is_labelled=self.state == self.State.LABELLED,
            split=cast(SetSplit, self.given_split) if self.given_split else None,
            group=self.group,
            is_synthetic=self.origin == self.Origin.SYNTHETIC,
            is_golden=self.is_golden,
            file=self.file,
            sha256=self.sha256,
            video=self.video_name,
            time_s=self.time_s,
            frame=self.frame,
            changed=self.changed.isoformat(),
        )

    @transaction.atomic
    def annotate(
        self,
        boxes: Iterable[LabelledBox],
        *,
        by: User | None,
        source: str = "person",
        labels: dict[str, Label] | None = None,
    ) -> None:
        """Say what is on the picture, in place of what was said. No boxes: nothing is on it.

        Boxes are cut to the picture and said once. `labels` spares the query where many pictures
        are annotated: labels by folded name. Raises Refused for a label the project does not
        have, and for a box without an area.
        """
        known = labels_by_word(self.dataset.project) if labels is None else labels
        rows: dict[tuple, Annotation] = {}
        for said in boxes:
            label = known.get(said.label.casefold())
            if label is None:
                raise Refused(f"There is no label called {said.label} in this project.")
            x1, y1, x2, y2 = (min(max(float(v), 0.0), 1.0) for v in said.box)
            if not (x1 < x2 and y1 < y2):
                raise Refused(f"A box of {said.label} on {self.source} has no area.")
            rows[label.pk, x1, y1, x2, y2, said.track] = Annotation(
                sample=self,
                label=label,
                x1=x1,
                y1=y1,
                x2=x2,
                y2=y2,
                occluded=said.occluded,
                track=said.track,
                source=source,
                by=by,
            )
        self.annotations.all().delete()
        Annotation.objects.bulk_create(rows.values())
        self._say(state=self.State.LABELLED)

    @transaction.atomic
    def set_labels(
        self,
        names: Iterable[str],
        *,
        by: User | None,
        labels: dict[str, Label] | None = None,
    ) -> None:
        """Say what the whole picture shows, in place of what was said. Raises Refused."""
        known = labels_by_word(self.dataset.project) if labels is None else labels
        ids = []
        for name in names:
            if (label := known.get(name.casefold())) is None:
                raise Refused(f"There is no label called {name} in this project.")
            ids.append(label.pk)
        self._say(state=self.State.LABELLED, labels=list(dict.fromkeys(ids)))

    def skip(self) -> None:
        self._say(state=self.State.SKIPPED)

    def said(self) -> dict[str, Any]:
        """What is known of it, to be said again by `say_again`."""
        columns = ("label_id", "x1", "y1", "x2", "y2", "occluded", "track", "source", "by_id")
        boxes = list(self.annotations.values(*columns))
        return {"state": self.state, "labels": self.labels, "boxes": boxes}

    @transaction.atomic
    def say_again(self, said: dict[str, Any]) -> None:
        """Say what it said once, without labels and people that are gone."""
        labels = set(self.dataset.project.labels.values_list("pk", flat=True))
        boxes = [box for box in said["boxes"] if box["label_id"] in labels]
        people = {None, *User.objects.in_bulk({box["by_id"] for box in boxes} - {None})}
        self.annotations.all().delete()
        Annotation.objects.bulk_create(
            Annotation(sample=self, **box | ({} if box["by_id"] in people else {"by_id": None}))
            for box in boxes
        )
        self._say(state=said["state"], labels=[pk for pk in said["labels"] if pk in labels])

    def _say(self, **values: Any) -> None:
        """Write `values` as one more version of what is known."""
        now = timezone.now()
        Sample.objects.filter(pk=self.pk).update(**values, version=F("version") + 1, changed=now)
        self.refresh_from_db(fields=[*values, "version", "changed"])


def labels_by_word(project: Project) -> dict[str, Label]:
    """The project's labels by folded name, and by alias where no label has that name."""
    labels = list(project.labels.filter(archived=None))
    aliases = {word: label for label in reversed(labels) for word in label.words()}
    return aliases | {label.name.casefold(): label for label in labels}


class Annotation(models.Model):
    """A box that stands for the truth: drawn or accepted by a person, imported, synthesised."""

    WORKSPACE = "sample__dataset__project__workspace"

    class Source(models.TextChoices):
        PERSON = "person"
        IMPORT = "import"
        SYNTHETIC = "synthetic"

    sample = models.ForeignKey(Sample, models.CASCADE, related_name="annotations")
    label = models.ForeignKey(Label, models.PROTECT, related_name="annotations")
    x1 = models.FloatField()  # fractions of the displayed picture
    y1 = models.FloatField()
    x2 = models.FloatField()
    y2 = models.FloatField()
    occluded = models.BooleanField(default=False)
    track = models.PositiveIntegerField(null=True, blank=True)
    source = models.CharField(max_length=9, choices=Source, default=Source.PERSON)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.label} on {self.sample}"

    @property
    def box(self) -> tuple[float, float, float, float]:
        return self.x1, self.y1, self.x2, self.y2
