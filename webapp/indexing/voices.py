"""Who speaks when, as it was found in one asset: its voices, and their turns."""

from __future__ import annotations

from typing import Any

from django.db import models

from webapp.accounts.models import Workspace
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment


class HeardVoices(models.Model):
    """The voice prints of a segment, until all is done: then they are turns, and this goes."""

    WORKSPACE = "segment__indexing__asset__workspace"

    segment = models.OneToOneField(
        IndexingSegment, models.CASCADE, primary_key=True, related_name="voices_heard"
    )
    data = models.BinaryField()  # `VoicePrints.packed` of analysis

    def __str__(self) -> str:
        return f"voices of {self.segment}"


class Speaker(models.Model):
    """A person of a workspace who is heard, and was named once. Nobody who signs in."""

    WORKSPACE = "workspace"

    # found by the constraint, which begins with it
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="speakers", db_index=False
    )
    name = models.CharField(max_length=80)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="one_speaker_a_name")
        ]

    def __str__(self) -> str:
        return self.name


class Voice(models.Model):
    """One voice of an asset. `number` and `print` are found and stay; `speaker` is who it is as
    people named it, or as it was recognised: see `speaker_edits.settle`."""

    WORKSPACE = "indexing__asset__workspace"

    # found by the constraint, which begins with it
    indexing = models.ForeignKey(Indexing, models.CASCADE, related_name="voices", db_index=False)
    number = models.PositiveIntegerField()  # from 1, the one that speaks most first
    is_added = models.BooleanField(default=False)  # by a person, who parted turns from another
    print: Any = models.BinaryField(default=bytes)  # `packed_print` of analysis
    recognised = models.ForeignKey(Speaker, models.SET_NULL, null=True, related_name="+")
    likeness = models.FloatField(default=0)  # to the remembered voice that it is recognised by
    speaker = models.ForeignKey(Speaker, models.SET_NULL, null=True, related_name="voices")

    class Meta:
        ordering = ["indexing_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["indexing", "number"], name="one_voice_a_number")
        ]

    def __str__(self) -> str:
        return self.speaker.name if self.speaker else f"Speaker {self.number}"


class SpeakerTurn(models.Model):
    """One voice without another in between. `voice` was found and stays; `reads` is whose turn it
    is as people corrected it."""

    WORKSPACE = "indexing__asset__workspace"

    # found by the index below, which begins with it
    indexing = models.ForeignKey(
        Indexing, models.CASCADE, related_name="speaker_turns", db_index=False
    )
    voice = models.ForeignKey(Voice, models.CASCADE, related_name="turns")
    reads = models.ForeignKey(Voice, models.CASCADE, related_name="turns_now")
    start_s = models.FloatField()
    end_s = models.FloatField()
    likeness = models.FloatField(default=0)  # of the turn to its voice
    print: Any = models.BinaryField(default=bytes)

    class Meta:
        ordering = ["indexing_id", "start_s", "pk"]
        indexes = [models.Index(fields=["indexing", "start_s"], name="turns_by_time")]

    def __str__(self) -> str:
        return f"{self.reads} at {self.start_s:.1f} s"

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


class RememberedVoice(models.Model):
    """The voice print of a speaker, out of one film in which a person named them."""

    WORKSPACE = "speaker__workspace"

    speaker = models.ForeignKey(Speaker, models.CASCADE, related_name="remembered")
    voice = models.ForeignKey(Voice, models.SET_NULL, null=True, related_name="+")
    engine_digest = models.CharField(max_length=80)  # prints of one engine alone are compared
    seconds = models.FloatField(default=0)
    print: Any = models.BinaryField()

    def __str__(self) -> str:
        return f"the voice of {self.speaker}"
