"""What is likely to be said: terms, text, and the choice among readings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.speech import Word
from analysis.speech.biasing import choose_by, is_recited, likeness
from analysis.speech.network import Guess
from analysis.speech.ngrams import WORDS, WordModel, plain_words
from analysis.speech.unheard import has_unlikely, without_unheard
from analysis.speech.vocabulary import Vocabulary, read_vocabulary
from analysis.speech.word_errors import word_errors

WORD = st.sampled_from(["boat", "race", "wind", "river", "Kestrel", "Norra", "Bank"])
TEXT = st.lists(WORD, max_size=12).map(" ".join)
RACE = "The boats race on the river. The boats race into the wind. A boat is on the river."


def test_short_lines_are_terms_and_sentences_are_text() -> None:
    found = Vocabulary.of_lines("Kestrel\n Norra  Bank\n\n--\nKestrel\nThe Kestrel boat won it.\n")
    assert found == Vocabulary(("Kestrel", "Norra Bank"), "The Kestrel boat won it.")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x80 no text"])
def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(AnalysisError, match=r"words\.txt cannot be read"):
        read_vocabulary(tmp_path / "words.txt")


@given(TEXT, st.lists(WORD, max_size=3))
def test_a_model_of_words_shares_out_no_more_than_all(text: str, before: list[str]) -> None:
    model = WordModel.of_text(text)
    known = set(plain_words(text))
    said = [word.lower() for word in before]
    of_known = sum(model.probability(word, said) for word in known)
    unknown = model.probability("unheardof", said)
    assert 0 < unknown <= 1 / WORDS + 1e-12
    # those that it knows, and all others of a speaker's words
    assert of_known + (WORDS - len(known)) * unknown == pytest.approx(1)


def test_what_the_text_says_is_likelier() -> None:
    model = WordModel.of_text(RACE)
    assert model.probability("river", ["on", "the"]) > model.probability("wind", ["on", "the"])
    assert model.gain("the boats race") > 1 > abs(model.gain("nobody knows these words"))
    assert model.gain("") == 0


def test_among_readings_that_are_as_likely_the_text_decides_and_never_against_the_sound() -> None:
    choose = choose_by(RACE)
    assert choose is not None
    near = [
        Guess("the coats raise on the liver", -0.40),
        Guess("the boats race on the river", -0.44),
    ]
    far = [near[0], Guess("the boats race on the river", -0.9)]
    assert choose(near) == 1
    assert choose(far) == 0
    assert choose_by(" … ") is None


def test_names_are_alike_by_spelling_or_by_sound() -> None:
    assert likeness("tassacore", "Tessacore") == 1
    assert likeness("noraabank", "Norra Bank") > 0.8 > likeness("harbour", "Norra Bank")
    assert likeness("core", "Quorra") < 0.6, "two sounds are in too many words"


def test_a_list_that_goes_on_is_no_speech() -> None:
    terms = ("Kestrel", "Norra Bank", "Quorra")
    assert is_recited("And Kestrel, Norra Bank, Quorra, and", terms)
    assert not is_recited("Kestrel and Norra Bank like Quorra", terms)
    assert not is_recited("anything", ())


def said(text: str, *unlikely: str) -> list[Word]:
    """Half a second a word; the unlikely ones are what the network would not write by itself."""
    return [
        Word(word, at / 2, at / 2 + 0.5, 0.001 if word in unlikely else 0.8)
        for at, word in enumerate(text.split())
    ]


def text_of(words: Iterable[Word]) -> str:
    return " ".join(word.text for word in words)


def test_a_name_that_only_the_vocabulary_wrote_has_to_be_in_the_sound() -> None:
    terms = ("High Hill", "Quorra")
    told = said("The man on the High Hill, is happy", "High", "Hill,")
    plain = said("The man on the hiker is happy")
    assert has_unlikely(told, terms)
    assert text_of(without_unheard(told, plain, terms)) == "The man on the hiker is happy"
    like = said("The man on the high heel is happy")
    assert text_of(without_unheard(told, like, terms)) == text_of(told)
    assert text_of(without_unheard(told, said("The man on the is happy"), terms)) == (
        "The man on the is happy"
    )
    assert text_of(without_unheard(told, told, terms)) == text_of(told), "it is written anyway"


def test_a_name_that_the_network_finds_likely_needs_nothing_else() -> None:
    terms = ("High Hill", "Quorra")
    assert not has_unlikely(said("The man on the High Hill"), terms)
    assert not has_unlikely(said("an unlikely word", "unlikely"), terms)
    both = said("From Quorra we see the High Hill today", "High", "Hill")
    plain = said("From Cora we see the hiker today")
    assert text_of(without_unheard(both, plain, terms)) == "From Quorra we see the hiker today"
    assert without_unheard([], [], terms) == ()


# --- comparing ------------------------------------------------------------------------------------


def test_each_error_is_of_its_kind() -> None:
    found = word_errors("The boat is on the river today", "The coat is really on the today")
    kinds = [step.kind for step in found.steps]
    assert kinds == ["same", "wrong", "same", "extra", "same", "same", "missing", "same"]
    assert (found.words, found.substitutions, found.deletions, found.insertions) == (7, 1, 1, 1)
    assert found.rate == pytest.approx(3 / 7)


def test_keywords_count_where_they_are_said() -> None:
    said = "Kestrel leads and Norra Bank follows, then Kestrel wins and nobody else comes near it"
    heard = "Kestrel leads and Norabank follows, then castrel wins and nobody comes near Norra-Bank"
    found = {
        k.term: k for k in word_errors(said, heard, ["Kestrel", "Norra Bank", "Quorra"]).keywords
    }
    assert (found["Kestrel"].said, found["Kestrel"].found, found["Kestrel"].false) == (2, 1, 0)
    assert (found["Norra Bank"].said, found["Norra Bank"].found) == (1, 0)
    assert found["Norra Bank"].false == 1
    assert "Quorra" not in found


def test_nothing_said_has_no_rate() -> None:
    assert word_errors("", "some words").rate is None
    assert word_errors("", "some words").insertions == 2
    assert word_errors("", "").steps == ()


@given(TEXT, TEXT)
def test_the_steps_spell_both_texts_and_swapping_them_swaps_the_errors(a: str, b: str) -> None:
    there, back = word_errors(a, b), word_errors(b, a)
    assert [s.said for s in there.steps if s.said] == a.split()
    assert [s.heard for s in there.steps if s.heard] == b.split()
    errors = [w.insertions + w.deletions + w.substitutions for w in (there, back)]
    assert errors[0] == errors[1] <= max(len(a.split()), len(b.split()))
    assert word_errors(a, a).rate in (0, None)


@given(TEXT, TEXT)
def test_jiwer_counts_the_same(a: str, b: str) -> None:
    jiwer = pytest.importorskip("jiwer")
    if a:
        assert word_errors(a, b).rate == pytest.approx(jiwer.wer(a.lower(), b.lower() or " "))
