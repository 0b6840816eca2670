"""Writing on pictures: read, and placed by its letters; bad pictures are no accident."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.boxes import overlap
from analysis.errors import AnalysisError
from analysis.reading import best_engine, engines
from analysis.reading.letters import letters
from analysis.types import Box
from tests.captions import lettered, needs_a_reader


def ground(width: int = 640, height: int = 360, shade: int = 60) -> np.ndarray:
    return np.full((height, width, 3), shade, np.uint8)


def test_the_box_is_that_of_the_letters():
    image = ground()
    true = Box(*lettered(image, "HARBOUR", (150, 140), 50))
    [found] = needs_a_reader().read_picture(image)
    assert found.text == "HARBOUR"
    assert overlap(found.box, true) > 0.8
    assert found.confidence > 0.9


def test_text_on_its_side_and_upside_down_is_read():
    image = ground()
    lettered(image, "KESTREL", (200, 150), 48)
    for turns in (1, 2, 3):
        [found] = needs_a_reader().read_picture(np.ascontiguousarray(np.rot90(image, turns)))
        assert found.text == "KESTREL"


@pytest.mark.parametrize("digit", "0123456789")
def test_one_large_digit_is_read(digit):
    image = ground(shade=10)
    lettered(image, digit, (270, 80), 170)
    found = [one.text for one in needs_a_reader().read_picture(image)]
    assert found == [digit] or (digit == "0" and found == ["O"])


@pytest.mark.parametrize(
    "shape", [(360, 640), (1, 400), (400, 1), (1, 1), (3, 3), (40, 3000), (3000, 40)]
)
def test_a_picture_without_text_has_none(shape):
    assert needs_a_reader().read_picture(np.full((*shape, 3), 120, np.uint8)) == []


def test_noise_is_no_text():
    noise = np.random.default_rng(1).integers(0, 256, (200, 300, 3), np.uint8)
    assert needs_a_reader().read_picture(noise) == []


def test_a_very_long_line_is_read_whole():
    image = ground(3200, 90)
    text = "A line of many words that goes on and on until there is no room left on the screen"
    lettered(image, text, (20, 25), 34)
    found = needs_a_reader().read_picture(image)
    assert "".join("".join(one.text.split()) for one in found) == "".join(text.split())


def test_text_that_it_cannot_read_does_no_harm():
    """Arabic and Hebrew are no letters of the packaged recogniser: whatever it makes of them has a
    place and a confidence."""
    image = ground()
    lettered(image, "ابجد שלום", (150, 140), 50)
    for found in needs_a_reader().read_picture(image):
        assert 0 <= found.box.x1 < found.box.x2 <= 1
        assert 0.5 <= found.confidence <= 1


@pytest.mark.parametrize("bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_what_is_no_picture_is_refused(bad):
    with pytest.raises(ValueError, match="expected uint8"):
        needs_a_reader().read_picture(bad)


@pytest.mark.parametrize("ink", [0, 255])
def test_letters_are_found_in_the_margin_of_a_detector(ink):
    crop = np.full((90, 300), 255 - ink, np.uint8)
    crop[30:60, 60:240:20] = ink
    crop[30:60, 61:240:20] = ink
    crop[30:60, 62:240:20] = ink
    x1, y1, x2, y2 = letters(crop)
    assert (y1, y2) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert (x1 * 300, x2 * 300) == (pytest.approx(60), pytest.approx(223))


def test_an_empty_crop_is_taken_whole():
    assert letters(np.full((20, 50), 9, np.uint8)) == (0, 0, 1, 1)
    assert letters(np.full((2, 50), 9, np.uint8)) == (0, 0, 1, 1)


def test_recognisers_in_the_weights_folder_are_offered_by_language(tmp_path):
    needs_a_reader()
    (tmp_path / "korean_PP-OCRv5_rec_mobile.onnx").write_bytes(b"not a network")
    (tmp_path / "yolo26n.onnx").write_bytes(b"another one")
    (tmp_path / "klingon_PP-OCRv5_rec_mobile.onnx").write_bytes(b"nobody knows it")
    packaged, korean = engines(tmp_path)
    assert (packaged.language, korean.language) == ("ch", "korean")
    assert best_engine([packaged, korean], "korean") is korean
    assert best_engine([packaged, korean]) is packaged
    assert best_engine([packaged, korean], "arabic") is None


def test_weights_that_are_damaged_or_gone_are_said(tmp_path):
    from analysis.reading.reader import Reader

    needs_a_reader()
    path = tmp_path / "korean_PP-OCRv5_rec_mobile.onnx"
    path.write_bytes(b"not a network")
    _, korean = engines(tmp_path)
    with pytest.raises(AnalysisError, match="cannot be loaded"):
        Reader(korean)
    path.unlink()
    with pytest.raises(AnalysisError, match="not on this machine any more"):
        Reader(korean)
