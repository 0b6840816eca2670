"""Words that people corrected: beside what was recognised, never over it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Self

from django.db import models, transaction
from django.dispatch import Signal
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User
from webapp.indexing.indexing import Indexing
from webapp.indexing.speech import SpeechSegment

# Sent within the transaction, with the `segment` whose words read otherwise now.
words_changed = Signal()

LONGEST = 200  # characters that stand for one word
_SPACES = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class WordEditQuerySet(models.QuerySet["WordEdit"]):
    def standing(self) -> Self:
        """Those that were not taken back."""
        return self.filter(undone=None)

    def of(self, segments: Iterable[SpeechSegment]) -> dict[int, dict[int, WordEdit]]:
        """The edit that holds of each word: {speech segment: {word: edit}}."""
        found: dict[int, dict[int, WordEdit]] = {}
        for edit in self.standing().filter(speech_segment__in=list(segments)).order_by("pk"):
            found.setdefault(edit.speech_segment_id, {})[edit.word] = edit
        return found

    @transaction.atomic
    def make(self, segment: SpeechSegment, word: int, text: str, *, by: User) -> WordEdit:
        """Let `text` stand for a word; "" for a word that nobody said. Raises Refused."""
        text = _SPACES.sub(" ", _CONTROL.sub("", text)).strip()
        words = segment.words["text"]
        if not 0 <= word < len(words):
            raise Refused("There is no such word.")
        if len(text) > LONGEST:
            raise Refused(f"At most {LONGEST} characters can stand for a word.")
        before = self.standing().filter(speech_segment=segment, word=word).order_by("pk").last()
        was = before.text if before else words[word].strip()
        if was == text:
            raise Refused("It says that already.")
        edit = self.create(speech_segment=segment, word=word, text=text, by=by)
        _record(segment.indexing, by, "edited a word", segment, was=was, now=text)
        words_changed.send(WordEdit, segment=segment)
        return edit


class WordEdit(models.Model):
    """A person's text for one word. The latest that was not taken back holds."""

    WORKSPACE = "speech_segment__indexing__asset__workspace"

    speech_segment = models.ForeignKey(SpeechSegment, models.CASCADE, related_name="word_edits")
    word = models.PositiveIntegerField()  # its place in the speech segment, from 0
    text = models.CharField(max_length=LONGEST, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    undone = models.DateTimeField(null=True, blank=True)

    objects = WordEditQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"“{self.text}” by {self.by}"

    @transaction.atomic
    def undo(self, *, by: User) -> bool:
        """Take it back: what stood there before it holds again. False: it was taken back."""
        mine = WordEdit.objects.filter(pk=self.pk, undone=None)
        is_back = bool(mine.update(undone=timezone.now()))
        if is_back:
            segment = self.speech_segment
            _record(segment.indexing, by, "took back an edit", segment, was=self.text)
            words_changed.send(WordEdit, segment=segment)
            self.refresh_from_db()
        return is_back


def _record(indexing: Indexing, by: User, what: str, segment: SpeechSegment, **about: str) -> None:
    asset = indexing.asset
    at = round(segment.start_s, 2)
    Event.record(asset.workspace, by, what, str(asset), indexing=indexing.pk, time_s=at, **about)
