"""Mentions and doubtful words of an asset as items of the queue, and the sentence that each is in.

An item keeps what was found by its times, not by a row of a transcript: a transcript that is made
anew has other rows, and the same is asked about there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from analysis.boxes import overlap
from analysis.rules import (
    Evidence,
    MentionFact,
    Rule,
    Sent,
    WordFact,
    select_mentions,
    select_words,
)
from analysis.speech.types import WRITTEN_WITHOUT_BLANKS, join_words
from analysis.tokens import tokens
from analysis.types import Box
from webapp.indexing.indexing import Indexing
from webapp.indexing.mention_verdicts import is_same_span
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.text_regions import TextRegion
from webapp.indexing.transcript import shown
from webapp.indexing.word_edits import WordEdit
from webapp.indexing.written import read_text
from webapp.leases import Status
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.predictions import doubt
from webapp.review_queue.rules import ReviewRule
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.timeline.labels import labels_of
from webapp.timeline.mentions import Item, Mentions

Kind = ReviewItem.Kind
_NEAR_S = 0.01


class Doubted(NamedTuple):
    """A word that nobody corrected, and the sentence it stands in."""

    line: SpeechSegment
    fact: WordFact


@dataclass(frozen=True)
class Heard:
    """What rules may ask of the words of a run's asset, read where one does."""

    run: Run
    needs: frozenset[str] = frozenset()

    @cached_property
    def _mentions(self) -> Mentions | None:
        return Mentions.of(self.run) if "mentions" in self.needs else None

    @cached_property
    def mentions(self) -> list[Item] | None:
        """Those of the labels that the run looked for, by time; None: nobody listened or read."""
        found = self._mentions
        if found is None or not (found.indexing or found.text):
            return None
        wanted = {label.pk for label in labels_of(self.run)}
        every = [one for one in [*found.said, *found.written] if one.label.pk in wanted]
        return sorted(every, key=lambda one: one.mention.start_s)

    @cached_property
    def words(self) -> list[Doubted] | None:
        """None: nobody listened to the end, or nothing says how surely each word was heard."""
        speech = shown(self.run.asset) if "words" in self.needs else None
        if speech is None or speech.status != Status.DONE:
            return None
        found = list(_doubted(speech))
        says_nothing = len({one.fact.confidence for one in found}) < 2
        is_translation = speech.options.get("task") == "translate"
        return None if is_translation or says_nothing else found

    @property
    def evidence(self) -> dict[str, Any]:
        """For `analysis.rules.Evidence`."""
        mentions, words = self.mentions, self.words
        return {
            "mentions": None if mentions is None else [_fact(one) for one in mentions],
            "words": None if words is None else [one.fact for one in words],
        }


def _fact(one: Item) -> MentionFact:
    m = one.mention
    about = m.start_s, m.end_s, m.confidence, one.is_seen, m.text
    return MentionFact(one.label.pk, one.source, *about)


def _doubted(speech: Indexing) -> Iterator[Doubted]:
    rows = list(speech.speech_segments.order_by("start_s", "pk"))
    edits = WordEdit.objects.of(rows) if rows else {}
    for row in rows:
        edited = edits.get(row.pk, {})
        columns = (row.words[name] for name in ("start_s", "end_s", "confidence", "text"))
        for place, (start_s, end_s, confidence, text) in enumerate(zip(*columns, strict=True)):
            if place not in edited:
                yield Doubted(row, WordFact(start_s, end_s, confidence, text.strip()))


# --- items ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules ask about words. there: all that items may be about, whatever asks."""

    items: list[ReviewItem] = field(default_factory=list)
    mentions: Sequence[Item] | None = None
    words: Sequence[Doubted] | None = None

    def is_there(self, item: ReviewItem) -> bool:
        """Whether what an item is about is still found: unknown where nobody looked now."""
        span = item.told["start_s"], item.told["end_s"]
        if item.kind == Kind.MENTION:
            return self.mentions is None or any(
                (one.label.pk, one.source) == (item.label_id, item.told["source"])
                and is_same_span((one.mention.start_s, one.mention.end_s), span)
                for one in self.mentions
            )
        return self.words is None or any(
            is_same_span((one.line.start_s, one.line.end_s), span)
            and one.line.text.strip() == item.told["text"]
            for one in self.words
        )


def ask(
    run: Run, rules: Sequence[tuple[ReviewRule, Rule]], heard: Heard, evidence: Evidence
) -> Asked:
    """The mentions and sentences that the rules send and nobody said anything of yet."""
    mentions, words = heard.mentions or [], heard.words or []
    asked: dict[int, list[tuple[ReviewRule, Sent]]] = {}
    lines: dict[int, list[tuple[ReviewRule, Sent]]] = {}
    for row, rule in rules:
        for sent in select_mentions(rule, evidence):
            if mentions[sent.place].found.verdict is None:
                asked.setdefault(sent.place, []).append((row, sent))
        for sent in select_words(rule, evidence):
            lines.setdefault(words[sent.place].line.pk, []).append((row, sent))
    by_mention = (_of_mention(run, mentions[place], by) for place, by in asked.items())
    by_line = (_of_words(run, words, by) for by in lines.values())
    said = _decided(run)
    items = [*by_mention, *(one for one in by_line if not any(is_same(one, old) for old in said))]
    return Asked(items, heard.mentions, heard.words)


def _decided(run: Run) -> list[ReviewItem]:
    """The sentences of the asset that people decided about already, whatever the analysis."""
    rows = ReviewItem.objects.filter(kind=Kind.WORDS, state=State.DONE)
    return list(rows.filter(run__asset=run.asset_id, project=run.project_id))


def is_same(one: ReviewItem, other: ReviewItem) -> bool:
    """Whether two items ask the same: of the same mention, or of a sentence heard alike."""
    span = one.told["start_s"], one.told["end_s"]
    if one.kind != other.kind or not is_same_span(
        span, (other.told["start_s"], other.told["end_s"])
    ):
        return False
    if one.kind == Kind.WORDS:
        return bool(one.told["text"] == other.told["text"])
    return (one.label_id, one.told["source"]) == (other.label_id, other.told["source"])


def _of_mention(run: Run, one: Item, by: list[tuple[ReviewRule, Sent]]) -> ReviewItem:
    m, written = one.mention, one.found.item
    told: dict[str, Any] = {
        "source": one.source,
        "start_s": round(m.start_s, 3),
        "end_s": round(m.end_s, 3),
        "text": written.text if written else m.text,
        "mention": m.text,
        "name": m.name,
        "by": m.by,
        "score": round(m.score, 4),
        "confidence": round(m.confidence, 4),
        "is_seen": one.is_seen,
    }
    time_s = m.start_s
    if written is not None:
        time_s, told["box"] = _best_seen(written.region, m.start_s, list(written.box))
    key = f"{one.source} {one.label.pk} {m.start_s:.2f} {told['text'][:60]}"
    made = _item(run, Kind.MENTION, (key, time_s, told), by)
    made.label_id, made.doubt = one.label.pk, round(doubt(m.confidence), 4)
    made.stake_s = round((m.end_s - m.start_s) * doubt(m.confidence), 4)
    return made


def _best_seen(region: int, start_s: float, box: list[float]) -> tuple[float, list[float]]:
    """When a line of writing is shown for people, and where it is then: halfway through."""
    row = TextRegion.objects.filter(pk=region).first()
    if row is None or not row.path:
        return start_s, box
    time_s, *there = row.path[len(row.path) // 2]
    return time_s, there


def _of_words(run: Run, words: Sequence[Doubted], by: list[tuple[ReviewRule, Sent]]) -> ReviewItem:
    marked = [words[place] for place in sorted({sent.place for _, sent in by})]
    line = marked[0].line
    told = {
        "start_s": round(line.start_s, 3),
        "end_s": round(line.end_s, 3),
        "text": line.text.strip(),
        "marked": [[round(f.start_s, 3), round(f.end_s, 3)] for _, f in marked],
        "confidence": round(min(f.confidence for _, f in marked), 4),
    }
    # a word that is hardly believed is hardly ever right: what it stands for is not known at all
    doubts = [(f.end_s - f.start_s, 1 - f.confidence) for _, f in marked]
    made = _item(run, Kind.WORDS, (f"words {line.start_s:.2f}", line.start_s, told), by)
    made.stake_s = round(sum(seconds * unsure for seconds, unsure in doubts), 4)
    made.doubt = round(max(unsure for _, unsure in doubts), 4)
    return made


def _item(
    run: Run,
    kind: str,
    what: tuple[str, float, dict[str, Any]],
    by: list[tuple[ReviewRule, Sent]],
) -> ReviewItem:
    key, time_s, told = what
    because: dict[int, dict[str, Any]] = {}
    for rule, sent in by:  # of a sentence, once for each rule: its first word speaks for all
        because.setdefault(
            rule.pk, {"rule": str(rule), "words": words_of(sent.why), "conditions": sent.why}
        )
    return ReviewItem(
        workspace_id=run.asset.workspace_id,
        project_id=run.project_id,
        run=run,
        rule=by[0][0],
        kind=kind,
        key=key[:120],
        frame=_frame(run, time_s),
        time_s=time_s,
        told=told,
        because=list(because.values()),
        is_by_lot=all(sent.is_by_lot for _, sent in by),
        people=max(rule.people for rule, _ in by),
    )


def _frame(run: Run, time_s: float) -> int:
    """The analysed frame that is shown then."""
    starts = columns_of(run).frames["start_s"]
    return max(int(np.searchsorted(starts, time_s + 1e-6, "right")) - 1, 0)


def words_of(conditions: Iterable[dict[str, Any]]) -> str:
    """What was true, in words, in the order of the rule."""
    said = []
    for one in conditions:
        if one["EvaluationResult"]:
            parts = one.get("And") or one.get("Or")
            said.append(words_of(parts) if parts else one["Words"])
    return "; ".join(word for word in said if word)


# --- the sentence ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is said or written where an item is: the words as people read them, and as they were
    heard or read. row: of the transcript, or the line of writing."""

    row: SpeechSegment | TextRegion
    words: list[dict[str, Any]]
    language: str = ""  # where it is known

    @property
    def blank(self) -> str:
        return "" if self.language in WRITTEN_WITHOUT_BLANKS else " "

    @property
    def text(self) -> str:
        """As it reads now."""
        return join_words([w["text"] for w in self.words if w["text"]], self.language)

    def to_json(self) -> dict[str, Any]:
        row = self.row
        return {
            "line": row.pk,
            "language": self.language,
            "blank": self.blank,
            "start": row.start_s,
            "end": row.end_s,
            "text": self.text,
            "words": self.words,
        }


def sentence_of(item: ReviewItem) -> Sentence | None:
    """The sentence of the transcript, or the line of writing, that is read now; None where nothing
    is said or written there any more."""
    if is_written(item):
        return _written_line(item)
    speech = shown(item.run.asset)
    if speech is None:
        return None
    start_s, end_s = item.told["start_s"], item.told["end_s"]
    near = speech.speech_segments.filter(start_s__lt=end_s + _NEAR_S, end_s__gt=start_s - _NEAR_S)
    rows = sorted(near, key=lambda row: max(row.start_s, start_s) - min(row.end_s, end_s))
    return sentence(rows[0], item) if rows else None


def is_written(item: ReviewItem) -> bool:
    return bool(item.told.get("source") == "written")


def _written_line(item: ReviewItem) -> Sentence | None:
    """The line that stood there: read as the item was told, else the one that overlaps it most."""
    read = read_text(item.run.asset)
    if read is None:
        return None
    start_s, end_s = item.told["start_s"], item.told["end_s"]
    near = read.text_regions.as_it_reads().filter(
        start_s__lt=end_s + _NEAR_S, end_s__gt=start_s - _NEAR_S
    )
    box, text = Box(*item.told.get("box") or (0, 0, 1, 1)), item.told["text"]
    told = [row for row in near if text in (row.text, row.reads) or overlap(Box(*row.box), box) > 0]
    if not told:
        return None
    row = max(told, key=lambda r: (text in (r.text, r.reads), overlap(Box(*r.box), box), -r.pk))
    wanted = set(tokens(item.told["mention"]))
    about = {"start": row.start_s, "end": row.end_s, "sure": round(row.confidence, 4)}
    words = [
        about | {"text": word, "was": word, "is_marked": bool(wanted & set(tokens(word)))}
        for word in row.reads.split()
    ]
    return Sentence(row, words)


def sentence(row: SpeechSegment, item: ReviewItem) -> Sentence:
    """A row with the words that the item is about marked."""
    edits = WordEdit.objects.of([row]).get(row.pk, {})
    spans = item.told.get("marked") or [(item.told["start_s"], item.told["end_s"])]
    columns = (row.words[name] for name in ("text", "start_s", "end_s", "confidence"))
    words = []
    for place, (text, start_s, end_s, confidence) in enumerate(zip(*columns, strict=True)):
        edit, middle = edits.get(place), (start_s + end_s) / 2
        words.append(
            {
                "text": edit.text if edit else text.strip(),
                "was": text.strip(),
                "start": start_s,
                "end": end_s,
                "sure": 1.0 if edit else round(confidence, 4),
                "is_marked": any(first <= middle <= last for first, last in spans),
            }
        )
    return Sentence(row, words, row.language)
