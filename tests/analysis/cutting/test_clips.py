"""Spans become clips: within the film, on its frames, none over another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.cutting import Rate, Rules, Shown, Source, Span, clips_of, highlights, in_all, limited
from analysis.cutting.rates import common_rate

PAL = Rate.of(25)
FILM = Source("a.mp4", 60.0, PAL)


@st.composite
def sources(draw) -> Source:
    gaps = draw(st.lists(st.floats(0.008, 0.5), min_size=1, max_size=60))
    times = np.cumsum([0.0, *gaps])
    duration_s = float(times[-1]) + draw(st.floats(0.01, 0.5))
    return Source("v.mp4", duration_s, Rate.of(len(times) / duration_s, is_variable=True), times)


TIMES = st.floats(-5, 40)
SPANS = st.lists(st.builds(Span, TIMES, TIMES, st.sampled_from(["", "Acme", "Bolt"])), max_size=30)
RULES = st.builds(Rules, st.floats(0, 2), st.floats(0, 2), st.floats(0, 1))


@given(sources(), SPANS, RULES)
def test_clips_lie_in_the_film_on_its_frames_and_apart(source, spans, rules):
    clips = clips_of(source, spans, rules)
    ends = [
        source.picture_end_s,
        *(min(span.end_s + rules.handles_s, source.duration_s) for span in spans),
    ]
    borders = [*source.times_s, *ends]
    for clip in clips:
        assert 0 <= clip.start_s < clip.end_s <= source.duration_s + 1e-9
        assert clip.start_s in borders
        assert clip.end_s in borders
    for one, other in pairwise(clips):
        assert one.end_s <= other.start_s


@given(sources(), SPANS)
def test_every_moment_asked_for_is_shown(source, spans):
    clips = clips_of(source, spans)
    for span in spans:
        start_s, end_s = max(span.start_s, 0.0), min(span.end_s, source.duration_s)
        if end_s - start_s > 0.01:
            middle_s = (start_s + end_s) / 2
            assert any(clip.start_s - 2e-3 <= middle_s <= clip.end_s + 2e-3 for clip in clips)


@given(sources(), SPANS, st.floats(0.1, 20))
def test_a_limit_holds(source, spans, most_s):
    clips = clips_of(source, spans)
    kept = limited(clips, most_s)
    assert sum(clip.seconds for clip in kept) <= most_s + 0.002 * (len(kept) + 1)
    assert [clip.start_s for clip in kept] == [clip.start_s for clip in clips][: len(kept)]


def test_neighbours_are_joined_and_keep_both_titles():
    spans = [Span(1, 2, "Acme"), Span(2.4, 3, "Bolt"), Span(3.2, 4, "Acme"), Span(9, 10, "Acme")]
    clips = clips_of(FILM, spans, Rules(join_s=0.5))
    assert [(c.start_s, c.end_s, c.title) for c in clips] == [
        (1, 4, "Acme · Bolt"),
        (9, 10, "Acme"),
    ]


def test_handles_stop_at_the_ends_of_the_film():
    clips = clips_of(FILM, [Span(0.2, 1), Span(59.5, 60)], Rules(handles_s=1))
    assert [(c.start_s, c.end_s) for c in clips] == [(0, 2), (58.48, 60)]


@pytest.mark.parametrize(
    "span", [Span(5, 5), Span(7, 6), Span(60, 61), Span(-4, 0), Span(float("nan"), 4)]
)
def test_what_is_no_stretch_of_the_film_is_left_out(span):
    assert clips_of(FILM, [span]) == []


def test_rules_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="0 seconds or more"):
        Rules(handles_s=-1)


def test_a_border_is_moved_by_frames_of_the_film():
    source = Source("v.mp4", 1.0, Rate.of(5, is_variable=True), np.array([0, 0.1, 0.5, 0.6]))
    assert [source.moved(0.5, n) for n in (-9, -1, 0, 1, 2, 9)] == [0, 0.1, 0.5, 0.6, 0.7, 0.7]
    assert FILM.moved(2.0, 1) == pytest.approx(2.04)
    assert FILM.moved(60.0, 3) == 60.0


def test_the_best_exposures_come_first_and_fill_the_time():
    other = Source("b.mp4", 60.0, PAL)
    shown = [
        Shown(FILM, 1, 3, size=0.02, confidence=0.9, title="small"),
        Shown(other, 10, 40, size=0.3, confidence=0.9, title="long"),
        Shown(FILM, 20, 24, size=0.2, confidence=0.8, title="large"),
        Shown(FILM, 21, 23, size=0.1, confidence=0.8, title="the same"),
    ]
    clips = highlights(shown, 17, longest_s=10, rules=Rules(handles_s=0.4), best_first=True)
    assert [clip.title for clip in clips] == ["long", "large"]
    assert [(c.start_s, c.end_s) for c in clips] == [(19.6, 30.4), (19.6, 24.4)]
    clips = highlights(shown, 60)
    assert [clip.title for clip in clips] == ["long", "small", "large"]


@given(
    st.lists(
        st.builds(
            Shown,
            st.sampled_from([FILM, Source("b.mp4", 30.0, PAL)]),
            st.floats(0, 60),
            st.floats(0, 60),
            st.floats(0, 1),
            st.floats(0, 1),
        ),
        max_size=25,
    ),
    st.floats(1, 60),
)
def test_a_reel_is_never_longer_and_shows_nothing_twice(shown, most_s):
    clips = highlights(shown, most_s)
    assert sum(clip.seconds for clip in clips) <= most_s + 1e-6
    for one in clips:
        for other in clips:
            if one is not other and one.source is other.source:
                assert one.end_s <= other.start_s or other.end_s <= one.start_s


def test_one_rate_for_films_of_several():
    ntsc, phone = Rate.of(30000 / 1001), Rate.of(29.4, is_variable=True)
    assert common_rate([(PAL, 5), (ntsc, 20)]) == ntsc
    assert common_rate([(phone, 5)]).exact == 30
    assert common_rate([(Rate.of(120), 5)]).exact == 60
    assert common_rate([]).exact == 25


def test_stretches_that_lie_in_every_kind_of_span():
    topics = [Span(0, 10, "start"), Span(20, 30, "finish")]
    turns = [Span(8, 12, "Ann"), Span(11, 22, "Ann"), Span(29, 29, "Ann"), Span(29, 40, "Bo")]
    found = in_all([topics, turns])
    assert [(one.start_s, one.end_s) for one in found] == [(8, 10), (20, 22), (29, 30)]
    assert [one.title for one in found] == ["start · Ann", "finish · Ann", "finish · Bo"]
    assert in_all([topics]) == topics
    assert in_all([topics, []]) == in_all([]) == []
