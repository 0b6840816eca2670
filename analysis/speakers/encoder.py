"""A second and a half of speech → a voice print: GE2E's network (Wan et al. 2018), in torch.

Three layers of LSTM with 256 cells read the sound's spectrum frame by frame; what the last one
holds at the end goes through one linear layer and ReLU to 256 numbers of length 1. The cosine of
two prints says how alike two voices are. The spectrum is as librosa makes it for the network's
training: 40 bands of Slaney's mel scale, of power and not its logarithm, in windows of 25 ms every
10 ms.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.media.audio import RATE
from analysis.speakers.engine import VoiceEngine, require_voice_engine
from analysis.speakers.types import SIZE, Prints
from analysis.speakers.weights import read_weights

FRAMES = 160  # of a window, 10 ms each
WINDOW_S = FRAMES / 100
_BANDS, _WIDE, _HOP = 40, 400, 160  # mel bands; samples of a frame, and between two
_LOUDNESS = 10 ** (-30 / 20)  # what is softer is made so loud, as in the training: -30 dBFS
_TOGETHER = 64  # windows given to the network at once

Samples = NDArray[np.float32]


class VoiceEncoder:
    """Loads the weights. Raises NotInstalled, NeedsTorch or AnalysisError where it cannot."""

    def __init__(self, engine: VoiceEngine | None = None, device: str = "auto") -> None:
        self.engine = engine or require_voice_engine()
        weights = read_weights(self.engine)
        import torch

        place = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        self._device = place
        self._lstm = torch.nn.LSTM(_BANDS, SIZE, num_layers=3, batch_first=True)
        self._linear = torch.nn.Linear(SIZE, SIZE)
        for module, prefix in ((self._lstm, "lstm."), (self._linear, "linear.")):
            module.load_state_dict(
                {n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)}
            )
            module.to(place).eval()

    def __call__(self, windows: list[Samples]) -> Prints:
        """The print of each window of samples (n,) at 16 kHz, n at most 1.6 s; what is shorter is
        filled up with silence."""
        found = [np.empty((0, SIZE), np.float32)]
        for at in range(0, len(windows), _TOGETHER):
            spectra = np.stack([_filled(spectrum(one)) for one in windows[at : at + _TOGETHER]])
            found.append(self._encode(spectra))
        return np.concatenate(found)

    def _encode(self, spectra: NDArray[np.float32]) -> Prints:
        import torch

        with torch.inference_mode(), _one_thread():
            _, (held, _) = self._lstm(torch.from_numpy(spectra).to(self._device))
            raw: Any = torch.relu(self._linear(held[-1]))
            unit = raw / raw.norm(dim=1, keepdim=True).clamp_min(1e-9)
        prints: Prints = unit.cpu().numpy()
        return prints


@contextmanager
def _one_thread() -> Iterator[None]:
    """An LSTM goes step by step, and several threads wait for one another longer than a step of
    so little takes: measured, two take three times as long as one."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def as_loud(samples: Samples) -> Samples:
    """Samples that are at least as loud as the network knows them."""
    loudness = float(np.sqrt(np.mean(samples * samples))) if len(samples) else 0.0
    return samples * np.float32(_LOUDNESS / loudness) if 0 < loudness < _LOUDNESS else samples


def spectrum(samples: Samples) -> NDArray[np.float32]:
    """The power in each band: float32 (frames, 40), a frame every 10 ms, its middle there."""
    padded = np.pad(samples, _WIDE // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WIDE)[::_HOP]
    hann = np.hanning(_WIDE + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(frames * hann, axis=1)) ** 2
    return (power @ _bands().T).astype(np.float32)


def _filled(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    missing = max(FRAMES - len(frames), 0)
    return np.pad(frames[:FRAMES], ((0, missing), (0, 0)))


@cache
def _bands() -> NDArray[np.float64]:
    """Triangles of the same area over Slaney's mel scale (Auditory Toolbox, 1998), from 0 Hz to
    8,000: linear below 1,000 Hz, logarithmic above. (40, 201)"""
    top = 15 + 27 * np.log(RATE / 2 / 1000) / np.log(6.4)
    mel = np.linspace(0, top, _BANDS + 2)
    edges = np.where(mel < 15, mel * 200 / 3, 1000 * 6.4 ** ((mel - 15) / 27))
    frequencies = np.linspace(0, RATE / 2, _WIDE // 2 + 1)
    rising = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    return np.maximum(0, np.minimum(rising, falling)) * area[:, None]
