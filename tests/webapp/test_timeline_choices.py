"""What an address may ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.timeline.choices import BadChoice, Choices, number, stretch


def test_nothing_asked_means_the_defaults():
    choices = Choices.read({})
    assert choices.threshold is None
    assert choices.methodology.key == "one-second"
    assert choices.off == frozenset()
    assert choices.window is None


def test_it_reads_what_a_link_carries():
    query = {"threshold": "0.62", "method": "raw", "off": "3,4", "in": "10", "out": "20.5"}
    assert Choices.read(query) == Choices(0.62, "raw", frozenset({3, 4}), (10.0, 20.5))


@pytest.mark.parametrize(
    "query",
    [
        {"threshold": "0.01"},
        {"threshold": "1.5"},
        {"threshold": "nan"},
        {"threshold": "inf"},
        {"threshold": "much"},
        {"method": "nielsen"},
        {"off": "1,,2"},
        {"off": "1;2"},
        {"off": "²"},
        {"off": "9" * 40},
        {"in": "20", "out": "10"},
        {"in": "-1", "out": "10"},
        {"in": "3", "out": "3"},
    ],
)
def test_nonsense_is_refused_with_a_sentence(query):
    with pytest.raises(BadChoice) as refusal:
        Choices.read(query)
    assert str(refusal.value).endswith(".")


def test_half_a_range_is_no_range():
    assert Choices.read({"in": "10"}).window is None


@given(st.dictionaries(st.sampled_from(["threshold", "method", "off", "in", "out"]), st.text()))
def test_any_text_is_either_read_or_refused(query):
    try:
        choices = Choices.read(query)
    except BadChoice:
        return
    assert choices.threshold is None or 0.05 <= choices.threshold <= 1
    assert choices.window is None or 0 <= choices.window[0] < choices.window[1]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back_as_it_was_written(value):
    assert number({"t": repr(value)}, "t") == value


def test_a_stretch_needs_both_ends():
    assert stretch({"from": "1", "to": "2"}, "from", "to") == (1.0, 2.0)
    assert stretch({"from": "1"}, "from", "to") is None
