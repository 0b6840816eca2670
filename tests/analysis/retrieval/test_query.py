"""Whatever is typed is read, and read again the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.__main__ import main
from analysis.retrieval import fuse, moments, parse
from analysis.retrieval.matching import (
    fts5,
    is_hard_to_foretell,
    matcher,
    matches,
    places,
    share_with_words,
    tsquery,
)
from analysis.retrieval.moments import LONGEST_S, TOGETHER_S, Piece
from analysis.tokens import tokens

_TYPED = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            [
                *(
                    "a",
                    "H&M",
                    "&",
                    "-",
                    "(",
                    ")",
                    '"',
                    "*",
                    "~",
                    "AND",
                    "OR",
                    "NOT",
                    "|",
                    "coca cola",
                ),
                *("brand:", "in:said", 'project:"x', "after:2026", "before:x", "longer:1:30"),
                *(
                    "-brand:K",
                    "−",
                    "船",
                    "é",
                    "\x00",
                    "%",
                    "7-Eleven",
                    "x*",
                    "y~",
                    "“",
                    "”",
                    "score:",
                ),
            ]
        ),
        max_size=12,
    ).flatmap(lambda some: st.sampled_from([" ".join(some), "".join(some)])),
)


@given(_TYPED)
@example("(" * 400)
@example("NOT " * 100 + "x")
@example('"')
@example("*-x")
@example("~brand:x")
def test_a_query_is_never_an_error_and_reads_the_same_again(typed):
    query = parse(typed)
    again = parse(str(query))
    assert (again.tree, again.filters) == (query.tree, query.filters)
    assert again.notes == ()


@given(_TYPED, st.lists(st.sampled_from(["a", "h", "and", "m", "coca", "cola", "cocacola", "x"])))
def test_whatever_is_read_can_be_asked_of_tokens_and_of_databases(typed, text):
    if (tree := parse(typed).tree) is None:
        return
    match, _ = matcher(tree, lambda wanted: dict.fromkeys(wanted, 1), lambda token: [])
    if matches(match, text):
        assert any(True for _ in places(match, text))
    for sql in fts5(match), tsquery(match):
        assert sql.count("(") == sql.count(")")
        assert not set(sql) & set(";\\%")


@pytest.mark.parametrize(
    ("typed", "read", "note"),
    [
        ('"coca cola', '"coca cola"', "A quote that was not closed goes to the end."),
        ("(a b", "a b", "A bracket that was not closed goes to the end."),
        ("a) b", "a b", "A bracket that was not opened is left out."),
        ("a OR", "a", "OR stands between words; one without is left out."),
        ("a NOT", "a", "NOT stands before a word; one without is left out."),
        ("-a", "", "NOT a alone finds nothing: say what to look for as well."),
        ("a in:heard", "a", "in:heard is left out: it is said, written, seen or comment."),
        ("a score:2", "a", "score:2 is left out: it is from 0 to 1, or in percent."),
        (
            "a after:2026-02-31",
            "a",
            "after:2026-02-31 is left out: write a day as 2026-01-31, a month or a year.",
        ),
        ("& a", "a", "“&” holds no letter or digit and is left out."),
        ("% a", "a", "“%” holds no letter or digit and is left out."),
    ],
)
def test_what_cannot_be_meant_is_read_as_it_probably_was(typed, read, note):
    query = parse(typed)
    assert (str(query), query.notes) == (read, (note,))


def test_marks_alone_are_no_words_and_nothing_else_is_said_of_them():
    assert parse("%").notes == ("“%” holds no letter or digit and is left out.",)
    assert parse("NOT").notes == ("NOT stands before a word; one without is left out.",)


def test_a_long_query_is_a_sentence():
    assert parse("x" * 10_000).problem == ("A search holds at most 500 characters, this has 10000.")


def test_filters_are_read():
    filters = parse('brand:"Norra Bank" longer:1:30:00 score:80% after:2026 before:2026-02').filters
    assert filters.brands == ("Norra Bank",)
    assert (filters.longer_s, filters.score) == (5400, 0.8)
    assert (str(filters.after), str(filters.before)) == ("2026-01-01", "2026-02-28")


@given(st.text())
def test_tokens_hold_nothing_that_a_database_would_change(text):
    for token in tokens(text):
        assert token.isascii()
        assert token.isalnum()
        assert token == token.lower()


@given(st.lists(st.lists(st.integers(0, 20), max_size=10), max_size=4))
def test_what_stands_first_everywhere_is_first(rankings):
    scores = fuse(rankings)
    assert set(scores) == {one for some in rankings for one in some}
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    firsts = {some[0] for some in rankings if some}
    if len(firsts) == 1 and all(rankings):
        assert next(iter(scores)) in firsts


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 300), st.floats(0, 20)), max_size=30))
def test_each_passage_is_in_one_moment_and_neighbours_are_in_the_same(rows):
    pieces = [Piece(n, asset, at, at + long) for n, (asset, at, long) in enumerate(rows)]
    spans = moments(pieces, [[p.key for p in pieces]])
    assert sorted(p.key for s in spans for p in s.pieces) == [p.key for p in pieces]
    for span in spans:
        assert span.start_s == min(p.start_s for p in span.pieces)
        assert span.end_s == max(p.end_s for p in span.pieces)
        assert len({p.asset for p in span.pieces}) == 1
        assert span.end_s - span.start_s <= LONGEST_S
    for one in spans:
        for other in spans:
            apart = one.asset != other.asset or one is other
            gap = max(one.start_s, other.start_s) - min(one.end_s, other.end_s)
            whole = max(one.end_s, other.end_s) - min(one.start_s, other.start_s)
            assert apart or gap > TOGETHER_S or whole > LONGEST_S


def test_transcripts_are_searched_at_a_prompt(tmp_path, capsys):
    words = [{"text": t, "start_s": 1, "end_s": 2, "confidence": 1} for t in ("A", "Coca-Cola")]
    line = {"start_s": 1.0, "end_s": 3.0, "words": words}
    path = tmp_path / "talk.json"
    path.write_text(json.dumps({"utterances": [line]}))
    assert main(["search", "cocacola", str(path)]) == 0
    assert capsys.readouterr().out == "talk.json\t1.00\t3.00\tA Coca-Cola\n"
    assert main(["search", "pepsi", str(path)]) == 1
    path.write_text("[]")
    assert main(["search", "pepsi", str(path)]) == 1
    assert "is not what `transcribe --format json` writes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "holding", "fulfilling", "is_hard"),
    [
        ("harbour", 0.5, 0.5, False),
        ("harbour gale", 0.05, 0.05, False),
        ('"harbour gale"', 0.05, 0.005, True),
        ('"harbour harbour"', 0.5, 0.05, True),
        ('"harbour gale" OR bay', 0.25, 0.205, True),
        ('harbour -"gale bay"', 0.5, 0.5, False),  # what must not be there makes it no rarer
        ('"gale storm"', 0.0, 0.0, True),  # nobody says storm
        ("ba*", 0.3, 0.3, True),  # bay and bat
        ('"harbour ba*"', 0.15, 0.015, True),
    ],
)
def test_how_many_passages_hold_the_words_of_a_phrase(text, holding, fulfilling, is_hard):
    counts = {"harbour": 50, "gale": 10, "bay": 20, "bat": 10}

    def shares(token: str, is_prefix: bool) -> float:
        begun = sum(n for word, n in counts.items() if word.startswith(token))
        return (begun if is_prefix else counts.get(token, 0)) / 100

    tree = parse(text).tree
    assert tree is not None
    match, _ = matcher(tree, lambda some: {t: counts[t] for t in some if t in counts}, lambda _: ())
    assert share_with_words(match, shares) == pytest.approx(holding)
    assert share_with_words(match, shares, scattered=10) == pytest.approx(fulfilling)
    assert is_hard_to_foretell(match) is is_hard
