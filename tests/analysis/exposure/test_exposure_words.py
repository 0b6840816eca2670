"""What the words say of a brand, beside what the picture shows."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.exposure.exports import MentionRow, mentions_csv
from analysis.exposure.measure import METHODOLOGIES, MediaRate, Words, measure
from tests.analysis.exposure.exposure_cases import columns

ACME, BOLT = 1, 2
BOX = (0.4, 0.4, 0.6, 0.6)


def seconds(n: int) -> list[tuple[float, float]]:
    return [(i, i + 1) for i in range(n)]


def acme(shown: list[int], *, n_s: int = 60, window=None, **words):
    """ACME's figures, seen in these seconds of a film."""
    table = columns(seconds(n_s), [(frame, ACME, *BOX) for frame in shown])
    asked = {"duration_s": n_s, "labels": [ACME, BOLT], "window": window}
    return measure(table, words=Words(**words), **asked).brands[0]


def test_a_brand_that_is_said_beside_its_logo_is_told_from_one_that_is_only_said():
    # on screen 10 to 14 s; said at 11 s, just after at 15.5 s, and alone at 40 s
    found = acme([10, 11, 12, 13], said={ACME: [(11, 11.5), (15.5, 16), (40, 41)]})
    assert (found.mentions, found.said_s, found.mentions_seen) == (3, pytest.approx(2.0), 2)
    assert (found.seen_only, found.said_only, found.together) == (0, 1, 1)
    # 2 of 3 mentions, where 8 of 60 s would have done
    assert found.mention_lift == pytest.approx((2 / 3) / (8 / 60))
    assert (found.written, found.written_s) == (None, None)


def test_what_is_written_is_a_third_source():
    found = acme(
        [10, 30], said={ACME: [(30.2, 30.6)]}, written={ACME: [(10, 12), (11, 13), (50, 55)]}
    )
    assert (found.written, found.written_s) == (3, pytest.approx(8.0))
    assert (found.together, found.written_only, found.seen_only, found.said_only) == (2, 1, 0, 0)


def test_nobody_listened_is_another_thing_than_nothing_said():
    assert acme([10]).mentions is None
    heard = acme([10], said={})
    assert (heard.mentions, heard.said_s, heard.mention_lift) == (0, 0.0, None)
    assert heard.seen_only == 1


def test_words_are_cut_to_the_window():
    spans = [(4, 6), (19.5, 20.5), (30, 31)]
    found = acme([5], window=(5, 20), said={ACME: spans}, written={ACME: [(0, 60)]})
    assert (found.mentions, found.said_s) == (2, pytest.approx(1.5))
    assert found.written_s == pytest.approx(15)


def test_a_brand_that_is_left_out_has_no_words():
    table = columns(seconds(9), [(1, ACME, *BOX)])
    asked = {"duration_s": 9, "labels": [ACME], "hidden": {ACME}}
    found = measure(table, words=Words(said={ACME: [(1, 2)]}), **asked).brands[0]
    assert found.mentions is None


def test_words_never_add_to_what_was_on_screen():
    quiet, loud = acme([10, 11]), acme([10, 11], said={ACME: [(20, 30)]}, written={ACME: [(1, 9)]})
    for name in ("on_screen_s", "reported_s", "count", "share_of_voice_time", "qe_s"):
        assert getattr(quiet, name) == getattr(loud, name)


def test_mentions_are_worth_what_the_method_credits_and_say_so():
    table = columns([(0, 43)], [(0, ACME, *BOX, 0.9, 1.0)])
    asked = {
        "duration_s": 43,
        "labels": [ACME],
        "method": METHODOLOGIES["joyce-julius-like"],
        "rate": MediaRate(per_30_s=45_000, currency="USD"),
    }
    heard = measure(table, words=Words(said={ACME: [(1, 2), (3, 4)]}), **asked)
    assert heard.brands[0].media_value == pytest.approx(94_500)
    assert "(reported seconds + 10 s × mentions) ÷ 30" in " ".join(heard.limits)
    unheard = measure(table, **asked)
    assert "Nobody has listened" in " ".join(unheard.limits)
    assert unheard.brands[0].media_value == pytest.approx(43 * 1_500)


def test_the_file_of_mentions_shows_no_formula():
    exposure = measure(columns(seconds(9), []), duration_s=9, labels=[ACME], words=Words(said={}))
    row = MentionRow(ACME, "said", 1.25, 1.75, "=cmd()", "Acme", "sound", 0.8, 0.7)
    (found,) = csv.DictReader(io.StringIO(mentions_csv(exposure, {ACME: "Acme"}, [row])))
    assert (found["text"], found["brand"], found["start"]) == ("'=cmd()", "Acme", "0:00:01.2")


_span = st.tuples(st.floats(0, 60), st.floats(0.01, 5)).map(lambda s: (s[0], s[0] + s[1]))


@given(st.lists(_span, max_size=8), st.lists(_span, max_size=5), st.sets(st.integers(0, 59)))
def test_each_moment_is_of_one_kind(said, written, shown):
    found = acme(sorted(shown), said={ACME: said}, written={ACME: written})
    kinds = (found.seen_only, found.said_only, found.written_only, found.together)
    assert sum(kinds) <= len(shown) + found.mentions + found.written
    assert bool(sum(kinds)) == bool(shown or found.mentions or found.written)
    assert found.mentions_seen <= found.mentions
    assert found.said_only <= found.mentions - found.mentions_seen
    assert 0 <= found.said_s <= 60
