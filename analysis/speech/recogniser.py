"""Listen to a stretch of a film with one engine, loaded once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError, Stopped
from analysis.media.audio import read_audio, read_channels
from analysis.speech.biasing import choose_by, is_recited
from analysis.speech.channels import without_echoes, worth_hearing
from analysis.speech.doubts import TOO_MUCH_S, TOO_REGULAR, failed, passed_over_s, reasons
from analysis.speech.engines import Engine
from analysis.speech.languages import LANGUAGES
from analysis.speech.network import Choose, Network, Reading, Request
from analysis.speech.spoken_language import SpokenLanguage
from analysis.speech.spotting import Spoken, Spotted, Spotter
from analysis.speech.types import (
    MIXED,
    Dropped,
    Heard,
    SpeechOptions,
    Utterance,
    Word,
    join_words,
)
from analysis.speech.unheard import has_unlikely, without_unheard
from analysis.speech.utterances import fitted, in_utterances
from analysis.speech.voice import spans, voice_in
from analysis.speech.windows import Window, halves, windows

AT_ONCE = 4  # windows read together: a stop is heard between
_GUESSES = 5  # for who chooses among them
_WORTH_PARTING_S = 12.0  # a shorter window that went wrong is not cut any further
_SECOND_CHANCES = (0.2, 0.5)  # temperatures, for a window that went wrong twice


class Recogniser:
    """One engine, loaded; kept by a worker for all that it listens to."""

    def __init__(self, engine: Engine, *, device: str = "auto", choose: Choose | None = None):
        """Load an engine's weights.

        Args:
            device: "cpu", "cuda", or "auto" for what there is.
            choose: takes one of several guesses for each window; without one the likeliest is.

        Raises AnalysisError where the weights are gone or damaged, NeedsSpeech, NeedsTorch.
        """
        self.engine = engine
        self._choose = choose
        self._network = _load(engine, device)

    def transcribe(
        self,
        source: Path | str,
        options: SpeechOptions | None = None,
        start_s: float = 0.0,
        end_s: float | None = None,
        *,
        progress: Callable[[float], None] = lambda share: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Heard:
        """What is said in a file between two times, in seconds from its start.

        Of `options.text` a model of words is made, which chooses where nobody else does.
        `progress` is told the share that is done, 0 to 1. Silence and music give no utterances and
        no error. Raises NoSound, UnreadableMedia, AnalysisError for a language or a task that the
        engine does not know, Stopped.
        """
        options = options or SpeechOptions()
        self._check(options)
        channels = _read(source, options, start_s, end_s, should_stop)
        choose = self._choose or choose_by(options.text, options.vocabulary)
        heard = _Hearing(self._network, self.engine, options, choose)
        for at, (channel, samples) in enumerate(channels):
            for share in heard.listen(samples, channel, start_s):
                progress((at + share) / len(channels))
                if should_stop():
                    raise Stopped
        progress(1.0)
        return heard.result()

    def spot(
        self,
        source: Path | str,
        terms: Sequence[str],
        said: Sequence[Spoken],
        options: SpeechOptions | None = None,
        start_s: float = 0.0,
        end_s: float | None = None,
        *,
        progress: Callable[[float], None] = lambda share: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> list[Spotted]:
        """Terms that are said between two times, where the transcript `said` has other words.

        All times are in seconds from the file's start. Of `options` the language and the sound
        track count; channels are heard mixed. Raises as `transcribe`.
        """
        options = options or SpeechOptions()
        self._check(options)
        samples = read_audio(
            source, track=options.track, start_s=start_s, end_s=end_s, should_stop=should_stop
        )
        spotter = Spotter(self._network, terms, options.language or "en")
        inside = [_later(word, -start_s) for word in said if word.end_s > start_s]
        voice = voice_in(samples)
        waiting = windows(samples, spans(voice, len(samples)), voice)
        found: list[Spotted] = []
        for at, window in enumerate(waiting):
            if should_stop():
                raise Stopped
            found += spotter.listen(window, inside)
            progress((at + 1) / len(waiting))
        return [
            replace(one, start_s=one.start_s + start_s, end_s=one.end_s + start_s) for one in found
        ]

    def _check(self, options: SpeechOptions) -> None:
        if options.language and options.language not in LANGUAGES:
            raise AnalysisError(f"“{options.language}” is not a language that Whisper knows.")
        if self.engine.knows(options.language, options.task):
            return
        if not self.engine.knows(options.language):
            name = LANGUAGES[options.language]
            only = "English only" if self.engine.languages == ("en",) else f"no {name}"
            raise AnalysisError(
                f"{self.engine.title} knows {only}, and {name} was asked for. Choose a "
                "recogniser of many languages, or another language."
            )
        raise AnalysisError(
            f"{self.engine.title} knows English only and cannot translate. Choose a recogniser of "
            "many languages."
        )


class _Hearing:
    """One call of `transcribe`: what was heard so far, in all channels."""

    def __init__(
        self, network: Network, engine: Engine, options: SpeechOptions, choose: Choose | None
    ) -> None:
        self._network, self._engine, self._options = network, engine, options
        self._is_multilingual = len(engine.languages) > 1
        self._language = SpokenLanguage(options.language, self._is_multilingual)
        self._request = Request(
            "en",
            options.task,
            options.vocabulary,
            guesses=1 if choose is None else _GUESSES,
            choose=choose,
        )
        self._utterances: list[Utterance] = []
        self._dropped: list[Dropped] = []

    def listen(self, samples: NDArray[np.float32], channel: int, start_s: float) -> Iterator[float]:
        """Take in one channel; yields the share of it that is done, between two batches."""
        yield 0.0
        voice = voice_in(samples)
        waiting = windows(samples, spans(voice, len(samples)), voice)
        for at in range(0, len(waiting), AT_ONCE):
            batch = waiting[at : at + AT_ONCE]
            for window, language, reading in self._read(batch):
                first = _placed(window, reading)
                for best in self._best(window, first, language, samples, voice):
                    self._keep(best, voice, language, channel, start_s)
            yield (at + len(batch)) / len(waiting)

    def result(self) -> Heard:
        in_order = sorted(self._utterances, key=lambda u: (u.start_s, u.channel))
        utterances, echoes = without_echoes(in_order)
        dropped = sorted([*self._dropped, *echoes], key=lambda row: row.start_s)
        language = self._language.usual if utterances or dropped else ""
        return Heard(
            tuple(utterances), tuple(dropped), language, self._engine.key, self._language.remarks
        )

    def _read(self, batch: Sequence[Window]) -> Iterator[tuple[Window, str, Reading]]:
        """Each window with its language and what is read in it, by language."""
        encoded = self._network.encode(batch)
        likely = self._network.languages(encoded) if self._is_multilingual else []
        spoken = self._language.of(batch, likely)
        for language in dict.fromkeys(spoken):
            alike = [w for w, own in zip(batch, spoken, strict=True) if own == language]
            if len(alike) < len(batch):  # two languages in one batch, which is rare
                encoded = self._network.encode(alike)
            request = replace(self._request, language=language)
            for window, reading in zip(alike, self._heard(encoded, alike, request), strict=True):
                yield window, language, reading

    def _heard(
        self, encoded: Any, waiting: Sequence[Window], request: Request
    ) -> Iterator[Reading]:
        """What is read in each window, without what the vocabulary alone put there."""
        terms = request.vocabulary
        for window, told in zip(
            waiting, self._network.read(encoded, waiting, request), strict=True
        ):
            is_list = is_recited(told.text, terms)  # it goes on with the list of terms
            if not is_list and not has_unlikely(told.words, terms):
                yield told
                continue
            unbiased = replace(request, vocabulary=())
            [plain] = self._network.read(self._network.encode([window]), [window], unbiased)
            heard = without_unheard(told.words, plain.words, terms)
            yield plain if is_list else replace(told, words=heard)

    def _best(
        self,
        window: Window,
        first: Reading,
        language: str,
        samples: NDArray[np.float32],
        voice: NDArray[np.float32],
    ) -> list[Reading]:
        """What is read in a window; one that went wrong is read again in two parts, and where that
        does no better either, with chance. All on the stretch's clock."""
        missed_s = passed_over_s(first.words, window.spans, voice)
        request = replace(self._request, language=language)
        parts = halves(window, samples, voice) if window.length_s >= _WORTH_PARTING_S else [window]
        if not failed(first) and (missed_s < TOO_MUCH_S or len(parts) == 1):
            return [first]
        if len(parts) == 1:
            return [self._by_chance(window, first, request)]
        encoded = self._network.encode(parts)
        again = [
            better
            for part, reading in zip(parts, self._heard(encoded, parts, request), strict=True)
            for better in self._best(part, _placed(part, reading), language, samples, voice)
        ]
        still_missed_s = passed_over_s([w for r in again for w in r.words], window.spans, voice)
        return again if failed(first) or still_missed_s < missed_s else [first]

    def _by_chance(self, window: Window, first: Reading, request: Request) -> Reading:
        """A short window read with more and more chance, until it looks right."""
        tries = [first]
        for temperature in _SECOND_CHANCES:
            by_chance = replace(request, temperature=temperature, guesses=1)
            [reading] = self._network.read(self._network.encode([window]), [window], by_chance)
            tries.append(_placed(window, reading))
            if not failed(tries[-1]):
                return tries[-1]
        regular = [one for one in tries if one.compression <= TOO_REGULAR] or tries
        return max(regular, key=lambda one: one.logprob)

    def _keep(
        self,
        reading: Reading,
        voice: NDArray[np.float32],
        language: str,
        channel: int,
        start_s: float,
    ) -> None:
        """Part what was said from what was not; reading and voice are on the stretch's clock."""
        written = "en" if self._options.task == "translate" else language
        why = reasons(reading, voice)
        timed = [_later(word, start_s) for word in fitted(reading.words, voice)]
        for reason, run in groupby(zip(why, timed, strict=True), key=itemgetter(0)):
            words = [word for _, word in run]
            if reason:
                text = join_words([word.text for word in words], written)
                self._dropped.append(Dropped(words[0].start_s, words[-1].end_s, text, reason))
            else:
                self._utterances += in_utterances(words, written, channel)


def _load(engine: Engine, device: str) -> Network:
    if engine.family == "openai-whisper":
        from analysis.speech.checkpoint import CheckpointNetwork

        return CheckpointNetwork(engine, device)
    from analysis.speech.converted import ConvertedNetwork

    return ConvertedNetwork(engine, device)


def _read(
    source: Path | str,
    options: SpeechOptions,
    start_s: float,
    end_s: float | None,
    should_stop: Callable[[], bool],
) -> list[tuple[int, NDArray[np.float32]]]:
    """The channels to listen to: number and samples (n,)."""
    if options.channels == "mixed":
        samples = read_audio(
            source, track=options.track, start_s=start_s, end_s=end_s, should_stop=should_stop
        )
        return [(MIXED, samples)]
    apart = read_channels(
        source, track=options.track, start_s=start_s, end_s=end_s, should_stop=should_stop
    )
    return worth_hearing(apart)


def _placed(window: Window, reading: Reading) -> Reading:
    """A window's words on the clock of the stretch that it was packed from."""
    words = []
    for word in reading.words:
        start_s, end_s = window.places_s(word.start_s, word.end_s)
        words.append(replace(word, start_s=start_s, end_s=end_s))
    return replace(reading, words=tuple(words))


def _later(word: Spoken, by_s: float) -> Word:
    return Word(word.text, word.start_s + by_s, word.end_s + by_s, word.confidence)
