"""Questions to a space: asks and words, placed in it, and sharpened by what was said of answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from analysis.crossmodal.space import Placed
from analysis.crossmodal.space import Space as TaughtSpace
from analysis.crossmodal.text import TextEncoder
from analysis.crossmodal.types import SOUND, TEXT, Encoded
from analysis.errors import UnusableModel
from analysis.retrieval.encoder import engine as text_engine
from webapp.asking.judgements import Judgement
from webapp.asking.wishes import Wish
from webapp.search import meaning
from webapp.spaces.searching import Hit, encoded_of
from webapp.spaces.space import Space

# Of what was right and what was wrong, beside the question: SMART's usual ones (Salton and Buckley
# 1990, "Improving retrieval performance by relevance feedback").
RIGHT, WRONG = 0.75, 0.15
_MOST_JUDGED = (
    100  # answers, the newest, that a question is sharpened with: each is read from a file
)


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that is asked. name: as its reason calls it; wish: the ask, None for words."""

    name: str
    modality: str
    encoded: Encoded
    placed: Placed
    weight: float
    wish: Wish | None = None

    @property
    def key(self) -> str:
        """As addresses name it: the number of the ask, or “words”."""
        return str(self.wish.ask.pk) if self.wish else "words"


def questions(
    space: Space, taught: TaughtSpace, words: str, wishes: Sequence[Wish], notes: list[str]
) -> list[Question]:
    """All that a space can be asked. What it cannot be is told in a sentence."""
    found = []
    for wish in wishes:
        try:
            if (one := _of_ask(space, taught, wish, notes)) is not None:
                found.append(one)
        except UnusableModel as error:
            notes.append(f"{wish.ask}: {error.message}")
    if words and (one := of_words(space, taught, words)) is not None:
        found.append(one)
    return found


def _of_ask(space: Space, taught: TaughtSpace, wish: Wish, notes: list[str]) -> Question | None:
    row = wish.ask
    if row.modality not in space.engines:
        notes.append(not_yet(row.modality))
        return None
    if not row.suits(space):  # another space serves since
        row.encode_again()
        return None
    one = row.read_encoded()
    if one is None:
        return None
    placed = taught.place(row.modality, [one])
    return Question(str(row), row.modality, one, placed, wish.weight, wish)


def not_yet(modality: str) -> str:
    """Why nothing is compared by such items."""
    what = "sounds" if modality == SOUND else "pictures"
    return (
        f"{what.capitalize()} cannot be compared in this workspace yet: no space of its {what} has "
        "been made. That happens by itself when enough of them are indexed."
    )


def of_words(space: Space, taught: TaughtSpace, words: str) -> Question | None:
    """None where the space knows no texts, or the encoder no word of these."""
    if space.engines.get(TEXT, "") != text_engine() or not text_engine():
        return None
    (one,) = TextEncoder(meaning.encoder())([words])
    if one.blank:
        return None
    return Question(f"“{words}”", TEXT, one, taught.place(TEXT, [one]), 1.0)


def sharpened(question: Question, taught: TaughtSpace, judged: Iterable[Judgement]) -> Question:
    """With what was said of its answers (Rocchio 1971, "Relevance feedback in information
    retrieval"): vector and codes go towards the mean of what was right, and away from the mean of
    what was wrong. What is deleted by now has no say."""
    found = [(one.hit, one.is_right) for one in judged if one.hit is not None][:_MOST_JUDGED]
    right = _placed(taught, [hit for hit, is_right in found if is_right])
    wrong = _placed(taught, [hit for hit, is_right in found if not is_right])
    if not right and not wrong:
        return question
    near, codes = question.placed.continuous.copy(), question.placed.codes.copy()
    for share, some in ((RIGHT, right), (-WRONG, wrong)):
        if some:
            near += share * np.mean([one.continuous for one in some], 0)
            codes += share * np.mean([one.codes for one in some], 0)
    codes = np.maximum(codes, 0)
    near /= max(float(np.linalg.norm(near)), 1e-9)
    codes /= max(float(codes.sum()), 1e-9)
    return replace(question, placed=Placed(near.astype(np.float32), codes.astype(np.float32)))


def _placed(taught: TaughtSpace, hits: Sequence[Hit]) -> list[Placed]:
    placed = []
    for hit, item in encoded_of(hits):
        with suppress(UnusableModel):  # it was encoded by what this space does not know
            placed.append(taught.place(hit.modality, [item]))
    return placed
