"""Whisper run by CTranslate2, through faster-whisper: several windows in one go, in 8 bits.

faster-whisper's own pipeline is not used: it decides where to listen, and gives no second chance
to a window that went wrong. What we take from it is its tokens, its features and its word times.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError
from analysis.speech.engines import Engine, bundled_files, require_speech, weights_gone
from analysis.speech.network import Guess, Reading, Request, is_word, most_tokens, prompt
from analysis.speech.types import Word
from analysis.speech.windows import Window

_BEAM = 5
_MOST_THREADS = 8
_SEED = 1
_WINDOW, _LEAST = 480_000, 320  # samples that the encoder hears at once
_TEXTS = 16  # weighed together
_LEAST_SHARE = 1e-9  # of a token: one that the model rules out costs no more than this
_BEFORE, _AFTER = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"  # punctuation joins the word beside it


class ConvertedNetwork:
    """See `analysis.speech.network.Network`."""

    def __init__(self, engine: Engine, device: str = "auto") -> None:
        """Load an engine's weights, which must be there. Raises AnalysisError."""
        require_speech()
        files = bundled_files(engine)
        if files is None and not (engine.path / "model.bin").is_file():
            raise weights_gone(engine)
        self._model = _load(engine, files, device)

    def encode(self, windows: Sequence[Window]) -> Any:
        from faster_whisper.audio import pad_or_trim

        features = [self._model.feature_extractor(window.samples)[..., :-1] for window in windows]
        return self._model.encode(np.stack([pad_or_trim(feature) for feature in features]))

    def states(self, samples: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any]]:
        """What the encoder makes of any sound, speech or not: float32 (n, d), 50 a second, and the
        log-mel spectrum it was given, (m, bands), 100 a second. samples: (k,), k ≥ 320, at
        16,000 Hz; each 30 s are encoded for themselves, in the time that their length takes."""
        import ctranslate2
        from faster_whisper.audio import pad_or_trim

        states, spectra = [], []
        for at in range(0, len(samples), _WINDOW):
            piece = samples[at : at + _WINDOW]
            if at and len(piece) < _LEAST:
                break
            mel = self._model.feature_extractor(piece)[..., :-1]
            frames = max(len(piece) // 160, 2)
            whole = -(-frames // 100) * 100  # whole seconds: few shapes, and little of nothing
            encoded = self._model.encode(pad_or_trim(mel, whole)[None])
            found = np.array(encoded.to_device(ctranslate2.Device.cpu), np.float32)[0]
            states.append(found[: frames // 2])
            spectra.append(mel.T[:frames])
        return np.concatenate(states), np.concatenate(spectra)

    def languages(self, encoded: Any) -> list[dict[str, float]]:
        return [
            {token[2:-2]: share for token, share in likely}
            for likely in self._model.model.detect_language(encoded)
        ]

    def read(self, encoded: Any, windows: Sequence[Window], request: Request) -> list[Reading]:
        import ctranslate2
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        model = self._model
        tokenizer = Tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, request.task, request.language
        )
        hints = prompt(request.vocabulary, tokenizer.encode)
        start = [*([tokenizer.sot_prev, *hints] if hints else []), *tokenizer.sot_sequence]
        sampling: dict[str, Any] = {"beam_size": max(_BEAM, request.guesses)}
        if request.temperature:
            ctranslate2.set_random_seed(_SEED)  # the same sound, the same words
            sampling = {"beam_size": 1, "sampling_topk": 0}
            sampling["sampling_temperature"] = request.temperature
        results = model.model.generate(
            encoded,
            [[*start, tokenizer.no_timestamps]] * len(windows),
            max_length=len(start) + 1 + most_tokens(windows),
            num_hypotheses=request.guesses,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=list(get_suppressed_tokens(tokenizer, [-1])),
            **sampling,
        )
        chosen = [_choose(result, tokenizer, request) for result in results]
        words = self._words(encoded, windows, tokenizer, [tokens for tokens, _ in chosen])
        return [
            Reading(said, logprob, result.no_speech_prob)
            for said, (_, logprob), result in zip(words, chosen, results, strict=True)
        ]

    def likelihoods(
        self, encoded: Any, frames: tuple[int, int], texts: Sequence[str], request: Request
    ) -> list[float]:
        import ctranslate2
        from faster_whisper.tokenizer import Tokenizer

        model = self._model
        tokenizer = Tokenizer(
            model.hf_tokenizer, model.model.is_multilingual, request.task, request.language
        )
        first, last = frames
        # what is encoded lies on the graphics card, or is float32 here
        part = np.array(encoded.to_device(ctranslate2.Device.cpu))[:1, first:last]
        sums: list[float] = []
        for at in range(0, len(texts), _TEXTS):
            tokens = [tokenizer.encode(f" {text.strip()}") for text in texts[at : at + _TEXTS]]
            alike = np.ascontiguousarray(np.repeat(part, len(tokens), axis=0))
            aligned = model.model.align(
                ctranslate2.StorageView.from_array(alike),
                tokenizer.sot_sequence,
                tokens,
                [2 * (last - first)] * len(tokens),
            )
            for row in aligned:
                shares = np.maximum(np.array(row.text_token_probs), _LEAST_SHARE)
                sums.append(float(np.log(shares).sum()))
        return sums

    def _words(
        self, encoded: Any, windows: Sequence[Window], tokenizer: Any, texts: list[list[int]]
    ) -> list[tuple[Word, ...]]:
        """Words with their times, from where the decoder looked when it wrote each token."""
        from faster_whisper.transcribe import merge_punctuations

        aligned = self._model.find_alignment(
            tokenizer,
            [tokens or [tokenizer.eot] for tokens in texts],
            encoded,
            [min(int(window.length_s * 100), 3000) for window in windows],
        )
        found = []
        for rows, tokens in zip(aligned, texts, strict=True):
            merge_punctuations(rows, _BEFORE, _AFTER)
            found.append(
                tuple(
                    Word(
                        row["word"].strip(),
                        float(row["start"]),
                        float(row["end"]),
                        float(row["probability"]),
                    )
                    for row in rows
                    if tokens and is_word(row["word"])
                )
            )
        return found


def _choose(result: Any, tokenizer: Any, request: Request) -> tuple[list[int], float]:
    """The tokens of the guess that is taken, and their mean log-probability."""
    texts = [[t for t in tokens if t < tokenizer.eot] for tokens in result.sequences_ids]
    # the score is per token already; Whisper counts the token that ends the text as well
    means = [
        score * len(tokens) / (len(tokens) + 1)
        for score, tokens in zip(result.scores, result.sequences_ids, strict=True)
    ]
    at = 0
    if request.choose is not None and len(texts) > 1:
        guesses = [
            Guess(tokenizer.decode(tokens).strip(), mean)
            for tokens, mean in zip(texts, means, strict=True)
        ]
        at = request.choose(guesses)
    return texts[at], means[at]


def _load(engine: Engine, files: dict[str, bytes] | None, device: str) -> Any:
    from faster_whisper import WhisperModel

    threads = min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    last: Exception | None = None
    for place in _devices(device):
        try:
            return WhisperModel(
                str(engine.path),
                device=place,
                compute_type="float16" if place == "cuda" else "int8",
                cpu_threads=threads,
                local_files_only=True,
                files=None if files is None else dict(files),
            )
        except (RuntimeError, ValueError, OSError) as e:
            last = e  # a graphics card whose libraries are missing: the processor can do it
    raise AnalysisError(
        f"The weights of {engine.title} cannot be loaded: they are damaged, or made for another "
        "version of CTranslate2."
    ) from last


def _devices(device: str) -> tuple[str, ...]:
    if device != "auto":
        return (device,)
    return ("cuda", "cpu") if _has_cuda() else ("cpu",)


@lru_cache
def _has_cuda() -> bool:
    import ctranslate2

    return ctranslate2.get_cuda_device_count() > 0
