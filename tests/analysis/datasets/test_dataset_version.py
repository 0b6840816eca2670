"""A frozen set comes back as it was, and its hash names its content."""

from dataclasses import replace

import pytest

from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet
from analysis.datasets.version import content_hash, pack, unpack
from analysis.errors import AnalysisError
from analysis.types import Box

SET = LabelledSet(
    "boxes",
    ("Kestrel", "Osprey Air"),
    (
        LabelledPicture(
            "a.jpg",
            640,
            480,
            boxes=(
                LabelledBox("Kestrel", Box(0.1, 0.2, 1 / 3, 0.4), True, 3, 1.0, {"hand": "left"}),
            ),
            split="train",
            video="film.mp4",
            time_s=1.25,
        ),
        LabelledPicture("nothing.jpg", 10, 20, split="test", is_golden=True),
    ),
)


def test_a_set_comes_back_as_it_was():
    assert unpack(pack(SET)) == SET
    assert pack(unpack(pack(SET))) == pack(SET)


def test_the_hash_changes_with_the_content_and_with_nothing_else():
    moved = replace(SET, pictures=(replace(SET.pictures[0], time_s=1.5), SET.pictures[1]))
    assert content_hash(unpack(pack(SET))) == content_hash(SET) != content_hash(moved)


@pytest.mark.parametrize("data", [b"", b"{}", pack(SET)[:40]])
def test_other_bytes_are_refused_in_words(data):
    with pytest.raises(AnalysisError, match="not a dataset version"):
        unpack(data)
