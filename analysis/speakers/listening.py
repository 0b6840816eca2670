"""A stretch of a film's sound → the voice prints of what is spoken in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from analysis.errors import NoSound
from analysis.media.audio import RATE, read_audio
from analysis.speakers.breaths import breaths, phrases, samples_of, windows
from analysis.speakers.encoder import Samples, VoiceEncoder, as_loud
from analysis.speakers.engine import VoiceEngine
from analysis.speakers.types import VoicePrints
from analysis.speech.voice import voice_in


class Listener:
    """Makes voice prints. Raises NotInstalled, NeedsTorch or AnalysisError where the weights or
    what runs them are missing."""

    def __init__(self, engine: VoiceEngine | None = None, device: str = "auto") -> None:
        self._encoder = VoiceEncoder(engine, device)
        self.engine = self._encoder.engine

    def listen(
        self,
        source: Path | str,
        start_s: float = 0.0,
        end_s: float | None = None,
        *,
        track: int = 0,
        progress: Callable[[float], None] = lambda share: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> VoicePrints:
        """What is spoken between two times of a film: no prints where nobody speaks, or where
        there is no sound. progress: told a share from 0 to 1. Raises UnreadableMedia, Stopped."""
        try:
            samples = read_audio(
                source, track=track, start_s=start_s, end_s=end_s, should_stop=should_stop
            )
        except NoSound:
            return VoicePrints.none()
        found = self.prints_in(samples, progress=progress, should_stop=should_stop)
        return VoicePrints(found.breaths + start_s, found.windows + start_s, found.prints)

    def prints_in(
        self,
        samples: Samples,
        *,
        progress: Callable[[float], None] = lambda share: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> VoicePrints:
        """The same of samples (n,) at 16 kHz; times count from the first. Raises Stopped."""
        from analysis.errors import Stopped

        spoken = breaths(voice_in(samples), len(samples) / RATE)
        spans, prints = [np.empty((0, 2))], [VoicePrints.none().prints]
        for phrase in phrases(spoken):
            if should_stop():
                raise Stopped
            some = windows(phrase)
            if len(some):
                loud = as_loud(samples_of(samples, phrase))
                spans.append(some)
                prints.append(self._encoder([samples_of(loud, one - phrase[0]) for one in some]))
            progress(phrase[1] * RATE / max(len(samples), 1))
        return VoicePrints(spoken, np.concatenate(spans), np.concatenate(prints))
