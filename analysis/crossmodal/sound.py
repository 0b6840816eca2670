"""Sound as numbers: the frozen encoder of the Whisper that recognises speech, beside how loud each
band of the spectrum is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal.types import SOUND, Encoded, Floats, Place
from analysis.errors import AnalysisError
from analysis.media.audio import RATE
from analysis.speech.converted import ConvertedNetwork
from analysis.speech.engines import Engine

STEP_S = 0.2  # of a part
LONGEST_S = 600.0
_SILENT = 1e-3  # the loudest sample
_PIECES = 3


class SoundEncoder:
    """See `types.Encoder`: float32 (n,) samples at 16,000 Hz → a part for each 0.2 s.

    A part is the mean of Whisper's states (d) in that time. The summary is their mean, spread and
    maximum, the mean of each third of the sound (6 d in all), and the mean and spread of the
    log-mel spectrum (2 × its bands).
    """

    modality = SOUND

    def __init__(self, recogniser: Engine, device: str = "auto") -> None:
        """recogniser: weights that CTranslate2 converted. Raises AnalysisError."""
        self._network = ConvertedNetwork(recogniser, device)
        self.engine = f"{recogniser.key}-{recogniser.digest[:12]}-{STEP_S}"

    def __call__(self, items: Sequence[NDArray[np.float32]]) -> list[Encoded]:
        """Raises AnalysisError for a sound longer than ten minutes."""
        return [self._one(samples) for samples in items]

    def _one(self, samples: NDArray[np.float32]) -> Encoded:
        length_s = len(samples) / RATE
        if length_s > LONGEST_S:
            raise AnalysisError(
                f"This sound is {length_s / 60:.0f} minutes long. Up to {LONGEST_S / 60:.0f} "
                "minutes can be compared at once: cut out what you mean."
            )
        silent = float(np.abs(samples).max(initial=0.0)) < _SILENT
        samples = np.pad(samples, (0, max(RATE // 5 - len(samples), 0)))
        states, mel = self._network.states(samples)
        blank = "There is nothing to hear in this sound: it is silent." if silent else ""
        return of_states(states, mel, blank)


def of_states(states: Floats, mel: Floats, blank: str = "") -> Encoded:
    """states: (n, d), 50 a second; mel: (m, bands), 100 a second."""
    steps = pooled(states, 10)
    thirds = [part.mean(0) for part in np.array_split(steps, _PIECES) if len(part)]
    thirds += [steps.mean(0)] * (_PIECES - len(thirds))
    summary = np.concatenate(
        [steps.mean(0), steps.std(0), steps.max(0), *thirds, mel.mean(0), mel.std(0)]
    )
    places = tuple(
        Place(start_s=round(n * STEP_S, 3), end_s=round((n + 1) * STEP_S, 3))
        for n in range(len(steps))
    )
    return Encoded(summary.astype(np.float32), steps, places, blank)


def pooled(rows: Floats, by: int) -> Floats:
    """The means of each `by` rows, the last of what is left: (⌈n / by⌉, d) of (n, d), n ≥ 1."""
    starts = np.arange(0, len(rows), by)
    counts = np.diff(np.append(starts, len(rows)))
    total = np.add.reduceat(rows, starts)
    return np.asarray(total / counts[:, None], np.float32)
