"""Names that a recogniser never read: heard without help, with a vocabulary, and in the sound.

    python -m bench.vocabulary [--quick] [--json FILE] [--brand-free FOLDER]

240 sentences with a brand in each (`bench.spoken_brands`; most brands are invented), by four voices
at three levels of noise, one after the other in a long sound. Everything that is listened for is
all 60 brands at once, as in a project of that many. Brand-free sound: the real utterances of
../shared/data/speech where they are, at the same three levels, and sentences of espeak-ng. It is
listened to in the same ways; a brand that is found in it is a false mention.

Plain recognition is counted twice: brands that are written as they are, and brands that
`find_mentions` finds (spelled nearly like it, or sounding like it), which is what the product does
without a vocabulary. The bar is on the second, the harder. What is written for a brand in
another's sentence is counted as a false mention too, and shown apart.

`--brand-free FOLDER` listens to all recordings of speech below a folder instead, at the same three
levels, and counts false mentions alone: what is heard there was used to choose nothing. They are
taken in any format and should say none of the names.

`--quick` takes every third sentence and every third real utterance, and spots only what was heard
with the vocabulary.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.speech import Recogniser, SpeechOptions, Word, best_engine, engines, plan_speech
from analysis.speech.spotting import Spotted
from analysis.speech.word_errors import word_errors
from analysis.text import Brand, find_mentions
from bench.report import DATA, Report, options_of_all, skipped
from bench.spoken_brands import (
    BRANDS,
    CARRIERS,
    NOISES_DB,
    Said,
    sentences,
    write_brand_free,
    write_spoken,
)

TIMES_PLAIN = 1.5
FALSE_AN_HOUR = 1.0
NEAR_S = 0.6  # a mention so near to a sentence is in it
LEAST = 0.5  # score from which a page shows a mention
SENTENCES = 240
WAYS = {"plain": SpeechOptions("en"), "biased": SpeechOptions("en", vocabulary=BRANDS)}
SOUNDS = (".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav")


@dataclass(frozen=True, slots=True)
class Found:
    """A brand that was found, and how: "name" and "inflection" as it is written."""

    brand: str
    start_s: float
    end_s: float
    by: str


@dataclass(frozen=True, slots=True)
class Heard:
    words: list[Word]
    took_s: float


def listen(recogniser: Recogniser, path: Path, options: SpeechOptions) -> Heard:
    """As a worker does: planned into segments."""
    begun = time.perf_counter()
    words = [
        word
        for part in plan_speech(path)
        for utterance in recogniser.transcribe(path, options, *part).utterances
        for word in utterance.words
    ]
    return Heard(words, time.perf_counter() - begun)


def spot(recogniser: Recogniser, path: Path, heard: Heard) -> tuple[list[Spotted], float]:
    begun = time.perf_counter()
    found = [
        one
        for start_s, end_s in plan_speech(path)
        for one in recogniser.spot(path, BRANDS, heard.words, SpeechOptions("en"), start_s, end_s)
    ]
    return found, time.perf_counter() - begun


def mentions(words: Sequence[Word]) -> list[Found]:
    brands = [Brand(key, (name,)) for key, name in enumerate(BRANDS)]
    return [
        Found(BRANDS[m.brand], m.start_s, m.end_s, m.by)
        for m in find_mentions(words, brands)
        if m.score >= LEAST
    ]


def as_written(found: Sequence[Found]) -> list[Found]:
    return [one for one in found if one.by in ("name", "inflection")]


def heard_too(found: Sequence[Found], spotted: Sequence[Spotted]) -> list[Found]:
    """Mentions, and what was heard in the sound where none is."""
    more = [Found(one.term, one.start_s, one.end_s, "heard") for one in spotted]
    free = [
        one
        for one in more
        if not any(one.start_s < f.end_s and one.end_s > f.start_s for f in found)
    ]
    return [*found, *free]


def recall(said: Sequence[Said], found: Sequence[Found]) -> float:
    hits = sum(any(_is_in(one, sentence) for one in found) for sentence in said)
    return hits / len(said)


def misplaced(said: Sequence[Said], found: Sequence[Found]) -> int:
    """Brands that were found where another was said."""
    return sum(not any(_is_in(one, sentence) for sentence in said) for one in found)


def _is_in(found: Found, said: Said) -> bool:
    is_near = found.start_s < said.end_s + NEAR_S and found.end_s > said.start_s - NEAR_S
    return found.brand == said.brand and is_near


def measure(recogniser: Recogniser, quick: bool, report: Report, folder: Path) -> None:
    said = write_spoken(
        folder / "said.wav", sentences(BRANDS, CARRIERS, SENTENCES)[:: 3 if quick else 1]
    )
    real = sorted((DATA / "speech").glob("*.flac"))
    spoken = [path for path in real if not path.name.startswith("leopard")]  # other languages
    free_s = write_brand_free(folder / "free.wav", spoken[:: 3 if quick else 1])
    names = ("said.wav", "free.wav")
    heard = {(w, name): listen(recogniser, folder / name, WAYS[w]) for w in WAYS for name in names}
    found = {key: mentions(one.words) for key, one in heard.items()}
    took_s = 0.0
    for name in names:
        for way in ("biased",) if quick else ("plain", "biased"):
            spotted, seconds = spot(recogniser, folder / name, heard[way, name])
            found[f"{way} + spotting", name] = heard_too(found[way, name], spotted)
            took_s += seconds if (way, name) == ("biased", "said.wav") else 0.0
    show(report, said, found)
    show_false(report, {way: found[way, name] for way, name in found if name == "free.wav"}, free_s)
    show_misplaced(report, said, found)
    reference = " ".join(one.text for one in said)
    rates = [
        word_errors(reference, " ".join(w.text for w in heard[way, "said.wav"].words)).rate
        for way in ("biased", "plain")
    ]
    report.row("words wrong, biased beside plain", *rates)
    length_s = said[-1].end_s
    for way in ("plain", "biased"):
        share = heard[way, "said.wav"].took_s / length_s
        report.row(f"{way}: share of real time", share)
    report.row("spotting: share of real time", took_s / length_s)


def show(
    report: Report,
    said: Sequence[Said],
    found: dict[tuple[str, str], list[Found]],
) -> None:
    """Recalls beside plain recognition's."""
    exact = recall(said, as_written(found["plain", "said.wav"]))
    peer = recall(said, found["plain", "said.wav"])
    report.row("plain, as it is written: brands found", exact, peer)
    for way in ("plain + spotting", "biased", "biased + spotting"):
        if (way, "said.wav") not in found:
            continue
        mine = recall(said, found[way, "said.wav"])
        is_all = way == "biased + spotting"
        report.row(
            f"{way}: brands found", mine, peer, mine / peer,
            f">= {TIMES_PLAIN} x" if is_all else None, not is_all or mine >= TIMES_PLAIN * peer,
        )  # fmt: skip


def show_false(report: Report, found: Mapping[str, Sequence[Found]], free_s: float) -> None:
    """What was found where no brand is said, by way."""
    for way in ("plain", "plain + spotting", "biased", "biased + spotting"):
        if way not in found:
            continue
        an_hour = len(found[way]) / free_s * 3600
        bar = f"<= {FALSE_AN_HOUR:.0f}" if way != "plain" else None
        report.row(
            f"{way}: false mentions an hour", an_hour, bar=bar, holds=an_hour <= FALSE_AN_HOUR
        )
    report.row("minutes of brand-free speech", free_s / 60)
    report.extra["false"] = {
        way: [f"{f.brand} at {f.start_s:.1f} s, {f.by}" for f in some]
        for way, some in found.items()
    }


def show_misplaced(
    report: Report, said: Sequence[Said], found: dict[tuple[str, str], list[Found]]
) -> None:
    """Brands that were found in the sentences of others, and those that were not found."""
    for way in ("plain", "biased", "biased + spotting"):
        wrong = misplaced(said, found[way, "said.wav"]) / len(said)
        report.row(f"{way}: another brand in a sentence", wrong)
    report.extra["missed"] = [
        one.text
        for one in said
        if not any(_is_in(f, one) for f in found["biased + spotting", "said.wav"])
    ]


def measure_brand_free(
    recogniser: Recogniser, files: Sequence[Path], report: Report, folder: Path
) -> None:
    """False mentions in recordings that nothing was chosen on, by level of noise."""
    path, free_s = folder / "free.wav", 0.0
    found: defaultdict[str, list[Found]] = defaultdict(list)
    for seed, level in enumerate(NOISES_DB):
        free_s += write_brand_free(path, files, (), levels=(level,), seed=seed)
        for way, options in WAYS.items():
            heard = listen(recogniser, path, options)
            said = mentions(heard.words)
            spotted, _ = spot(recogniser, path, heard)
            found[way] += said
            found[f"{way} + spotting"] += heard_too(said, spotted)
            scores = [f"{s.term} for {s.text!r} {s.score:.2f}" for s in spotted]
            print(f"{level or 'no'} dB, {way}: {len(said)} mentions; spotted: {scores}", flush=True)
    show_false(report, found, free_s)


def recordings(folder: Path) -> list[Path]:
    """The files with sound below a folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SOUNDS)


def main() -> int:
    parser = options_of_all("Names that a recogniser never read.")
    parser.add_argument(
        "--brand-free",
        type=Path,
        metavar="FOLDER",
        help="count false mentions in these recordings of speech, and nothing else",
    )
    options = parser.parse_args()
    if options.brand_free is None and shutil.which("espeak-ng") is None:
        return skipped("espeak-ng is not installed")
    if not engines():
        return skipped("requirements-speech.txt is not installed")
    engine = best_engine(engines(), "en")
    assert engine is not None
    recogniser = Recogniser(engine, device="cpu")
    report = Report("vocabulary", peer="plain, our mentions")
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as name:
        if options.brand_free is None:
            measure(recogniser, options.quick, report, Path(name))
        elif files := recordings(options.brand_free):
            files = files[:: 3 if options.quick else 1]
            measure_brand_free(recogniser, files, report, Path(name))
        else:
            return skipped(f"there is no recording below {options.brand_free}")
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
