"""How likely words are after one another, learned from some text: small, and made in a moment.

Interpolated Kneser-Ney smoothing (Kneser and Ney 1995; as in Chen and Goodman 1999, section 3) with
one discount for each length. Words that the text does not have share what the shortest length gives
away, as if there were `WORDS` of them.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

WORDS = 50_000  # that a speaker knows: an unknown one is as likely as each of these
_LENGTH = 3
_BEGIN = "<s>"
_SENTENCE = re.compile(r"[.!?…\n]+")
_WORD = re.compile(r"[^\W_]+")


def plain_words(text: str) -> list[str]:
    """Words as they are compared: lower case, without accents and punctuation.

    >>> plain_words("L’Oréal’s “Blue” line")
    ['loreals', 'blue', 'line']
    """
    flat = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(sign for sign in flat if not unicodedata.combining(sign) and sign not in "'’ʼ")
    return _WORD.findall(kept)


class WordModel:
    """A model of words in runs of up to three."""

    def __init__(self, sentences: Iterable[Sequence[str]]) -> None:
        """Learn from sentences of plain words."""
        counts: list[Counter[tuple[str, ...]]] = [Counter() for _ in range(_LENGTH)]
        for sentence in sentences:
            words = [*[_BEGIN] * (_LENGTH - 1), *sentence]
            for at in range(_LENGTH - 1, len(words)):
                counts[-1][tuple(words[at - _LENGTH + 1 : at + 1])] += 1
        for n in range(_LENGTH - 1, 0, -1):
            for run in counts[n]:  # of a shorter run counts before how many words it stands
                counts[n - 1][run[1:]] += 1
        self._counts = counts
        self._after: list[dict[tuple[str, ...], tuple[int, int]]] = []
        self._discounts: list[float] = []
        for longer in counts:
            sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
            for run, count in longer.items():
                sums[run[:-1]][0] += count
                sums[run[:-1]][1] += 1
            self._after.append({run: (total, kinds) for run, (total, kinds) in sums.items()})
            once = sum(count == 1 for count in longer.values())
            twice = sum(count == 2 for count in longer.values())
            self._discounts.append(once / (once + 2 * twice) if once + twice else 0.5)

    @classmethod
    def of_text(cls, text: str, terms: Iterable[str] = ()) -> WordModel:
        """Learn from a text, and from terms that are sentences each."""
        parts = [*_SENTENCE.split(text), *terms]
        return cls([words for part in parts if (words := plain_words(part))])

    def probability(self, word: str, before: Sequence[str] = ()) -> float:
        """How likely a word is after others, of which the last two count; 0 to 1."""
        padded = (_BEGIN,) * (_LENGTH - 1) + tuple(before)
        likely = 1 / WORDS
        for n in range(_LENGTH):
            context = padded[len(padded) - n :]
            total, kinds = self._after[n].get(context, (0, 0))
            if not total:
                continue
            # one word of a short text is no reason to take it for the only one there is
            discount = min(max(self._discounts[n], 0.1), 0.9)
            own = max(self._counts[n][(*context, word)] - discount, 0) / total
            likely = own + discount * kinds / total * likely
        return likely

    def gain(self, text: str) -> float:
        """By how much this text is likelier than words of which nothing is known: the mean of a
        word's log ratio; 0.0 for no words."""
        words = plain_words(text)
        if not words:
            return 0.0
        known = (math.log(self.probability(w, words[:at])) for at, w in enumerate(words))
        return sum(known) / len(words) + math.log(WORDS)
