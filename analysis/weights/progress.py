"""How far a download is: a bar that is drawn over itself, or a line for each tenth in a log."""

from __future__ import annotations

import time
from collections import deque
from typing import TextIO

_WIDTH = 24
_REDRAWN_S = 0.1
_WINDOW_S = 8.0  # that the rate is measured over


class Bar:
    """Of one file. What was there before the first call of `moved` counts as no speed."""

    def __init__(self, name: str, out: TextIO) -> None:
        self._name, self._out = name, out
        self._is_drawn = out.isatty()
        self._seen: deque[tuple[float, int]] = deque()
        self._drawn_at = 0.0
        self._tenth = 0
        self._longest = 0

    def moved(self, done: int, total: int) -> None:
        """`total`: 0 where nobody knows."""
        now = time.monotonic()
        if self._seen and done < self._seen[-1][1]:  # begun anew
            self._seen.clear()
            self._tenth = 0
        if not self._seen:
            self._tenth = done * 10 // total if total else 0
        self._seen.append((now, done))
        while now - self._seen[0][0] > _WINDOW_S and len(self._seen) > 2:
            self._seen.popleft()
        if self._is_drawn:
            if now - self._drawn_at >= _REDRAWN_S or done == total:
                self._drawn_at = now
                self._draw(done, total)
        elif total and (tenth := done * 10 // total) > self._tenth:
            self._tenth = tenth
            self._out.write(f"{self._line(done, total)}\n")
            self._out.flush()

    def close(self) -> None:
        """The bar goes; what is said next begins a line."""
        if self._is_drawn and self._longest:
            self._out.write("\r" + " " * self._longest + "\r")
            self._out.flush()

    def _draw(self, done: int, total: int) -> None:
        line = self._line(done, total)
        self._out.write("\r" + line.ljust(self._longest))
        self._out.flush()
        self._longest = max(self._longest, len(line))

    def _line(self, done: int, total: int) -> str:
        parts = [self._name]
        if total:
            full = round(_WIDTH * done / total)
            if self._is_drawn:
                parts.append(f"[{'#' * full}{'.' * (_WIDTH - full)}]")
            parts.append(f"{done / total:4.0%}")
        parts.append(f"{megabytes(done)} of {megabytes(total)}" if total else megabytes(done))
        if (rate := self._rate()) > 0:
            parts.append(f"{megabytes(rate)}/s")
            if total > done:
                parts.append(f"{clock((total - done) / rate)} left")
        return "  ".join(parts)

    def _rate(self) -> float:
        """Bytes a second, lately."""
        (begun, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - begun) if now - begun > 0.05 else 0.0


def megabytes(n_bytes: float) -> str:
    """Such as "0.4 MB" or "3,087 MB"."""
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes < 1e8 else f"{n_bytes / 1e6:,.0f} MB"


def clock(seconds: float) -> str:
    """Such as "12 s" or "1:05"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
