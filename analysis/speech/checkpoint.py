"""Whisper run by openai-whisper, from the `.pt` checkpoints that OpenAI publishes.

`whisper.load_model` is not used: it trusts the file's name, and fetches. The checkpoint is read as
numbers only (`weights_only`) and put into whisper's own model class. Several windows are decoded in
one go, and words are aligned on what was encoded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import AnalysisError, NeedsTorch
from analysis.models.pickled import UNREADABLE, nothing_trusted
from analysis.speech.alignment import FRAME_S, starts
from analysis.speech.engines import Engine, weights_gone
from analysis.speech.network import Guess, Reading, Request, is_word, most_tokens, prompt
from analysis.speech.types import Word
from analysis.speech.windows import Window

_SEED = 1
_MOST_LAYERS = 64
_MOST_WIDTH = 4096
_BEFORE, _AFTER = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"


class CheckpointNetwork:
    """See `analysis.speech.network.Network`."""

    def __init__(self, engine: Engine, device: str = "auto") -> None:
        """Load an engine's weights, which must be there. Raises AnalysisError, NeedsTorch."""
        if any(find_spec(name) is None for name in ("torch", "whisper")):
            raise NeedsTorch
        if not engine.path.is_file():
            raise weights_gone(engine)
        import torch

        place = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        self._model = _model(engine).to(place).eval()
        self._half = place != "cpu"

    def encode(self, windows: Sequence[Window]) -> Any:
        import torch
        from whisper.audio import log_mel_spectrogram, pad_or_trim

        with torch.inference_mode():
            mel = torch.stack(
                [
                    log_mel_spectrogram(pad_or_trim(window.samples), self._model.dims.n_mels)
                    for window in windows
                ]
            ).to(self._model.device)
            return self._model.encoder(mel.half() if self._half else mel)

    def languages(self, encoded: Any) -> list[dict[str, float]]:
        import torch

        with torch.inference_mode():
            _, likely = self._model.detect_language(encoded)
        return likely

    def read(self, encoded: Any, windows: Sequence[Window], request: Request) -> list[Reading]:
        import torch
        from whisper.decoding import DecodingOptions, DecodingTask
        from whisper.tokenizer import get_tokenizer

        model = self._model
        tokenizer = get_tokenizer(
            model.is_multilingual,
            num_languages=model.num_languages,
            language=request.language,
            task=request.task,
        )
        hints = prompt(request.vocabulary, tokenizer.encode)
        task = DecodingTask(
            model,
            DecodingOptions(
                task=request.task,
                language=request.language,
                temperature=request.temperature,
                beam_size=request.guesses if request.guesses > 1 else None,
                prompt=hints or None,
                without_timestamps=True,
                sample_len=most_tokens(windows),
                fp16=self._half,
            ),
        )
        if request.choose is not None and request.guesses > 1:
            task.sequence_ranker = _Ranker(tokenizer, request)
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(_SEED)  # the same sound, the same words
            # whisper has several guesses of one window alone, or one of several windows
            batches = encoded.split(1) if request.guesses > 1 else [encoded]
            results = [result for batch in batches for result in task.run(batch)]
            return [
                Reading(
                    self._words(features, window, tokenizer, result.tokens),
                    result.avg_logprob,
                    result.no_speech_prob,
                )
                for features, window, result in zip(encoded, windows, results, strict=True)
            ]

    def likelihoods(
        self, encoded: Any, frames: tuple[int, int], texts: Sequence[str], request: Request
    ) -> list[float]:
        import torch
        from whisper.tokenizer import get_tokenizer

        model = self._model
        tokenizer = get_tokenizer(
            model.is_multilingual,
            num_languages=model.num_languages,
            language=request.language,
            task=request.task,
        )
        before = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        part = encoded[:1, frames[0] : frames[1]]
        sums = []
        with torch.inference_mode():
            for text in texts:
                tokens = tokenizer.encode(f" {text.strip()}")
                row = torch.tensor([[*before, *tokens]], device=model.device)
                logits = model.decoder(row, part)[0, len(before) - 1 : -1, : tokenizer.eot]
                logs = logits.float().log_softmax(dim=-1)
                sums.append(float(logs[torch.arange(len(tokens)), torch.tensor(tokens)].sum()))
        return sums

    def _words(
        self, features: Any, window: Window, tokenizer: Any, tokens: list[int]
    ) -> tuple[Word, ...]:
        """Words with their times and how likely their tokens are."""
        from whisper.timing import WordTiming, merge_punctuations

        text = [token for token in tokens if token < tokenizer.eot]
        if not text:
            return ()
        frames = max(min(int(window.length_s / FRAME_S), features.shape[0]), 1)
        attention, shares = self._attention(features, tokenizer, text, frames)
        begins = starts(attention) * FRAME_S
        said, parts = tokenizer.split_to_word_tokens([*text, tokenizer.eot])
        edges = np.cumsum([0, *(len(part) for part in parts[:-1])])
        timed = [
            WordTiming(word, part, begins[a], begins[b], float(np.mean(shares[a:b])))
            for word, part, a, b in zip(
                said[:-1], parts[:-1], edges[:-1].tolist(), edges[1:].tolist(), strict=True
            )
        ]
        merge_punctuations(timed, _BEFORE, _AFTER)
        return tuple(
            Word(row.word.strip(), float(row.start), float(row.end), row.probability)
            for row in timed
            if is_word(row.word)
        )

    def _attention(
        self, features: Any, tokenizer: Any, text: list[int], frames: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the decoder looks for each token and the end, (heads, tokens + 1, frames); and how
        likely each token is."""
        import torch
        from whisper.model import disable_sdpa

        model = self._model
        looked: dict[int, Any] = {}
        before = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        tokens = torch.tensor([[*before, *text, tokenizer.eot]], device=model.device)
        hooks = [
            block.cross_attn.register_forward_hook(
                lambda _, __, out, layer=layer: looked.__setitem__(layer, out[1][0])
            )
            for layer, block in enumerate(model.decoder.blocks)
        ]
        try:
            with disable_sdpa():
                logits = model.decoder(tokens, features[None])[0]
        finally:
            for hook in hooks:
                hook.remove()
        heads = model.alignment_heads.indices().T.tolist()
        weights = torch.stack([looked[layer][head, :, :frames] for layer, head in heads])
        weights = weights.float().softmax(dim=-1)[:, len(before) - 1 :]
        shares = logits[len(before) - 1 : -2, : tokenizer.eot].softmax(dim=-1)
        chosen = shares[torch.arange(len(text)), torch.tensor(text)]
        return weights[:, :-1].cpu().numpy(), chosen.float().cpu().numpy()


class _Ranker:
    """Takes the guess that `choose` takes; stands where whisper takes the likeliest."""

    def __init__(self, tokenizer: Any, request: Request) -> None:
        self._tokenizer, self._choose = tokenizer, request.choose

    def rank(self, tokens: list[list[Any]], sums: list[list[float]]) -> list[int]:
        assert self._choose is not None
        chosen = []
        for texts, logprobs in zip(tokens, sums, strict=True):
            guesses = [
                Guess(self._tokenizer.decode(text.tolist()).strip(), total / (len(text) + 1))
                for text, total in zip(texts, logprobs, strict=True)
            ]
            chosen.append(self._choose(guesses))
        return chosen


def _model(engine: Engine) -> Any:
    """Whisper's model with the numbers of a checkpoint, in 32 bits."""
    from whisper.model import ModelDimensions, Whisper

    from analysis.speech.decoder import hasten

    content = _numbers(engine.path, engine)
    dims = content.get("dims")
    names = [field.name for field in fields(ModelDimensions)]
    if not isinstance(dims, dict) or not all(isinstance(dims.get(name), int) for name in names):
        raise _damaged(engine)
    shape = ModelDimensions(**{name: dims[name] for name in names})
    layers, width = (
        max(shape.n_audio_layer, shape.n_text_layer),
        max(shape.n_audio_state, shape.n_text_state),
    )
    if not 0 < layers <= _MOST_LAYERS or not 0 < width <= _MOST_WIDTH:
        raise _damaged(engine)
    try:
        model = Whisper(shape)
        hasten(model.decoder)
        model.load_state_dict(content["model_state_dict"])
    except (RuntimeError, KeyError, TypeError, AttributeError, AssertionError) as e:
        raise _damaged(engine) from e
    _follow_the_sound(model, engine.path.stem)
    return model.float()


def _numbers(path: Path, engine: Engine) -> dict[str, Any]:
    import torch

    try:
        with nothing_trusted():
            content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as e:
        raise weights_gone(engine) from e
    except UNREADABLE as e:
        raise _damaged(engine) from e
    if not isinstance(content, dict):
        raise _damaged(engine)
    return content


def _follow_the_sound(model: Any, name: str) -> None:
    """Say which heads follow the sound, where whisper knows it for a model of that name or size."""
    import whisper

    dims = model.dims
    sizes = {(384, 4): "tiny", (512, 6): "base", (768, 12): "small", (1024, 24): "medium"}
    known = sizes.get((dims.n_audio_state, dims.n_text_layer), "")
    if (dims.n_audio_state, dims.n_text_layer) == (1280, 32):
        known = "large-v3" if dims.n_mels == 128 else "large-v2"
    if (dims.n_audio_state, dims.n_text_layer) == (1280, 4):
        known = "large-v3-turbo"
    if known and not known.startswith("large") and not model.is_multilingual:
        known += ".en"
    name = name if known and name == "large-v1" else known
    if name in whisper._ALIGNMENT_HEADS:
        model.set_alignment_heads(whisper._ALIGNMENT_HEADS[name])


def _damaged(engine: Engine) -> AnalysisError:
    return AnalysisError(
        f"{engine.path.name} is not a checkpoint of openai-whisper, or it is damaged."
    )
