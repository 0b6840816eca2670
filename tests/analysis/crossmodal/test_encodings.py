"""What was encoded comes back as it was; damage is told; many stretches are one set of items."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.crossmodal.encodings import (
    NO_NUMBERS,
    Encodings,
    clip_spans,
    clips_of,
    items_of,
    rows_of,
)
from analysis.crossmodal.pictures import ClipEncoder, LogoEncoder
from analysis.crossmodal.types import Encoded, Place
from analysis.errors import AnalysisError, UnusableModel
from analysis.film.columns import FRAME
from analysis.types import Box

CELLS = tuple(Place(box=Box(x / 2, 0.0, x / 2 + 0.5, 1.0)) for x in range(2))
STEPS = tuple(Place(start_s=n / 5, end_s=n / 5 + 0.2) for n in range(3))


def times(n: int, first_s: float = 0.0) -> np.ndarray:
    at = first_s + np.arange(n, dtype=float)
    return np.array(list(zip(at, at, at + 1, strict=True)), FRAME)


@st.composite
def encoded(draw) -> list[Encoded]:
    width = st.integers(1, 5)
    size, parts, rng = draw(width), draw(width), np.random.default_rng(draw(st.integers(0, 99)))
    found = []
    for _ in range(draw(st.integers(0, 6))):
        words = draw(st.lists(st.text(max_size=4), min_size=1, max_size=3))
        places = draw(
            st.sampled_from([CELLS, STEPS, (), tuple(Place(word=word) for word in words)])
        )
        numbers = rng.normal(size=(max(len(places), 1), parts)).astype(np.float16)
        summary = rng.normal(size=size).astype(np.float16).astype(np.float32)
        blank = draw(st.sampled_from(["", "It is silent.", "It is black."]))
        found.append(Encoded(summary, numbers.astype(np.float32), places, blank))
    return found


@given(encoded())
@settings(max_examples=60, deadline=None)
def test_what_is_packed_comes_back(items):
    packed = Encodings.of("picture", "eyes-1", times(len(items)), items).pack()
    back = Encodings.unpack(packed)

    assert (back.modality, back.engine, len(back)) == ("picture", "eyes-1", len(items))
    assert (back.times == times(len(items))).all()
    for row, one in enumerate(items):
        same = back.encoded(row)
        assert (same.summary == one.summary).all()
        assert (same.parts == one.parts).all()
        assert (same.places, same.blank) == (one.places, one.blank)


def some(n: int, seed: int = 0, blanks: tuple[int, ...] = ()) -> list[Encoded]:
    rng = np.random.default_rng(seed)
    return [
        Encoded(
            rng.normal(size=4).astype(np.float32),
            rng.normal(size=(2, 3)).astype(np.float32),
            CELLS,
            "It is black." if row in blanks else "",
        )
        for row in range(n)
    ]


@given(st.integers(0, 2000), st.integers(1, 255))
@settings(max_examples=80, deadline=None)
def test_damage_is_told_or_does_no_harm(at, by):
    whole = Encodings.of("picture", "eyes-1", times(5), some(5))
    packed = bytearray(whole.pack())
    packed[at % len(packed)] ^= by
    try:
        back = Encodings.unpack(bytes(packed))
    except UnusableModel as refused:
        assert "encode it again" in str(refused)  # noqa: PT017
    else:
        assert (back.parts == whole.parts).all()
        assert (back.times == whole.times).all()


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all" * 9])
def test_what_is_something_else_is_refused_in_a_sentence(data):
    with pytest.raises(UnusableModel, match="encode it again"):
        Encodings.unpack(data)


def test_many_stretches_are_one_set_without_what_is_blank():
    one = Encodings.of("picture", "eyes-1", times(4), some(4, 1, blanks=(1,)))
    none = Encodings.of("picture", "eyes-1", times(1), some(1, 2, blanks=(0,)))
    other = Encodings.of("picture", "eyes-1", times(3), some(3, 3))
    items = items_of([one, none, other])
    which, rows = rows_of([one, none, other])

    assert (len(items), items.blanks) == (6, 2)
    for at, (stretch, row) in enumerate(zip(which, rows, strict=True)):
        same = [one, none, other][stretch].encoded(row)
        assert (items.summaries[at] == same.summary).all()
        assert (items.parts[items.offsets[at] : items.offsets[at + 1]] == same.parts).all()


def test_numbers_of_two_encoders_are_not_put_together():
    both = [Encodings.of("picture", name, times(2), some(2)) for name in ("eyes-1", "eyes-2")]
    with pytest.raises(AnalysisError, match="different encoders"):
        items_of(both)


def test_of_nothing_there_is_a_reason():
    with pytest.raises(AnalysisError, match="It is black"):
        items_of([Encodings.of("picture", "eyes-1", times(1), some(1, blanks=(0,)))])


def test_what_is_no_number_is_left_out():
    broken = some(2)
    broken[0].parts[0, 0] = np.nan
    back = Encodings.unpack(Encodings.of("picture", "eyes-1", times(2), broken).pack())
    assert back.encoded(0).blank == NO_NUMBERS
    assert back.kept().tolist() == [1]


def test_clips_begin_where_shots_do_and_are_not_too_long():
    assert clip_spans(times(7), np.array([0.0, 2.5]), 30) == [(0, 3), (3, 4)]
    assert clip_spans(times(25), np.empty(0), 10) == [(0, 10), (10, 10), (20, 5)]
    assert clip_spans(times(0), np.empty(0), 10) == []
    assert clip_spans(times(150), np.empty(0), 1e9) == [(0, 64), (64, 64), (128, 22)]


def test_a_clip_of_kept_frames_is_the_clip_of_the_frames_themselves():
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(4)]
    pictures[2][:] = 7  # shows nothing
    encoder = LogoEncoder()
    frames = Encodings.of("picture", encoder.engine, times(4), encoder(pictures))
    [direct] = ClipEncoder(encoder)([list(enumerate(pictures))])
    items, chosen = clips_of(frames, [(0, 4)])
    kept = frames.clip(0, 4)

    assert items.engine == ClipEncoder(encoder).engine
    assert chosen.tolist() == [0]
    assert np.allclose(items.summaries[0], direct.summary, atol=1e-3)
    assert np.allclose(items.parts, direct.parts, atol=1e-3)
    assert np.allclose(kept.parts, direct.parts, atol=1e-3)
    assert [place.box for place in kept.places] == [place.box for place in direct.places]
    assert {place.start_s for place in kept.places} == {0, 1, 3}
