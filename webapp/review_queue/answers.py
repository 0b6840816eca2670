"""What people answer of a mention or a sentence, and what follows from it in the figures.

A mention is confirmed, turned down or given to another brand by one verdict (`MentionVerdict`), as
on the asset's page. Words are corrected by edits beside what was heard (`WordEdit`): mentions are
found anew in the sentence, and the search finds what it says now. What is written in the picture is
corrected line by line (`LineEdit`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any

from analysis.speech.types import WRITTEN_WITHOUT_BLANKS
from analysis.text.rewording import reworded
from webapp.accounts.models import Refused, User
from webapp.indexing.line_edits import LONGEST_LINE, LineEdit, tidy
from webapp.indexing.mention_verdicts import MentionVerdict
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.text_regions import TextRegion
from webapp.indexing.word_edits import LONGEST, WordEdit
from webapp.projects.models import Label
from webapp.review_queue.decisions import Decision
from webapp.review_queue.heard import Sentence, is_written, sentence_of
from webapp.review_queue.items import ReviewItem
from webapp.timeline.labels import labels_of
from webapp.timeline.mentions import Found, Told


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    OTHER = "other"
    WORDS = "words"


Answer = dict[str, Any]


def read(item: ReviewItem, sent: Mapping[str, Any] | None) -> Answer:
    """What was sent, where it makes sense for this item. Raises Refused."""
    if not sent:
        raise Refused("Say what it is: right, wrong, another brand, or which words were said.")
    verdict = Verdict(sent["verdict"])
    if verdict == Verdict.WORDS:
        return _words(item, sent)
    if verdict != Verdict.OTHER:
        return {"verdict": verdict.value}
    if item.kind != ReviewItem.Kind.MENTION:
        raise Refused("Words are of no brand: say what was said.")
    label = Label.objects.filter(project=item.project_id, pk=sent.get("label") or 0).first()
    if label is None:
        raise Refused("This label is none of the project: it may have been deleted meanwhile.")
    if label.pk == item.label_id:
        return {"verdict": Verdict.RIGHT.value}
    return {"verdict": verdict.value, "label": label.pk}


def _words(item: ReviewItem, sent: Mapping[str, Any]) -> Answer:
    now = sentence_of(item)
    if now is None or sent.get("line") != now.row.pk:
        raise Refused("The words were made anew meanwhile: look at them once more.")
    text = tidy(sent.get("text", ""))
    if isinstance(now.row, TextRegion):
        return _line(now, text)
    changes = _changes(now.row, text)
    if any(len(said) > LONGEST for said in changes.values()):
        raise Refused(f"At most {LONGEST} characters can stand for a word.")
    if not changes:
        return {"verdict": Verdict.RIGHT.value}
    return {"verdict": Verdict.WORDS.value, "line": now.row.pk, "text": text}


def _line(now: Sentence, text: str) -> Answer:
    if len(text) > LONGEST_LINE:
        raise Refused(f"At most {LONGEST_LINE:,} characters can stand for a line.")
    if text == tidy(now.text):
        return {"verdict": Verdict.RIGHT.value}
    return {"verdict": Verdict.WORDS.value, "line": now.row.pk, "text": text}


def _changes(row: SpeechSegment, text: str) -> dict[int, str]:
    """What differs from what is read now, by word."""
    edits = WordEdit.objects.of([row]).get(row.pk, {})
    heard = [word.strip() for word in row.words["text"]]
    now = [edits[n].text if n in edits else word for n, word in enumerate(heard)]
    blank = "" if row.language in WRITTEN_WITHOUT_BLANKS else " "
    return reworded(now, text, blank=blank) if now else {}


def is_same(one: Answer, other: Answer) -> bool:
    """Whether two people say the same, however the transcript was numbered when they did."""
    return without_line(one) == without_line(other)


def without_line(answer: Answer) -> Answer:
    return {key: value for key, value in answer.items() if key != "line"}


# --- what follows -------------------------------------------------------------------------------


def apply(item: ReviewItem, decision: Decision) -> None:
    """Let it count: called within the transaction that settles the item."""
    answer, by = decision.answer, decision.by
    verdict = Verdict(answer["verdict"])
    if verdict == Verdict.WORDS and is_written(item):
        _correct_a_line(decision)
        return
    row: SpeechSegment | None = None
    changes: dict[int, str] = {}
    if verdict == Verdict.WORDS:
        row = SpeechSegment.objects.filter(pk=answer["line"]).first()
        changes = _changes(row, answer["text"]) if row else {}
    elif item.kind == ReviewItem.Kind.WORDS and verdict == Verdict.WRONG:
        now = sentence_of(item)
        if now is not None and isinstance(now.row, SpeechSegment):
            row, words = now.row, now.words
            changes = {n: "" for n, w in enumerate(words) if w["is_marked"] and w["text"]}
    if row is not None and by is not None:
        decision.word_edits.set(
            [WordEdit.objects.make(row, word, text, by=by) for word, text in changes.items()]
        )
    if item.kind == ReviewItem.Kind.MENTION and verdict != Verdict.WORDS:
        _judge(item, decision, verdict)


def _correct_a_line(decision: Decision) -> None:
    """Where the line is gone, or says so by now, there is nothing to correct."""
    row = TextRegion.objects.filter(pk=decision.answer["line"]).first()
    if row is None or decision.by is None:
        return
    with suppress(Refused):
        made = LineEdit.objects.make(row, decision.answer["text"], by=decision.by)
        decision.line_edits.set([made])


def _judge(item: ReviewItem, decision: Decision, verdict: Verdict) -> None:
    if item.label is None:
        return  # deleted since: nothing counts of it
    actually: Label | None = item.label
    if verdict != Verdict.RIGHT:
        actually = Label.objects.filter(pk=decision.answer.get("label")).first()
    told = item.told
    try:
        made = MentionVerdict.objects.say(
            item.run.asset,
            item.label,
            by=decision.by,
            source=told["source"],
            span=(told["start_s"], told["end_s"]),
            text=told["mention"],
            actually=actually,
        )
    except Refused:
        return  # somebody said the same on the asset's page: it counts as that
    decision.mention_verdicts.set([made])


def take_back(decision: Decision, *, by: User) -> None:
    """All that followed from it."""
    decision.mention_verdicts.all().take_back()
    for edits in (decision.word_edits, decision.line_edits):
        for edit in edits.standing().order_by("-pk"):
            edit.undo(by=by)


# --- in words -----------------------------------------------------------------------------------


def in_words(item: ReviewItem, answer: Answer) -> str:
    """ "It is Kestrel", for whoever decided."""
    verdict = Verdict(answer["verdict"])
    if verdict == Verdict.WORDS:
        named = _named_now(item, answer["line"])
        return f"Words corrected: {named}" if named else "Words corrected"
    if item.kind == ReviewItem.Kind.WORDS:
        return "As it was said" if verdict == Verdict.RIGHT else "Nobody said that"
    if verdict == Verdict.WRONG:
        return f"It is not {item.label}" if item.label else "It is none"
    label = item.label if verdict == Verdict.RIGHT else _label(answer)
    return f"It is {label}" if label else "Said"


def said_of(item: ReviewItem, answer: Answer) -> str:
    """What somebody said, for whoever settles it."""
    if answer["verdict"] == Verdict.WORDS:
        return f"“{answer['text']}”" if answer["text"] else "Nobody said anything"
    return in_words(item, answer)


def _label(answer: Answer) -> Label | None:
    return Label.objects.filter(pk=answer.get("label") or 0).first()


def _named_now(item: ReviewItem, line: int) -> str:
    """Which brands the sentence names as it reads now."""
    model = TextRegion if is_written(item) else SpeechSegment
    row = model.objects.filter(pk=line).first()
    if row is None:
        return ""
    labels = labels_of(item.run)
    names = {label.pk: label.name for label in labels}
    found = [
        names[one.mention.brand]
        for one in _mentions(item, labels)
        if one.mention.start_s <= row.end_s and one.mention.end_s >= row.start_s
        if one.item is None or one.item.region == row.pk
    ]
    return f"it names {', '.join(dict.fromkeys(found))}" if found else "it names no brand"


def _mentions(item: ReviewItem, labels: Sequence[Label]) -> Sequence[Found]:
    told = Told.of(item.run.asset, labels)
    return told.written if is_written(item) else told.said


def text_of(item: ReviewItem, decision: Decision) -> str:
    """How the sentence reads by this answer; "" where it is about no words."""
    if decision.answer.get("verdict") == Verdict.WORDS:
        return str(decision.answer["text"])
    return str(item.told.get("text", ""))
