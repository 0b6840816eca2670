"""Who speaks when, beside windows of fixed length put into groups by k-means that is told how many.

    python -m bench.speakers [--quick] [--json FILE]

Data: ../shared/data/speech, real voices. Conversations of two to five people are made of them:
turns of one to seven seconds in any order, as loud as they happen to be, with pauses of up to
0.8 s and a faint noise beneath. Who speaks is known exactly; when, by the voice activity of each
utterance alone, so that hardly anything can be missed and it is confusion that is measured. The
measure is the diarization error rate with a collar of 0.25 s.

What the threshold was set on are other people than those of the bar: each value from 0.70 to 0.74
was about as good for them, and the middle was taken. The peers get the very same prints: k-means
(SciPy's, the best of ten starts), which is told how many speakers there are, as in life nobody
does; and one speaker for everything. The bar is for ours, which finds out how many there are.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.media.audio import RATE, read_audio
from analysis.speakers import Listener, SpeakerOptions, VoicePrints, turns_of, voice_engine
from analysis.speakers import Turns as Found
from analysis.speakers.breaths import breaths
from analysis.speakers.diarization_error import DiarizationError, diarization_error
from analysis.speech.voice import voice_in
from bench.report import DATA, Report, arguments, skipped

FOLDER = DATA / "speech"
SET_ON = {
    "a reader": "ljspeech32__*",
    "Spanish": "leopard__test_es*",
    "Japanese": "leopard__test_ja*",
    "a woman": "speechbrain_asr__ASR__spk1*",
    "commands": "*lrwp9a.mpg",
}
MEASURED_ON = {
    "a novel": "librivox*",
    "by telephone": "osr*",
    "French": "leopard__test_fr*",
    "Portuguese": "leopard__test_pt*",
    "a man": "speechbrain_asr__ASR__spk2*",
}
BAR = 0.05

Samples = NDArray[np.float32]
Turns = list[tuple[float, float, object]]
Voices = Mapping[str, Sequence[tuple[Samples, NDArray[np.float64]]]]


class Conversation(NamedTuple):
    samples: Samples
    truth: Turns


def read_voices(patterns: Mapping[str, str]) -> Voices:
    """The utterances of each, with where somebody speaks in them."""
    voices: dict[str, list[tuple[Samples, NDArray[np.float64]]]] = {}
    for name, pattern in patterns.items():
        for path in sorted(FOLDER.glob(pattern)):
            samples = read_audio(path)
            spoken = breaths(voice_in(samples), len(samples) / RATE)
            voices.setdefault(name, []).append((samples, spoken))
    return voices


def conversation(voices: Voices, names: Sequence[str], length_s: float, seed: int) -> Conversation:
    """Turns in any order, never two of one person in a row."""
    random = np.random.default_rng(seed)
    parts: list[Samples] = []
    truth: Turns = []
    at, last = 0, ""
    while at < length_s * RATE:
        last = str(random.choice([name for name in names if name != last]))
        samples, spoken = voices[last][random.integers(len(voices[last]))]
        turn, said = _turn(samples, spoken, random)
        truth += [(at / RATE + a, at / RATE + b, last) for a, b in said]
        gap = random.normal(size=int(random.uniform(0.05, 0.8) * RATE)) * 0.0005
        parts += [turn, gap.astype(np.float32)]
        at += len(turn) + len(gap)
    return Conversation(np.concatenate(parts), truth)


def _turn(
    samples: Samples, spoken: NDArray[np.float64], random: np.random.Generator
) -> tuple[Samples, list[tuple[float, float]]]:
    """Some breaths that follow one another, and where they are."""
    wanted_s = random.uniform(1, 7)
    first = last = int(random.integers(len(spoken)))
    while last + 1 < len(spoken) and spoken[last + 1][1] - spoken[first][0] <= wanted_s:
        last += 1
    start_s = spoken[first][0]
    end_s = min(spoken[last][1], start_s + wanted_s)
    turn = samples[int(start_s * RATE) : int(end_s * RATE)]
    loud = 0.06 * random.uniform(0.6, 1.6) / float(np.sqrt(np.mean(turn * turn)))
    said = [(a - start_s, min(b, end_s) - start_s) for a, b in spoken[first : last + 1]]
    return turn * np.float32(loud), said


def conversations(voices: Voices, n: int, length_s: float) -> list[Conversation]:
    """Of two, three, four and five people in turn."""
    made = []
    for seed in range(n):
        random = np.random.default_rng(100 + seed)
        count = min(2 + seed % 4, len(voices))
        names = random.choice(list(voices), count, replace=False)
        made.append(conversation(voices, list(names), length_s, seed))
    return made


def by_kmeans(heard: VoicePrints, speakers: int) -> Turns:
    """Each window is given to a group; the middle of it is the group's."""
    from scipy.cluster.vq import kmeans2

    best, least = np.zeros(len(heard.prints), np.int64), float("inf")
    for seed in range(10):
        centres, labels = kmeans2(heard.prints, speakers, minit="++", seed=seed)
        spread = float(((heard.prints - centres[labels]) ** 2).sum())
        if spread < least:
            best, least = labels, spread
    middles = heard.windows.mean(axis=1)
    found: Turns = []
    for start_s, end_s in heard.breaths.tolist():
        edges = np.linspace(start_s, end_s, max(round((end_s - start_s) / 0.2), 1) + 1)
        for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            nearest = int(np.abs(middles - (a + b) / 2).argmin())
            found.append((a, b, int(best[nearest])))
    return found


def rows_of(found: Found) -> Turns:
    return [(turn.start_s, turn.end_s, turn.voice) for turn in found.turns]


def total(errors: Sequence[DiarizationError]) -> float:
    """The rate over all of them."""
    sums = [
        sum(getattr(e, n) for e in errors)
        for n in ("spoken_s", "missed_s", "false_s", "confused_s")
    ]
    return DiarizationError(*sums).rate


def measure(report: Report, name: str, talks: Sequence[Conversation], *, has_bar: bool) -> None:
    listener = Listener(device="cpu")
    rates: dict[str, list[DiarizationError]] = {}
    n_right, took_s = 0, 0.0
    for talk in talks:
        begun = time.perf_counter()
        heard = listener.prints_in(talk.samples)
        found = turns_of([heard])
        took_s += time.perf_counter() - begun
        speakers = len({who for *_, who in talk.truth})
        n_right += len(found.voices) == speakers
        told = turns_of([heard], SpeakerOptions(speakers=speakers))
        one: Turns = [(a, b, 0) for a, b in heard.breaths.tolist()]
        ways = {
            "ours": rows_of(found),
            "told": rows_of(told),
            "kmeans": by_kmeans(heard, speakers),
            "one": one,
        }
        for way, turns in ways.items():
            rates.setdefault(way, []).append(diarization_error(talk.truth, turns))
    ours, told_, kmeans, single = (total(rates[way]) for way in ("ours", "told", "kmeans", "one"))
    bar = f"<= {BAR}" if has_bar else None
    report.row(f"DER, {name}", ours, single, ours / single, bar, ours <= BAR)
    report.row(f"DER where ours is told how many too, {name}", told_, kmeans)
    report.row(f"right number of speakers, {name}", f"{n_right} of {len(talks)}")
    length_s = sum(len(talk.samples) for talk in talks) / RATE
    report.row(f"times the speed of sound, {name}", length_s / took_s)


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(__doc__ or "", argv)
    if voice_engine() is None or not FOLDER.is_dir():
        return skipped("it needs ../shared/data/speech and requirements-voices.txt")
    n, length_s = (8, 60.0) if options.quick else (12, 150.0)
    report = Report("speakers", peer="one for all; k-means")
    measure(
        report,
        "people it was set on",
        conversations(read_voices(SET_ON), n, length_s),
        has_bar=False,
    )
    measure(
        report, "other people", conversations(read_voices(MEASURED_ON), n, length_s), has_bar=True
    )
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
