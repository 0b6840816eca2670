"""Words of a film, at a prompt."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analysis.errors import AnalysisError, NoSound, NoWeights
from analysis.speech import Recogniser, SpeechOptions, best_engine, engines, plan_speech
from analysis.speech.doubts import little_understood
from analysis.speech.engines import Engine, require_speech
from analysis.speech.exports import FORMATS, export
from analysis.speech.types import Utterance
from analysis.speech.vocabulary import MOST_BYTES, Vocabulary, read_vocabulary
from analysis.speech.word_errors import word_errors


def command(argv: Sequence[str]) -> int:
    """python -m analysis transcribe FILE: what is said in it, as captions or text."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis transcribe", description=command.__doc__
    )
    parser.add_argument("file", type=Path, nargs="?", help="left out: list the recognisers")
    parser.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="terms, one a line, and text of the kind that is spoken",
    )
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="FILE",
        help="what was really said: counts the words that are wrong, with the vocabulary and "
        "without, and writes no captions",
    )
    parser.add_argument("--language", default="", metavar="CODE", help="such as en; else found out")
    parser.add_argument("--translate", action="store_true", help="into English")
    parser.add_argument("--engine", metavar="KEY", help="as listed; by default the first")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", default=_weights_folder())
    parser.add_argument("--track", type=int, default=1, help="sound track, from 1")
    parser.add_argument("--channels", choices=("mixed", "apart"), default="mixed")
    parser.add_argument("--format", choices=tuple(FORMATS), default="vtt")
    chosen = parser.parse_args(argv)
    require_speech()
    found = engines(chosen.weights)
    if chosen.file is None:
        for engine in found:
            many = (
                "English" if engine.languages == ("en",) else f"{len(engine.languages)} languages"
            )
            print(f"{engine.key:<28} {engine.title}, {many}")
        return 0
    words = Vocabulary() if chosen.vocabulary is None else read_vocabulary(chosen.vocabulary)
    options = SpeechOptions(
        language=chosen.language,
        task="translate" if chosen.translate else "transcribe",
        vocabulary=words.terms,
        text=words.text,
        track=max(chosen.track - 1, 0),
        channels=chosen.channels,
    )
    recogniser = Recogniser(_chosen(found, chosen.engine, options))
    if chosen.compare is not None:
        _compare(recogniser, chosen.file, options, _reference(chosen.compare))
        return 0
    sys.stdout.write(export(_transcribe(recogniser, chosen.file, options), chosen.format))
    return 0


def _transcribe(recogniser: Recogniser, file: Path, options: SpeechOptions) -> list[Utterance]:
    """All that is said in a film, segment by segment; what is worth a remark goes to stderr."""
    segments = plan_speech(file, track=options.track)
    if not segments:
        raise NoSound(f"There is no sound in {file.name}.")
    said: list[Utterance] = []
    reasons: set[str] = set()
    remarks: dict[str, None] = {}
    for number, (start_s, end_s) in enumerate(segments):
        if sys.stderr.isatty():
            print(f"\r{number / len(segments):.0%}", end="", file=sys.stderr)
        heard = recogniser.transcribe(file, options, start_s, end_s)
        said += heard.utterances
        remarks |= dict.fromkeys(heard.remarks)
        for row in heard.dropped:
            at = f"{row.start_s:.1f} to {row.end_s:.1f} s"
            remarks[f"Left out at {at}: “{row.text}” ({row.why})."] = None
            reasons.add(row.why)
    if sys.stderr.isatty():
        print("\r    \r", end="", file=sys.stderr)
    engine = recogniser.engine
    little = little_understood(
        ((u.end_s - u.start_s, u.confidence) for u in said),
        reasons,
        engine.title,
        is_english=engine.languages == ("en",),
    )
    for remark in filter(None, (f"{engine.title} listened.", little, *remarks)):
        print(remark, file=sys.stderr)
    return said


def _chosen(found: Sequence[Engine], key: str | None, options: SpeechOptions) -> Engine:
    if key is not None:
        for engine in found:
            if engine.key == key:
                return engine
        listed = ", ".join(engine.key for engine in found) or "none"
        raise AnalysisError(f"There is no recogniser “{key}” here; there is: {listed}.")
    # one that cannot do it says why in its own words
    best = best_engine(found, options.language, options.task) or next(iter(found), None)
    if best is None:
        raise NoWeights
    return best


def _compare(recogniser: Recogniser, file: Path, options: SpeechOptions, said: str) -> None:
    """A table of word errors, without the vocabulary and with it."""
    ways = {"plain": replace(options, vocabulary=(), text="")}
    if options.vocabulary or options.text:
        ways["with the vocabulary"] = options
    print("heard\twords\terror rate\tinserted\tdeleted\twrong\tkeywords\tfalse alarms")
    for name, way in ways.items():
        heard = " ".join(u.text for u in _transcribe(recogniser, file, way))
        found = word_errors(said, heard, options.vocabulary)
        rate = "" if found.rate is None else f"{found.rate:.1%}"
        keywords = f"{found.keywords_found} of {found.keywords_said}"
        counts = (found.insertions, found.deletions, found.substitutions, keywords)
        print(name, found.words, rate, *counts, found.false_alarms, sep="\t")


def _reference(path: Path) -> str:
    """The text of a file. Raises AnalysisError where it is not such a file."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise AnalysisError(f"{path.name} is larger than a transcript can be (1 MB).")
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise AnalysisError(f"{path.name} cannot be read as a text file.") from e


def _weights_folder() -> Path | None:
    named = os.environ.get("SIGHTLINE_WEIGHTS")
    return Path(named) if named else None
