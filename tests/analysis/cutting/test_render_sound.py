"""The sound of a cut alone: at the samples that were asked for, with its chapters."""

from __future__ import annotations

import av
import numpy as np
import pytest

from analysis.cutting import Span, clips_of
from analysis.cutting.command import command, source_of
from analysis.cutting.render_sound import render_sound
from analysis.errors import AnalysisError, Stopped, UnreadableMedia
from tests.analysis.clips import constant, write_clip, write_sound
from tests.analysis.cutting.test_render import facts


def write_steps(path, seconds: int = 10, rate: int = 48000):
    """Each second is louder than the one before it: what is heard says when it was."""
    level = (np.arange(seconds * rate) // rate + 1) / (seconds + 1)
    tone = (level * np.sin(np.arange(seconds * rate) * 2 * np.pi * 440 / rate)).astype(np.float32)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray((tone[None] * 32000).astype(np.int16), "s16", "mono")
        frame.sample_rate = rate
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def heard(path) -> np.ndarray:
    with av.open(str(path)) as file:
        return np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])


def titles(path) -> list[tuple[str, float]]:
    chapters = facts(path)["chapters"]
    return [(one["tags"]["title"], round(float(one["start_time"]), 3)) for one in chapters]


@pytest.mark.parametrize("ending", ["m4a", "mp3"])
def test_each_clip_is_where_its_chapter_says(tmp_path, ending):
    talk = source_of(write_steps(tmp_path / "talk.wav"))
    spans = Span(7.0, 7.5, "Late"), Span(2.25, 2.75, "Early"), Span(9.1, 9.9)
    clips = [clip for span in spans for clip in clips_of(talk, [span])]
    out = tmp_path / f"out.{ending}"
    made = render_sound(clips, out, title="Cut")
    assert made.seconds == pytest.approx(1.8)
    assert titles(out) == [("Late", 0.0), ("Early", 0.5), ("talk.wav", 1.0)]
    assert "video" not in {stream["codec_type"] for stream in facts(out)["streams"]}
    sound = abs(heard(out))
    peaks = [sound[int(at * 48000) : int(at * 48000) + 9600].max() for at in (0.2, 0.7, 1.4)]
    assert peaks == pytest.approx([8 / 11, 3 / 11, 10 / 11], abs=0.08)
    assert len(sound) / 48000 == pytest.approx(1.8, abs=0.1)  # encoders fill their last block


def test_many_short_clips_do_not_drift(tmp_path):
    talk = source_of(write_steps(tmp_path / "talk.wav"))
    spans = [Span(n / 10, n / 10 + 0.0333) for n in range(90)]
    made = render_sound(clips_of(talk, spans), tmp_path / "out.m4a")
    assert made.seconds == pytest.approx(90 * 0.0333)
    assert len(heard(tmp_path / "out.m4a")) == pytest.approx(90 * 0.0333 * 48000, abs=2200)


def test_what_cannot_be_heard_is_refused_and_nothing_is_left(tmp_path):
    silent = source_of(write_clip(tmp_path / "silent.mp4", constant(50)))
    with pytest.raises(AnalysisError, match="no sound in this cut"):
        render_sound(clips_of(silent, [Span(0, 1)]), tmp_path / "out.mp3")
    with pytest.raises(AnalysisError, match="nothing to render"):
        render_sound([], tmp_path / "out.mp3")
    talk = source_of(write_sound(tmp_path / "talk.m4a", 3))
    clips = clips_of(talk, [Span(0, 2)])
    with pytest.raises(ValueError, match=r"out\.ogg"):
        render_sound(clips, tmp_path / "out.ogg")
    with pytest.raises(Stopped):
        render_sound(clips, tmp_path / "out.mp3", should_stop=lambda: True)
    (tmp_path / "talk.m4a").write_bytes(b"no sound at all")
    with pytest.raises(UnreadableMedia, match=r"“talk.m4a” at 0.0 s"):
        render_sound(clips, tmp_path / "out.mp3")
    assert not list(tmp_path.glob("*out*"))


def test_at_a_prompt_the_ending_says_that_it_is_sound(tmp_path, capsys):
    talk = write_sound(tmp_path / "talk.m4a", 4)
    out = tmp_path / "part.mp3"
    assert command([str(talk), "--span", "1-2.5=Opening", "-o", str(out)]) == 0
    assert "part.mp3: 1.500 s" in capsys.readouterr().out
    assert titles(out) == [("Opening", 0.0)]
