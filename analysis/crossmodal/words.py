"""Which words a text holds, as numbers: what its meaning blurs, as “beagle” and “poodle”."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

SIZE = 2048  # numbers that words fall to
_WORD = re.compile(r"[^\W\d_][\w'’-]*[^\W_]|[^\W\d_]")
_SHORTEST = 3  # letters, of those that have capitals
_ENDINGS = ("ing", "ies", "es", "s", "ed")
# English words that say nothing of a picture; of other languages what is said everywhere goes.
# fmt: off
STOP = frozenset({
    "the", "and", "are", "with", "his", "her", "their", "its", "that", "this", "from", "for",
    "into", "over", "while", "off", "out", "has", "have", "two", "one", "three", "another",
    "some", "who", "there", "near", "next", "front", "through", "down", "other", "being",
    "was", "were", "you", "your", "they", "them", "she", "him", "our", "what", "when", "which",
    "will", "would", "can", "could", "not", "but", "all", "any", "been", "had", "how", "about",
    "just", "than", "then", "very", "here", "where", "also", "it's", "i'm", "we're", "that's",
})
# fmt: on


def content_words(text: str) -> set[str]:
    """The words of a text that something can be called by, folded."""
    found = (word.casefold().replace("’", "'") for word in _WORD.findall(text))
    return {
        word for word in found if word not in STOP and (len(word) >= _SHORTEST or _is_one(word))
    }


def _is_one(word: str) -> bool:
    """Whether so few characters are a word: of a writing that has no capitals."""
    return word.upper() == word.lower()


def held(words: Iterable[str]) -> NDArray[np.uint8]:
    """1 for each number that a word falls to, (SIZE,): by a checksum of it without an English
    ending, as in feature hashing (Weinberger et al. 2009), so that no list of words is kept."""
    found = np.zeros(SIZE, np.uint8)
    for word in words:
        for content in content_words(word):
            found[zlib.crc32(_stem(content).encode()) % SIZE] = 1
    return found


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word.removesuffix(ending)
    return word
