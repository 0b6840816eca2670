"""What may have moved or changed: a candidate of a night, seen in some of its exposures.

What was measured never changes. Whoever looks at it gives a verdict beside (`deciding`).
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from webapp.accounts.models import User, Workspace
from webapp.nights.exposures import NightExposure
from webapp.nights.night import Night
from webapp.stored_files import StoredFile

# Of a point's exposure, what no page reads: up to a megabyte of each.
HEAVY = ("exposure__found", "exposure__found_put_in")


class Verdict(models.TextChoices):
    NONE = "", "Not decided"
    REAL = "accepted", "Accepted"
    ARTEFACT = "rejected", "Artefact"
    UNSURE = "unsure", "Unsure"


# What most likely is real and new first: movers before what stands still.
IN_TURN = ("is_unlikely", "is_trail", "is_single", "is_still", "known_as", "-score", "number")
NIGHT_BY_NIGHT = ("night_id", *IN_TURN)


class CandidateQuerySet(models.QuerySet["Candidate"]):
    def waiting(self) -> Self:
        return self.filter(verdict=Verdict.NONE, is_gone=False)

    def of(self, workspace: Workspace | int) -> Self:
        return self.filter(night__workspace=workspace)

    def in_turn(self) -> Self:
        """What most likely is real and new first: movers before what stands still."""
        return self.order_by(*IN_TURN)

    def open_to(self, by: User) -> Self:
        """What waits and nobody else has in front of them."""
        free = Q(lease_until=None) | Q(lease_until__lt=Now()) | Q(leased_to=by)
        return self.waiting().filter(free)


class Candidate(models.Model):
    """A tracklet of several exposures, a single detection, or a long trail of one exposure.

    rate: of the night's unit, ″/h or px/h. angle: degrees east of north where there are
    coordinates, else from the x axis to the y axis. residual: rms off the line, ″ or px. chance:
    how many such lines chance makes of as many detections. is_gone: it was decided, and what is
    found now that exposures were added has it no more.
    """

    WORKSPACE = "night__workspace"

    night = models.ForeignKey(Night, models.CASCADE, related_name="candidates")
    number = models.PositiveIntegerField()
    n_points = models.PositiveIntegerField(default=0)
    n_by_network = models.PositiveIntegerField(default=0)  # of them, by a network on tiles alone
    score = models.FloatField(default=0)  # signal to noise of all its points together
    rate = models.FloatField(null=True, blank=True)
    angle = models.FloatField(null=True, blank=True)
    residual = models.FloatField(null=True, blank=True)
    chance = models.FloatField(null=True, blank=True)
    magnitude = models.FloatField(null=True, blank=True)
    magnitude_error = models.FloatField(null=True, blank=True)
    is_still = models.BooleanField(default=False)
    is_single = models.BooleanField(default=False)
    is_trail = models.BooleanField(default=False)  # a long trail, of one exposure
    is_gone = models.BooleanField(default=False)
    # how likely it is real, 0 to 1, by what the workspace was taught or what Sightline comes with
    real = models.FloatField(null=True, blank=True)
    is_unlikely = models.BooleanField(default=False)  # it is looked at last
    known_as = models.CharField(max_length=60, blank=True)
    known_apart = models.FloatField(null=True, blank=True)  # ″ from where it was expected
    notes: Any = models.JSONField(default=list, blank=True)  # sentences
    verdict = models.CharField(max_length=8, choices=Verdict, default=Verdict.NONE, blank=True)
    found = models.DateTimeField(auto_now_add=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    leased_to = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects: ClassVar[Any] = CandidateQuerySet.as_manager()

    class Meta:
        ordering = ["night_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["night", "number"], name="one_candidate_a_number")
        ]
        indexes = [
            # what waits to be looked at: few rows, however many are decided
            models.Index(
                fields=["night", "is_single", "is_still"],
                name="candidates_waiting",
                condition=Q(verdict="", is_gone=False),
            )
        ]

    def __str__(self) -> str:
        return f"Candidate {self.number} of {self.night}"

    @property
    def kind(self) -> str:
        """In words."""
        if self.is_trail:
            return "trail"
        if self.is_single:
            return "seen once"
        return "stands still" if self.is_still else "moves"

    @property
    def designation(self) -> str:
        """What it is called in a file of observations: at most 7 letters and digits, of its own
        among the first 46,656 nights and their first 46,656 candidates each."""
        return f"S{_letters(self.night_id, 3)}{_letters(self.number, 3)}"


class CandidatePoint(models.Model):
    """Where it was in one exposure. x, y: pixels of the reference from the centre of the first,
    which is 0. row: which detection of the exposure it is."""

    WORKSPACE = "candidate__night__workspace"

    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="points")
    exposure = models.ForeignKey(NightExposure, models.CASCADE, related_name="points")
    row = models.PositiveIntegerField()
    mjd = models.FloatField(null=True, blank=True)  # UTC, middle of the exposure
    x = models.FloatField()
    y = models.FloatField()
    ra = models.FloatField(null=True, blank=True)  # degrees
    dec = models.FloatField(null=True, blank=True)
    position_error = models.FloatField(null=True, blank=True)  # ″, or px without coordinates
    flux = models.FloatField(default=0)
    flux_error = models.FloatField(default=0)
    magnitude = models.FloatField(null=True, blank=True)
    magnitude_error = models.FloatField(null=True, blank=True)
    score = models.FloatField(default=0)
    off = models.FloatField(null=True, blank=True)  # from the line, ″ or px
    # the ends of a long trail, in pixels and degrees, its length and its angle; empty of a point
    trail: Any = models.JSONField(default=dict, blank=True)
    is_by_network = models.BooleanField(default=False)  # a network on tiles found it, alone
    # three squares side by side: the exposure, the reference, their difference
    cutout = StoredFile(blank=True)

    class Meta:
        ordering = ["candidate_id", F("mjd").asc(nulls_last=True), "pk"]
        constraints = [
            models.UniqueConstraint(fields=["candidate", "exposure"], name="one_point_an_exposure")
        ]

    def __str__(self) -> str:
        return f"{self.candidate} in {self.exposure}"


_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _letters(number: int, length: int) -> str:
    text = ""
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        text = _ALPHABET[digit] + text
    return text
