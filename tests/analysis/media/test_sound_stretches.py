"""A stretch of sound is what the whole has there, whatever the file is like."""

from fractions import Fraction

import av
import numpy as np
import pytest

from analysis.errors import NoSound, UnreadableMedia
from analysis.media.audio import RATE, read_audio, read_channels, sound_pieces
from tests.analysis.clips import constant, write_clip

FORMATS = [
    ("a.wav", "pcm_s16le"),
    ("a.flac", "flac"),
    ("a.mp3", "libmp3lame"),
    ("a.m4a", "aac"),
    ("a.aac", "aac"),
    ("a.ogg", "libopus"),
    ("a.mkv", "libopus"),
    ("a.ts", "aac"),
    ("a.ac3", "ac3"),
]


def rising(seconds, rate):
    """A tone that rises steadily, so that every moment sounds like no other: (2, n)."""
    t = np.arange(round(seconds * rate)) / rate
    tone = 0.5 * np.sin(2 * np.pi * (200 + 40 * t) * t)
    return np.stack([tone, tone]).astype(np.float32)


def write(path, codec, *, tracks=1, start_s=0.0, rate=48000, pace=1.0):
    """Thirty seconds of it, at so much of its pace; a second track has it backwards and softer."""
    whole = rising(30, rate)
    with av.open(str(path), "w") as out:
        streams = [out.add_stream(codec, rate=rate, layout="stereo") for _ in range(tracks)]
        for at in range(0, whole.shape[1], 960):
            for number, stream in enumerate(streams):
                sound = whole if number == 0 else 0.25 * whole[:, ::-1]
                piece = np.ascontiguousarray(sound[:, at : at + 960])
                frame = av.AudioFrame.from_ndarray(piece, "fltp", "stereo")
                frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
                frame.pts = round(at * pace + start_s * rate)
                out.mux(stream.encode(frame))
        for stream in streams:
            out.mux(stream.encode())
    return path


def shift(part, whole, at):
    """By how many samples a stretch lies elsewhere than at `at`, by correlation."""
    near = whole[max(at - 1600, 0) : at + len(part) + 1600]
    size = 1 << (len(near) + len(part)).bit_length()
    alike = np.fft.irfft(np.fft.rfft(near, size) * np.conj(np.fft.rfft(part, size)), size)
    best = int(alike[: len(near) - len(part) + 1].argmax())
    return best - min(at, 1600)


@pytest.mark.parametrize(("name", "codec"), FORMATS)
def test_a_stretch_lies_where_the_whole_has_it(tmp_path, name, codec):
    path = write(tmp_path / name, codec)
    whole = read_audio(path)
    assert len(whole) / RATE == pytest.approx(30, abs=0.15)
    for start_s, end_s in ((0.0, 2.0), (3.3, 4.0), (12.345, 14.345), (27.0, 29.0)):
        part = read_audio(path, start_s=start_s, end_s=end_s)
        assert len(part) == round((end_s - start_s) * RATE)
        assert abs(shift(part, whole, round(start_s * RATE))) <= RATE * 0.03
    assert len(read_audio(path, start_s=25.0)) == pytest.approx(len(whole) - 25 * RATE, abs=800)
    assert len(read_audio(path, start_s=40.0, end_s=50.0)) == 0


def test_silence_before_a_late_start_is_part_of_a_stretch(tmp_path):
    path = write_clip(tmp_path / "a.mp4", constant(300), sound_s=8, sound_start_s=3.0)
    part = read_audio(path, start_s=1.0, end_s=5.0)
    assert len(part) == 4 * RATE
    assert abs(part[: round(1.9 * RATE)]).max() < 0.01
    assert abs(part[round(2.1 * RATE) :]).max() > 0.3
    late = read_audio(path, start_s=6.0, end_s=7.0)
    assert abs(late).max() > 0.3


@pytest.mark.parametrize("pace", [0.99, 1.001, 1.01])
def test_sound_that_drifts_from_its_times_is_heard_at_its_times(tmp_path, pace):
    """As a recorder with a clock of its own leaves it: words lie beside their picture still."""
    steady = read_audio(write(tmp_path / "steady.mkv", "flac"))
    path = write(tmp_path / "drifting.mkv", "flac", pace=pace)
    for at_s in (5.0, 28.0):
        start_s = at_s * pace
        part = read_audio(path, start_s=start_s, end_s=start_s + 0.5)
        sample = steady[round((at_s - 0.3) * RATE) : round((at_s + 0.8) * RATE)]
        late = shift(part, sample, round(0.3 * RATE))
        assert abs(late) <= 0.12 * RATE, "a tenth of a second is put right at once"


def test_tracks_are_told_apart_and_so_are_channels(tmp_path):
    path = write(tmp_path / "a.mkv", "flac", tracks=2)
    first, second = (read_audio(path, track=n, start_s=10, end_s=12) for n in (0, 1))
    assert abs(first).max() / abs(second).max() == pytest.approx(4, abs=0.2)
    with pytest.raises(UnreadableMedia, match="2 sound tracks; there is no number 3"):
        read_audio(path, track=2)
    both = read_channels(path, start_s=10, end_s=12)
    assert both.shape == (2 * RATE, 2)
    assert np.allclose(both[:, 0], both[:, 1], atol=1e-4)
    with pytest.raises(NoSound):
        read_channels(write_clip(tmp_path / "mute.mp4", constant(3)))


def test_pieces_are_small_and_make_the_whole(tmp_path):
    path = write(tmp_path / "a.flac", "flac")
    pieces = list(sound_pieces(path))
    assert np.array_equal(np.concatenate(pieces)[:, 0], read_audio(path))
    assert max(map(len, pieces)) < RATE


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.mp3", "libmp3lame")])
def test_one_channel_is_as_loud_in_each_of_two(tmp_path, name, codec):
    tone = (16000 * np.sin(np.arange(48000) * 2 * np.pi * 440 / 48000)).astype(np.int16)
    with av.open(str(tmp_path / name), "w") as out:
        stream = out.add_stream(codec, rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone[None], "s16", "mono")
        frame.sample_rate = 48000
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    both = np.concatenate(list(sound_pieces(tmp_path / name, rate=48000, channels="stereo")))
    middle = both[12000:36000]
    assert middle.shape[1] == 2
    assert np.abs(middle).max(0) == pytest.approx([16000 / 32768] * 2, rel=0.1)
