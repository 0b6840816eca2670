"""A run and the rules of its project → the items that people should see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from analysis.film.columns import Columns
from analysis.rules import Evidence, Rule, Selection, select, select_mentions, select_words
from webapp.novelty.sights import novel_of
from webapp.projects.models import Label
from webapp.review_queue.heard import Asked, Heard, ask, words_of
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.pace import weigh
from webapp.review_queue.predictions import Predictions, doubt, stake_s
from webapp.review_queue.rules import ReviewRule
from webapp.reviewing.verdicts import Verdict
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.timeline.labels import labels_of
from webapp.timeline.mentions import Told

MOST_ITEMS = 5_000  # of one run: those that matter most

_Sent = list[tuple[ReviewRule, Selection, frozenset[int]]]  # of each rule, and its frames


@dataclass(frozen=True, slots=True)
class Chosen:
    """The items of a run, those that matter most first, and how many the rules asked for."""

    items: list[ReviewItem] = field(default_factory=list)
    n_wanted: int = 0
    n_frames: int = 0  # of the whole run, and all its tracks; a box without one is its own
    n_tracks: int = 0
    heard: Asked = field(default_factory=Asked)

    @property
    def note(self) -> str:
        if self.n_wanted <= len(self.items):
            return ""
        return (
            f"The rules ask for {self.n_wanted:,} items of this analysis; the {len(self.items):,} "
            "on which most of the report depends were taken."
        )


def evidence_of(run: Run, needs: set[str], heard: Heard | None = None) -> Evidence:
    """What rules may ask of a run; speech, writing and another run only where one does."""
    heard = heard or Heard(run, frozenset(needs))
    labels = labels_of(run)
    told = Told.of(run.asset, labels) if needs & {"said", "written"} else None
    words = told.words() if told else None
    return Evidence(
        columns=columns_of(run),
        labels={label.pk: label.name for label in labels},
        thresholds={label.pk: label.threshold for label in labels},
        sha256=run.asset.sha256,
        said=words.said if words else None,
        written=words.written if words else None,
        other=_other(run) if "other" in needs else None,
        novel=novel_of(run) if "novel" in needs else None,
        **heard.evidence,
    )


def _other(run: Run) -> Columns | None:
    """What the analysis before this one found that looked in another way."""
    others = Run.objects.finished().filter(asset=run.asset, project=run.project)
    before = others.exclude(input_hash=run.input_hash).exclude(pk=run.pk).order_by("-pk").first()
    return columns_of(before) if before else None


class Counts(NamedTuple):
    """How many of each a rule would send."""

    frames: int = 0
    mentions: int = 0
    sentences: int = 0

    @property
    def items(self) -> int:
        return sum(self)


def count(run: Run, rule: Rule) -> Counts:
    """How much a rule would send of a run, if nobody had decided anything."""
    heard = Heard(run, frozenset(rule.needs))
    evidence = evidence_of(run, set(rule.needs), heard)
    words = heard.words or []
    return Counts(
        len(select(rule, evidence).frames),
        len(select_mentions(rule, evidence)),
        len({words[sent.place].line.pk for sent in select_words(rule, evidence)}),
    )


def choose(run: Run, rules: Sequence[ReviewRule]) -> Chosen:
    """What these rules send that nobody decided about yet."""
    read = [(rule, rule.rule) for rule in rules]
    needs: set[str] = {need for _, rule in read for need in rule.needs}
    heard = Heard(run, frozenset(needs))
    evidence = evidence_of(run, needs, heard)
    sent: _Sent = []
    for row, rule in read:
        found = select(rule, evidence)
        sent.append((row, found, frozenset(found.frames.tolist())))
    judged = _judged(run, evidence.columns)
    frames = sorted(frozenset().union(*(some for _, _, some in sent)) - judged)
    predictions = Predictions(evidence.columns, evidence.thresholds)
    labels = set(Label.objects.filter(pk__in=evidence.labels).values_list("pk", flat=True))
    asked = ask(run, read, heard, evidence)
    items = [_item(run, frame, sent, predictions, labels) for frame in frames]
    items += asked.items
    weigh(items, run.asset.workspace)
    items.sort(key=lambda item: (-item.worth, item.frame))
    n_tracks = len(sent[0][1].view.seen.by_track[1]) if sent else 0
    n_frames = len(evidence.columns.frames)
    return Chosen(items[:MOST_ITEMS], len(items), n_frames, n_tracks, asked)


def n_tracks_of(asked: Iterable[list[dict[str, Any]]]) -> int:
    """How many tracks these boxes of items are about, by those that are why each was chosen."""
    tracks: set[tuple[int, float, float]] = set()
    alone = 0
    for boxes in asked:
        for box in boxes:
            track = box["track"]
            if not box["is_matched"]:
                continue
            if track:
                tracks.add((box["label"], track["start_s"], track["end_s"]))
            else:
                alone += 1
    return len(tracks) + alone


def _judged(run: Run, columns: Columns) -> frozenset[int]:
    """The frames about which people said something: nobody is asked twice, also not because a
    film was analysed again."""
    labels = [label["id"] for label in run.inputs["labels"]]
    said = Verdict.objects.standing().filter(asset=run.asset, label__in=labels)
    times = np.array(list(said.values_list("time_s", flat=True)), np.float64)
    frames = np.searchsorted(columns.frames["start_s"], times + 1e-6, "right") - 1
    return frozenset(frames.tolist())


def _item(
    run: Run, frame: int, sent: _Sent, predictions: Predictions, labels: set[int]
) -> ReviewItem:
    by = [(rule, found) for rule, found, frames in sent if frame in frames]
    matched = {int(row) for _, found in by for row in found.rows(frame)}
    boxes = predictions.drawn(frame, matched)
    asked = [box for box in boxes if box["is_matched"]] or boxes
    lead = max(asked, key=lambda box: doubt(box["confidence"]), default=None)
    dwell_s = float(predictions.dwell_s[frame])
    return ReviewItem(
        workspace_id=run.asset.workspace_id,
        project_id=run.project_id,
        run=run,
        rule=by[0][0],
        label_id=lead["label"] if lead and lead["label"] in labels else None,
        frame=frame,
        time_s=float(predictions.columns.frames["time_s"][frame]),
        boxes=boxes,
        because=[_because(rule, found, frame) for rule, found in by],
        stake_s=round(stake_s(boxes, dwell_s), 4),
        doubt=round(doubt(lead["confidence"]), 4) if lead else 1.0,
        is_by_lot=not any(found.certain[frame] for _, found in by),
        people=max(rule.people for rule, _ in by),
    )


def _because(rule: ReviewRule, found: Selection, frame: int) -> dict[str, Any]:
    why = found.why(frame)
    return {"rule": str(rule), "words": words_of(why), "conditions": why}
