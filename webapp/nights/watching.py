"""A folder that is watched: exposures that appear in it are taken in, and join their night.

Where such folders are is said by whoever runs the installation (SIGHTLINE_NIGHTS_FOLDER); each
workspace has one below, called by its number. People of the workspace switch the watch on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from webapp import jobs
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.assets.models import Asset
from webapp.leases import Leased, LeasedQuerySet, Piece, Status
from webapp.nights.choosing import NO_BAND, began_on, field_of
from webapp.nights.night import MOST_EXPOSURES, Night
from webapp.nights.options import DEFAULTS
from webapp.sky.exposures import SkyExposure

MOST_AT_ONCE = 200  # files of one look
QUIET_S = 5.0  # since it was written to, before a file counts as whole
_ENDINGS = (".fits", ".fit", ".fts", ".fits.fz", ".fits.gz", ".fit.gz", ".xisf")
_JOINED_WITHIN = timedelta(days=2)  # of the last exposure, that a night takes more


class WatchQuerySet(LeasedQuerySet["Watch"]):
    def set_for(
        self, workspace: Workspace, *, is_on: bool, reference: Asset | None, by: User
    ) -> Watch:
        """Switch the watch of a workspace on or off. Raises Refused."""
        if not settings.NIGHTS_FOLDER:
            raise Refused("No folder is watched on this installation (SIGHTLINE_NIGHTS_FOLDER).")
        if reference is not None and reference.workspace_id != workspace.pk:
            raise Refused("The reference is in another workspace.")
        about = {"is_on": is_on, "reference": reference, "set_by": by}
        watch, _ = self.update_or_create(workspace=workspace, defaults=about)
        if is_on:
            folder_of(workspace).mkdir(parents=True, exist_ok=True)
        what = "switched the watch of its folder on" if is_on else "switched the watch off"
        Event.record(workspace, by, what)
        return watch

    def look(self) -> None:
        """Have looked at each folder in which something is new, and what became ready join."""
        for watch in self.filter(is_on=True).exclude(status__in=["waiting", "working"]):
            if next(iter(watch.news()), None) is not None:
                self._again(watch)
            watch.join_what_is_ready()

    def _again(self, watch: Watch) -> None:
        moved = self.filter(pk=watch.pk, status__in=[Status.DONE, Status.FAILED])
        if moved.update(status=Status.WAITING, attempt=0, error=""):
            jobs.ring(watch)


class Watch(Leased):
    """Of a workspace. `status` is that of the last look; a new one is free to be switched on."""

    WORKSPACE = "workspace"
    PIECE = Piece("watch_nights", "ingest", "watched folders with new exposures")

    workspace = models.OneToOneField(Workspace, models.CASCADE, related_name="night_watch")
    is_on = models.BooleanField(default=False)
    reference = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="+")
    set_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    looked = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.DONE)

    objects: ClassVar[Any] = WatchQuerySet.as_manager()

    def __str__(self) -> str:
        return f"the watched folder of {self.workspace}"

    def is_wanted(self) -> bool:
        return Watch.objects.filter(pk=self.pk, is_on=True).exists()

    def news(self) -> Iterator[Path]:
        """Whole exposures in the folder that were not taken yet, the oldest first."""
        known = set(self.files.values_list("name", "size_bytes", "changed_ns"))
        found = []
        before = timezone.now().timestamp() - QUIET_S
        for path in _files(folder_of(self.workspace)):
            try:
                state = path.stat()
            except FileNotFoundError:  # moved away meanwhile
                continue
            is_known = (path.name, state.st_size, state.st_mtime_ns) in known
            if not is_known and state.st_size and state.st_mtime < before:
                found.append((state.st_mtime_ns, path))
        yield from (path for _, path in sorted(found)[:MOST_AT_ONCE])

    @transaction.atomic
    def join_what_is_ready(self) -> int:
        """Put prepared exposures into their nights. Returns how many nights changed. Where one is
        refused the watch says why, and the others go on."""
        open_ = self.files.filter(is_settled=False).exclude(asset=None)
        waiting = open_.select_related("asset__sky")
        groups: dict[str, list[WatchedFile]] = {}
        for file in waiting:
            if file.asset is None or not file.asset.is_over:
                continue
            if file.asset.removed is not None or file.asset_id == self.reference_id:
                continue  # it may be restored, or another may become the reference
            sky = getattr(file.asset, "sky", None)
            if sky is None or sky.role != SkyExposure.Role.SCIENCE or not file.asset.is_ready:
                # not an exposure of the sky, or a master, or it cannot be read
                file.settle(f"{file.asset}: {file.asset.error}" if file.asset.error else "")
            else:
                groups.setdefault(_key(sky), []).append(file)
        n_changed, refusals = 0, []
        for key, files in groups.items():
            try:
                n_changed += self._join(key, files)
            except Refused as refused:
                refusals.append(str(refused))
        if n_changed or refusals:
            Watch.objects.filter(pk=self.pk).update(error=" ".join(refusals))
        return n_changed

    @transaction.atomic
    def _join(self, key: str, files: list[WatchedFile]) -> bool:
        assets = [file.asset for file in files if file.asset is not None]
        since = timezone.now() - _JOINED_WITHIN
        nights = Night.objects.filter(watch_key=key, workspace=self.workspace, created__gt=since)
        found = nights.order_by("-pk").first()
        if found is not None and found.exposures.count() + len(assets) <= MOST_EXPOSURES:
            found.add(assets)
        else:
            least = 1 if self.reference_id else DEFAULTS["least"]
            if len(assets) < least:
                return False  # more are to come
            found = Night.objects.request(
                self.workspace, assets, reference=self.reference, name=_name_of(files[0]), by=None
            )
            Night.objects.filter(pk=found.pk).update(watch_key=key)
        for file in files:
            file.settle()
        return True


class WatchedFile(models.Model):
    """A file that was taken, so that it is not looked at again. It stays where it is."""

    WORKSPACE = "watch__workspace"

    watch = models.ForeignKey(Watch, models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    size_bytes = models.BigIntegerField()
    changed_ns = models.BigIntegerField()
    asset = models.ForeignKey(Asset, models.SET_NULL, null=True, blank=True, related_name="+")
    is_settled = models.BooleanField(default=False)  # in its night, or not of one
    error = models.TextField(blank=True)
    taken = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["watch", "name", "size_bytes", "changed_ns"], name="one_taking_a_file"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def settle(self, error: str = "") -> None:
        self.is_settled, self.error = True, error
        self.save(update_fields=["is_settled", "error"])


def folder_of(workspace: Workspace) -> Path:
    """Where exposures of a workspace are put."""
    return Path(settings.NIGHTS_FOLDER) / str(workspace.pk)


def _files(folder: Path) -> Iterator[Path]:
    """Exposures in a folder. What only leads elsewhere is not followed."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                is_file = entry.is_file(follow_symlinks=False)
                if is_file and entry.name.lower().endswith(_ENDINGS) and len(entry.name) < 255:
                    yield Path(entry.path)
    except OSError:  # it is not there, or is away
        return


def _key(sky: SkyExposure) -> str:
    """What exposures of one night have in common."""
    return f"{began_on(sky) or ''}|{field_of(sky)}|{sky.band.strip() or NO_BAND}"[:200]


def _name_of(file: WatchedFile) -> str:
    sky = SkyExposure.objects.get(asset=file.asset)
    day: datetime | Any = began_on(sky)
    parts = [field_of(sky), sky.band.strip(), f"{day:%-d %B %Y}" if day else ""]
    return ", ".join(part for part in parts if part)[:120]
