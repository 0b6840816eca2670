"""Brands in words: what is one, what only looks like one, and what a person is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.__main__ import main
from analysis.speech.exports import as_json
from analysis.speech.types import Utterance, Word
from analysis.text import Brand, Mention, find_mentions


@dataclass(frozen=True)
class Heard:
    text: str
    start_s: float
    end_s: float
    confidence: float = 1.0


def said(text: str, confidence: float = 1.0) -> list[Heard]:
    return [Heard(w, n * 0.4, n * 0.4 + 0.3, confidence) for n, w in enumerate(text.split())]


def found(text: str, *names: str, not_in: tuple[str, ...] = ()) -> list[Mention]:
    return find_mentions(said(text), [Brand(1, names, not_in)])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a can of Coca-Cola, please", "Coca-Cola"),
        ("a can of coca cola please", "Coca-Cola"),
        ("a can of CocaCola.", "Coca Cola"),
        ("at the seven eleven today", "7-Eleven"),
        ("at the 7-Eleven today", "Seven Eleven"),
        ("a shirt from H&M here", "H&M"),
        ("a shirt from H and M here", "H&M"),
        ("a shirt from HM here", "H&M"),
        ("the McDonald’s lane", "McDonald's"),
        ("und Müller gewinnt", "Muller"),
        ("für Citroën", "Citroen"),
        ("ваш Яндекс тут", "Яндекс"),
    ],
)
def test_a_name_is_found_however_it_is_written(text: str, name: str) -> None:
    [mention] = found(text, name)
    assert (mention.by, mention.score) == ("name", 1.0)


@pytest.mark.parametrize("text", ["two Nikes", "Nike's new shoe", "the Nikes’ laces"])
def test_plural_and_genitive_are_the_name(text: str) -> None:
    assert [m.by for m in found(text, "Nike")] == ["inflection"]


@pytest.mark.parametrize(
    ("text", "name", "by"),
    [
        ("sponsored by Tessa us tonight", "Tesaus", "spelling"),
        ("sponsored by vectra tonight", "Vektra", "spelling"),
        ("a deed us of course", "Adidas", "sound"),
        ("the new Addidas shirt", "Adidas", "spelling"),
    ],
)
def test_what_a_recogniser_writes_for_a_name_it_never_heard(text: str, name: str, by: str) -> None:
    [mention] = found(text, name)
    assert mention.by == by
    assert 0.5 < mention.score < 0.95


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a humble abode", "Adobe"),
        ("I like it", "Nike"),
        ("we visited them", "Visa"),
        ("hand me that", "H&M"),
        ("the total of it all", "Totaal Energie"),
        ("an x in the box", "X"),
        ("", "Nike"),
        ("... !", "Nike"),
    ],
)
def test_other_words_are_not_the_name(text: str, name: str) -> None:
    assert found(text, name) == []


def test_a_name_of_one_letter_has_to_be_written_as_such() -> None:
    assert [m.text for m in found("x and X. and Xs", "X")] == ["X."]


def test_false_friends_are_left_out() -> None:
    text = "an apple pie, some Apple pies and an Apple phone"
    [mention] = found(text, "Apple", not_in=("apple pie",))
    assert mention.words == (8, 9)


def test_it_says_when_and_how_sure() -> None:
    [mention] = find_mentions(said("we love coca cola a lot", 0.8), [Brand(7, ("Coca-Cola",))])
    assert (mention.brand, mention.text, mention.name) == (7, "coca cola", "Coca-Cola")
    assert (mention.start_s, mention.end_s) == (pytest.approx(0.8), pytest.approx(1.5))
    assert mention.confidence == pytest.approx(0.8)


def test_words_with_a_pause_between_them_are_not_one_name() -> None:
    words = [Heard("coca", 0, 0.3), Heard("cola", 2.0, 2.3)]
    assert find_mentions(words, [Brand(1, ("Coca-Cola",))]) == []


def test_the_longer_name_takes_its_words() -> None:
    brands = [Brand(1, ("Red Bull",)), Brand(2, ("Red Bull Racing",)), Brand(3, ("Bull",))]
    mentions = find_mentions(said("for Red Bull Racing and Red Bull"), brands)
    assert [m.brand for m in mentions] == [2, 1]


def test_brands_that_share_a_name_are_both_meant() -> None:
    brands = [Brand(1, ("Orange",)), Brand(2, ("Orange", "Orange Bank"))]
    assert [m.brand for m in find_mentions(said("from Orange"), brands)] == [1, 2]


def test_no_brand_and_no_letter() -> None:
    assert find_mentions(said("hello"), []) == []
    assert find_mentions(said("hello"), [Brand(1, ("!!!", ""))]) == []


@given(st.lists(st.text(max_size=12), max_size=12), st.lists(st.text(max_size=12), max_size=4))
def test_whatever_is_said_mentions_share_no_words_and_keep_their_order(
    words: list[str], names: list[str]
) -> None:
    heard = [Heard(word, n * 0.4, n * 0.4 + 0.3) for n, word in enumerate(words)]
    mentions = find_mentions(heard, [Brand(1, tuple(names))])
    spans = [m.words for m in mentions]
    assert spans == sorted(spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert all(0 < m.score <= 1 for m in mentions)


@given(st.text(alphabet="abcdefgh", min_size=2, max_size=9), st.integers(0, 5))
def test_a_name_that_was_said_is_always_found(name: str, before: int) -> None:
    text = " ".join(["zzz"] * before + [name.title()] + ["zzz"])
    assert [m.words for m in found(text, name)] == [(before, before + 1)]


def test_the_command_tells_when_each_brand_is_said(tmp_path, capsys) -> None:
    words = (Word("Coca", 1, 1.4, 0.9), Word("Cola", 1.4, 1.8, 0.9))
    transcript = tmp_path / "said.json"
    transcript.write_text(as_json([Utterance(1, 1.8, words, "en", 0.9)]))
    assert main(["mentions", str(transcript), "--brand", "Coke,Coca-Cola"]) == 0
    assert capsys.readouterr().out == "1.00\t1.80\tCoke\tCoca Cola\tname\t1.00\n"


@pytest.mark.parametrize("content", ["", "[]", '{"utterances": 3}', "\x00"])
def test_what_is_no_transcript_is_refused_in_a_sentence(tmp_path, capsys, content: str) -> None:
    (tmp_path / "said.json").write_text(content)
    assert main(["mentions", str(tmp_path / "said.json"), "--brand", "Coke"]) == 1
    assert "transcribe --format json" in capsys.readouterr().err


ORDINARY = Brand(1, ("Apple",), ("apple pie",), is_ordinary=True)


def test_an_ordinary_word_counts_where_it_is_a_name():
    heard = said("Apple sells it and an apple does not but Apple Pie is neither")
    assert [m.words for m in find_mentions(heard, [ORDINARY])] == [(0, 1)]
    # who looked at the sentences knows better than capitals say
    assert [m.words for m in find_mentions(heard, [ORDINARY], names={5})] == [(5, 6)]
    assert find_mentions(heard, [ORDINARY], names=()) == []


def test_other_brands_are_found_however_they_are_written():
    heard = said("the apple of kestrel")
    found = find_mentions(heard, [ORDINARY, Brand(2, ("Kestrel",))], names=())
    assert [m.brand for m in found] == [2]
