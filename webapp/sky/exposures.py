"""What the file of a sky exposure says of it, and what was measured on it when it came in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models, transaction

from webapp.accounts.models import Event, Refused, User
from webapp.assets.models import Asset, Rendition
from webapp.leases import Status

_MJD_0 = datetime(1858, 11, 17, tzinfo=UTC)


class SkyExposure(models.Model):
    """One per asset of the kind `sky`. Positions count pixels from the centre of the first, which
    is 0, where no page says otherwise; levels are in the unit of the picture (ADU)."""

    class Role(models.TextChoices):
        SCIENCE = "science", "Science"
        REFERENCE = "reference", "Reference"
        BIAS = "bias", "Bias"
        DARK = "dark", "Dark"
        FLAT = "flat", "Flat"

    WORKSPACE = "asset__workspace"
    PYRAMID = "pyramid"  # the recipe of its blocks (analysis.sky.pyramid)

    asset = models.OneToOneField(Asset, models.CASCADE, primary_key=True, related_name="sky")
    extension = models.PositiveIntegerField(default=0)  # of the file: which is shown and used
    n_extensions = models.PositiveIntegerField(default=1)  # how many of it are pictures
    pictures = models.JSONField(default=list, blank=True)  # the extensions that are pictures
    wanted = models.PositiveIntegerField(null=True, blank=True)  # an extension a person asked for
    is_bottom_up = models.BooleanField(default=True)  # the first row is shown at the bottom
    middle_mjd = models.FloatField(null=True, blank=True, db_index=True)  # UTC
    seconds = models.FloatField(null=True, blank=True)
    band = models.CharField(max_length=80, blank=True)
    object_name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=9, choices=Role, default=Role.SCIENCE)
    is_role_said = models.BooleanField(default=False)  # by a person, rather than by the header

    has_wcs = models.BooleanField(default=False)
    ra = models.FloatField(null=True, blank=True)  # degrees, of the centre
    dec = models.FloatField(null=True, blank=True)
    scale_arcsec = models.FloatField(null=True, blank=True)  # a pixel
    rotation = models.FloatField(null=True, blank=True)  # position angle of +y, east of north
    is_mirrored = models.BooleanField(default=False)  # as analysis.sky.plate.direction_of
    plate = models.JSONField(null=True, blank=True)  # analysis.sky.plate.Plate

    gain = models.FloatField(null=True, blank=True)  # electrons per ADU
    read_noise = models.FloatField(null=True, blank=True)  # electrons
    saturation = models.FloatField(null=True, blank=True)
    quantisation = models.FloatField(default=0)  # noise that lossy compression added
    n_bad = models.BigIntegerField(default=0)  # pixels without a number, or saturated
    sky_level = models.FloatField(null=True, blank=True)
    sky_noise = models.FloatField(null=True, blank=True)  # standard deviation of a pixel
    fwhm = models.FloatField(null=True, blank=True)  # pixels, of stars in the middle
    stretch = models.JSONField(default=dict, blank=True)  # zscale, percentiles, range: [low, high]
    notes = models.JSONField(default=list, blank=True)  # sentences
    header = models.JSONField(default=list, blank=True)  # [keyword, value, comment]

    class Meta:
        ordering = ["asset_id"]

    def __str__(self) -> str:
        return str(self.asset)

    @classmethod
    def keep(cls, asset: Asset, facts: dict[str, Any]) -> SkyExposure:
        """What was found in the file, in place of what was found before; what a person said of
        its role stays."""
        apart = {"asset", "is_role_said", "wanted"}
        known = {field.name for field in cls._meta.concrete_fields} - apart
        values = {name: value for name, value in facts.items() if name in known}
        values["band"] = values.get("band", "")[:80]
        values["object_name"] = values.get("object_name", "")[:120]
        before = cls.objects.filter(asset=asset).first()
        if before is not None and before.is_role_said:
            values.pop("role", None)
        return cls.objects.update_or_create(asset=asset, defaults={**values, "wanted": None})[0]

    def say_role(self, role: str, *, by: User | None) -> None:
        """A person knows better than the header what it is for."""
        before, self.role, self.is_role_said = self.role, role, True
        self.save(update_fields=["role", "is_role_said"])
        workspace = self.asset.workspace
        Event.record(workspace, by, "said what it is for", str(self), role=role, before=before)

    def show_extension(self, extension: int, *, by: User | None) -> None:
        """Have a worker read another picture of the file, which is then shown and used.

        Raises Refused where it is none, or the file is being read already.
        """
        if extension not in self.pictures:
            raise Refused(f"Extension {extension} of this file is no picture.")
        with transaction.atomic():
            self.wanted = extension
            self.save(update_fields=["wanted"])
            if not self.asset.prepare_again():
                transaction.set_rollback(True)
                raise Refused(f"{self.asset} is being prepared already.")
        Event.record(self.asset.workspace, by, "chose an extension", str(self), n=extension)

    @property
    def middle(self) -> datetime | None:
        """The middle of the exposure, in UTC."""
        if self.middle_mjd is None:
            return None
        try:
            return _MJD_0 + timedelta(days=self.middle_mjd)
        except OverflowError:  # a date of which no calendar knows
            return None

    @property
    def says(self) -> str:
        """ "Science · R · 60 s · 27 Dec 2015 06:26", as far as it is known."""
        parts = [self.get_role_display(), self.band[:12].strip()]
        if self.seconds is not None:
            parts.append(f"{self.seconds:.4g} s")
        if self.middle is not None:
            parts.append(f"{self.middle:%-d %b %Y %H:%M}")
        return " · ".join(part for part in parts if part)

    @property
    def pyramid(self) -> Rendition | None:
        made = self.asset.renditions.filter(recipe=self.PYRAMID, status=Status.DONE)
        return made.first()
