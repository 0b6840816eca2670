from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Task
from analysis.datasets.types import Split as SetSplit
from analysis.types import Box
from webapp import jobs
from webapp.accounts.models import Event, Refused, User
from webapp.assets.models import Asset
from webapp.datasets.logos import FoundLogo
from webapp.erasing import hold
from webapp.leases import Leased, LeasedQuerySet, Piece, Status
from webapp.projects.models import Label, Project
from webapp.runs.models import Worker
from webapp.storage import keep_once
from webapp.stored_files import StoredFile

__all__ = [
    "Annotation",
    "Dataset",
    "DatasetVersion",
    "LogoFile",
    "Refused",
    "Sample",
    "Split",
    "Transfer",
]


class Split(models.TextChoices):
    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class DatasetQuerySet(models.QuerySet["Dataset"]):
    @transaction.atomic
    def begin(
        self, project: Project, name: str, *, task: str = "boxes", by: User | None
    ) -> Dataset:
        """An empty dataset. Raises Refused for a name that is none or is taken."""
        name = self.free_name(project, name)
        dataset = self.create(project=project, name=name, task=task, created_by=by)
        Event.record(project.workspace, by, "made a dataset", name, project=project.name)
        return dataset

    def free_name(self, project: Project, name: str) -> str:
        """The name in one line; call it on the datasets that may not have it. Raises Refused."""
        name = " ".join(name.split())
        if not name:
            raise Refused("A dataset needs a name.")
        if len(name) > 80:
            raise Refused("A dataset's name has 80 letters at most.")
        if self.filter(project=project, name__iexact=name).exists():
            raise Refused(f"There is a dataset called {name} already.")
        return name


class Dataset(models.Model):
    """Pictures and what is known of them. It grows and changes; its versions do not."""

    WORKSPACE = "project__workspace"

    class Task(models.TextChoices):
        BOXES = "boxes", "Boxes"
        CONCEPT = "concept", "Whole pictures"

    project = models.ForeignKey(Project, models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=80)
    task = models.CharField(max_length=7, choices=Task, default=Task.BOXES)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_dataset_a_name")
        ]

    def __str__(self) -> str:
        return self.name

    # --- questions ----------------------------------------------------------------------

    @property
    def is_deleted(self) -> bool:
        """Whether only the record is left of it: which version a model was trained on."""
        return self.project.removed is not None

    def current_labels(self) -> models.QuerySet[Label]:
        return self.project.labels.filter(archived=None)

    def file_name(self, sha256: str, suffix: str) -> str:
        """Where a picture of these bytes is kept in the media storage; `suffix` as ".jpg"."""
        return f"samples/{self.pk}/{sha256[:2]}/{sha256}{suffix}"

    def as_labelled_set(self) -> LabelledSet:
        """All current pictures with what people say of them, for export and for a version.

        Boxes of labels that were removed from the project are left out.
        """
        names = dict(self.current_labels().values_list("pk", "name"))
        samples = self.samples.current().with_video_names().prefetch_related("annotations")
        pictures = tuple(s.as_labelled_picture(names) for s in samples.iterator(chunk_size=2000))
        return LabelledSet(cast(Task, self.task), tuple(names.values()), pictures, self.name)

    # --- verbs --------------------------------------------------------------------------

    @transaction.atomic
    def rename(self, name: str, *, by: User | None) -> None:
        """Raises Refused for a name that is none or is taken."""
        before, others = self.name, Dataset.objects.exclude(pk=self.pk)
        self.name = others.free_name(self.project, name)
        self.save(update_fields=["name"])
        Event.record(self.project.workspace, by, "renamed a dataset", self.name, before=before)

    @transaction.atomic
    def remove(self, *, by: User | None, **about: Any) -> None:
        """Take it and all that is in it out of sight. Call webapp.removal, which looks first
        whether anything speaks against it."""
        about |= {"project": self.project.name}
        Event.record(self.project.workspace, by, "deleted a dataset", self.name, **about)
        self.stop_transfers()
        self.project = Project.grave_for(self.project)
        self.save(update_fields=["project"])

    def stop_transfers(self) -> None:
        for transfer in self.transfers.exclude(status__in=[Status.DONE, Status.FAILED]):
            transfer.cancel()

    @transaction.atomic
    def add_picture(
        self,
        *,
        source: str,
        file: str,
        sha256: str,
        width: int,
        height: int,
        origin: str = "upload",
        **more: Any,
    ) -> Sample:
        """The picture called `source`: a new one, or in place of what had that name.

        `file` is in the media storage already (`file_name` says where such files go). Of the
        same bytes, labels stay; of other bytes, they go, because they were not of this picture.
        `more`: asset, time_s, video, frame, group, phash, thumb, given_split, is_golden,
        uncertainty, state.
        """
        if not (width > 0 and height > 0):
            raise Refused(f"{source} has no size.")
        source = source[-255:]
        values = {"file": file, "sha256": sha256, "width": width, "height": height} | more
        if (asset := more.get("asset")) is not None and asset.kind == Asset.Kind.VIDEO:
            values.setdefault("group", f"asset:{asset.pk}")
        sample, is_new = Sample.objects.select_for_update().get_or_create(
            dataset=self, source=source, defaults=values | {"origin": origin}
        )
        if is_new:
            return sample
        if sample.sha256 != sha256:
            sample.annotations.all().delete()
            values = {
                "state": Sample.State.NEW,
                "labels": [],
                "phash": "",
                "thumb": "",
                "video": "",
                "frame": None,
                "uncertainty": None,
            } | values
        values |= {"origin": origin, "removed": None, "version": sample.version + 1}
        for field, value in values.items():
            setattr(sample, field, value)
        sample.save(update_fields=[*values, "changed"])
        return sample

    @transaction.atomic
    def add_logo(self, label: Label, found: FoundLogo, name: str, *, by: User | None) -> LogoFile:
        """One more logo file of a label to make pictures from. Raises Refused."""
        mine = self.logo_files.filter(label=label)
        if mine.filter(sha256=found.sha256).exists():
            raise Refused(f"{label.name} has this file already.")
        if mine.count() >= LogoFile.MAX_PER_LABEL:
            raise Refused(f"A label holds {LogoFile.MAX_PER_LABEL} logo files at most.")
        file = f"logos/{found.sha256}.{found.extension}"
        hold(file)
        keep_once(file, found.data)
        Event.record(self.project.workspace, by, "added a logo file", f"{name} for {label}")
        return self.logo_files.create(
            label=label,
            name=name[-255:],
            file=file,
            sha256=found.sha256,
            shown="" if found.extension == "svg" else file,
        )

    @transaction.atomic
    def remove_pictures(self, samples: Iterable[int], *, by: User | None) -> datetime | None:
        """Take these out. The time returned brings them back; None: there was nothing to take."""
        now = timezone.now()
        gone = self.samples.current().filter(pk__in=list(samples)).update(removed=now)
        if not gone:
            return None
        Event.record(self.project.workspace, by, "removed pictures", self.name, pictures=gone)
        return now

    @transaction.atomic
    def restore_pictures(self, removed: datetime, *, by: User | None) -> int:
        """Bring back what was removed at that time. Returns how many."""
        back = self.samples.filter(removed=removed).update(removed=None)
        if back:
            Event.record(
                self.project.workspace, by, "brought back pictures", self.name, pictures=back
            )
        return back


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

    `source` names where it comes from (a file's name, "film.mp4@12.480"): what is imported again
    under the same source replaces what was there, and the newest wins.
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

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="samples")
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


class LogoFile(models.Model):
    """A file of a label's logo to make pictures from; SVG too, which references cannot be."""

    MAX_PER_LABEL = 20
    WORKSPACE = "dataset__project__workspace"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="logo_files")
    label = models.ForeignKey(Label, models.CASCADE, related_name="logo_files")
    name = models.CharField(max_length=255)
    file = StoredFile(is_shared=True)
    sha256 = models.CharField(max_length=64)
    shown = StoredFile(is_shared=True, blank=True)  # as a browser can show it
    problem = models.TextField(blank=True)  # why nothing can be made of it; a worker's sentence
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "label", "sha256"], name="same_logo_file_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} for {self.label}"


class DatasetVersionQuerySet(LeasedQuerySet["DatasetVersion"]):
    @transaction.atomic
    def request(
        self,
        dataset: Dataset,
        *,
        recipe: dict[str, Any] | None = None,
        note: str = "",
        by: User | None,
    ) -> DatasetVersion:
        """The next version, for a worker to freeze. `recipe`: analysis.datasets.split.Recipe."""
        labelled = dataset.samples.current().filter(state=Sample.State.LABELLED)
        if not labelled.exists():
            raise Refused("No picture is labelled yet, so there is nothing to freeze.")
        Dataset.objects.select_for_update().get(pk=dataset.pk)  # one number each
        last = dataset.versions.aggregate(models.Max("number"))["number__max"]
        version = self.create(
            dataset=dataset,
            number=(last or 0) + 1,
            recipe=recipe or {},
            note=note[:200],
            created_by=by,
        )
        Event.record(dataset.project.workspace, by, "froze a dataset", str(version))
        jobs.ring(version)
        return version


class DatasetVersion(Leased):
    """A dataset as it was: pictures, labels, split, recipe, hash. Never changes.

    A worker writes `file` (gzipped JSON; see analysis.datasets.version) and `counts` while
    `status` is working; once it is done nothing of it is written again.
    """

    WORKSPACE = "dataset__project__workspace"
    PIECE = Piece("freeze", "batch", "dataset versions")

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    # {"seed": 0, "train": 0.8, "val": 0.1, "test": 0.1, "near": 6, "synthetic": true, …}
    recipe = models.JSONField(default=dict)
    file = StoredFile(blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    counts = models.JSONField(default=dict, blank=True)  # analysis.datasets.statistics
    note = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = DatasetVersionQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "number"], name="one_dataset_version_a_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"

    @property
    def is_deleted(self) -> bool:
        return self.dataset.is_deleted

    @property
    def is_frozen(self) -> bool:
        return self.status == Status.DONE

    def waiting_because(self) -> str:
        return batch_says(self)


class TransferQuerySet(LeasedQuerySet["Transfer"]):
    @transaction.atomic
    def request(
        self,
        dataset: Dataset,
        kind: str,
        *,
        options: dict[str, Any],
        file: str = "",
        by: User | None,
    ) -> Transfer:
        """Long work over a dataset, for a worker to do (workers/datasets.py)."""
        transfer = self.create(
            dataset=dataset, kind=kind, options=options, file=file, created_by=by
        )
        words: dict[str, str] = {
            Transfer.Kind.IMPORT: "began an import into",
            Transfer.Kind.EXPORT: "exported",
            Transfer.Kind.FRAMES: "added pictures to",
            Transfer.Kind.SYNTHESIS: "began to synthesise pictures for",
        }
        if not options.get("preview"):
            Event.record(dataset.project.workspace, by, words[transfer.kind], dataset.name)
        jobs.ring(transfer)
        return transfer

    def forget_old_files(self) -> int:
        """Delete uploads that came in, and what else ended a week ago. Returns how many files.

        Reports stay. An upload is deleted only here, when its import is known to be done: a
        worker that dies at the very end finds it still, and begins anew.
        """
        came_in = self.filter(kind="import", status=Status.DONE, options__step="import")
        files = set(came_in.exclude(file="").values_list("file", flat=True)[:100])
        for file in files:
            default_storage.delete(file)
            self.filter(file=file).update(file="")
        over = self.filter(status__in=[Status.DONE, Status.FAILED]).exclude(file="")
        old = over.filter(finished__lt=timezone.now() - Transfer.FILE_KEPT)
        rows = list(old[:100])
        for row in rows:
            if not self.filter(file=row.file).exclude(pk=row.pk).exists():
                default_storage.delete(row.file)
            self.filter(pk=row.pk).update(file="")
        return len(files) + len(rows)


class Transfer(Leased):
    """An import into a dataset, an export out of it, or a batch of synthesised pictures.

    One row for each piece of long work over a dataset, with its progress and its report.
    """

    WORKSPACE = "dataset__project__workspace"
    CANCELLED = "Cancelled."
    FILE_KEPT = timedelta(days=7)  # after the end of the work
    PIECE = Piece(
        "transfer",
        "batch",
        "imports, exports and made pictures",
        soon=Q(kind="synthesis", options__preview=True),  # a glance takes a moment
        what_soon="previews of made pictures",
    )

    class Kind(models.TextChoices):
        IMPORT = "import"
        EXPORT = "export"
        FRAMES = "frames"  # cut pictures out of videos
        SYNTHESIS = "synthesis"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="transfers")
    kind = models.CharField(max_length=9, choices=Kind)
    options = models.JSONField(default=dict)  # the format, the files, the recipe
    file = StoredFile(is_shared=True, blank=True)  # what came in, or what goes out
    progress = models.FloatField(default=0)  # 0 to 1
    report: Any = models.JSONField(default=dict, blank=True)  # what was kept and what was lost
    is_cancelled = models.BooleanField(default=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = TransferQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.kind} of {self.dataset}"

    @property
    def is_over(self) -> bool:
        return self.status in (Status.DONE, Status.FAILED)

    @property
    def is_kept(self) -> bool:
        """Whether the file of an export can still be downloaded."""
        is_young = self.finished is not None and self.finished > timezone.now() - self.FILE_KEPT
        is_ready = self.kind == self.Kind.EXPORT and self.status == Status.DONE
        return is_ready and bool(self.file) and is_young

    @property
    def file_name(self) -> str:
        """What an export is called where it is saved."""
        stem = f"{self.dataset.project.name} {self.dataset.name} {self.options['format']}"
        return re.sub(r"[^\w-]+", "-", stem).strip("-") + ".zip"

    @property
    def title(self) -> str:
        """What it does, in words."""
        if self.kind == self.Kind.FRAMES:
            is_pictures = self.options.get("how") == "pictures"
            return "Adding pictures" if is_pictures else "Taking frames"
        if self.kind == self.Kind.SYNTHESIS:
            return f"Making {self.options.get('count', '')} pictures"
        return "Import" if self.kind == self.Kind.IMPORT else "Export"

    def waiting_because(self) -> str:
        return batch_says(self)


def batch_says(row: Leased) -> str:
    """Why long work has not begun, or "" when it has."""
    if row.status != Status.WAITING:
        return ""
    if not Worker.objects.serving("batch").exists():
        return "waits, and no worker serves the queue batch: start one with make serve"
    return "waits for its turn"
