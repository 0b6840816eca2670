"""What people say of speakers: who a voice is, that two are one, whose a turn is. Beside what was
found, never over it; the latest that was not taken back holds."""

from __future__ import annotations

import re
from typing import Any, Self

from django.db import models, transaction
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User
from webapp.indexing import remembering
from webapp.indexing.indexing import Indexing
from webapp.indexing.voices import Speaker, SpeakerTurn, Voice

LONGEST = 80  # characters of a name
_SPACES = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class SpeakerEditQuerySet(models.QuerySet["SpeakerEdit"]):
    def standing(self) -> Self:
        """Those that were not taken back, the earliest first."""
        return self.filter(undone=None).order_by("pk")

    @transaction.atomic
    def call(self, voice: Voice, name: str, *, by: User) -> SpeakerEdit:
        """Say who a voice is; "" for nobody known. Somebody of that name is the same person in the
        whole workspace. Raises Refused."""
        name = _SPACES.sub(" ", _CONTROL.sub(" ", name)).strip()
        if len(name) > LONGEST:
            raise Refused(f"A name has at most {LONGEST} characters.")
        if name == (voice.speaker.name if voice.speaker else "") and not _is_guess(voice):
            raise Refused("It is called that already.")
        speaker = _speaker(voice, name) if name else None
        return self._make(voice.indexing, by, f"named a speaker “{name}”", kind=_Kind.NAME,
                          voice=voice, speaker=speaker)  # fmt: skip

    @transaction.atomic
    def merge(self, voice: Voice, into: Voice, *, by: User) -> SpeakerEdit:
        """Two voices are of one person: `into` has the turns of both. Raises Refused."""
        if voice.indexing_id != into.indexing_id or voice == into:
            raise Refused("Two voices of one film can be made one.")
        return self._make(voice.indexing, by, f"made {voice} and {into} one speaker",
                          kind=_Kind.MERGE, voice=voice, into=into)  # fmt: skip

    @transaction.atomic
    def move(self, turn: SpeakerTurn, into: Voice | None, *, by: User) -> SpeakerEdit:
        """Give one turn to another voice; None for one that nobody else has. Raises Refused."""
        indexing = turn.indexing
        if into is None:
            into = _new_voice(indexing)
        if into.indexing_id != indexing.pk or turn.reads_id == into.pk:
            raise Refused("The turn is theirs already.")
        return self._make(indexing, by, f"gave a turn to {into}", kind=_Kind.MOVE, turn=turn,
                          into=into)  # fmt: skip

    def _make(self, indexing: Indexing, by: User, what: str, **about: Any) -> SpeakerEdit:
        edit = self.create(indexing=indexing, by=by, **about)
        settle(indexing)
        Event.record(indexing.asset.workspace, by, what, str(indexing.asset), indexing=indexing.pk)
        return edit


class _Kind(models.TextChoices):
    NAME = "name"
    MERGE = "merge"
    MOVE = "move"


class SpeakerEdit(models.Model):
    """One thing that a person said of the speakers of a film."""

    WORKSPACE = "indexing__asset__workspace"
    Kind = _Kind

    indexing = models.ForeignKey(Indexing, models.CASCADE, related_name="speaker_edits")
    kind = models.CharField(max_length=8, choices=_Kind)
    voice = models.ForeignKey(Voice, models.CASCADE, null=True, related_name="+")
    turn = models.ForeignKey(SpeakerTurn, models.CASCADE, null=True, related_name="+")
    into = models.ForeignKey(Voice, models.CASCADE, null=True, related_name="+")
    speaker = models.ForeignKey(Speaker, models.CASCADE, null=True, related_name="+")
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)

    objects = SpeakerEditQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.kind} by {self.by}"

    @transaction.atomic
    def undo(self, *, by: User) -> bool:
        """Take it back: what held before it holds again. False: it was taken back already."""
        is_back = bool(
            SpeakerEdit.objects.filter(pk=self.pk, undone=None).update(undone=timezone.now())
        )
        if is_back:
            settle(self.indexing)
            asset = self.indexing.asset
            what = "took back an edit of speakers"
            Event.record(asset.workspace, by, what, str(asset), indexing=self.indexing_id)
            self.refresh_from_db()
        return is_back


@transaction.atomic
def settle(indexing: Indexing) -> None:
    """Bring whose each turn is, and who each voice is, in step with what people said; and what is
    remembered of the voices they named."""
    voices = {voice.pk: voice for voice in indexing.voices.select_for_update()}
    moved: dict[int, int] = {}
    merged: dict[int, int] = {}
    named: dict[int, int | None] = {}
    for edit in SpeakerEdit.objects.standing().filter(indexing=indexing):
        if edit.kind == _Kind.MOVE:
            moved[edit.turn_id or 0] = edit.into_id or 0
        elif edit.kind == _Kind.MERGE:
            merged[_end(merged, edit.voice_id or 0)] = _end(merged, edit.into_id or 0)
        else:
            named[edit.voice_id or 0] = edit.speaker_id
    for pk, voice in voices.items():
        voice.speaker_id = named.get(pk, voice.recognised_id)
    turns = list(indexing.speaker_turns.all())
    for turn in turns:
        turn.reads_id = _end(merged, moved.get(turn.pk, turn.voice_id))
    Voice.objects.bulk_update(voices.values(), ["speaker"])
    SpeakerTurn.objects.bulk_update(turns, ["reads"], batch_size=200)
    by_people = {pk: speaker for pk, speaker in named.items() if speaker is not None}
    remembering.remember(indexing, voices.values(), by_people, turns)


def _end(merged: dict[int, int], voice: int) -> int:
    """The voice that a chain of merges ends in."""
    seen: set[int] = set()
    while voice in merged and merged[voice] != voice and voice not in seen:
        seen.add(voice)
        voice = merged[voice]
    return voice


def _is_guess(voice: Voice) -> bool:
    """Whether it is called so because it was recognised, and nobody has said so."""
    edits = SpeakerEdit.objects.standing().filter(voice=voice, kind=_Kind.NAME)
    return voice.speaker is not None and not edits.exists()


def _speaker(voice: Voice, name: str) -> Speaker:
    """The one of that name, however it is written, or a new one."""
    workspace = voice.indexing.asset.workspace
    known = Speaker.objects.filter(workspace=workspace)
    same = next((one for one in known if one.name.casefold() == name.casefold()), None)
    return same or Speaker.objects.get_or_create(workspace=workspace, name=name)[0]


def _new_voice(indexing: Indexing) -> Voice:
    last = indexing.voices.aggregate(n=models.Max("number"))["n"] or 0
    return Voice.objects.create(indexing=indexing, number=last + 1, is_added=True)
