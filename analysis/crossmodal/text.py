"""Texts as numbers: the sentence encoder that searching by meaning uses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.crossmodal.types import TEXT, Encoded, Place
from analysis.retrieval.encoder import SIZE, Encoder, engine

_LEAST_KNOWN = 0.5  # of the words: with fewer, a text is in writing that the encoder never read


class TextEncoder:
    """See `types.Encoder`: str → S = 384 (of unit length) and a part of 384 for each word.

    English; of other languages it knows what they share with it. Raises NotInstalled where the
    weights are not.
    """

    modality = TEXT

    def __init__(self, encoder: Encoder | None = None) -> None:
        """encoder: one that is loaded already."""
        self._encoder = encoder or Encoder()
        self.engine = engine()

    def __call__(self, items: Sequence[str]) -> list[Encoded]:
        found = []
        for text, meaning in zip(items, self._encoder.with_words(items), strict=True):
            places = tuple(Place(word=text[start:end]) for start, end in meaning.spans)
            blank = self._blank(text, [place.word for place in places])
            parts = meaning.words if places else np.zeros((1, SIZE), np.float32)
            found.append(Encoded(meaning.vector, parts, places or (Place(),), blank))
        return found

    def _blank(self, text: str, words: Sequence[str]) -> str:
        if not any(c.isalnum() for c in text):
            return "There are no words in this text."
        unknown = self._encoder.tokenizer.token_to_id("[UNK]")
        known = [unknown not in one.ids for one in self._encoder.tokenizer.encode_batch(words)]
        if np.mean(known) < _LEAST_KNOWN:
            return "The encoder knows no words of this text: it reads English."
        return ""
