"""The topics of a transcript, at a prompt."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError
from analysis.text.outline import Topic, outline


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    start_s: float
    end_s: float


def command(argv: Sequence[str]) -> int:
    """python -m analysis topics TRANSCRIPT: what is talked about, and when.

    The transcript is what `transcribe --format json` writes.
    """
    parser = argparse.ArgumentParser(prog="python -m analysis topics", description=command.__doc__)
    parser.add_argument("transcript", type=Path)
    parser.add_argument("--language", default="en", help="ISO 639-1")
    parser.add_argument("--brand", action="append", default=[], metavar="NAME", help="repeatable")
    options = parser.parse_args(argv)
    found = outline(_lines(options.transcript), options.language, options.brand)
    for topic in found.topics:
        print(f"{topic.start_s:.2f}\t{topic.end_s:.2f}\t{topic.title}\t{_named(topic)}")
    print(f"# by {found.made_by}")
    return 0


def _named(topic: Topic) -> str:
    return ", ".join(f"{entity.text} ({entity.kind})" for entity, _ in topic.entities)


def _lines(path: Path) -> list[_Line]:
    try:
        said = json.loads(path.read_text("utf-8"))
        return [_line(one) for one in said["utterances"]]
    except OSError as e:
        raise AnalysisError(f"{path.name} cannot be read.", permanent=True) from e
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        what = "is not what `transcribe --format json` writes"
        raise AnalysisError(f"{path.name} {what}.", permanent=True) from e


def _line(one: dict[str, Any]) -> _Line:
    text = " ".join(str(word["text"]).strip() for word in one["words"])
    return _Line(text, float(one["start_s"]), float(one["end_s"]))
