"""Of each simple condition, which frames and which boxes fulfil it.

Everything here works on whole columns: a rule is asked over 36,000 frames while somebody waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.boxes import ious
from analysis.film.columns import KNOWN
from analysis.rules.grammar import ANY, Condition
from analysis.rules.lot import lots
from analysis.rules.seen import Evidence, Flags, Novel, Rows, Seen, Spans

_SAME_TIME_S = 1e-6
_NEAR_S = 1e-3  # of the time of a region, which is that of its frame
_SAME_BOX = 0.5  # intersection over union of a region and the box it was cut by


class Fulfilled(NamedTuple):
    """What fulfils one condition."""

    frames: Flags  # shape (n_frames,)
    rows: Flags | None = None  # shape (n_detections,); None: no box does
    brands: tuple[Rows, Rows] | None = None  # frames, ascending, and the label of each


class View(NamedTuple):
    """What conditions are asked about."""

    evidence: Evidence
    seen: Seen
    other: Seen | None

    @classmethod
    def of(cls, evidence: Evidence) -> View:
        labels, thresholds = evidence.labels, evidence.thresholds
        other = evidence.other
        return cls(
            evidence,
            Seen(evidence.columns, labels, thresholds),
            None if other is None else Seen(other, labels, thresholds),
        )


def fulfilled(condition: Condition, view: View) -> Fulfilled:
    """The frames that fulfil a condition; none where nobody looked for what it needs."""
    return _BY_TYPE[condition.type](condition, view)


def _confidence(condition: Condition, view: View) -> Fulfilled:
    """Frames with one box that fulfils all comparisons."""
    return _boxes(view.seen, view.seen.of(condition.label) & view.seen.within(condition.limits))


def _sampling(condition: Condition, view: View) -> Fulfilled:
    drawn = lots(view.evidence.sha256, view.seen.frames["time_s"])
    return Fulfilled(drawn < condition.percentage)


def _nothing(condition: Condition, view: View) -> Fulfilled:
    """Frames without a box that counts, those without any among them."""
    return Fulfilled(~view.seen.in_frames(view.seen.counts & view.seen.of(condition.label)))


def _worst(condition: Condition, view: View) -> Fulfilled:
    """Of each track the least sure box; of several that are, the middle one in time.

    A logo that was followed has one confidence in all its frames. Its middle shows it better than
    its ends, where it comes and goes.
    """
    rows, starts = view.seen.by_track
    if not len(rows):
        return _chosen(condition, view.seen, rows)
    confidence = view.seen.confidence[rows]
    sizes = np.diff(starts, append=len(rows))
    is_least = confidence == np.repeat(confidence[starts], sizes)
    n_least = np.add.reduceat(is_least, starts, dtype=np.intp)
    return _chosen(condition, view.seen, rows[starts + (n_least - 1) // 2])


def _first(condition: Condition, view: View) -> Fulfilled:
    """Of each track the first box, however sure."""
    rows, starts = view.seen.by_track
    firsts = np.minimum.reduceat(rows, starts) if len(rows) else rows
    return _chosen(condition, view.seen, firsts)


def _chosen(condition: Condition, seen: Seen, rows: Rows) -> Fulfilled:
    """Of these boxes those that the condition is about."""
    chosen = np.zeros(len(seen.frame), np.bool_)
    chosen[rows] = True
    return _boxes(seen, chosen & seen.of(condition.label) & seen.within(condition.limits))


def _boxes(seen: Seen, rows: Flags) -> Fulfilled:
    return Fulfilled(seen.in_frames(rows), rows)


def _disagreement(condition: Condition, view: View) -> Fulfilled:
    """Frames in which two sources say different things of a label.

    Sources rarely disagree in one frame alone: they do for a stretch, and all its frames ask the
    same question. It is asked once, of the middle frame of each unbroken row of them, which is
    furthest from the ends, where both may be right. Each label has rows of its own.
    """
    seen = view.seen
    keys = _BETWEEN[condition.between](view)
    brand, frame = seen.parts_of(_middles(keys))
    wanted = np.isin(brand, seen.brands(condition.label))
    brand, frame = brand[wanted], frame[wanted]
    order = np.argsort(frame, kind="stable")
    frames = np.zeros(seen.n, np.bool_)
    frames[frame] = True
    rows = seen.counts & np.isin(seen.key, seen.key_of(brand, frame))
    if condition.between == "TrackerAndDetector":
        rows &= seen.known != _DETECTED
    return Fulfilled(frames, rows, (frame[order], brand[order]))


def _middles(keys: Rows) -> Rows:
    """The middle of each unbroken row of ascending numbers; of two the first."""
    starts = np.flatnonzero(np.diff(keys, prepend=-2) != 1)
    ends = np.append(starts[1:], len(keys)) if len(keys) else starts
    return keys[(starts + ends - 1) // 2]


def _novelty(condition: Condition, view: View) -> Fulfilled:
    """Of each sight of no known label the frame that shows it best, and the box there that was
    taken for the label."""
    seen = view.seen
    frames = np.zeros(seen.n, np.bool_)
    rows = np.zeros(len(seen.frame), np.bool_)
    for frame, one in novel_in(condition, view):
        frames[frame] = True
        if one.label is not None:
            span = seen.span(frame)
            own = np.flatnonzero(seen.brand[span] == seen.position[one.label]) + span.start
            shared = ious([one.box], seen.boxes[own])[0]
            rows[own[shared > _SAME_BOX]] = True
    return Fulfilled(frames, rows)


def novel_in(condition: Condition, view: View) -> Iterator[tuple[int, Novel]]:
    """The sights that the condition is about, each with its frame."""
    seen, evidence = view.seen, view.evidence
    for one in evidence.novel or ():
        if one.label is not None and one.label not in seen.position:
            continue
        if condition.label != ANY and evidence.labels.get(one.label or 0) != condition.label:
            continue
        at = int(np.searchsorted(seen.frames["time_s"], one.time_s - _NEAR_S))
        if at < seen.n and abs(float(seen.frames["time_s"][at]) - one.time_s) <= _NEAR_S:
            yield at, one


_DETECTED = KNOWN.index("detected")


def _not_detected(view: View) -> Rows:
    """Where a box counts that no detector saw in that frame: it was followed, or lies between."""
    seen = view.seen
    return np.unique(seen.key[seen.counts & (seen.known != _DETECTED)])


def _analysed_otherwise(view: View) -> Rows:
    """Where a label is found here and not by the other analysis, or by that and not here.

    The other may have looked at other frames. What it says of a moment between two of them is what
    both say; where they differ it changed in between, and when is not known.
    """
    seen, other = view.seen, view.other
    if other is None or not other.n:
        return np.empty(0, np.intp)
    before, after, is_covered = beside(other, seen.frames["time_s"])
    brands = np.union1d(seen.brand[seen.counts], other.brand[other.counts])
    here, there = _presence(seen, brands), _presence(other, brands)
    then, later = there[:, before], there[:, after]
    differs = (here & ~then & ~later) | (~here & then & later)
    place, frame = np.nonzero(differs & is_covered)
    return seen.key_of(brands[place], frame)


def beside(other: Seen, time_s: NDArray[np.float64]) -> tuple[Rows, Rows, Flags]:
    """The frames of another analysis before and after each moment, one and the same where it has
    just that; and whether it looked there at all."""
    last = other.n - 1
    times = other.frames["time_s"]
    before = np.searchsorted(times, time_s + _SAME_TIME_S, "right") - 1
    after = np.searchsorted(times, time_s - _SAME_TIME_S, "left")
    before, after = np.clip(before, 0, last), np.clip(after, 0, last)
    is_covered = np.zeros(len(time_s), np.bool_)
    for frame in (before, after):
        is_covered |= np.abs(times[frame] - time_s) <= _SAME_TIME_S
        is_covered |= (other.frames["start_s"][frame] <= time_s) & (
            time_s < other.frames["end_s"][frame]
        )
    return before, after, is_covered


def _presence(seen: Seen, brands: Rows) -> Flags:
    """Whether each of the labels counts in each frame. Shape (labels, n_frames)."""
    found = np.zeros((len(brands), seen.n), np.bool_)
    found[np.searchsorted(brands, seen.brand[seen.counts]), seen.frame[seen.counts]] = True
    return found


def _only_said(view: View) -> Rows:
    return _only_mentioned(view.seen, view.evidence.said)


def _only_written(view: View) -> Rows:
    return _only_mentioned(view.seen, view.evidence.written)


def _only_mentioned(seen: Seen, mentions: Mapping[int, Spans] | None) -> Rows:
    """Where a label is in words and has no box that counts."""
    found = [np.empty(0, np.intp)]
    for label, spans in (mentions or {}).items():
        if label in seen.position and len(spans):
            found.append(seen.key_of(seen.position[label], _frames_of(seen, spans)))
    return np.setdiff1d(np.concatenate(found), seen.key[seen.counts])


def _frames_of(seen: Seen, spans: Spans) -> Rows:
    first, after = reach(seen, spans)
    counts = np.maximum(after - first, 0)
    ahead = np.cumsum(counts) - counts
    return np.arange(counts.sum()) + np.repeat(first - ahead, counts)


def reach(seen: Seen, spans: Spans) -> tuple[Rows, Rows]:
    """The first frame that answers for some of each span, and the one after the last."""
    start, end = np.array(spans, np.float64).reshape(-1, 2).T
    start_s, end_s = seen.frames["start_s"], seen.frames["end_s"]
    if not seen.n or end_s[-1] <= start_s[0]:  # a picture has no time: all of it is in the frame
        return np.zeros(len(start), np.intp), np.full(len(start), seen.n)
    end = np.maximum(end, np.nextafter(start, np.inf))
    return np.searchsorted(end_s, start, "right"), np.searchsorted(start_s, end, "left")


def _of_no_frame(condition: Condition, view: View) -> Fulfilled:
    """What is about words: `analysis.rules.told` says which."""
    return Fulfilled(np.zeros(view.seen.n, np.bool_))


_BETWEEN: dict[str, Callable[[View], Rows]] = {
    "TrackerAndDetector": _not_detected,
    "Analyses": _analysed_otherwise,
    "LogoAndWritten": _only_written,
    "LogoAndSpoken": _only_said,
}
_BY_TYPE: dict[str, Callable[[Condition, View], Fulfilled]] = {
    "LabelConfidenceCheck": _confidence,
    "ModerationLabelConfidenceCheck": _confidence,
    "Sampling": _sampling,
    "NothingDetected": _nothing,
    "WorstFrame": _worst,
    "FirstAppearance": _first,
    "Disagreement": _disagreement,
    "Novelty": _novelty,
    "Mention": _of_no_frame,
    "Word": _of_no_frame,
}
