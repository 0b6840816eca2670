"""Sentences with brands in them, said by espeak-ng: what `bench.vocabulary` listens to.

The names are invented but for a few, so that no recogniser can have read them. The sentences were
written once and looked at by nobody who tuned anything; what was tuned was tuned on others.
"""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.media.audio import RATE, read_audio

VOICES = ("en-us", "en-gb", "en-gb-scotland+f3", "en-us+f2")
NOISES_DB: tuple[float | None, ...] = (None, 20.0, 10.0)  # speech over noise; None is without
WORDS_A_MINUTE = 150
PAUSE_S = 1.2

BRANDS = (
    "Vaskelin", "Tromedia", "Quistapel", "Brennogard", "Ilvestra", "Corvanta", "Pellumix",
    "Zandrova", "Hestiquo", "Maravolt", "Fennwick", "Oxarine", "Dalbreeze", "Yolanto", "Gruvelle",
    "Sintavia", "Krellborg", "Ambrixa", "Tilvador", "Nuvexo", "Rastaban", "Jexmoor", "Lumigast",
    "Wintervale", "Eskanor", "Bravissol", "Cindrel", "Pomarista", "Vuntega", "Thistlecore",
    "Osmerica", "Kolvanto", "Ferrazine", "Aldoraq", "Mistwell", "Tandruma", "Zelkova Air",
    "Norwyn Capital", "Hollin Brook", "Pivot Grain", "Redfern Motors", "Sable Creek", "Ostra Cell",
    "Tarn Hill", "Copper Finch", "Velour Jet", "Gannet Insurance", "Ember Lock", "Polar Wren",
    "Juno Tyres", "Cascadia Nine", "Brookmere", "Telluvia", "Sprintec", "Avenor", "Heineken",
    "Michelin", "Vodafone", "Santander", "Pirelli",
)  # fmt: skip
CARRIERS = (
    "The team in blue is brought to you by {}.",
    "Coming up after the break, a word from {}.",
    "He signed with {} at the end of last season.",
    "You can see {} on the boards behind the goal.",
    "Tonight's match ball was given by {}.",
    "They changed their tyres right in front of the {} stand.",
    "I heard that {} will leave the league next year.",
    "A great save, and the {} banner shakes as the ball hits it.",
    "Nobody expected {} to come back so strongly.",
    "Our weather today is presented by {}.",
    "She wears the {} shirt for the first time.",
    "With {} you are always on the right side of the track.",
    "The second lap begins near the {} bridge.",
    "Two people from {} have joined us in the box.",
    "It says {} in large letters on the roof.",
    "My father used to work for {} in the seventies.",
    "Ask for {} wherever good food is sold.",
    "What a day for {} and for everybody who supports them.",
)

BRAND_FREE = (
    "The goalkeeper takes his time before he kicks it long.",
    "A light rain is falling and the grass is wet.",
    "They have not lost at home since the beginning of March.",
    "The captain talks to the referee and walks away slowly.",
    "It was a hard season with many injuries for both sides.",
    "Please keep your tickets until you have left the ground.",
    "She ran the last mile faster than anybody before her.",
    "The road climbs for another hour before it goes down to the sea.",
    "We are waiting for the doctor to come out onto the field.",
    "Half of the crowd is standing and the other half is singing.",
    "There will be extra trains after the end of the game.",
    "He passes to the left, turns around, and shoots over the bar.",
)


class Said(NamedTuple):
    """A sentence at its time in a long sound; `brand` is "" where there is none."""

    start_s: float
    end_s: float
    text: str
    brand: str


def sentences(brands: Sequence[str], carriers: Sequence[str], n: int) -> list[tuple[str, str]]:
    """`n` sentences, each brand as often as the others: text and brand."""
    return [
        (carriers[(k * 7 + k // len(brands)) % len(carriers)].format(brand), brand)
        for k, brand in ((k, brands[k % len(brands)]) for k in range(n))
    ]


def say(text: str, voice: str, folder: Path) -> NDArray[np.float32]:
    """A sentence as espeak-ng says it: samples (n,) at 16 kHz."""
    path = folder / "sentence.wav"
    subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(WORDS_A_MINUTE), "-w", str(path), text], check=True
    )
    return read_audio(path)


def in_noise(
    samples: NDArray[np.float32], over_db: float | None, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The samples with pink noise so many decibels below them."""
    if over_db is None:
        return samples
    white = np.fft.rfft(rng.standard_normal(len(samples)))
    pink = np.fft.irfft(white / np.sqrt(np.maximum(np.arange(len(white)), 1)), len(samples))
    level = np.sqrt(np.mean(samples**2)) / np.sqrt(np.mean(pink**2)) * 10 ** (-over_db / 20)
    return (samples + level * pink).astype(np.float32)


def write(path: Path, parts: Sequence[NDArray[np.float32]]) -> list[tuple[float, float]]:
    """Sounds one after the other, with pauses, as a WAV file; when each begins and ends."""
    pause = np.zeros(round(PAUSE_S * RATE), np.float32)
    times, at = [], 0.0
    whole: list[NDArray[np.float32]] = []
    for part in parts:
        times.append((at, at + len(part) / RATE))
        at += len(part) / RATE + PAUSE_S
        whole += [part, pause]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(np.concatenate(whole), -1, 1) * 32767).astype("<i2").tobytes())
    return times


def write_spoken(path: Path, said: Sequence[tuple[str, str]], *, seed: int = 0) -> list[Said]:
    """All sentences as one long sound: voices and levels of noise in turn."""
    rng = np.random.default_rng(seed)
    parts = []
    for k, (text, _) in enumerate(said):
        sound = say(text, VOICES[k % len(VOICES)], path.parent)
        level = NOISES_DB[(k // len(VOICES)) % len(NOISES_DB)]
        parts.append(in_noise(sound, level, rng))
    times = write(path, parts)
    return [Said(*t, *one) for t, one in zip(times, said, strict=True)]


def write_brand_free(
    path: Path,
    files: Sequence[Path],
    texts: Sequence[str] = BRAND_FREE,
    *,
    levels: Sequence[float | None] = NOISES_DB,
    seed: int = 1,
) -> float:
    """Real speech without a brand, at each level of noise, and sentences without one: the length
    of the sound in seconds, pauses left out."""
    rng = np.random.default_rng(seed)
    real = [read_audio(file) for file in files]
    parts = [in_noise(sound, level, rng) for level in levels for sound in real]
    for k, text in enumerate(tuple(texts) * 2):
        sound = say(text, VOICES[k % len(VOICES)], path.parent)
        parts.append(in_noise(sound, NOISES_DB[k % len(NOISES_DB)], rng))
    return sum(end_s - start_s for start_s, end_s in write(path, parts))
