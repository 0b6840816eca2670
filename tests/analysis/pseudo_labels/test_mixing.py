"""What a model labelled, beside what people labelled."""

from __future__ import annotations

from analysis.datasets.types import LabelledPicture, LabelledSet
from analysis.datasets.version import pack, unpack
from analysis.pseudo_labels.mixing import mixed


def picture(source, split=None, video=""):
    return LabelledPicture(source, 64, 48, split=split, video=video)


LABELLED = LabelledSet("boxes", ("A",), (picture("1", "train"), picture("2", "test", "match.mp4")))
LOOKS = {
    "1": "0" * 16,
    "2": "f" * 16,
    "new": "00ff" * 4,
    "again": "00ff" * 3 + "00fe",
    "tested": "f" * 15 + "e",
}


def test_they_train_and_nothing_else_changes():
    both, n = mixed(LABELLED, [picture("new", "test")], LOOKS)
    assert n == 0
    assert both.pictures[:2] == LABELLED.pictures
    (new,) = both.pictures[2:]
    assert (new.split, new.is_pseudo) == ("train", True)
    assert unpack(pack(both)).pictures[2].is_pseudo


def test_what_looks_like_a_tested_picture_or_like_another_is_left_out():
    both, n = mixed(LABELLED, map(picture, ("new", "again", "tested", "1")), LOOKS)
    assert [p.source for p in both.pictures[2:]] == ["new"]
    assert n == 3


def test_no_frame_of_a_film_that_is_measured_on():
    both, n = mixed(LABELLED, [picture("new", video="match.mp4")], LOOKS, videos={"match.mp4"})
    assert (len(both.pictures), n) == (2, 1)
