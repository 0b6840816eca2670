"""What a Whisper network must be able to do, whoever runs it: `converted` or `checkpoint`."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from analysis.speech.types import Task, Word
from analysis.speech.windows import Window

MOST_PROMPT = 223  # tokens: half of what the decoder can hold, less one
MOST_TEXT = 224


@dataclass(frozen=True, slots=True)
class Guess:
    """One of several texts that a network offers for a window, and its mean log-probability."""

    text: str
    logprob: float


# Says which of several guesses to take. Where a language model of other text is to have a say, it
# comes in here.
Choose = Callable[[Sequence[Guess]], int]


@dataclass(frozen=True, slots=True)
class Request:
    """What a window is read for. vocabulary: terms to expect, the most important first."""

    language: str
    task: Task = "transcribe"
    vocabulary: tuple[str, ...] = ()
    temperature: float = 0.0
    guesses: int = 1
    choose: Choose | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a network reads in one window.

    words: with times in seconds from the window's start. logprob: mean of the tokens'.
    no_speech: how likely the network finds it that nobody speaks, 0 to 1.
    """

    words: tuple[Word, ...]
    logprob: float
    no_speech: float

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def compression(self) -> float:
        """How many times smaller zlib makes the text: 2.4 and more is a loop (as in Whisper)."""
        data = self.text.encode()
        return len(data) / len(zlib.compress(data)) if data else 0.0


def most_tokens(windows: Sequence[Window]) -> int:
    """How many tokens a text may have: a loop need not go on as long as the decoder can."""
    return min(round(20 * max(window.length_s for window in windows)) + 20, MOST_TEXT)


def is_word(text: str) -> bool:
    """Whether there is a letter or a digit in it: whisper writes “. . .” for sounds."""
    return any(sign.isalnum() for sign in text)


class Network(Protocol):
    """A loaded model."""

    def encode(self, windows: Sequence[Window]) -> Any:
        """What the other two work from: the encoder is run once."""
        ...

    def languages(self, encoded: Any) -> list[dict[str, float]]:
        """For each window how likely each language is; only for a model of many languages."""
        ...

    def read(self, encoded: Any, windows: Sequence[Window], request: Request) -> list[Reading]:
        """The words of each window."""
        ...

    def likelihoods(
        self, encoded: Any, frames: tuple[int, int], texts: Sequence[str], request: Request
    ) -> list[float]:
        """How likely each text is in a part of one window, by its frames of 20 ms: the sum of the
        tokens' log-probabilities."""
        ...


def prompt(
    terms: Sequence[str], encode: Callable[[str], list[int]], most: int = MOST_PROMPT
) -> list[int]:
    """The terms as tokens of the text before, whole terms only, the first ones where not all fit.

    Written as a list in a sentence, which is how the models were taught to take hints.
    """
    said = ""
    tokens: list[int] = []
    for term in dict.fromkeys(" ".join(term.split()) for term in terms):
        if not term:
            continue
        longer = f"{said}, {term}" if said else f" {term}"
        fitting = encode(longer + ".")
        if len(fitting) > most:
            break
        said, tokens = longer, fitting
    return tokens
