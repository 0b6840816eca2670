"""What `probe` says about files made to order."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from analysis.media.probe import probe
from tests.analysis.clips import NTSC_FILM, constant, variable, write_clip, write_sound

PICTURES = Path(__file__).parents[3].parent / "shared" / "data"


def test_it_tells_size_rate_and_length(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "a.mp4", constant(48, NTSC_FILM), b_frames=2))
    assert (info.kind, info.width, info.height, info.frame_count) == ("video", 96, 64, 48)
    assert info.frame_rate == pytest.approx(24000 / 1001, rel=1e-3)
    assert info.duration_s == pytest.approx(48 * 1001 / 24000, abs=0.001)
    assert not info.is_variable_rate
    assert info.is_browser_playable
    assert info.audio == ()


def test_it_sees_a_variable_rate(tmp_path: Path) -> None:
    assert probe(write_clip(tmp_path / "a.mp4", variable(40))).is_variable_rate


def test_rounding_to_milliseconds_is_not_a_variable_rate(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "a.mkv", constant(60, Fraction(30000, 1001))))
    assert not info.is_variable_rate


def test_the_name_does_not_matter(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", constant(5))
    odd = clip.rename(tmp_path / "HTTP:%03d,concat|ünïcode.JPG.M3U8")
    assert probe(odd).video_codec == "h264"


@pytest.mark.parametrize(("degrees", "size"), [(90, (64, 96)), (180, (96, 64)), (270, (64, 96))])
def test_a_turned_film_has_its_displayed_size(
    tmp_path: Path, degrees: int, size: tuple[int, int]
) -> None:
    info = probe(write_clip(tmp_path / "a.mp4", constant(3), rotation=degrees))
    assert (info.rotation, (info.width, info.height)) == (degrees, size)
    assert (info.coded_width, info.coded_height) == (96, 64)


@pytest.mark.parametrize(
    ("aspect", "size"), [(Fraction(4, 3), (128, 64)), (Fraction(8, 9), (96, 72))]
)
def test_pixels_that_are_not_square_grow_the_picture(
    tmp_path: Path, aspect: Fraction, size: tuple[int, int]
) -> None:
    info = probe(write_clip(tmp_path / "a.mp4", constant(3), aspect=aspect))
    assert (info.width, info.height) == size
    assert info.sample_aspect == pytest.approx(float(aspect))


def test_sound_that_starts_first_sets_the_clock(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "a.mp4", constant(25, start=0.5), sound_s=2))
    assert info.start_offset_s == pytest.approx(0.5)
    assert info.audio[0].codec == "aac"
    assert (info.audio[0].sample_rate, info.audio[0].channels) == (48000, 2)


def test_a_film_that_starts_late_starts_at_zero(tmp_path: Path) -> None:
    """Browsers differ on where such a film starts, so they get a proxy."""
    info = probe(write_clip(tmp_path / "a.mp4", constant(25, start=0.5)))
    assert info.start_offset_s == 0
    assert not info.is_browser_playable


def test_sound_alone_is_sound(tmp_path: Path) -> None:
    info = probe(write_sound(tmp_path / "a.m4a", 1.5))
    assert (info.kind, info.frame_count, info.width) == ("audio", 0, 0)
    assert info.duration_s == pytest.approx(1.5, abs=0.06)
    assert info.is_browser_playable


def test_one_frame_is_a_film_that_lasts_that_frame(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "a.mp4", constant(1)))
    assert (info.kind, info.frame_count) == ("video", 1)
    assert info.duration_s == pytest.approx(0.04)


def test_ten_bits_and_444_do_not_play_in_browsers(tmp_path: Path) -> None:
    for pixels in ("yuv420p10le", "yuv444p"):
        clip = write_clip(tmp_path / f"{pixels}.mp4", constant(3), pixels=pixels)
        assert not probe(clip).is_browser_playable


def test_interlaced_film_says_so(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", constant(12), options={"x264-params": "tff=1"})
    assert probe(clip).is_interlaced


def test_a_moving_gif_is_a_film(tmp_path: Path) -> None:
    info = probe(write_clip(tmp_path / "a.gif", constant(10, 10), codec="gif", pixels="rgb8"))
    assert (info.kind, info.frame_count) == ("video", 10)


def test_every_real_clip_is_understood() -> None:
    if not PICTURES.is_dir():
        pytest.skip("real clips are not on this machine")
    clips = [*PICTURES.glob("video/*.mp4"), *PICTURES.glob("countdown/*.mp4")]
    assert clips
    for clip in clips:
        info = probe(clip)
        assert (info.kind, info.is_partial, info.warnings) == ("video", False, ()), clip.name
        assert info.frame_count > 100
