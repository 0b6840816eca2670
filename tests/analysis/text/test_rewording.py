"""A sentence written anew, laid over the words that were heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.text.rewording import reworded

WORD = st.text("abcé’-", min_size=1, max_size=4)


def read(words: list[str], changes: dict[int, str], blank: str = " ") -> str:
    kept = [changes.get(place, word) for place, word in enumerate(words)]
    return blank.join(text for text in kept if text)


@given(st.lists(WORD, min_size=1, max_size=8), st.lists(WORD, max_size=8))
def test_read_again_it_says_just_what_was_written(words, new):
    assert read(words, reworded(words, " ".join(new))) == " ".join(new)


@given(
    st.lists(st.text("甲乙丙丁", min_size=1, max_size=3), min_size=1),
    st.text("甲乙丙丁戊", max_size=9),
)
def test_so_it_does_where_nothing_is_written_between_words(words, text):
    assert read(words, reworded(words, text, blank=""), "") == text


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("the castle wins", {}),
        ("the Kestrel wins", {1: "Kestrel"}),
        ("the wins", {1: ""}),
        ("now the castle wins", {0: "now the"}),
        ("the Norra Bank wins", {1: "Norra Bank"}),
        ("", {0: "", 1: "", 2: ""}),
    ],
)
def test_only_what_differs_changes(text, changes):
    assert reworded(["the", "castle", "wins"], text) == changes


def test_without_words_there_is_nothing_to_write_anew():
    with pytest.raises(ValueError, match="no words"):
        reworded([], "x")
