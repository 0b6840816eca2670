"""Sets merge by source, and of a source the newest labels win."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.datasets.merging import merge
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.types import Box


def picture(source: str, changed: str = "", side: float = 0.5, **more) -> LabelledPicture:
    box = LabelledBox("Kestrel", Box(0, 0, side, side))
    return LabelledPicture(source, 64, 48, boxes=(box,), changed=changed, **more)


def one(*pictures: LabelledPicture, labels=("Kestrel",), task="boxes") -> LabelledSet:
    return LabelledSet(task, labels, pictures)


def test_new_pictures_are_added_and_known_ones_replaced():
    before = one(picture("a"), picture("b"))
    after = one(picture("b", side=0.25), picture("c"))
    merged = merge([before, after])
    assert [p.source for p in merged.pictures] == ["a", "b", "c"]
    assert merged.pictures[1] == after.pictures[0]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("2020-08-27T17:15:41.430Z", "2020-12-28T18:59:58.321Z"),
        ("2026-01-01T12:00:00+02:00", "2026-01-01T11:00:00Z"),
        ("2026-01-01T10:00:00", "2026-01-01T11:00:00Z"),
        ("yesterday", "2026-01-01"),
    ],
)
def test_the_newer_wins_in_whatever_order_they_come(older, newer):
    old, new = one(picture("a", older)), one(picture("a", newer, side=0.25))
    assert merge([old, new]).pictures == merge([new, old]).pictures == new.pictures


def test_where_nobody_says_when_the_later_set_wins():
    old, new = one(picture("a", "2026-01-01")), one(picture("a", side=0.25))
    assert merge([old, new]).pictures == new.pictures
    assert merge([new, old]).pictures == old.pictures


def test_a_picture_nobody_labelled_never_replaces_labels():
    blank = replace(picture("a"), boxes=(), is_labelled=False)
    said = one(picture("a", "2020-01-01"))
    assert merge([said, one(blank)]).pictures == said.pictures
    assert merge([one(blank), said]).pictures == said.pictures


def test_labels_that_come_without_pixels_keep_those_that_are_there():
    merged = merge([one(picture("a", file="a.jpg", sha256="1")), one(picture("a", side=0.25))])
    assert merged.pictures[0].file == "a.jpg"
    assert merged.pictures[0].boxes[0].box.x2 == 0.25


def test_labels_keep_their_order_and_boxes_outrank_whole_pictures():
    merged = merge([one(labels=("b", "a"), task="concept"), one(labels=("a", "c"))])
    assert merged.labels == ("b", "a", "c")
    assert merged.task == "boxes"


def test_there_must_be_something_to_merge():
    with pytest.raises(ValueError, match="nothing to merge"):
        merge([])


dates = st.dates().map(str) | st.just("")
pictures = st.builds(picture, st.sampled_from("abcd"), dates, st.sampled_from([0.25, 0.5]))
sets = st.lists(pictures, unique_by=lambda p: p.source).map(lambda found: one(*found))


@given(st.lists(sets, min_size=1, max_size=4))
def test_each_source_is_there_once_and_merging_again_changes_nothing(several):
    merged = merge(several)
    sources = [p.source for p in merged.pictures]
    assert sorted(sources) == sorted({p.source for s in several for p in s.pictures})
    assert merge([merged, merged]) == merged
    assert merge([merge(several[:1]), *several[1:]]) == merged
