"""Topics of a transcript: where they begin, what they are called, who is named in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.__main__ import main
from analysis.text.boundaries import Price, boundaries
from analysis.text.bursts import bursts
from analysis.text.key_phrases import key_phrases, title
from analysis.text.reading import Phrase

pytest.importorskip("spacy")


from analysis.text.outline import Outline, outline
from analysis.text.reading import Reader

REGATTA = [
    "The boats left the harbour at nine with a strong wind from the west.",
    "Kestrel took the lead at the first buoy and kept her sails full.",
    "The crew of the second boat had trouble with a torn sail.",
    "At the harbour wall the boats turned into the wind again.",
    "The wind dropped before the last buoy and the sails hung loose.",
    "Two boats touched at the buoy and a sail was torn.",
    "Without wind the boats drifted back to the harbour.",
    "In the end the crew of Kestrel brought the first boat home.",
]
BREAD = [
    "For the bread you need flour, water, salt and a little yeast.",
    "Mix the flour with the water and let the dough rest for an hour.",
    "Then add the salt and the yeast and knead the dough again.",
    "Bake the bread in a hot oven until the crust is brown.",
    "Let the bread cool before you cut the crust.",
    "A dough with more water makes a softer bread.",
    "If the oven is too hot the crust burns and the dough stays raw.",
    "Old bread with salt and a little water is good the next day.",
]
TAX = [
    "The council in Norwich voted on the new budget, Senator Mary Hill said.",
    "Taxes on houses will rise, and the budget for schools will not.",
    "The council wants to pay for roads out of taxes on parking.",
    "Schools said the budget of the council leaves them with less.",
    "The vote on taxes was close, and the council will vote on roads next.",
    "Teachers of two schools came to the vote with their budget.",
    "Without new taxes the council has no budget for roads at all.",
    "The council will vote on the taxes for parking in May.",
]


@dataclass(frozen=True)
class Line:
    text: str
    start_s: float
    end_s: float


def lines(texts: list[str], pace: float = 1.0) -> list[Line]:
    return [Line(text, n * 5 * pace, (n * 5 + 4) * pace) for n, text in enumerate(texts)]


def found(pace: float = 1.0, **options) -> Outline:
    return outline(lines([*REGATTA, *BREAD, *TAX], pace), **options)


def test_a_new_topic_begins_where_the_words_change():
    assert [topic.lines for topic in found().topics] == [(0, 8), (8, 16), (16, 24)]
    assert [(t.start_s, t.end_s) for t in found().topics] == [(0, 39), (40, 79), (80, 119)]


def test_titles_are_made_of_the_words_of_the_topic_alone():
    titles = [topic.title.lower() for topic in found().topics]
    words = (
        ("sail", "wind", "boat", "buoy", "harbour"),
        ("bread", "dough", "crust"),
        ("council", "budget", "tax"),
    )
    for title_, its, *others in zip(titles, words, words[1:] + words[:1], strict=True):
        assert any(word in title_ for word in its), title_
        assert not any(word in title_ for other in others for word in other), title_


def test_the_same_words_said_twice_as_fast_are_cut_at_the_same_words():
    assert [t.lines for t in found(0.5).topics] == [t.lines for t in found().topics]


def test_brands_people_and_places_are_named_with_how_often():
    named = {(e.text, e.kind) for t in found(brands=["Kestrel"]).topics for e, _ in t.entities}
    assert ("Kestrel", "brand") in named
    assert any(kind == "person" and "Hill" in text for text, kind in named)
    assert ("Norwich", "place") in named
    assert "spaCy" in found().made_by


def test_nothing_said_has_no_topics_and_one_line_has_one():
    assert outline([]).topics == ()
    assert outline(lines(["Oh.", "Well."])).topics == ()
    (only,) = outline(lines(["The wind dropped."])).topics
    assert only.title
    assert only.lines == (0, 1)


def test_a_language_nobody_has_rules_for_is_cut_at_its_blanks():
    read = outline(lines(REGATTA + BREAD), "haw")
    assert read.topics
    assert "words between blanks" in read.made_by


def names_in(text: str) -> list[str]:
    (sentence,) = Reader("en").read([text])
    words = text.split()
    return [words[place].strip(".,") for place in sentence.names]


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        ("We saw the new phone of Apple today.", True),
        ("Apple announced a new phone.", True),
        ("Apple’s new phone is here.", True),
        ("I ate an apple after lunch.", False),
        ("Apple trees grow in the garden.", False),
        ("She baked an apple pie.", False),
    ],
)
def test_a_word_is_a_name_by_its_capital_and_what_follows(text, is_name):
    names = [word.replace("’s", "") for word in names_in(text)]
    assert ("Apple" in names or "apple" in names) is is_name


def test_a_model_of_spacy_is_used_where_one_is_installed():
    import spacy

    models = [m for m in spacy.util.get_installed_models() if m.startswith("en_")]
    if not models:
        assert Reader("en").title.startswith("rules for English")
        return
    assert Reader("en").title.startswith("spaCy’s en_")


# --- arithmetic -----------------------------------------------------------------------------------

words = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), max_size=24)


@given(words, st.permutations("abcdefgh"))
def test_borders_do_not_depend_on_what_the_words_are(sentences, renamed):
    other = dict(zip("abcdefgh", renamed, strict=True))
    spelt_otherwise = [[other[word] for word in sentence] for sentence in sentences]
    assert boundaries(sentences) == boundaries(spelt_otherwise)


@given(words, st.integers(1, 4))
def test_borders_lie_inside_ascend_and_leave_parts_of_the_least_length(sentences, shortest):
    cuts = boundaries(sentences, None, Price(cut=0.1, shortest=shortest))
    edges = [0, *cuts, len(sentences)]
    assert all(b - a >= shortest for a, b in pairwise(edges)) or not cuts


@given(words)
def test_a_dearer_cut_makes_no_more_parts(sentences):
    n = [len(boundaries(sentences, None, Price(cut=cut))) for cut in (0.1, 0.7, 3.0)]
    assert n == sorted(n, reverse=True)


def test_meanings_cut_where_words_cannot():
    said = [[f"w{n}"] for n in range(12)]  # no word twice
    vectors = np.eye(2, dtype=np.float32)[[0] * 6 + [1] * 6]
    assert boundaries(said) == []
    assert boundaries(said, vectors) == [6]
    with pytest.raises(ValueError, match="12 sentences"):
        boundaries(said, vectors[:3])


def test_a_phrase_is_taken_whole_and_no_word_twice():
    said = [Phrase("harbour wall", ("harbour", "wall"), False)] * 3
    said += [Phrase("wall", ("wall",), False)] * 3 + [Phrase("boat", ("boat",), False)] * 2
    (best,) = key_phrases([said])
    assert [text for text, _ in best] == ["harbour wall", "boat"]
    assert title([]) == ""


def test_topics_at_a_prompt(tmp_path, capsys):
    said = {
        "utterances": [
            {
                "start_s": line.start_s,
                "end_s": line.end_s,
                "words": [{"text": w} for w in line.text.split()],
            }
            for line in lines(REGATTA + BREAD)
        ]
    }
    path = tmp_path / "said.json"
    path.write_text(json.dumps(said))
    assert main(["topics", str(path), "--brand", "Kestrel"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 3
    assert "Kestrel (brand)" in out
    path.write_text("{}")
    assert main(["topics", str(path)]) == 1
    assert "transcribe" in capsys.readouterr().err


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 5)), max_size=30))
def test_bursts_hold_each_span_once_and_lie_apart(drawn):
    spans = [(float(start), float(start + length)) for start, length in drawn]
    found = bursts(spans, least=1, apart_s=10)
    assert sum(n for *_, n in found) == len(spans)
    assert all(b[0] - a[1] > 10 for a, b in pairwise(found))
    assert bursts(spans) == [one for one in bursts(spans, least=1) if one[2] >= 3]
