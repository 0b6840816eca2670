"""A film that is labelled in parts has the tracks that it has when one person labels it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analysis.labelling.parts import Doubt, Part, Track, join

RATE = 25


@st.composite
def films(draw):
    """Tracks, each in a lane of its own for a while, of a film of some frames: label → boxes."""
    n_frames = draw(st.integers(2, 40))
    tracks = []
    for lane in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, n_frames - 1))
        end = draw(st.integers(start + 1, n_frames))
        pace, label = draw(st.floats(-0.01, 0.01)), draw(st.integers(1, 2))
        boxes = {
            f: (0.4 + pace * f, 0.2 * lane, 0.55 + pace * f, 0.2 * lane + 0.15)
            for f in range(start, end)
        }
        tracks.append(Track(label, boxes))
    return n_frames, tracks


def cut(tracks, start: int, end: int) -> Part:
    """What a person who sees only these frames draws, perfectly."""
    seen = {
        f"s{number}": Track(t.label, {f - start: b for f, b in t.boxes.items() if start <= f < end})
        for number, t in enumerate(tracks)
    }
    there = {name: track for name, track in seen.items() if track.boxes}
    return Part([f / RATE for f in range(start, end)], there)


def put_together(parts, numbers) -> set:
    """The tracks of the whole film: (label, their boxes by time)."""
    found: dict[int, tuple[int, dict[float, object]]] = {}
    for i, part in enumerate(parts):
        for name, track in part.tracks.items():
            label, boxes = found.setdefault(numbers[i, name], (track.label, {}))
            assert label == track.label
            boxes.update({part.times_s[f]: box for f, box in track.boxes.items()})
    return {(label, tuple(sorted(boxes.items()))) for label, boxes in found.values()}


@given(films(), st.data())
def test_a_film_cut_anywhere_has_the_tracks_of_the_whole(film, data):
    n_frames, tracks = film
    cuts = data.draw(st.lists(st.integers(1, n_frames - 1), max_size=3, unique=True).map(sorted))
    overlap = data.draw(st.integers(1, 5))
    ends = [*cuts, n_frames]
    starts = [0, *(max(end - overlap, 0) for end in cuts)]
    parts = [cut(tracks, start, end) for start, end in zip(starts, ends, strict=True)]
    whole = cut(tracks, 0, n_frames)
    joined = join(parts)
    assert joined.doubts == []
    assert put_together(parts, joined.numbers) == put_together([whole], join([whole]).numbers)
    assert set(joined.numbers.values()) == set(range(1, len(tracks) + 1))


def part(first: int, *tracks: Track) -> Part:
    return Part(
        [f / RATE for f in range(first, first + 10)], dict(zip("abc", tracks, strict=False))
    )


def still(label: int, x: float, frames=range(10)) -> Track:
    return Track(label, dict.fromkeys(frames, (x, 0.1, x + 0.2, 0.3)))


def test_the_same_place_under_another_label_is_another_thing():
    joined = join([part(0, still(1, 0.1)), part(8, still(2, 0.1))])
    assert len(set(joined.numbers.values())) == 2
    assert [doubt.other for doubt in joined.doubts] == [None, None]


def test_two_that_could_both_be_it_are_a_persons_to_tell_apart():
    parts = [part(0, still(1, 0.1)), part(8, still(1, 0.11), still(1, 0.09))]
    joined = join(parts)
    assert len(set(joined.numbers.values())) == 3
    assert {(d.one, d.other) for d in joined.doubts} == {
        ((0, "a"), (1, "a")),
        ((0, "a"), (1, "b")),
    }
    said = {((0, "a"), (1, "a")): True, ((1, "b"), None): True}
    joined = join(parts, said)
    assert joined.numbers[0, "a"] == joined.numbers[1, "a"] != joined.numbers[1, "b"]
    assert joined.doubts == []


def test_what_only_one_of_both_has_is_asked_about_until_somebody_says_so():
    parts = [part(0, still(1, 0.1)), part(8)]
    assert join(parts).doubts == [Doubt((0, "a"), None, 8 / RATE)]
    assert join(parts, {((0, "a"), None): True}).doubts == []


def test_what_people_say_are_two_stays_two():
    parts = [part(0, still(1, 0.1)), part(8, still(1, 0.1))]
    said = {((0, "a"), (1, "a")): False, ((0, "a"), None): True, ((1, "a"), None): True}
    joined = join(parts, said)
    assert joined.doubts == []
    assert joined.numbers == {(0, "a"): 1, (1, "a"): 2}


def test_parts_that_share_no_frame_have_nothing_to_join():
    joined = join([part(0, still(1, 0.1)), part(10, still(1, 0.1))])
    assert (joined.doubts, len(set(joined.numbers.values()))) == ([], 2)
