"""Lines followed through time, so that a caption is one item however often it was read.

What is read in two looks is one line where its letters are the same, or nearly and in the same
place; a digit that changed makes it another, for scores and clocks say what they say. Between looks
pixels tell when a line comes and goes, to the frame. Whether it lies over the picture is told by
its standing still while that moves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot

import numpy as np
from numpy.typing import NDArray

from analysis.boxes import overlap
from analysis.reading import patches
from analysis.reading.continuing import IN_PLACE, plain, spelled_alike
from analysis.reading.motion import Motion
from analysis.reading.patches import Small
from analysis.reading.types import Kind, TextBox, TextItem
from analysis.types import Box

Look = tuple[float, Small]
_FAR = 4.0  # heights of a line that it may move from one look to the next
_AWAY_S = 1.2  # hidden for so long, it is the same line still
_STILL, _MOVES = 0.3, 0.75  # of a line's height
_STILL_PX, _MOVES_PX = 2.0, 4.0
_MOVED = 0.1  # of its height: its path goes on
_SURE = 0.9  # its text is not read again while its pixels stay


@dataclass(slots=True, eq=False)
class Line:
    """A line that is on screen, or was a moment ago. Boxes are shares of the frame."""

    start_s: float
    seen_s: float
    box: Box
    patch: NDArray[np.uint8]
    readings: list[TextBox] = field(default_factory=list)
    path: list[tuple[float, Box]] = field(default_factory=list)
    gone_s: float | None = None
    own: tuple[float, float] = (0.0, 0.0)  # how far it has moved
    behind: tuple[float, float] = (0.0, 0.0)  # how far the picture behind it has
    farthest_own: float = 0.0
    farthest_behind: float = 0.0
    stood_through_cut: bool = False

    @property
    def best(self) -> TextBox:
        """The reading that most looks agree on, each counted by its confidence."""
        votes: defaultdict[str, float] = defaultdict(float)
        for reading in self.readings:
            votes[plain(reading.text)] += reading.confidence
        most = max(votes, key=lambda one: votes[one])
        agreeing = (r for r in self.readings if plain(r.text) == most)
        return max(agreeing, key=lambda r: r.confidence)

    def known(self, frame: Small, box: Box) -> TextBox | None:
        """What it says, where it is known well and its pixels are as they were: at `box`."""
        if self.gone_s is not None or overlap(self.box, box) == 0 or len(self.readings) < 2:
            return None
        best, shift = self.best, patches.find(self.patch, frame, self.box)
        if best.confidence < _SURE or shift is None:
            return None
        here = _moved(self.box, shift)
        same = patches.is_alike(self.patch, patches.cut_out(frame, here))
        return TextBox(best.text, here, best.confidence) if same else None

    def goes_on(self, time_s: float, frame: Small, box: Box, motion: Motion | None) -> None:
        """It is at `box` now."""
        shift = tuple(now - then for now, then in zip(box.centre, self.box.centre, strict=True))
        self.own = self.own[0] + shift[0], self.own[1] + shift[1]
        self._compare(frame, motion)
        self.box, self.seen_s, self.gone_s = box, time_s, None
        self.patch = patches.cut_out(frame, box)
        _, last = self.path[-1]
        away = hypot(box.centre[0] - last.centre[0], box.centre[1] - last.centre[1])
        if away > _MOVED * box.height:
            self.path.append((time_s, box))

    def _compare(self, frame: Small, motion: Motion | None) -> None:
        if motion is None:
            return
        height, width = frame.shape
        self.farthest_own = max(self.farthest_own, hypot(self.own[0] * width, self.own[1] * height))
        if motion.is_cut:
            self.stood_through_cut = True
        elif (behind := motion.shift_at(self.box)) is not None:
            self.behind = self.behind[0] + behind[0], self.behind[1] + behind[1]
            far = hypot(self.behind[0] * width, self.behind[1] * height)
            self.farthest_behind = max(self.farthest_behind, far)

    def kind(self, height_px: float) -> Kind:
        """Told by what moved: it, or the picture behind it."""
        is_still = self.farthest_own <= max(_STILL * height_px, _STILL_PX)
        moves = max(_MOVES * height_px, _MOVES_PX)
        if is_still and (self.stood_through_cut or self.farthest_behind > moves):
            return "overlay"
        return "scene" if self.farthest_own > moves else "untold"

    def item(self, end_s: float, frame_height: int) -> TextItem:
        best = self.best
        return TextItem(
            best.text,
            self.start_s,
            max(end_s, self.start_s),
            best.box,
            best.confidence,
            self.kind(best.box.height * frame_height),
            tuple(self.path) if len(self.path) > 1 else (),
            len(self.readings),
        )


class Follower:
    """The lines of a stretch of film, told look by look. `items`: those that are over."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.items: list[TextItem] = []
        self._height = 1

    def look(self, looks: Sequence[Look], found: Sequence[TextBox], motion: Motion | None) -> None:
        """What was read in the last of `looks`; those before are the frames since the last one
        that was read, itself among them."""
        time_s, frame = looks[-1]
        self._height = frame.shape[0]
        free = list(found)
        for line, read in self._pairs(frame, free, motion):
            free.remove(read)
            line.readings.append(read)
            line.goes_on(time_s, frame, _steady(line, frame, read.box), motion)
        for line in [one for one in self.lines if one.seen_s < time_s]:
            self._missed(line, looks, free, motion)
        for read in free:
            self._begin(looks, read)
        self._let_go(time_s)

    def stays(self, time_s: float) -> None:
        """Nothing changed up to now."""
        for line in self.lines:
            if line.gone_s is None:
                line.seen_s = time_s

    def end(self, end_s: float) -> list[TextItem]:
        """All that was read, by time; what is on screen still is so until `end_s`."""
        for line in self.lines:
            self.items.append(line.item(line.gone_s or end_s, self._height))
        self.lines = []
        self.items.sort(key=lambda item: (item.start_s, item.box.y1, item.box.x1))
        return self.items

    def _pairs(
        self, frame: Small, found: Sequence[TextBox], motion: Motion | None
    ) -> list[tuple[Line, TextBox]]:
        """Which line each reading goes on, the likeliest first."""
        scored: list[tuple[float, int, Line, TextBox]] = []
        for line in self.lines:
            shift = motion.shift_at(line.box) if motion else None
            expected = _moved(line.box, shift) if shift else line.box
            for read in found:
                if (score := _likeness(line, expected, frame, read)) > 0:
                    scored.append((score, len(scored), line, read))
        pairs: list[tuple[Line, TextBox]] = []
        taken: set[int] = set()
        for _, _, line, read in sorted(scored, reverse=True, key=lambda one: one[:2]):
            if id(line) not in taken and id(read) not in taken:
                taken |= {id(line), id(read)}
                pairs.append((line, read))
        return pairs

    def _missed(
        self, line: Line, looks: Sequence[Look], free: Sequence[TextBox], motion: Motion | None
    ) -> None:
        """It was not read: it is there by its pixels, or it has gone since the last look."""
        time_s, frame = looks[-1]
        if line.gone_s is not None:
            return
        is_replaced = any(overlap(line.box, read.box) > IN_PLACE for read in free)
        shift = None if is_replaced else patches.find(line.patch, frame, line.box)
        if shift is not None:
            line.goes_on(time_s, frame, _moved(line.box, shift), motion)
            return
        box = line.box
        for at_s, earlier in looks:
            if at_s <= line.seen_s:
                continue
            shift = patches.find(line.patch, earlier, box)
            if shift is None or not _still_says(line, earlier, box, shift):
                line.gone_s = at_s
                return
            box = _moved(box, shift)
        line.gone_s = time_s

    def _begin(self, looks: Sequence[Look], read: TextBox) -> None:
        time_s, frame = looks[-1]
        patch, box, start_s = patches.cut_out(frame, read.box), read.box, time_s
        line = Line(start_s, time_s, box, patch, [read], [(time_s, box)])
        for at_s, earlier in reversed(looks[:-1]):
            shift = patches.find(patch, earlier, box)
            if shift is None or not _still_says(line, earlier, box, shift):
                break
            box, line.start_s = _moved(box, shift), at_s
        self.lines.append(line)

    def _let_go(self, time_s: float) -> None:
        """Those that have been away for too long to come back."""
        over = [o for o in self.lines if o.gone_s is not None and time_s - o.gone_s > _AWAY_S]
        for line in over:
            self.lines.remove(line)
            assert line.gone_s is not None
            self.items.append(line.item(line.gone_s, self._height))


def _likeness(line: Line, expected: Box, frame: Small, read: TextBox) -> float:
    """How likely a reading is the line, 0 for not at all."""
    near = overlap(expected, read.box)
    away = hypot(
        read.box.centre[0] - expected.centre[0], read.box.centre[1] - expected.centre[1]
    ) / max(expected.height, 1e-6)
    text = line.best.text
    if plain(text) == plain(read.text):
        return 2 + near - away / _FAR / 2 if near > 0 or away < _FAR else 0.0
    if near < IN_PLACE or line.gone_s is not None:
        return 0.0
    if spelled_alike(text, read.text):
        return 1 + near
    is_alike = patches.is_alike(line.patch, patches.cut_out(frame, line.box))
    return near if is_alike else 0.0


def _steady(line: Line, frame: Small, box: Box) -> Box:
    """Where a line is by its pixels, which tremble less than a detector's box."""
    shift = patches.find(line.patch, frame, line.box)
    return box if shift is None else _moved(line.box, shift)


def _still_says(line: Line, frame: Small, box: Box, shift: tuple[float, float]) -> bool:
    there = patches.cut_out(frame, _moved(box, shift))
    return patches.is_alike(line.patch, there, has_moved=shift != (0.0, 0.0))


def _moved(box: Box, shift: tuple[float, float]) -> Box:
    return Box(box.x1 + shift[0], box.y1 + shift[1], box.x2 + shift[0], box.y2 + shift[1])
