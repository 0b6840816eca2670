"""Brands in a transcript, at a prompt."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError
from analysis.text.mentions import Brand, find_mentions


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start_s: float
    end_s: float
    confidence: float


def command(argv: Sequence[str]) -> int:
    """python -m analysis mentions TRANSCRIPT --brand NAME: when each brand is said.

    The transcript is what `transcribe --format json` writes.
    """
    parser = argparse.ArgumentParser(
        prog="python -m analysis mentions", description=command.__doc__
    )
    parser.add_argument("transcript", type=Path)
    parser.add_argument(
        "--brand", action="append", required=True, metavar="NAME[,ALIAS…]", help="repeatable"
    )
    parser.add_argument(
        "--not-in", action="append", default=[], metavar="WORDS", help="which mean something else"
    )
    parser.add_argument(
        "--ordinary", action="store_true", help="their names are ordinary words too"
    )
    parser.add_argument("--above", type=float, default=0.5, help="least score, 0 to 1")
    options = parser.parse_args(argv)
    brands = [
        Brand(
            number,
            tuple(name.strip() for name in names.split(",")),
            tuple(options.not_in),
            options.ordinary,
        )
        for number, names in enumerate(options.brand)
    ]
    for m in find_mentions(_words(options.transcript), brands):
        if m.score >= options.above:
            name = brands[m.brand].names[0]
            print(f"{m.start_s:.2f}\t{m.end_s:.2f}\t{name}\t{m.text}\t{m.by}\t{m.score:.2f}")
    return 0


def _words(path: Path) -> list[_Word]:
    try:
        said = json.loads(path.read_text("utf-8"))
        return [_word(word) for line in said["utterances"] for word in line["words"]]
    except OSError as e:
        raise AnalysisError(f"{path.name} cannot be read.", permanent=True) from e
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        said = "is not what `transcribe --format json` writes"
        raise AnalysisError(f"{path.name} {said}.", permanent=True) from e


def _word(word: dict[str, Any]) -> _Word:
    start_s, end_s = float(word["start_s"]), float(word["end_s"])
    return _Word(str(word["text"]), start_s, end_s, float(word["confidence"]))
