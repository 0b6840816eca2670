"""The memory of each step of a long film: that of ten hours beside that of one.

    python -m bench.long_files [--quick] [--json FILE]

A film of two minutes in which somebody speaks (the real utterances of ../shared/data/speech where
they are, else espeak-ng) is joined to itself until it is long enough. Every step that a film goes
through is done by the code that workers run, in a process of its own; what it decodes with is
another one. Of both the most memory that was ever resident is taken (VmHWM, which Linux counts).

What goes by segments (recognising, listening for names, reading, voice prints) is measured at the
very end of the film, where everything before it has to be passed over. What needs the whole
(voices told apart, the outline) gets what such a film would give it: prints of six voices, and
lines out of ordinary words.

The bar: no process takes more than 1.3 times the memory for ten times the length, or 16 MB more
for each hour. The latter is for tables of frames and samples: FFmpeg keeps that of an MP4 in memory
(10 MB for an hour of this film), and ours is made beside it. An hour of sound that somebody kept
whole would be 230 MB.

`--quick`: half an hour and two hours, without the copy for browsers, which codes all of it anew.
`--only WORDS …`: the steps with any of these in their name.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.speakers.types import VoicePrints
from bench.report import DATA, Report, options_of_all, skipped

GROWTH = 1.3
AN_HOUR_MB = 16
SLOW = "copy for browsers"
HOUR_S = 3600.0
BASE_S = 120.0
SEGMENT_S = 30.0
_LOOKS_EVERY_S = 0.03
_SENTENCES = (
    "The leader takes the inside line into the first turn.",
    "There are three boats side by side in the middle of the river.",
    "Nobody has seen such a wind in this harbour for many years.",
    "The doctor says that he will be back before the summer.",
    "Half of the crowd is standing and the other half is singing.",
)

Step = Callable[[Path, float], object]


# --- the steps -----------------------------------------------------------------------------------


def read_through(path: Path, length_s: float) -> None:
    from analysis.media.probe import examine

    info, table = examine(path)
    assert abs(info.duration_s - length_s) < 60
    assert len(table.pack()) > 1000


def poster_and_strip(path: Path, length_s: float) -> None:
    from analysis.media.probe import examine
    from analysis.media.thumbnails import poster, strip

    info, table = examine(path)
    poster(path, info)
    strip(path, table)


def outline_of_the_sound(path: Path, length_s: float) -> None:
    from analysis.media.audio import waveform

    assert len(waveform(path)) == 1200


def copy_for_browsers(path: Path, length_s: float) -> None:
    from analysis.media.probe import probe
    from analysis.media.renditions import proxy

    out = path.with_name("proxy.mp4")
    proxy(path, out, probe(path))
    out.unlink()


def cut_at_pauses(path: Path, length_s: float) -> None:
    from analysis.speech import plan_speech

    assert len(plan_speech(path)) > length_s / 200


def recognise_the_end(path: Path, length_s: float) -> None:
    from analysis.speech import Recogniser, SpeechOptions, best_engine, engines

    engine = best_engine(engines(), "en")
    assert engine is not None
    recogniser, options = Recogniser(engine, device="cpu"), SpeechOptions("en")
    part = length_s - SEGMENT_S, length_s
    words = [w for u in recogniser.transcribe(path, options, *part).utterances for w in u.words]
    recogniser.spot(path, ["Brennogard", "Krellborg"], words, options, *part)


def prints_of_the_end(path: Path, length_s: float) -> None:
    from analysis.speakers import Listener

    Listener(device="cpu").listen(path, length_s - SEGMENT_S, length_s)


def read_the_end(path: Path, length_s: float) -> None:
    from analysis.media.probe import examine
    from analysis.reading import engines
    from analysis.reading.film import read_film
    from analysis.reading.reader import Reader

    times = examine(path)[1].times_s
    read_film(path, Reader(engines()[0]), times[times >= length_s - 10], length_s)


def tell_voices_apart(path: Path, length_s: float) -> None:
    from analysis.speakers import turns_of

    assert len(turns_of(_Prints(length_s)).voices) == 6


class _Prints:
    """Six people, each for some seconds, in segments of two minutes: read anew each time, as
    workers read them."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s

    def __iter__(self) -> Iterator[VoicePrints]:
        for begin_s in np.arange(0, self._length_s, 120.0).tolist():
            yield _six_voices(begin_s)


def _six_voices(begin_s: float) -> VoicePrints:
    from analysis.speakers.types import SIZE, unit

    voices = unit(np.random.default_rng(3).normal(size=(6, SIZE)).astype(np.float32))
    random = np.random.default_rng(int(begin_s))
    starts = np.arange(begin_s, begin_s + 118, 0.4)
    who = random.integers(6, size=len(starts) // 10 + 1).repeat(10)[: len(starts)]
    noise = random.normal(size=(len(starts), SIZE)).astype(np.float32) / 40
    breaths = np.column_stack([starts[::10], starts[::10] + 3.9])
    windows = np.column_stack([starts, starts + 1.6])
    return VoicePrints(breaths, windows, unit(voices[who] + noise))


def outline_the_words(path: Path, length_s: float) -> None:
    from analysis.retrieval.encoder import Encoder, model_folder
    from analysis.speech import Utterance, Word
    from analysis.text.outline import outline

    random = np.random.default_rng(5)
    words = [f"{a}{b}" for a in ("har", "sil", "mor", "ten", "bel") for b in "abcdefghijklmnop"]
    lines = []
    for start_s in np.arange(0, length_s, 4.0).tolist():
        about = int(start_s / 300) % 7 * 10
        text = " ".join(words[n] for n in about + random.integers(10, size=9))
        word = Word(text, start_s, start_s + 3.5, 0.9)
        lines.append(Utterance(start_s, start_s + 3.5, (word,), "en", 0.9))
    vectors = None
    if model_folder() is not None:
        encode = Encoder()
        some = range(0, len(lines), 64)
        vectors = np.concatenate([encode([x.text for x in lines[n : n + 64]]) for n in some])
    assert outline(lines, "en", (), vectors).topics


def what_stands_out(path: Path, length_s: float) -> None:
    from analysis.media.loudness import standouts

    standouts(path)


STEPS: Mapping[str, Step] = {
    "reading through the file": read_through,
    "poster and film strip": poster_and_strip,
    "outline of the sound": outline_of_the_sound,
    SLOW: copy_for_browsers,
    "cutting at pauses": cut_at_pauses,
    "recognising, and names in the sound": recognise_the_end,
    "voice prints": prints_of_the_end,
    "telling voices apart": tell_voices_apart,
    "reading what is written": read_the_end,
    "outline of the words": outline_the_words,
    "what stands out in the sound": what_stands_out,
}


# --- the film ------------------------------------------------------------------------------------


def write_base(folder: Path) -> Path:
    """Two minutes of speech over a moving picture with writing on it."""
    from analysis.media.ffmpeg import program

    sound, film = folder / "base.wav", folder / "base.mp4"
    samples = _speech(folder)[: round(BASE_S * 16_000)]
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    picture = ["-f", "lavfi", "-i", f"testsrc2=size=64x36:rate=25:duration={BASE_S}"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "40", "-g", "50"]
    coded += ["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "32k", "-shortest"]
    command = [program(), "-v", "error", "-y", *picture, "-i", str(sound), *coded, str(film)]
    subprocess.run(command, check=True)
    return film


def _speech(folder: Path) -> np.ndarray:
    from analysis.media.audio import read_audio
    from bench.spoken_brands import say

    files = sorted((DATA / "speech").glob("ljspeech*.flac"))
    parts = [read_audio(file) for file in files[:30]]
    parts = parts or [say(text, "en-gb", folder) for text in _SENTENCES * 8]
    pause = np.zeros(8_000, np.float32)
    return np.concatenate([part for some in parts * 2 for part in (some, pause)])


def lengthened(base: Path, length_s: float) -> Path:
    """The film joined to itself, without coding it anew."""
    from analysis.media.ffmpeg import program

    path = base.with_name(f"film-{length_s:.0f}.mp4")
    again = ["-stream_loop", "-1", "-i", str(base), "-t", str(length_s), "-c", "copy"]
    subprocess.run([program(), "-v", "error", "-y", *again, str(path)], check=True)
    return path


# --- the measure ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Peak:
    """Megabytes. inner: the largest of the processes that it started."""

    own: float
    inner: float
    took_s: float


def measured(step: str, path: Path, length_s: float) -> Peak:
    """The most memory that a step takes in a process of its own."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "bench.long_files", "--step", step]
    process = subprocess.Popen([*command, str(path), str(length_s)])
    peaks: dict[int, float] = {}
    while process.poll() is None:
        for pid in [process.pid, *_below(process.pid)]:
            peaks[pid] = max(peaks.get(pid, 0.0), _peak_mb(pid))
        time.sleep(_LOOKS_EVERY_S)
    if process.returncode:
        raise SystemExit(f"{step} failed on {length_s:.0f} s of film")
    own = peaks.pop(process.pid)
    return Peak(own, max(peaks.values(), default=0.0), time.perf_counter() - begun)


def _below(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children = (task / "children").read_text().split()
            for child in map(int, children):
                if _program(child) != _program(pid):  # else it is about to become one
                    found += [child, *_below(child)]
    return found


def _program(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _peak_mb(pid: int) -> float:
    """Since the process runs its own program: 0 where it is gone, or just begins."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def measure(
    report: Report, lengths_s: tuple[float, float], only: Sequence[str], folder: Path, quick: bool
) -> None:
    base = write_base(folder)
    hours = (lengths_s[1] - lengths_s[0]) / HOUR_S
    films = [lengthened(base, length_s) for length_s in lengths_s]
    for step in STEPS:
        if not any(words in step for words in only) or (quick and step == SLOW):
            continue
        short, long = (measured(step, *one) for one in zip(films, lengths_s, strict=True))
        print(f"{step}: {short.took_s:.0f} s and {long.took_s:.0f} s", flush=True)
        show(report, step, short.own, long.own, hours)
        if long.inner:
            show(report, f"{step}, its decoder", short.inner, long.inner, hours)


def show(report: Report, what: str, short: float, long: float, hours: float) -> None:
    holds = long <= GROWTH * short or long - short <= AN_HOUR_MB * hours
    bar = f"<= {GROWTH} x or {AN_HOUR_MB} MB/h"
    report.row(f"{what}: MB", long, short, long / short, bar, holds)


def main() -> int:
    parser = options_of_all("The memory of each step of a long film.")
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="WORDS", help="steps with these in their name"
    )
    parser.add_argument("--step", nargs=3, metavar=("STEP", "FILM", "SECONDS"), help="do this one")
    options = parser.parse_args()
    if options.step:
        name, film, length_s = options.step
        STEPS[name](Path(film), float(length_s))
        return 0
    if not Path("/proc/self/status").exists():
        return skipped("the memory of processes is told by Linux alone")
    if shutil.which("espeak-ng") is None and not (DATA / "speech").is_dir():
        return skipped("espeak-ng is not installed, and ../shared/data/speech is not here")
    hours = (0.5, 2.0) if options.quick else (1.0, 10.0)
    report = Report("long_files", peer=f"{hours[0]:g} h")
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as name:
        measure(
            report,
            (hours[0] * HOUR_S, hours[1] * HOUR_S),
            options.only,
            Path(name),
            options.quick,
        )
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
