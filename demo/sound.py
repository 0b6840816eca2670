"""The clip's sound: a crowd, a whistle, a hush and a tune, all computed, and a commentary."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from demo.commentary import LINES, spoken

SAMPLE_RATE = 48_000
Sound = NDArray[np.floating]
VOICE, UNDER_VOICE = 0.6, 0.12  # how loud people speak, and what is left of the rest meanwhile

# Seconds of the clip at which the whistle blows, and the swells of the crowd: (time, width, gain).
WHISTLES = (1.6, 8.3, 14.9)
SWELLS = ((6.5, 1.6, 0.9), (12.0, 2.2, 0.5), (20.5, 1.4, 1.2))
# How loud the crowd is through the clip: (seconds, gain).
CROWD = (
    (0.0, 0.55), (9.0, 0.6), (14.6, 0.6), (23.5, 0.65), (23.7, 0.16), (27.6, 0.22),
    (27.7, 0.05), (36.0, 0.05), (36.1, 0.015), (41.5, 0.015), (41.7, 0.14), (48.0, 0.2),
)  # fmt: skip


def soundtrack(duration_s: float, seed: int = 12) -> Sound:
    """Mono, 48 kHz, -1 to 1, as long as asked."""
    count = round(duration_s * SAMPLE_RATE)
    rng, time = np.random.default_rng(seed), np.arange(count) / SAMPLE_RATE
    mixed = _crowd(rng, time)
    for start in WHISTLES:
        _add(mixed, _whistle(rng), start)
    for index, (pitch, length) in enumerate(TUNE):
        _add(mixed, _note(pitch, length), 36.3 + 0.34 * index)
    for step in np.arange(23.8, 27.4, 0.42):
        _add(mixed, _footstep(rng), float(step))
    voices = commentary(duration_s)
    mixed = mixed * (1 - (1 - UNDER_VOICE) * _presence(voices)) + VOICE * voices
    edges = np.minimum(np.minimum(time / 0.3, (duration_s - time) / 0.8), 1).clip(0)
    return (np.tanh(mixed * edges) * 0.8).astype(np.float32)


def commentary(duration_s: float) -> Sound:
    """All that is said, as loud as it can be."""
    voices = np.zeros(round(duration_s * SAMPLE_RATE))
    for line in LINES:
        _add(voices, spoken(line, SAMPLE_RATE), line.start_s)
    return voices


def spans(duration_s: float) -> list[dict[str, Any]]:
    """From when to when each line is spoken, and what it names."""
    lines = ((line, line.start_s, len(spoken(line, SAMPLE_RATE)) / SAMPLE_RATE) for line in LINES)
    return [
        {
            "start_s": start_s,
            "end_s": round(min(start_s + length_s, duration_s), 3),
            "text": line.text,
            "brands": list(line.brands),
        }
        for line, start_s, length_s in lines
        if start_s < duration_s
    ]


def _presence(voices: Sound) -> Sound:
    """1 where somebody speaks, 0 where nobody does, with a third of a second between."""
    near = round(0.3 * SAMPLE_RATE)
    loud = ndimage.maximum_filter1d(np.abs(voices), near) > 0.02
    return ndimage.uniform_filter1d(loud.astype(float), near)


TUNE = ((392.0, 0.5), (493.9, 0.5), (587.3, 0.5), (784.0, 0.9), (0.0, 0.3), (659.3, 0.5),
        (587.3, 0.5), (493.9, 0.5), (587.3, 1.4))  # fmt: skip


def _crowd(rng: np.random.Generator, time: Sound) -> Sound:
    """Many voices at once: noise in the bands of speech, swelling slowly."""
    noise = rng.standard_normal(len(time))
    total = np.zeros(len(time))
    for low, high, gain in ((180, 700, 1.0), (700, 1600, 0.55), (1600, 3800, 0.22)):
        band = signal.butter(2, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos")
        total += gain * signal.sosfilt(band, noise)
    total /= total.std() or 1.0
    knots = np.arange(0, time[-1] + 2, 0.7) if len(time) else np.zeros(1)
    wander = np.interp(time, knots, rng.uniform(0.8, 1.2, len(knots)))
    level = np.interp(time, [t for t, _ in CROWD], [g for _, g in CROWD])
    for middle, width, gain in SWELLS:
        level = level * (1 + gain * np.exp(-(((time - middle) / width) ** 2)))
    return 0.22 * total * wander * level


def _whistle(rng: np.random.Generator) -> Sound:
    """Two close tones and the rattle of the pea."""
    time = np.arange(int(0.55 * SAMPLE_RATE)) / SAMPLE_RATE
    rattle = 1 + 0.35 * np.sign(np.sin(2 * np.pi * 34 * time))
    tone = np.sin(2 * np.pi * 2870 * time) + 0.6 * np.sin(2 * np.pi * 3050 * time)
    breath = 0.08 * rng.standard_normal(len(time))
    envelope = np.minimum(time / 0.02, 1) * np.minimum((0.55 - time) / 0.06, 1)
    return 0.11 * (tone * rattle + breath) * envelope


def _note(pitch: float, length: float) -> Sound:
    time = np.arange(int(length * SAMPLE_RATE)) / SAMPLE_RATE
    partials = sum(np.sin(2 * np.pi * pitch * k * time) / k**2.2 for k in (1, 2, 3, 4))
    return 0.16 * partials * np.exp(-time * 5.5) * np.minimum(time / 0.006, 1)


def _footstep(rng: np.random.Generator) -> Sound:
    time = np.arange(int(0.16 * SAMPLE_RATE)) / SAMPLE_RATE
    thud = np.sin(2 * np.pi * 75 * time) * np.exp(-time * 38)
    return 0.2 * thud + 0.04 * rng.standard_normal(len(time)) * np.exp(-time * 60)


def _add(mixed: Sound, sound: Sound, start_s: float) -> None:
    at = round(start_s * SAMPLE_RATE)
    room = max(min(len(sound), len(mixed) - at), 0)
    mixed[at : at + room] += sound[:room]
