"""Why some words are a mention: by the matcher's own figures."""

from __future__ import annotations

import pytest

from analysis.text import Brand, find_mentions
from analysis.text.why import explain
from tests.spoken import utterance

BRANDS = [Brand(1, ("Norra Bank", "Nora")), Brand(2, ("Vitalo",)), Brand(3, ("Vitalis",))]


def why(text: str, brand: int):
    words = utterance(text, 2.0).words
    mention = next(m for m in find_mentions(words, BRANDS) if m.brand == brand)
    return mention, explain(words, BRANDS, mention, least=0.5)


@pytest.mark.parametrize("text", ["ask nora bank today", "a vitallo please", "two Vitalos please"])
def test_the_parts_sum_up_to_the_confidence_and_the_formula_to_the_score(text):
    mention, told = why(text, 1 if "bank" in text else 2)
    assert sum(part.weight for part in told.parts) == pytest.approx(mention.confidence)
    assert told.score * told.mean == pytest.approx(told.confidence)
    assert f"{mention.score:.2f}".rstrip("0").rstrip(".") in told.formula


def test_what_else_it_comes_near_is_named_with_the_reason():
    _, told = why("a vitallo please", 2)
    (other,) = [one for one in told.alternatives if one.brand == 3]
    assert other.score is None
    assert "below 0.78" in other.why
    assert all(one.name != "Vitalo" for one in told.alternatives), "itself is no alternative"
    assert "sounding the same" in told.to_miss[-1]


def test_a_mention_of_other_words_is_refused():
    mention, _ = why("a vitallo please", 2)
    with pytest.raises(ValueError, match="none of these words"):
        explain([], BRANDS, mention, least=0.5)
