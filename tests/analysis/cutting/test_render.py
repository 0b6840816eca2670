"""Rendering: the frames and the sound that were asked for, and nothing of them twice."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from analysis.cutting import Clip, Rate, Span, clips_of
from analysis.cutting.command import command, source_of
from analysis.cutting.render import render
from analysis.errors import AnalysisError, Stopped
from tests.analysis.clips import NTSC_FILM, constant, number_in, variable, write_clip, write_sound

NTSC = Fraction(30000, 1001)


def numbers(path: Path, size: tuple[int, int] = (96, 64)) -> list[int]:
    """The number in each frame of a rendered film, read where the picture of that size is."""
    found = []
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            image = frame.to_ndarray(format="bgr24")
            top, left = (image.shape[0] - size[1]) // 2, (image.shape[1] - size[0]) // 2
            found.append(number_in(image[top:, left:]))
    return found


def facts(path: Path) -> dict:
    said = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_chapters", "-show_streams", str(path)],
        capture_output=True,
        check=True,
    )
    return json.loads(said.stdout)


def loudness(path: Path, window_s: float = 0.1) -> list[float]:
    """How loud each tenth of a second of the sound is."""
    with av.open(str(path)) as film:
        parts = [frame.to_ndarray()[0] for frame in film.decode(audio=0)]
    sound = np.concatenate(parts)
    n = int(48000 * window_s)
    blocks = sound[: len(sound) // n * n].reshape(-1, n)
    return np.sqrt((blocks**2).mean(axis=1)).tolist()


@pytest.mark.parametrize("rate", [25, NTSC_FILM, NTSC])
def test_each_frame_of_the_clips_once_and_no_other(tmp_path, rate):
    film = write_clip(tmp_path / "a.mp4", constant(120, rate), b_frames=2, sound_s=5)
    source = source_of(film)
    at = lambda n: float(Fraction(n) / rate)  # noqa: E731
    spans = [Span(at(7), at(19), "One"), Span(at(60), at(61), "A frame"), Span(at(100), at(120))]
    made = render(clips_of(source, spans), tmp_path / "out.mp4")
    assert numbers(tmp_path / "out.mp4") == [*range(7, 19), 60, *range(100, 120)]
    assert made.rate.exact == rate
    assert made.n_frames == 33
    known = facts(tmp_path / "out.mp4")
    assert Fraction(known["streams"][0]["avg_frame_rate"]) == rate
    starts = [float(chapter["start_time"]) for chapter in known["chapters"]]
    assert starts == pytest.approx([0, 12 / rate, 13 / rate], abs=6e-4)


def test_a_film_in_milliseconds_keeps_every_frame(tmp_path):
    film = write_clip(tmp_path / "a.mkv", constant(100, NTSC_FILM))
    source = source_of(film)
    for first, end in ((0, 3), (1, 2), (41, 60), (97, 100)):
        times = [*source.times_s, source.duration_s]
        clip = Clip(source, float(times[first]), float(times[end]))
        render([clip], tmp_path / "out.mp4")
        assert numbers(tmp_path / "out.mp4") == list(range(first, end))


def test_a_film_of_variable_rate_begins_and_ends_with_the_frames_asked_for(tmp_path):
    times = variable(90)
    source = source_of(write_clip(tmp_path / "a.mp4", times))
    assert source.rate.is_variable
    clips = clips_of(source, [Span(float(times[20]) + 0.001, float(times[40]) - 0.001, "One")])
    assert (clips[0].start_s, clips[0].end_s) == pytest.approx(
        (float(times[20]), float(times[40])), abs=1e-3
    )
    made = render(clips, tmp_path / "out.mp4")
    found = numbers(tmp_path / "out.mp4")
    assert (found[0], found[-1]) == (20, 39)
    assert found == sorted(found)
    assert made.seconds == pytest.approx(float(times[40] - times[20]), abs=0.5 / 24)
    for place, number in enumerate(found[1:-1], start=1):  # each is on screen at its time
        at = float(times[20]) + (place + 0.5) / float(made.rate.exact)
        assert float(times[number]) <= at + 1e-3 <= float(times[number + 1]) + 2e-3


def test_films_of_other_sizes_rates_and_turns_are_fitted_in(tmp_path):
    wide = source_of(write_clip(tmp_path / "a.mp4", constant(50, 25), size=(160, 96), sound_s=2))
    tall = source_of(write_clip(tmp_path / "b.mp4", constant(60, 30), rotation=90))
    squeezed = source_of(write_clip(tmp_path / "c.mkv", constant(50), aspect=Fraction(4, 3)))
    clips = [Clip(wide, 0, 2, "Wide"), Clip(tall, 0, 1, "Tall"), Clip(squeezed, 0.4, 0.8, "Wider")]
    made = render(clips, tmp_path / "out.mp4")
    assert made.size == (160, 96)
    assert made.rate.exact == 25
    assert made.n_frames == 50 + 25 + 10
    with av.open(str(tmp_path / "out.mp4")) as film:
        frames = [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]
    assert len(frames) == 85
    upright = frames[60]
    assert upright[48, 4].max() < 24  # black beside it
    assert upright[90, 80].argmax() == 2  # what was at the right is red, and now below
    assert number_in(frames[10]) == 10
    loud = loudness(tmp_path / "out.mp4")
    assert min(loud[1:19]) > 0.2
    assert max(loud[21:33]) < 0.01  # silence for clips without sound
    assert len(loud) >= 33


def test_sound_is_cut_where_the_frames_are(tmp_path):
    quiet = write_clip(tmp_path / "a.mp4", constant(100), sound_s=2, sound_start_s=1)
    source = source_of(quiet)
    render([Clip(source, 0.8, 1.2), Clip(source, 2.6, 3.4)], tmp_path / "out.mp4")
    loud = loudness(tmp_path / "out.mp4", 0.05)
    is_loud = [level > 0.1 for level in loud[:24]]
    assert is_loud[:3] == [False] * 3
    assert is_loud[5:15] == [True] * 10  # from 0.2 s to 0.4, and the second clip to 0.8
    assert is_loud[18:24] == [False] * 6


def test_many_clips_do_not_drift(tmp_path):
    source = source_of(write_clip(tmp_path / "a.mp4", constant(72, NTSC), sound_s=3))
    clips = [Clip(source, *source.snapped(n * 0.05, n * 0.05 + 0.03)) for n in range(6)]
    made = render(clips, tmp_path / "out.mp4")
    known = facts(tmp_path / "out.mp4")
    picture, sound = known["streams"][:2]
    assert int(picture["nb_frames"]) == made.n_frames
    assert float(sound["duration"]) == pytest.approx(made.seconds, abs=0.002)
    assert len(known["chapters"]) == 6


def test_sound_alone_is_shown_as_its_title(tmp_path):
    talk = source_of(write_sound(tmp_path / "talk.m4a", 3))
    made = render([Clip(talk, 1, 2, "Greeting")], tmp_path / "out.mp4", title="Talk")
    assert (made.n_frames, made.size) == (25, (1280, 720))
    with av.open(str(tmp_path / "out.mp4")) as film:
        picture = next(film.decode(video=0)).to_ndarray(format="gray")
        assert film.metadata["title"] == "Talk"
    assert picture[0, 0] < 40 < 120 < picture.max()
    assert min(loudness(tmp_path / "out.mp4")[1:9]) > 0.2


def test_it_plays_while_it_loads(tmp_path):
    source = source_of(write_clip(tmp_path / "a.mp4", constant(25)))
    render([Clip(source, 0, 1)], tmp_path / "out.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_stopped_or_failed_it_leaves_nothing(tmp_path):
    source = source_of(write_clip(tmp_path / "a.mp4", constant(60)))
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 8

    with pytest.raises(Stopped):
        render([Clip(source, 0, 2)], tmp_path / "out.mp4", should_stop=stop)
    (tmp_path / "a.mp4").write_bytes(b"no film" * 100)
    with pytest.raises(AnalysisError, match=r"^“a.mp4” at 0.4 s: "):
        render([Clip(source, 0.4, 2)], tmp_path / "out.mp4")
    with pytest.raises(AnalysisError, match="no clips"):
        render([], tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.mp4"]


def test_it_tells_how_far_it_is(tmp_path):
    source = source_of(write_clip(tmp_path / "a.mp4", constant(60)))
    told: list[float] = []
    render([Clip(source, 0, 2)], tmp_path / "out.mp4", on_progress=told.append)
    assert told == sorted(told)
    assert (told[-1], len(told)) == (1.0, 5)


def test_at_a_prompt(tmp_path, capsys):
    write_clip(tmp_path / "a.mp4", constant(100))
    write_clip(tmp_path / "b.mp4", constant(50))
    spans = ["--span", "1-1.4=First", "--span", "0:02-0:02.2"]
    both = [str(tmp_path / "a.mp4"), *spans, "--next", str(tmp_path / "b.mp4"), "--span", "0-0.2"]
    assert command([*both, "-o", str(tmp_path / "reel.mp4")]) == 0
    assert "20 frames, 0.800 s, 96×64, 25.000 fps" in capsys.readouterr().out
    assert numbers(tmp_path / "reel.mp4") == [*range(25, 35), *range(50, 55), *range(5)]
    assert command([*both, "-o", str(tmp_path / "reel.edl")]) == 0
    assert "00:00:01:00 00:00:01:10 01:00:00:00 01:00:00:10" in (tmp_path / "reel.edl").read_text()


@pytest.mark.parametrize("span", ["5", "3-1", "x-2", "1-nan", "1-1"])
def test_a_span_that_is_none_is_refused(tmp_path, span, capsys):
    write_clip(tmp_path / "a.mp4", constant(30))
    with pytest.raises(SystemExit):
        command([str(tmp_path / "a.mp4"), "--span", span, "-o", str(tmp_path / "x.mp4")])
    assert "error: “" in capsys.readouterr().err


def test_spans_outside_the_film_are_said(tmp_path):
    write_clip(tmp_path / "a.mp4", constant(30))
    with pytest.raises(AnalysisError, match="None of these spans lies in its file"):
        command([str(tmp_path / "a.mp4"), "--span", "50-60", "-o", str(tmp_path / "x.mp4")])


@pytest.mark.parametrize("rate", [24, NTSC_FILM, 25, NTSC, 30, Fraction(60000, 1001)])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_the_rate_is_exact_though_it_is_measured(tmp_path, rate, ending):
    source = source_of(write_clip(tmp_path / f"a.{ending}", constant(60, rate)))
    assert source.rate == Rate(Fraction(rate))
