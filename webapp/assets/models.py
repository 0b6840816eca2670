from __future__ import annotations

import uuid
from pathlib import PurePath
from typing import Any, Self

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.utils import timezone

from webapp import jobs
from webapp.accounts.models import Event, User, Workspace
from webapp.leases import Leased, LeasedQuerySet, Status


class Collection(models.Model):
    """A folder of the library."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="collections")
    name = models.CharField(max_length=120)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="one_collection_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class AssetQuerySet(LeasedQuerySet):
    @transaction.atomic
    def receive(
        self,
        workspace: Workspace,
        *,
        name: str,
        sha256: str,
        size_bytes: int,
        file: str,
        by: User | None,
        collection: Collection | None = None,
    ) -> tuple[Asset, bool]:
        """The asset for these bytes, and whether it is new. The same bytes are stored once."""
        asset, is_new = self.get_or_create(
            workspace=workspace,
            sha256=sha256,
            defaults={
                "name": name,
                "size_bytes": size_bytes,
                "file": file,
                "created_by": by,
                "collection": collection,
            },
        )
        if is_new:
            Event.record(workspace, by, "uploaded", name)
            jobs.ingest(asset.pk)
        return asset, is_new

    def ready(self) -> Self:
        return self.filter(status=Status.DONE)


class Asset(Leased):
    """One uploaded media file and what is known of it. `status` is that of its ingestion."""

    class Kind(models.TextChoices):
        VIDEO = "video"
        IMAGE = "image"
        AUDIO = "audio"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="assets")
    collection = models.ForeignKey(
        Collection, models.SET_NULL, null=True, blank=True, related_name="assets"
    )
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    file = models.CharField(max_length=200, help_text="Name in the media storage.")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    # Known once it is ingested; the rest of the probe is in `probe` (analysis.types.MediaInfo).
    kind = models.CharField(max_length=5, choices=Kind, blank=True)
    duration_s = models.FloatField(default=0)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    is_partial = models.BooleanField(default=False)
    probe = models.JSONField(default=dict, blank=True)
    step = models.CharField(max_length=40, blank=True)
    progress = models.FloatField(default=0)

    objects = AssetQuerySet.as_manager()

    class Meta:
        ordering = ["-created"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "sha256"], name="same_bytes_once")
        ]
        indexes = [
            # the library, newest first
            models.Index(fields=["workspace", "-created"], name="asset_library"),
            # is this file still somebody's, before it is deleted
            models.Index(fields=["file"], name="asset_file"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_ready(self) -> bool:
        return self.status == Status.DONE

    @property
    def stem(self) -> str:
        return PurePath(self.name).stem

    def rendition(self, recipe: str) -> Rendition | None:
        return self.renditions.filter(recipe=recipe, status=Status.DONE).first()

    def retry(self) -> None:
        """Ingest again after a failure."""
        failed = type(self).objects.filter(pk=self.pk, status=Status.FAILED)
        if failed.update(status=Status.WAITING, attempt=0, error=""):
            jobs.ingest(self.pk)

    def remove(self, *, by: User | None) -> None:
        """Delete the asset and what hangs on it; the bytes go when no other asset has them."""
        names = list(self.renditions.exclude(file="").values_list("file", flat=True))
        names += [name for run in self.runs.all() for name in run.files()]
        with transaction.atomic():
            Event.record(self.workspace, by, "deleted", self.name, sha256=self.sha256)
            self.delete()
            if not Asset.objects.filter(file=self.file).exists():
                names.append(self.file)
            transaction.on_commit(lambda: [default_storage.delete(name) for name in names])


class Rendition(Leased):
    """A file derived from an asset by a recipe. Safe to delete: it can be made again.

    Recipes: `poster`, `strip`, `waveform`, `proxy`, `frame_table`, `frame@SECONDS`.
    """

    WORKSPACE = "asset__workspace"

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="renditions")
    recipe = models.CharField(max_length=60)
    file = models.CharField(max_length=200, blank=True)
    data = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "recipe"], name="one_rendition_a_recipe")
        ]

    def __str__(self) -> str:
        return f"{self.recipe} of {self.asset}"

    @classmethod
    def keep(cls, asset: Asset, recipe: str, file: str, **data: Any) -> Rendition:
        """Record a finished rendition, replacing an earlier one of the recipe."""
        rendition, _ = cls.objects.update_or_create(
            asset=asset,
            recipe=recipe,
            defaults={
                "file": file,
                "data": data,
                "status": Status.DONE,
                "finished": timezone.now(),
                "error": "",
            },
        )
        return rendition


class Upload(models.Model):
    """A file on its way in, by the tus protocol: its bytes so far are in UPLOAD_DIR/<id>."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="uploads")
    user = models.ForeignKey(User, models.CASCADE, related_name="uploads")
    collection = models.ForeignKey(Collection, models.SET_NULL, null=True, blank=True)
    name = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField()
    received_bytes = models.BigIntegerField(default=0)
    asset = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="+")
    is_duplicate = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)
    touched = models.DateTimeField(auto_now=True)

    class Meta:
        # abandoned uploads are swept by age
        indexes = [models.Index(fields=["touched"], name="upload_touched")]

    def __str__(self) -> str:
        return self.name
