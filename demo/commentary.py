"""What is said in the clip: a commentator, and a man who is asked after the match.

espeak-ng speaks it when the clip is made, so that it can be shipped in the file. `truth.json` has
which brand each line names, and from when to when the line is spoken.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal
from scipy.io import wavfile

COMMENTATOR, GUEST = ("en-gb+f2", 145, 50), ("en-us", 140, 35)  # voice, words a minute, pitch


@dataclass(frozen=True)
class Line:
    """A line, when it begins, and the brands that it names."""

    start_s: float
    text: str
    brands: tuple[str, ...] = ()
    voice: tuple[str, int, int] = COMMENTATOR


LINES = (
    Line(0.5, "Good evening, and welcome to the Kestrel Cup.", ("Kestrel",)),
    Line(4.2, "A full house tonight, and a corner for the visitors."),
    Line(9.3, "Number seven, in the Kestrel shirt, has been everywhere.", ("Kestrel",)),
    Line(15.8, "Down the line he goes. This replay is from Osprey Air.", ("Osprey Air",)),
    Line(24.2, "It is half time."),
    Line(
        28.2,
        "Norra Bank is here every week. Vitalo is here as well.",
        ("Norra Bank", "Vitalo"),
        GUEST,
    ),
    Line(36.4, "After the match, everybody drinks Vitalo.", ("Vitalo",)),
    Line(41.8, "Look up there. Osprey Air is over the stadium.", ("Osprey Air",)),
    Line(45.2, "Coming next, sailing with Tide and Co.", ("Tide & Co",)),
)
AS_SPOKEN = {"Vitalo": "Vee-tahlo", "Norra": "Nora"}  # espeak-ng knows no invented names


def spoken(line: Line, rate: int) -> NDArray[np.float32]:
    """Mono samples, -1 to 1. Raises FileNotFoundError where espeak-ng is not installed."""
    if shutil.which("espeak-ng") is None:
        raise FileNotFoundError("espeak-ng speaks the commentary: install it, e.g. with apt.")
    voice, words_a_minute, pitch = line.voice
    text = line.text
    for name, sound_of_it in AS_SPOKEN.items():
        text = text.replace(name, sound_of_it)
    said = ["espeak-ng", "-v", voice, "-s", str(words_a_minute), "-p", str(pitch)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        subprocess.run([*said, "-w", str(path), text], check=True)
        own_rate, samples = wavfile.read(path)
    sound = signal.resample_poly(samples / 32768.0, rate, own_rate)
    loud = np.flatnonzero(np.abs(sound) > 0.01)  # without the silence around it
    sound = sound[loud[0] : loud[-1]] if len(loud) else sound
    return (sound / max(np.abs(sound).max(), 1e-9)).astype(np.float32)
