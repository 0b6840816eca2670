"""Tables that somebody brings: comma-separated, with a line of names, read with sentences for what
is wrong."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from analysis.errors import AnalysisError

RIGHT_ASCENSION = ("ra", "ra_deg", "raj2000", "ra_icrs", "_ra")  # what its column is called
DECLINATION = ("dec", "dec_deg", "dej2000", "decj2000", "de_icrs", "_dec")
_MOST_BYTES = 200_000_000
_SHOWN = 3  # wrong lines that are told


class Reader:
    """The rows of one file by the names of its columns, in any case and order.

    Raises AnalysisError where it is no table of text, or a column is missing. What is wrong in
    single lines is collected in `wrong`, for the caller to raise or to tell.
    """

    def __init__(self, source: Path | str, what: str) -> None:
        """source: a file, or its text. what: it is called in sentences, such as “the catalogue”."""
        self.what = what
        self.wrong: list[str] = []
        text = source if isinstance(source, str) else self._read(source)
        lines = [line for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
        if not lines:
            raise AnalysisError(f"There is nothing in {what}: it is empty.")
        self._delimiter = max(",;\t|", key=lines[0].count)
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter)
        self._rows = iter(enumerate(rows, 1))
        head = next(row for _, row in self._rows if _filled(row))
        self._names = [name.strip().strip('"').lower() for name in head]

    def _read(self, path: Path) -> str:
        if path.stat().st_size > _MOST_BYTES:
            raise AnalysisError(
                f"{self.what.capitalize()} is larger than {_MOST_BYTES // 1_000_000} MB: cut out "
                "the part of the sky that the exposures show."
            )
        try:
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise AnalysisError(
                f"{self.what.capitalize()} is no text in UTF-8. Export it as CSV."
            ) from error

    def column(self, names: Sequence[str], *, needed: bool = True) -> int | None:
        """Where the first of these names is. Raises AnalysisError where it has to be."""
        for name in names:
            if name in self._names:
                return self._names.index(name)
        if needed:
            raise AnalysisError(
                f"{self.what.capitalize()} has no column “{names[0]}”; its columns are "
                f"{', '.join(self._names[:12])}."
            )
        return None

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that is not empty and no comment, with the number of its line."""
        for line, row in self._rows:
            if _filled(row):
                yield line, row

    def number(
        self, line: int, row: list[str], column: int | None, low: float, high: float
    ) -> float | None:
        """The number there; None, and a sentence in `wrong`, where there is none between these."""
        text = row[column].strip() if column is not None and column < len(row) else ""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            name = self._names[column] if column is not None else "?"
            self.wrong.append(f"line {line}: {name} is “{text[:30]}”")
            return None
        return value

    def require_sound(self, read: int) -> None:
        """Raises AnalysisError where lines were wrong, naming the first, or none was read."""
        if self.wrong:
            more = len(self.wrong) - _SHOWN
            told = "; ".join(self.wrong[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
            raise AnalysisError(f"In {self.what}, {told}. Mend these lines and give it again.")
        if not read:
            raise AnalysisError(f"{self.what.capitalize()} has a line of names and no rows.")


def check_stars(text: str) -> None:
    """Raises AnalysisError where a text is no catalogue by its line of names. No row is read."""
    reader = Reader(text, "the catalogue")
    reader.column(RIGHT_ASCENSION)
    reader.column(DECLINATION)


def _filled(row: list[str]) -> bool:
    return any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#")
