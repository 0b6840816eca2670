"""Browser copies keep every frame at its own time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import AnalysisError, Stopped, UnreadableMedia
from analysis.media.audio import RATE, read_audio, waveform
from analysis.media.probe import examine, probe
from analysis.media.renditions import proxy
from tests.analysis.clips import NTSC_FILM, constant, variable, write_clip, write_sound

CASES: dict[str, dict[str, Any]] = {
    "film.mp4": {"times": constant(30, NTSC_FILM), "b_frames": 3},
    "phone.mkv": {"times": variable(30), "b_frames": 2},
    "late_picture.mp4": {"times": constant(30, start=0.5), "sound_s": 2},
    "late_film.mkv": {"times": constant(30, start=0.5)},
    "broadcast.ts": {"times": constant(30), "b_frames": 2, "sound_s": 2},
    "raw.h264": {"times": constant(30)},
}


@pytest.mark.parametrize("name", CASES)
def test_frames_of_the_copy_are_shown_when_the_originals_are(tmp_path: Path, name: str) -> None:
    options = dict(CASES[name])
    path = write_clip(tmp_path / name, options.pop("times"), **options)
    info, table = examine(path)
    proxy(path, tmp_path / "out.mp4", info)
    copy, times = examine(tmp_path / "out.mp4")
    assert np.abs(times.times_s - table.times_s).max() < 0.001
    assert copy.is_browser_playable
    assert len(copy.audio) == len(info.audio)
    whole = (tmp_path / "out.mp4").read_bytes()
    assert whole.index(b"moov") < whole.index(b"mdat")  # plays while it loads


def test_the_copy_is_upright_square_and_of_modest_size(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "a.mp4", constant(3), size=(1440, 1080), rotation=90, aspect=Fraction(4, 3)
    )
    proxy(path, tmp_path / "out.mp4", probe(path))
    copy = probe(tmp_path / "out.mp4")
    assert (copy.width, copy.height, copy.rotation, copy.sample_aspect) == (1080, 1920, 0, 1.0)


def test_progress_reaches_the_end_and_nothing_is_left_beside_the_copy(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", constant(100), pixels="yuv420p10le")
    heard: list[float] = []
    proxy(path, tmp_path / "out.mp4", probe(path), on_progress=heard.append)
    assert heard[-1] == 1.0
    assert heard == sorted(heard)
    assert sorted(p.name for p in tmp_path.glob("*out*")) == ["out.mp4"]


def test_stopping_leaves_no_half_copy(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(20))
    with pytest.raises(Stopped):
        proxy(path, tmp_path / "out.mp4", probe(path), should_stop=lambda: True)
    assert not list(tmp_path.glob("*out*"))


def test_a_playlist_is_not_converted(tmp_path: Path) -> None:
    secret = write_clip(tmp_path / "secret.mp4", constant(5))
    info = probe(secret)
    bait = tmp_path / "bait.mp4"
    bait.write_text(f"#EXTM3U\n#EXTINF:5,\nfile://{secret}\n#EXT-X-ENDLIST\n")
    with pytest.raises(AnalysisError):
        proxy(bait, tmp_path / "out.mp4", info)
    assert not (tmp_path / "out.mp4").exists()


def test_what_ffmpeg_said_is_in_the_error(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(5))
    info = probe(path)
    path.write_bytes(b"no film any more" * 100)
    with pytest.raises(UnreadableMedia, match="Invalid data"):
        proxy(path, tmp_path / "out.mp4", info)


def test_the_outline_of_a_tone_is_level_and_silence_is_flat(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(50), sound_s=1.0, sound_start_s=1.0)
    outline = waveform(path, 100)
    assert outline.shape == (100,)
    assert outline[:45].max() < 0.01
    assert outline[60:95].min() > 0.4
    assert outline.max() <= 1


def test_a_tone_keeps_its_pitch_and_length(tmp_path: Path) -> None:
    samples = read_audio(write_sound(tmp_path / "a.flac", 2.0, "flac"))
    assert len(samples) / RATE == pytest.approx(2.0, abs=0.03)
    spectrum = np.abs(np.fft.rfft(samples[:RATE]))
    assert int(spectrum.argmax()) == 440
