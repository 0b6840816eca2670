"""Words heard by each recogniser, beside the bare library with its defaults on the same weights.

    python -m bench.speech [--quick] [--json FILE]

Data: ../shared/data/speech, 43 English utterances with their texts, each a file of its own. The
long file is these one after the other, with pauses of half a second to eight; it is as a broadcast
is, and shows what voice activity and reading several windows at once are worth. Ours listens to it
as a worker does: planned into segments, each decoded in the guarded child, with a time for every
word. The bare libraries get the samples and give no times for words: that is their default.

The weights are Whisper tiny.en of the package that the product works with out of the box; for
openai-whisper they are written back into a checkpoint (`bench.whisper_checkpoint`). Texts are
compared in lower case, without punctuation, numbers as they are. Turns alternate, each time is the
median. Spanish, French and Portuguese are only shown, where the model of many languages is there.
"""

from __future__ import annotations

import csv
import re
import statistics
import sys
import tempfile
import time
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.media.audio import RATE, read_audio
from analysis.speech import Engine, Recogniser, SpeechOptions, engines, plan_speech
from analysis.speech.engines import bundled_files
from bench.report import DATA, Report, arguments, skipped
from bench.whisper_checkpoint import write_checkpoint

FOLDER = DATA / "speech"
WORSE_BY = 0.005  # of the words, at most
OUT_OF_THE_BOX = 0.11
CLOCK = {"faster-whisper": 1.05, "openai-whisper": 0.7}
PAUSES_S = (0.5, 1.0, 2.0, 0.5, 4.0, 0.5, 1.0, 8.0)


class Spoken(NamedTuple):
    path: Path
    language: str
    text: str


class Listen(Protocol):
    """What is said in a file; `is_long` where it is one to be planned into segments."""

    def __call__(self, path: Path, is_long: bool = False) -> str: ...


class Pair(NamedTuple):
    """A recogniser of ours and the bare library, on the same weights."""

    engine: Engine
    ours: Listen
    bare: Listen


def read_spoken() -> list[Spoken]:
    """Every utterance that has a text."""
    with (FOLDER / "transcripts.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [
        Spoken(FOLDER / row["file"], row["language"], row["text"])
        for row in rows
        if row["text"].strip() and (FOLDER / row["file"]).is_file()
    ]


def plain(text: str) -> str:
    """Words as they are compared."""
    return " ".join(re.sub(r"[^\w' ]+", " ", text.lower().replace("’", "'")).split())


def wrong(said: Sequence[Spoken], heard: Sequence[str]) -> float:
    """The word error rate over all of them."""
    import jiwer

    return float(jiwer.wer([plain(s.text) for s in said], [plain(text) for text in heard]))


def write_long(said: Sequence[Spoken], path: Path) -> float:
    """The utterances one after the other as a WAV file; its length in seconds."""
    parts: list[NDArray[np.float32]] = []
    for number, one in enumerate(said):
        parts.append(read_audio(one.path))
        parts.append(np.zeros(int(PAUSES_S[number % len(PAUSES_S)] * RATE), np.float32))
    whole = np.concatenate(parts)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(whole, -1, 1) * 32767).astype("<i2").tobytes())
    return len(whole) / RATE


def ours(engine: Engine, language: str = "") -> Listen:
    recogniser = Recogniser(engine, device="cpu")

    def listen(path: Path, is_long: bool = False) -> str:
        options = SpeechOptions(language)
        parts = plan_speech(path) if is_long else [(0.0, None)]
        heard = [recogniser.transcribe(path, options, *part) for part in parts]
        return " ".join(u.text for part in heard for u in part.utterances)

    return listen


def bare_faster_whisper(engine: Engine) -> Listen:
    from faster_whisper import WhisperModel

    model = WhisperModel(
        str(engine.path), device="cpu", files=bundled_files(engine), local_files_only=True
    )

    def listen(path: Path, is_long: bool = False) -> str:
        return " ".join(segment.text for segment in model.transcribe(read_audio(path))[0])

    return listen


def bare_openai_whisper(engine: Engine) -> Listen:
    import whisper

    model = whisper.load_model(str(engine.path), device="cpu")

    def listen(path: Path, is_long: bool = False) -> str:
        return str(model.transcribe(read_audio(path), fp16=False)["text"])

    return listen


def pairs(folder: Path) -> list[Pair]:
    """Both recognisers with the weights that the product works with out of the box."""
    [tiny] = [engine for engine in engines() if engine.key == "faster-whisper/tiny.en"]
    files = bundled_files(tiny)
    assert files is not None
    write_checkpoint(
        files["model.bin"], files["vocabulary.txt"].count(b"\n"), folder / "tiny.en.pt"
    )
    found = [Pair(tiny, ours(tiny), bare_faster_whisper(tiny))]
    for engine in engines(folder):
        if engine.family == "openai-whisper":
            found.append(Pair(engine, ours(engine), bare_openai_whisper(engine)))
    return found


def timed(listen: Listen, path: Path) -> tuple[str, float]:
    start = time.perf_counter()
    text = listen(path, is_long=True)
    return text, time.perf_counter() - start


def compare_utterances(report: Report, pair: Pair, said: Sequence[Spoken]) -> float:
    """Word error rates, file by file. Returns ours."""
    mine, theirs = (
        wrong(said, [listen(one.path) for one in said]) for listen in (pair.ours, pair.bare)
    )
    report.row(
        f"{pair.engine.family}: words wrong",
        mine,
        theirs,
        mine / theirs,
        f"+ {WORSE_BY}",
        mine <= theirs + WORSE_BY,
    )
    return mine


def compare_long(
    report: Report, pair: Pair, said: Sequence[Spoken], path: Path, length_s: float, turns: int
) -> None:
    """Clock and word error rate on the long file."""
    seconds: dict[str, list[float]] = {"ours": [], "bare": []}
    texts: dict[str, str] = {}
    for _ in range(turns):
        for name, listen in (("ours", pair.ours), ("bare", pair.bare)):
            texts[name], took = timed(listen, path)
            seconds[name].append(took)
    mine, theirs = (statistics.median(seconds[name]) for name in ("ours", "bare"))
    bar = CLOCK[pair.engine.family]
    name = pair.engine.family
    report.row(
        f"{name}: seconds for {length_s:.0f} s of sound",
        mine, theirs, mine / theirs, f"<= {bar} x", mine <= bar * theirs,
    )  # fmt: skip
    report.row(f"{name}: share of real time", mine / length_s, theirs / length_s)
    whole = Spoken(path, "en", " ".join(one.text for one in said))
    a, b = (wrong([whole], [texts[name]]) for name in ("ours", "bare"))
    report.row(f"{name}: words wrong in it", a, b, a / b, f"+ {WORSE_BY}", a <= b + WORSE_BY)


def show_other_languages(report: Report, said: Sequence[Spoken]) -> None:
    """What the model of many languages makes of each, the language found by itself."""
    many = [engine for engine in engines() if len(engine.languages) > 1]
    if not many:
        return
    listen = ours(many[0])
    for one in said:
        if one.language not in ("en", "ja"):
            rate = wrong([one], [listen(one.path)])
            report.row(f"{many[0].title}: words wrong, {one.language}", rate)


def measure(quick: bool, report: Report) -> None:
    said = read_spoken()
    english = [one for one in said if one.language == "en"]
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as name:
        folder = Path(name)
        part = english[::3] if quick else english
        length_s = write_long(part, folder / "long.wav")
        rates = []
        for pair in pairs(folder):
            pair.ours(english[0].path), pair.bare(english[0].path)  # warm
            all_of_them = not quick or pair.engine.family == "faster-whisper"
            rates.append(compare_utterances(report, pair, english if all_of_them else part))
            turns = 1 if quick else 3
            compare_long(report, pair, part, folder / "long.wav", length_s, turns)
        report.row(
            "out of the box: words wrong", rates[0], bar=f"<= {OUT_OF_THE_BOX}",
            holds=rates[0] <= OUT_OF_THE_BOX,
        )  # fmt: skip
    show_other_languages(report, said)


def main() -> int:
    options = arguments("Words heard, beside the bare libraries.")
    if not FOLDER.is_dir():
        return skipped(f"{FOLDER} is not here")
    if not engines():
        return skipped("requirements-speech.txt is not installed")
    report = Report("speech", peer="bare library")
    measure(options.quick, report)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
