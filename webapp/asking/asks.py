"""What somebody asks by that is no text: encoded once by a worker, and kept for a month."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from math import isfinite
from pathlib import PurePosixPath
from typing import Any, ClassVar, Self

import numpy as np
from django.core.files import File
from django.db import models, transaction
from django.utils import timezone

from analysis.crossmodal.encodings import Encodings
from analysis.crossmodal.types import PICTURE, SOUND, Encoded
from analysis.novelty.regions import Floats
from webapp import erasing, jobs
from webapp.accounts.models import Refused, User, Workspace
from webapp.assets.models import Asset
from webapp.leases import Leased, LeasedQuerySet, Piece, Status
from webapp.pictures import EXTENSIONS, decoded
from webapp.spaces.space import Space
from webapp.storage import keep
from webapp.stored_files import StoredFile

KEPT = timedelta(days=30)
MOST_KEPT = 100  # of a person: for a new one the oldest goes
MOST_BYTES = 25 * 10**6  # of a sound
LONGEST_S = 60.0  # of a sound or a spoken question
LEAST_SIDE = 0.005  # of a region, of the frame's


class AskQuerySet(LeasedQuerySet["Ask"]):
    def of(self, user: User, workspace: Workspace | int) -> Self:
        """A person's own, but by what was deleted."""
        return self.filter(user=user, workspace=workspace).there()

    def there(self) -> Self:
        return self.filter(asset__removed=None)

    def open(self) -> Self:
        return self.claimable().there()

    def by_picture(self, workspace: Workspace, file: File, name: str, *, by: User) -> Ask:
        """Raises PictureRefused for what is no picture."""
        data, image = decoded(file)
        stored = _kept(data, f".{EXTENSIONS[image.format or 'PNG']}")
        called = _short(name) or "a picture"
        return self._begun(workspace, Ask.Kind.PICTURE, called, by, file=stored)

    def by_sound(
        self, workspace: Workspace, file: File, name: str, *, by: User, is_spoken: bool
    ) -> Ask:
        """A file of sound, or a question as it was spoken. What is in it a worker sees. Raises
        Refused."""
        data = file.read(MOST_BYTES + 1)
        if not data:
            raise Refused("This file is empty.")
        if len(data) > MOST_BYTES:
            raise Refused(
                f"This sound is larger than {MOST_BYTES // 10**6} MB. Cut out the part that you "
                f"mean: up to {LONGEST_S:.0f} seconds."
            )
        kind = Ask.Kind.SPEECH if is_spoken else Ask.Kind.SOUND
        called = "a spoken question" if is_spoken else _short(name) or "a sound"
        return self._begun(workspace, kind, called, by, file=_kept(data, _suffix(name)))

    def by_moment(
        self, asset: Asset, time_s: float, box: Sequence[float] | None = None, *, by: User
    ) -> Ask:
        """A frame of an asset, or a region of one. Raises Refused."""
        _refuse_what_is_not_there(asset, time_s)
        if asset.kind == Asset.Kind.AUDIO:
            raise Refused("A sound has no picture to search by. Ask by a stretch of it.")
        if not asset.has_frames:
            raise Refused("What a picture shows is not looked for in exposures of the sky.")
        kind = Ask.Kind.MOMENT if box is None else Ask.Kind.REGION
        about: dict[str, Any] = {"asset": asset, "time_s": round(time_s, 6)}
        if box is not None:
            about["box"] = _box(box)
        return self._begun(asset.workspace, kind, asset.stem, by, **about)

    def by_stretch(self, asset: Asset, start_s: float, end_s: float, *, by: User) -> Ask:
        """What is heard in an asset between two times. Raises Refused."""
        _refuse_what_is_not_there(asset, start_s)
        if not isfinite(end_s) or end_s <= start_s:
            raise Refused("The stretch ends before it begins.")
        if end_s - start_s > LONGEST_S:
            raise Refused(f"Up to {LONGEST_S:.0f} seconds can be asked by at once.")
        if asset.kind in (Asset.Kind.IMAGE, Asset.Kind.SKY):
            raise Refused("A picture has no sound.")
        about = {"asset": asset, "time_s": start_s, "end_s": end_s}
        return self._begun(asset.workspace, Ask.Kind.SOUND, asset.stem, by, **about)

    @transaction.atomic
    def _begun(self, workspace: Workspace, kind: str, name: str, by: User, **about: Any) -> Ask:
        row = self.create(workspace=workspace, kind=kind, name=name, user=by, **about)
        mine = self.filter(user=by, workspace=workspace).order_by("-pk")
        old = list(mine.values_list("pk", flat=True)[MOST_KEPT : 2 * MOST_KEPT])
        erasing.delete(self.filter(pk__in=old))
        jobs.ring(row)
        return row

    def forget_old(self) -> None:
        """Erase those of a month ago, with their files."""
        erasing.erase(self.filter(created__lt=timezone.now() - KEPT))


class Ask(Leased):
    """One, of whoever asks it.

    file: what was uploaded, or the part of a frame. time_s, end_s, box: where in the asset, when it
    is asked by one. encoded: what the encoder `engine` made of it
    (`analysis.crossmodal.encodings`). look: as regions are compared by (`analysis.novelty`), 128
    half-precision numbers. heard: the words of a spoken question. wave: the outline of a sound, 0
    to 1. notes: sentences on what it cannot be asked.
    """

    WORKSPACE = "workspace"
    PIECE = Piece("ask", "soon", "pictures and sounds to search by")

    class Kind(models.TextChoices):
        PICTURE = "picture", "a picture"
        REGION = "region", "a part of a frame"
        MOMENT = "moment", "a moment"
        SOUND = "sound", "a sound"
        SPEECH = "speech", "a spoken question"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="asks")
    user = models.ForeignKey(User, models.CASCADE, related_name="asks")
    kind = models.CharField(max_length=7, choices=Kind)
    name = models.CharField(max_length=120)
    file = StoredFile(blank=True)
    preview = StoredFile(blank=True)
    asset = models.ForeignKey(Asset, models.CASCADE, null=True, blank=True, related_name="asks")
    time_s = models.FloatField(null=True, blank=True)
    end_s = models.FloatField(null=True, blank=True)
    box: Any = models.JSONField(null=True, blank=True)
    engine = models.CharField(max_length=200, blank=True)
    encoded = models.BinaryField(default=bytes)
    look = models.BinaryField(default=bytes)
    heard = models.TextField(blank=True)
    wave: Any = models.JSONField(default=list, blank=True)
    notes: Any = models.JSONField(default=list, blank=True)
    progress = models.FloatField(default=0)
    step = models.CharField(max_length=60, blank=True)
    is_cancelled = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[Any] = AskQuerySet.as_manager()

    class Meta(Leased.Meta):
        ordering = ["-pk"]
        indexes = [
            *Leased.Meta.indexes,
            models.Index(fields=["user", "workspace"], name="asks_of_a_person"),
        ]

    def __str__(self) -> str:
        if self.kind in (self.Kind.PICTURE, self.Kind.SPEECH) or self.asset_id is None:
            return self.name
        return f"{self.get_kind_display()} of {self.name}"

    @property
    def modality(self) -> str:
        return SOUND if self.kind in (self.Kind.SOUND, self.Kind.SPEECH) else PICTURE

    @property
    def is_ready(self) -> bool:
        return self.status == Status.DONE

    def read_encoded(self) -> Encoded | None:
        """None where nothing could be compared. Raises UnusableModel where it is damaged."""
        if not self.encoded:
            return None
        return Encodings.unpack(bytes(self.encoded)).encoded(0)

    def read_look(self) -> Floats | None:
        if not self.look:
            return None
        return np.frombuffer(bytes(self.look), "<f2").astype(np.float32)

    def suits(self, space: Space) -> bool:
        """Whether it was encoded by what a space was made for."""
        return self.engine == space.engines.get(self.modality, "")

    def encode_again(self) -> bool:
        """By what the space that serves now was made for. False: it is being encoded."""
        moved = self._moved((Status.DONE,), status=Status.WAITING, attempt=0, progress=0.0)
        if moved:
            jobs.ring(self)
        return moved

    def understand(self) -> bool:
        """Take a sound for a question that is spoken: its words are searched as well. False: it is
        no sound, is a question already, or is being looked at."""
        is_sound = self.kind == self.Kind.SOUND
        about = {"status": Status.WAITING, "attempt": 0, "progress": 0.0}
        moved = is_sound and self._moved((Status.DONE,), kind=self.Kind.SPEECH, **about)
        if moved:
            jobs.ring(self)
        return moved

    def is_wanted(self) -> bool:
        return type(self)._base_manager.filter(pk=self.pk, asset__removed=None).exists()


def _refuse_what_is_not_there(asset: Asset, time_s: float) -> None:
    if asset.removed is not None or asset.status != Status.DONE:
        raise Refused(f"{asset.stem} is not ready to be searched by.")
    if not isfinite(time_s) or time_s < 0 or time_s > (asset.duration_s or 0) + 1:
        raise Refused(f"{asset.stem} has no such moment.")


def _box(sides: Sequence[float]) -> list[float]:
    if len(sides) != 4 or not all(isfinite(side) for side in sides):
        raise Refused("A part of a frame is four numbers from 0 to 1: left, top, right, bottom.")
    x1, y1, x2, y2 = (min(max(float(side), 0.0), 1.0) for side in sides)
    if x2 - x1 < LEAST_SIDE or y2 - y1 < LEAST_SIDE:
        raise Refused("This part of the frame is too small to know anything by it.")
    return [round(side, 6) for side in (x1, y1, x2, y2)]


def _kept(data: bytes, suffix: str) -> str:
    return keep(f"asks/{secrets.token_hex(16)}{suffix}", data)


def _short(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name.replace("\0", "")[:120]


def _suffix(name: str) -> str:
    """Of a file of sound; what is in it says what it is."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) < 8 else ".bin"
