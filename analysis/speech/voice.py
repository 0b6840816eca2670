"""Where somebody speaks: silero-vad, run with ONNX Runtime, piece by piece.

The network (silero-vad 6, MIT) lies in the faster-whisper package, which is not imported for it. It
judges 32 ms at a time, hears the 4 ms before them, and carries a state, so that sound of any length
is judged in flat memory, and in pieces as if it were whole.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.errors import NeedsSpeech
from analysis.media.audio import RATE

STEP = 512  # samples judged at a time
STEP_S = STEP / RATE
_CONTEXT = 64  # samples before them that it hears as well
_AT_ONCE = 1024  # steps given to the network together: 33 s
ON, OFF = 0.5, 0.35  # a voice begins above, and goes on down to the second
FAINT = 0.25  # where a voice may be: listened to, and judged more strictly


class Span(NamedTuple):
    """A stretch of sound in samples, the end not included."""

    start: int
    end: int


class VoiceActivity:
    """Judges sound as it comes: `push` pieces of any length, then `finish`."""

    def __init__(self) -> None:
        self._session = _session()
        self._state = [np.zeros((1, 1, 128), np.float32) for _ in range(2)]
        self._before = np.zeros(_CONTEXT, np.float32)
        self._rest = np.empty(0, np.float32)

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """How likely a voice is, 0 to 1, in each step that is now whole: float32 (steps,)."""
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // STEP
        self._rest = samples[whole * STEP :]
        return self._judge(samples[: whole * STEP])

    def finish(self) -> NDArray[np.float32]:
        """The last step, filled up with silence, where one is begun."""
        if not len(self._rest):
            return np.empty(0, np.float32)
        return self.push(np.zeros(STEP - len(self._rest), np.float32))

    def _judge(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        judged = [np.empty(0, np.float32)]
        for at in range(0, len(samples), STEP * _AT_ONCE):
            steps = samples[at : at + STEP * _AT_ONCE].reshape(-1, STEP)
            before = np.vstack([self._before, steps[:-1, -_CONTEXT:]])
            heard, *self._state = self._session.run(
                None,
                {
                    "input": np.concatenate([before, steps], axis=1),
                    "h": self._state[0],
                    "c": self._state[1],
                },
            )
            self._before = steps[-1, -_CONTEXT:]
            judged.append(heard.reshape(-1))
        return np.concatenate(judged)


def voice_in(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """How likely a voice is in each 32 ms of samples (n,) at 16 kHz: float32 (steps,)."""
    activity = VoiceActivity()
    return np.concatenate([activity.push(samples), activity.finish()])


def spans(
    voice: NDArray[np.float32], length: int, *, pause_s: float = 0.5, pad_s: float = 0.2
) -> list[Span]:
    """Where to listen in sound of `length` samples: stretches that may hold a voice, in order.

    Begins where the voice is above ON, or for a while above FAINT; goes on until it was below OFF
    for `pause_s`; each end is widened by `pad_s`, because soft first and last sounds are missed.
    """
    active = _with_hysteresis(voice, ON, OFF) | _with_hysteresis(voice, FAINT, FAINT, least=8)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.view(np.int8), [0]])))
    found: list[Span] = []
    pad, pause = round(pad_s * RATE), round(pause_s * RATE)
    for first, last in edges.reshape(-1, 2).tolist():
        span = Span(max(first * STEP - pad, 0), min(last * STEP + pad, length))
        if found and span.start - found[-1].end < pause - 2 * pad:
            found[-1] = Span(found[-1].start, span.end)
        elif found and span.start < found[-1].end:
            middle = (span.start + found[-1].end) // 2
            found[-1] = Span(found[-1].start, middle)
            found.append(Span(middle, span.end))
        else:
            found.append(span)
    return found


def _with_hysteresis(
    voice: NDArray[np.float32], on: float, off: float, *, least: int = 1
) -> NDArray[np.bool_]:
    """Runs above `off` of at least `least` steps in which `on` is reached."""
    high = np.concatenate([[0], (voice >= off).view(np.int8), [0]])
    active = np.zeros(len(voice), np.bool_)
    for first, last in np.flatnonzero(np.diff(high)).reshape(-1, 2).tolist():
        if last - first >= least and voice[first:last].max() >= on:
            active[first:last] = True
    return active


@cache
def _session() -> Any:
    package = find_spec("faster_whisper")
    if package is None or package.origin is None or find_spec("onnxruntime") is None:
        raise NeedsSpeech
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    network = Path(package.origin).parent / "assets" / "silero_vad_v6.onnx"
    return onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
