"""Pictures and what is known of them, as one thing with a name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from django.db import models, transaction
from django.utils import timezone

from analysis.datasets.types import LabelledSet, Task
from webapp.accounts.models import Event, Refused, User
from webapp.assets.models import Asset
from webapp.datasets.logos import FoundLogo, LogoFile
from webapp.datasets.samples import Sample
from webapp.erasing import hold
from webapp.leases import UNFINISHED, Status
from webapp.projects.models import Label, Project
from webapp.storage import keep_once


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

    def jobs_being_written(self) -> list[str]:
        """Labelling jobs that are over and of which a worker still writes down what was found."""
        of_worker = {"chores__kind": "completion", "chores__status__in": UNFINISHED}
        return [str(job) for job in self.jobs.filter(**of_worker).order_by("pk")]

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
        What an asset shows stays as it is, however it was packed this time.
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
        if sample.sha256 != sha256 and not sample.removed and asset and sample.asset_id == asset.pk:
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
