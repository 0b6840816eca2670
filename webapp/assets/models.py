from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, date, timedelta
from pathlib import PurePath
from typing import Any, Self

from django.core.files.storage import default_storage
from django.db import models, transaction
from django.utils import timezone

from webapp import erasing, jobs
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.leases import Leased, LeasedQuerySet, Piece, Status, about_left_s
from webapp.stored_files import StoredFile

# The page offers to undo for 10 seconds; the rest is for slow lines.
ERASE_AFTER = timedelta(seconds=30)
# Apps that know of work which an asset may not be taken from add a function here: sentences.
REFUSALS: list[Callable[[Asset], list[str]]] = []
# Apps that keep pictures of an asset in rows which are not its own add a function here: it erases
# them, calling its second argument between pieces.
ERASING: list[Callable[[Asset, Callable[[], None]], None]] = []


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


class AssetQuerySet(LeasedQuerySet["Asset"]):
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
        """The asset for these bytes, and whether it is new. The same bytes are stored once.

        Without `file` a worker puts them into the storage, and where `sha256` is not known yet it
        finds out: then the asset may turn out to be another one. With it, look afterwards whether
        it is there: its last owner may have been erased just before.
        """
        erasing.hold(file)
        about = {
            "name": name,
            "size_bytes": size_bytes,
            "file": file,
            "created_by": by,
            "collection": collection,
        }
        if sha256:
            asset, is_new = Asset.everything.get_or_create(
                workspace=workspace, sha256=sha256, defaults=about
            )
        else:
            asset, is_new = Asset.everything.create(workspace=workspace, **about), True
        if is_new:
            Event.record(workspace, by, "uploaded", name)
            jobs.ring(asset)
        asset.restore(by=by)  # deleted a moment ago, and sent again
        return asset, is_new

    def standing_for(self, pk: int) -> int:
        """The id of the asset that an id stands for: another one's, where an upload turned out to
        bring bytes that were there already."""
        led = Upload.objects.filter(began_as=pk).values_list("asset_id", flat=True)
        return led.first() or pk

    def ready(self) -> Self:
        return self.filter(status=Status.DONE)

    def with_frames(self) -> Self:
        """Films and pictures, in which brands can be seen; not sound, and not the sky."""
        return self.filter(kind__in=(Asset.Kind.VIDEO, Asset.Kind.IMAGE))


_LibraryManager = models.Manager.from_queryset(AssetQuerySet)


class LibraryManager(_LibraryManager["Asset"]):
    """The assets a person can see: all but those that were deleted and wait to be erased."""

    def get_queryset(self) -> AssetQuerySet:
        return AssetQuerySet(self.model, using=self._db).filter(removed=None)


class Asset(Leased):
    """One uploaded media file and what is known of it. `status` is that of its ingestion.

    `file` is empty while it arrives: its bytes are where its upload left them, for the worker that
    ingests it, and `sha256` may not be known yet.
    """

    PIECE = Piece("ingest", "ingest", "uploads")

    class Kind(models.TextChoices):
        VIDEO = "video"
        IMAGE = "image"
        AUDIO = "audio"
        SKY = "sky", "Sky exposure"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="assets")
    collection = models.ForeignKey(
        Collection, models.SET_NULL, null=True, blank=True, related_name="assets"
    )
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.BigIntegerField()
    file = StoredFile(blank=True, is_shared=True, help_text="Name in the media storage.")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    # of a film: the day on which it was shown, where it was shown; None: nobody said
    shown_on = models.DateField(null=True, blank=True)

    # Known once it is ingested; the rest of the probe is in `probe` (analysis.types.MediaInfo).
    kind = models.CharField(max_length=5, choices=Kind, blank=True)
    duration_s = models.FloatField(default=0)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    is_partial = models.BooleanField(default=False)
    probe = models.JSONField(default=dict, blank=True)
    step = models.CharField(max_length=40, blank=True)
    progress = models.FloatField(default=0)

    # When a person deleted it. It is erased a little later, so that they can think better of it.
    removed = models.DateTimeField(null=True, blank=True, db_index=True)

    objects = LibraryManager()
    everything = AssetQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-created"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "sha256"],
                condition=~models.Q(sha256=""),
                name="same_bytes_once",
            )
        ]
        indexes = [
            *Leased.Meta.indexes,
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
    def has_frames(self) -> bool:
        """Whether it has frames in which brands can be seen."""
        return self.kind in (Asset.Kind.VIDEO, Asset.Kind.IMAGE)

    @property
    def is_arriving(self) -> bool:
        """Whether its bytes are not in the media storage yet."""
        return not self.file

    @property
    def stem(self) -> str:
        return PurePath(self.name).stem

    def rendition(self, recipe: str) -> Rendition | None:
        return self.renditions.filter(recipe=recipe, status=Status.DONE).first()

    def await_bytes(self) -> None:
        """Its bytes are missing and came again: a worker takes them in and prepares it anew."""
        waits = Asset.everything.filter(pk=self.pk).exclude(status=Status.WORKING)
        if waits.update(file="", status=Status.WAITING, attempt=0, error="", lease_until=None):
            jobs.ring(self)

    def prepare_again(self) -> bool:
        """Have a worker prepare what is ready once more. False: it is not ready."""
        again = {"status": Status.WAITING, "attempt": 0, "error": "", "lease_until": None}
        is_mine = bool(Asset.objects.filter(pk=self.pk, status=Status.DONE).update(**again))
        if is_mine:
            self.refresh_from_db()
            jobs.ring(self)
        return is_mine

    def rename(self, name: str, *, by: User | None) -> None:
        before, self.name = self.name, name
        self.save(update_fields=["name"])
        Event.record(self.workspace, by, "renamed", name, before=before)

    def move(self, collection: Collection | None) -> None:
        self.collection = collection
        self.save(update_fields=["collection"])

    @property
    def day(self) -> date:
        """On which it was shown, else on which it was added to the library, in UTC."""
        return self.shown_on or self.created.astimezone(UTC).date()

    def refusals(self) -> list[str]:
        """What people or workers are in the middle of, and need it for."""
        return [sentence for of in REFUSALS for sentence in of(self)]

    def remove(self, *, by: User | None) -> bool:
        """Take it out of sight, to be erased when nobody asks for it back within ERASE_AFTER.

        Raises Refused where people are in the middle of work on it.
        """
        if reasons := self.refusals():
            raise Refused(f"{self} cannot be deleted yet. {' '.join(reasons[:3])}")
        hidden = Asset.objects.filter(pk=self.pk).update(removed=timezone.now())
        if hidden:
            Event.record(self.workspace, by, "deleted", self.name, sha256=self.sha256)
        return bool(hidden)

    def restore(self, *, by: User | None) -> bool:
        """Bring it back. False: it was not deleted, or is being erased already."""
        gone = Asset.everything.filter(pk=self.pk).exclude(removed=None)
        back = gone.exclude(sha256__startswith=_ERASING).update(removed=None)
        if back:
            self.removed = None
            Event.record(self.workspace, by, "restored", self.name)
        return bool(back)

    def erase(self, tick: Callable[[], None] = lambda: None) -> None:
        """Delete the asset and what hangs on it; the bytes go when no other asset has them.

        First it gives up its bytes' name, so that nobody brings half of it back: the same bytes
        uploaded from now on are another asset.
        """
        mine = Asset.everything.filter(pk=self.pk)
        mine.update(sha256=f"{_ERASING}{self.pk}", removed=timezone.now())
        self.samples.filter(video="").exclude(time_s=None).update(video=self.name)
        for erase_what_shows in ERASING:
            erase_what_shows(self, tick)
        erasing.erase(mine, tick)


_ERASING = "erasing "


def assets_to_erase() -> models.QuerySet[Asset]:
    """What was deleted long enough ago that nobody can ask for it back."""
    late = models.Q(removed__lt=timezone.now() - ERASE_AFTER)
    begun = models.Q(sha256__startswith=_ERASING)
    return Asset.everything.filter(late | begun).exclude(removed=None)


def purge_removed_assets(tick: Callable[[], None] = lambda: None) -> int:
    """Erase them, piece by piece. Returns how many.

    One that somebody has begun to label in the moment in which it was deleted waits until that
    is over.
    """
    erased = 0
    for asset in assets_to_erase():
        if not asset.refusals():
            asset.erase(tick)
            erased += 1
    return erased


class RenditionQuerySet(LeasedQuerySet["Rendition"]):
    def open(self) -> Self:
        """Those that a worker may take now: nothing is made of what is being deleted."""
        return self.claimable().filter(asset__removed=None)


class Rendition(Leased):
    """A file derived from an asset by a recipe. Safe to delete: it can be made again.

    Recipes: `poster`, `strip`, `waveform`, `proxy`, `pyramid`, `frame_table`, `frame@SECONDS`; the
    last two with `@TRACK` behind for a picture track other than the one that players show.
    """

    WORKSPACE = "asset__workspace"
    PROXY = "proxy"
    # Proxies of films and of sound; all others but frames are made with their asset.
    PIECE = Piece(
        "rendition",
        "batch",
        "copies that browsers can play",
        soon=models.Q(recipe__startswith="frame@"),
        what_soon="frames at full size",
    )

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="renditions")
    recipe = models.CharField(max_length=60)
    file = StoredFile(blank=True)
    data = models.JSONField(default=dict, blank=True)
    progress = models.FloatField(default=0)  # 0 to 1, of what takes long
    is_cancelled = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    objects = RenditionQuerySet.as_manager()

    class Meta(Leased.Meta):
        constraints = [
            models.UniqueConstraint(fields=["asset", "recipe"], name="one_rendition_a_recipe")
        ]

    def __str__(self) -> str:
        return f"{self.recipe} of {self.asset}"

    @property
    def is_going_on(self) -> bool:
        return self.status in (Status.WAITING, Status.WORKING)

    @property
    def remaining_s(self) -> float | None:
        return about_left_s(self, self.progress)

    def is_wanted(self) -> bool:
        return Asset.objects.filter(pk=self.asset_id).exists()

    @classmethod
    def ask_for_proxy(cls, asset: Asset) -> None:
        """Have a worker make the copy that browsers can play, where there is none."""
        proxy, is_new = cls.objects.get_or_create(asset=asset, recipe=cls.PROXY)
        if is_new:
            jobs.ring(proxy)
        elif proxy.status == Status.FAILED:
            proxy.retry()
        elif proxy.status == Status.DONE and not default_storage.exists(proxy.file):
            proxy._moved((Status.DONE,), status=Status.WAITING, attempt=0, progress=0.0)
            jobs.ring(proxy)

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
    """A file on its way in, by the tus protocol: its bytes so far are in UPLOAD_DIR/<id>.

    What is for the library becomes an asset when it is whole, and its bytes stay until a worker has
    put them into the media storage. What is for an import stays until the import is asked for.
    """

    class Purpose(models.TextChoices):
        LIBRARY = "library"
        IMPORT = "import"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="uploads")
    user = models.ForeignKey(User, models.CASCADE, related_name="uploads")
    collection = models.ForeignKey(Collection, models.SET_NULL, null=True, blank=True)
    # what it is to be analysed for once it is ready; until that run is asked for (runs.wanted)
    project = models.ForeignKey(
        "projects.Project", models.SET_NULL, null=True, blank=True, related_name="uploads"
    )
    purpose = models.CharField(max_length=7, choices=Purpose, default=Purpose.LIBRARY)
    name = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField()
    received_bytes = models.BigIntegerField(default=0)
    asset = models.ForeignKey(Asset, models.CASCADE, null=True, blank=True, related_name="uploads")
    is_duplicate = models.BooleanField(default=False)
    # the asset it was at first, before its bytes turned out to be another's
    began_as = models.BigIntegerField(null=True, blank=True, db_index=True)
    error = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)
    touched = models.DateTimeField(auto_now=True)

    class Meta:
        # abandoned uploads are swept by age
        indexes = [models.Index(fields=["touched"], name="upload_touched")]

    def __str__(self) -> str:
        return self.name

    @property
    def share(self) -> float:
        return self.received_bytes / self.size_bytes

    @property
    def is_whole(self) -> bool:
        return self.received_bytes == self.size_bytes

    def advance(self, received_bytes: int) -> None:
        """So much has arrived and is on the disk. Called while the file is locked."""
        self.received_bytes = received_bytes
        self.save(update_fields=["received_bytes", "touched"])

    def refuse(self, sentence: str) -> None:
        self.error = sentence
        self.save(update_fields=["error", "touched"])

    def complete(self, asset: Asset, *, is_duplicate: bool) -> None:
        self.asset, self.is_duplicate = asset, is_duplicate
        self.save(update_fields=["asset", "is_duplicate", "touched"])
        if self.project_id:
            jobs.start_wanted()
