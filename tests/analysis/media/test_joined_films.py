"""Films whose own clock starts again or jumps: picture, sound and times stay together."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from analysis.film.schedule import SamplingOptions, samples, stretches
from analysis.media import guard
from analysis.media.audio import read_audio
from analysis.media.frame_table import FrameTable
from analysis.media.frames import FrameReader, extract_frame
from analysis.media.probe import examine, probe
from analysis.media.renditions import proxy
from analysis.media.thumbnails import poster, strip
from tests.analysis.clips import constant, number_in, numbered, variable, write_clip


def recording(
    folder: Path, first: int, count: int = 60, *, start: float = 0.0, **options: object
) -> bytes:
    """A transport stream of numbered frames, `first` and on, whose clock begins at `start`."""
    path = write_clip(
        folder / f"{first}.ts",
        constant(count, start=start),
        b_frames=2,
        paint=lambda index: numbered(first + index),
        **options,  # type: ignore[arg-type]
    )
    return path.read_bytes()


def joined(folder: Path, *parts: bytes) -> Path:
    path = folder / "joined.ts"
    path.write_bytes(b"".join(parts))
    return path


def shown(path: Path, times: np.ndarray, **options: object) -> list[tuple[float, int]]:
    with FrameReader(path, times, **options) as reader:  # type: ignore[arg-type]
        found = [(round(frame.time_s, 6), number_in(frame.bgr())) for frame in reader]
        assert reader.problem is None
    return found


@pytest.fixture(autouse=True)
def nothing_is_known_of_the_file() -> None:
    guard._joins.clear()


def test_two_recordings_follow_each_other(tmp_path: Path) -> None:
    path = joined(tmp_path, recording(tmp_path, 0), recording(tmp_path, 100))
    info, table = examine(path)
    assert info.duration_s == pytest.approx(4.8)
    assert not info.is_partial
    assert "starts again after 2.4 s" in info.warnings[0]
    assert table.times_s == pytest.approx(np.arange(120) / 25)
    expected = [*range(60), *range(100, 160)]
    assert [number for _, number in shown(path, table.times_s)] == expected


def test_a_jump_of_an_hour_is_no_time(tmp_path: Path) -> None:
    path = joined(tmp_path, recording(tmp_path, 0), recording(tmp_path, 100, start=3600))
    info, table = examine(path)
    assert info.duration_s == pytest.approx(4.8)
    assert "jumps ahead by 3,597.5 s after 2.4 s" in info.warnings[0]
    rows = samples(table, SamplingOptions("interval", 0.2))
    assert (rows["end_s"] - rows["start_s"]).max() < 0.4
    assert [number for _, number in shown(path, rows["time_s"])][-1] >= 155


def test_a_short_loss_of_signal_stays_as_long_as_it_was(tmp_path: Path) -> None:
    path = joined(tmp_path, recording(tmp_path, 0), recording(tmp_path, 100, start=8))
    info, table = examine(path)
    assert info.duration_s == pytest.approx(10.4, abs=0.1)
    assert table.times_s[60] == pytest.approx(8.0, abs=0.1)


def test_three_recordings_are_read_alike_from_any_place(tmp_path: Path) -> None:
    path = joined(
        tmp_path,
        recording(tmp_path, 0, 150, gop=25),
        recording(tmp_path, 200, 150, start=5000, gop=25),
        recording(tmp_path, 400, 150, start=10, gop=25),
    )
    table = examine(path)[1]
    whole = shown(path, table.times_s)
    assert [number for _, number in whole] == [*range(150), *range(200, 350), *range(400, 550)]
    for start, end in stretches(table, 2.0):
        inside = (table.times_s >= start) & (table.times_s < end)
        part = [row for row, is_in in zip(whole, inside, strict=True) if is_in]
        assert shown(path, table.times_s[inside]) == part
    for at in (0.0, 5.99, 6.01, 11.5, 12.5, 17.96):
        assert number_in(extract_frame(path, at).bgr()) == whole[table.shown_at(at)][1]


def test_a_frame_is_found_without_anything_known_of_the_file(tmp_path: Path) -> None:
    path = joined(tmp_path, recording(tmp_path, 0), recording(tmp_path, 100))
    assert number_in(extract_frame(path, 4.0).bgr()) == 140


def test_pictures_of_the_strip_are_of_their_own_times(tmp_path: Path) -> None:
    path = joined(tmp_path, recording(tmp_path, 0), recording(tmp_path, 100))
    info, table = examine(path)
    _, times, _ = strip(path, table)
    with FrameReader(path, table.key_times_s, keys_only=True, hop=True) as reader:
        numbers = [number_in(frame.bgr()) for frame in reader]
    assert times == table.key_times_s.tolist()
    assert numbers == [n for n in (*range(60), *range(100, 160)) if n % 100 % 12 == 0]
    assert poster(path, info)


def test_the_copy_for_browsers_shows_the_same_frames_at_the_same_times(tmp_path: Path) -> None:
    path = joined(
        tmp_path,
        recording(tmp_path, 0, sound_s=2.4),
        recording(tmp_path, 100, start=900, sound_s=1),
    )
    info, table = examine(path)
    proxy(path, tmp_path / "proxy.mp4", info)
    copy = examine(tmp_path / "proxy.mp4")[1]
    assert copy.times_s == pytest.approx(table.times_s, abs=0.001)
    assert shown(tmp_path / "proxy.mp4", copy.times_s)[::7] == [
        (pytest.approx(time_s, abs=0.001), number)
        for time_s, number in shown(path, table.times_s)[::7]
    ]


def test_sound_moves_with_its_picture(tmp_path: Path) -> None:
    """Each recording has a tone in its first second; the second's clock is far ahead."""
    path = joined(
        tmp_path,
        recording(tmp_path, 0, 50, sound_s=1.0),
        recording(tmp_path, 100, 50, start=500, sound_s=1.0, sound_start_s=500.0),
    )
    info, table = examine(path)
    assert table.times_s[50] == pytest.approx(2.0, abs=0.05)
    assert info.duration_s == pytest.approx(4.0, abs=0.1)
    loud = [float(np.abs(part).mean()) for part in np.array_split(read_audio(path)[: 16000 * 3], 6)]
    assert [level > 0.1 for level in loud] == [True, True, False, False, True, True]


def test_a_join_in_which_sound_outlasts_the_picture_shows_no_frame_twice(tmp_path: Path) -> None:
    path = joined(
        tmp_path, recording(tmp_path, 0, 50, sound_s=2.5), recording(tmp_path, 100, 50, sound_s=2.0)
    )
    table = examine(path)[1]
    assert (np.diff(table.times_s) > 0.03).all()
    numbers = [number for _, number in shown(path, table.times_s)]
    assert numbers == [*range(50), *range(100, 150)]


def test_a_damaged_time_is_no_new_recording(tmp_path: Path) -> None:
    data = bytearray(recording(tmp_path, 0, 100))
    at = [i for i in range(0, len(data), 188) if data[i + 1] & 0x40 and data[i + 3] & 0x20]
    stamps = [_pts_place(data, i) for i in at]
    place = [p for p in stamps if p][3]
    data[place] ^= 0x06  # three bits of the display time: some hours
    path = tmp_path / "damaged.ts"
    path.write_bytes(data)
    info, table = examine(path)
    assert info.duration_s == pytest.approx(4.0, abs=0.1)
    assert len(table) >= 98
    numbers = [round(time_s * 25) for time_s, _ in shown_of(path, table)]
    assert numbers == [number for _, number in shown_of(path, table)]


def shown_of(path: Path, table: FrameTable) -> list[tuple[float, int]]:
    with FrameReader(path, table.times_s) as reader:
        return [(frame.time_s, number_in(frame.bgr())) for frame in reader]


def _pts_place(data: bytes, packet: int) -> int | None:
    """Where the first byte of the display time is, if a PES packet of picture begins here."""
    start = packet + 5 + data[packet + 4]
    if data[start : start + 4] != b"\0\0\1\xe0" or not data[start + 7] & 0x80:
        return None
    return start + 9


def test_a_pause_in_a_container_that_says_how_long_is_believed(tmp_path: Path) -> None:
    times = constant(20) + constant(20, start=3600.0)
    info = probe(write_clip(tmp_path / "a.mkv", times))
    assert info.duration_s == pytest.approx(3600.8, abs=0.01)
    assert not info.is_joined


def test_an_ordinary_stream_is_as_it_was(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.ts", variable(80), b_frames=2, sound_s=3)
    info, table = examine(path)
    assert not info.is_joined
    assert info.warnings == ()
    pictures = [hashlib.sha1(f.bgr().tobytes()).digest() for f in FrameReader(path, table.times_s)]
    assert len(set(pictures)) == 80
    assert all(b > a for a, b in pairwise(table.times_s))


def test_sound_that_changes_its_rate_and_channels_midway_is_heard_to_its_end(
    tmp_path: Path,
) -> None:
    """A broadcast goes from stereo at 48 kHz to mono at 44.1 kHz: one second of a tone in each."""
    data = b""
    for piece, (rate, layout) in enumerate([(48000, "stereo"), (44100, "mono")]):
        path = tmp_path / f"{piece}.ac3"
        with av.open(str(path), "w") as out:
            tone = out.add_stream("ac3", rate=rate)
            tone.layout = layout
            for at in range(0, rate, 1536):
                wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(at, at + 1536) / rate)
                samples = np.stack([wave] * (2 - piece)).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(samples, "fltp", layout)
                frame.sample_rate, frame.pts = rate, at
                out.mux(tone.encode(frame))
            out.mux(tone.encode())
        data += path.read_bytes()
    (tmp_path / "both.ac3").write_bytes(data)
    heard = read_audio(tmp_path / "both.ac3")
    assert len(heard) / 16000 == pytest.approx(2.0, abs=0.2)
    assert np.abs(heard[4000:12000]).mean() > 0.1
    assert np.abs(heard[22000:30000]).mean() > 0.1


def test_a_sound_track_that_begins_midway_ends_nothing(tmp_path: Path) -> None:
    """The demuxer learns of it beyond the 5 MB that it looks through when a file is opened."""
    noise = np.random.default_rng(1).integers(0, 255, (60, 64, 96, 3), np.uint8)

    def paint(index: int) -> np.ndarray:
        image = noise[index % 60].copy()
        image[:8] = numbered(index)[:8]
        return image

    first = write_clip(tmp_path / "0.ts", constant(800), paint=paint, options={"qp": "4"})
    assert first.stat().st_size > 6e6
    path = joined(
        tmp_path,
        first.read_bytes(),
        recording(tmp_path, 900, 50, start=33, sound_s=2.0, sound_start_s=33.0),
    )
    info, table = examine(path)
    assert len(table) == 850
    assert info.duration_s == pytest.approx(35.0, abs=0.1)
    numbers = [number for _, number in shown(path, table.times_s[780:])]
    assert numbers == [*range(780, 800), *range(900, 950)]
    assert number_in(extract_frame(path, 34.0).bgr()) in range(920, 932)


@pytest.mark.parametrize("ending", ["mpg", "ts"])
def test_two_recordings_in_mpeg_2_follow_each_other_as_well(tmp_path: Path, ending: str) -> None:
    data = b""
    for first in (0, 100):
        path = write_clip(
            tmp_path / f"{first}.{ending}",
            constant(60),
            codec="mpeg2video",
            b_frames=2,
            paint=lambda index, first=first: numbered(first + index),
        )
        data += path.read_bytes()
    (tmp_path / "joined").write_bytes(data)
    info, table = examine(tmp_path / "joined")
    assert info.duration_s == pytest.approx(4.8, abs=0.05)
    expected = [*range(60), *range(100, 160)]
    whole = shown(tmp_path / "joined", table.times_s)
    assert [number for _, number in whole] == expected
    assert shown(tmp_path / "joined", table.times_s[70:]) == whole[70:]
    proxy(tmp_path / "joined", tmp_path / "proxy.mp4", info)
    copy = examine(tmp_path / "proxy.mp4")[1]
    assert [number for _, number in shown(tmp_path / "proxy.mp4", copy.times_s)] == expected
