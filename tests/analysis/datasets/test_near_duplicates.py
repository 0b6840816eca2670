"""The same scene again is found, another is not."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.datasets.near_duplicates import distance, groups, hash_file, hash_picture
from analysis.errors import AnalysisError
from analysis.synthesis.backdrops import make_backdrop


def scene(seed: int, width: int = 320, height: int = 180):
    return make_backdrop(np.random.default_rng(seed), width, height)


def test_a_picture_is_near_itself_after_what_happens_to_pictures():
    picture = scene(1)
    smaller = cv2.resize(picture, (160, 90), interpolation=cv2.INTER_AREA)
    brighter = np.clip(picture.astype(int) + 12, 0, 255).astype(np.uint8)
    _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 40])
    for other in (smaller, brighter, cv2.imdecode(jpeg, cv2.IMREAD_COLOR)):
        assert distance(hash_picture(picture), hash_picture(other)) <= 6


def test_different_scenes_are_far_apart():
    hashes = [hash_picture(scene(seed)) for seed in range(20)]
    apart = [distance(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert np.median(apart) > 20
    assert groups(hashes, [""] * 20, 6).count("") >= 18


def test_a_flat_picture_has_a_hash_too():
    assert hash_picture(np.full((50, 80, 3), 30, np.uint8)) == "0" * 16


def test_a_file_has_the_hash_of_its_pixels(tmp_path):
    picture = scene(4)
    for name in ("a.png", "a.jpg", "a.webp", "a.bmp"):
        cv2.imwrite(str(tmp_path / name), picture)
        assert distance(hash_file(tmp_path / name), hash_picture(picture)) <= 4


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0 cut off"])
def test_what_is_no_picture_is_refused_in_words(tmp_path, content):
    path = tmp_path / "x.jpg"
    path.write_bytes(content)
    with pytest.raises(AnalysisError):
        hash_file(path)


def test_near_pictures_and_given_groups_join_in_chains():
    a, b, c = "0" * 16, "0" * 15 + "7", "0" * 14 + "77"  # 3 bits from one to the next
    assert groups([a, b, c], ["", "", ""], 3) == [f"near:{a}"] * 3
    assert groups([a, c, "f" * 16], ["", "", ""], 3) == ["", "", ""]
    assert groups([a, c, b], ["asset:1", "", ""], 3) == ["asset:1"] * 3
    assert groups([a, a], ["", ""], -1) == ["", ""]
    assert groups(["", ""], ["", ""], 6) == ["", ""]
    assert groups([], [], 6) == []


def test_one_picture_of_a_video_keeps_the_video_as_its_group():
    assert groups(["0" * 16, "f" * 16], ["asset:1", ""], 6) == ["asset:1", ""]


hashes = st.lists(st.integers(0, 2**64 - 1).map("{:016x}".format) | st.just(""), max_size=25)


@given(hashes, st.integers(-1, 30))
def test_who_is_near_is_together(found, near):
    named = groups(found, [""] * len(found), near)
    for i, a in enumerate(found):
        for j, b in enumerate(found[:i]):
            if a and b and near >= 0 and distance(a, b) <= near:
                assert named[i] == named[j] != ""


def test_many_pictures_are_compared_quickly():
    rng = np.random.default_rng(0)
    many = [f"{v:016x}" for v in rng.integers(0, 2**63, 6000)]
    start = time.perf_counter()
    named = groups(many, [""] * 6000, 4)
    assert time.perf_counter() - start < 20
    assert named.count("") == 6000
