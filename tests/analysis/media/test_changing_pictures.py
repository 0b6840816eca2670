"""Films whose picture changes its size, turns, or is there twice: each frame as it is."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from analysis.errors import UnreadableMedia
from analysis.media.frames import FrameReader, extract_frame
from analysis.media.probe import examine, probe
from analysis.media.renditions import proxy
from analysis.media.thumbnails import strip
from tests.analysis.clips import constant, number_in, numbered, write_clip

SIZES = [(96, 64), (320, 180), (120, 160), (96, 64), (640, 360)]
COUNT = 20


def changing(folder: Path) -> Path:
    """Five pieces of 20 frames, each of another size, as a broadcaster switches."""
    data = b""
    for piece, size in enumerate(SIZES):
        start = piece * COUNT / 25
        path = write_clip(
            folder / f"{piece}.ts",
            constant(COUNT, start=start),
            size=size,
            gop=10,
            paint=lambda index, first=piece * COUNT, size=size: numbered(first + index, size),
        )
        data += path.read_bytes()
    (folder / "changing.ts").write_bytes(data)
    return folder / "changing.ts"


def test_each_frame_has_the_size_of_its_own_moment(tmp_path: Path) -> None:
    path = changing(tmp_path)
    table = examine(path)[1]
    assert len(table) == COUNT * len(SIZES)
    kept = []
    with FrameReader(path, table.times_s) as reader:
        for place, frame in enumerate(reader):
            assert (frame.width, frame.height) == SIZES[place // COUNT]
            assert number_in(frame.bgr()) == place
            kept = [*kept[-7:], (place, frame)]
            for number, earlier in kept:  # frames of the size before stay as they are
                assert number_in(earlier.bgr()) == number
    assert [size[1:] for size in reader.sizes] == SIZES
    assert reader.problem is None


def test_a_picture_that_grows_all_the_time_is_read_to_its_end(tmp_path: Path) -> None:
    data = b""
    sizes = [(96 + 16 * step, 64 + 16 * step) for step in range(12)]
    for step, size in enumerate(sizes):
        path = write_clip(
            tmp_path / f"{step}.ts", constant(3, start=step * 3 / 25), size=size, gop=3
        )
        data += path.read_bytes()
    (tmp_path / "a.ts").write_bytes(data)
    table = examine(tmp_path / "a.ts")[1]
    with FrameReader(tmp_path / "a.ts", table.times_s) as reader:
        seen = [(frame.width, frame.height) for frame in reader]
    assert seen == [size for size in sizes for _ in range(3)]


def test_tiles_of_one_strip_are_of_one_size_and_keep_proportions(tmp_path: Path) -> None:
    path = changing(tmp_path)
    table = examine(path)[1]
    _, times, columns = strip(path, table)
    assert len(times) == int(table.is_key.sum())
    assert columns == 10


def test_the_copy_for_browsers_goes_through_a_change_of_size(tmp_path: Path) -> None:
    path = changing(tmp_path)
    info, table = examine(path)
    proxy(path, tmp_path / "out.mp4", info)
    copy, times = examine(tmp_path / "out.mp4")
    assert (copy.width, copy.height) == (info.width, info.height)
    assert times.times_s == pytest.approx(table.times_s, abs=0.001)
    with FrameReader(tmp_path / "out.mp4", times.times_s[[30, 90]]) as reader:
        assert [frame.bgr().shape for frame in reader] == [(64, 96, 3)] * 2


def two_tracks(folder: Path, *, longer: int = 0) -> Path:
    """One file with two picture tracks: frames 0 … and frames 100 …, the second one larger."""
    path = folder / "two.mp4"
    with av.open(str(path), "w") as out:
        sizes = [(96, 64), (192, 128)]
        streams = [out.add_stream("libx264", rate=25) for _ in sizes]
        for stream, size in zip(streams, sizes, strict=True):
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.codec_context.max_b_frames = 0
        for index in range(50 + longer):
            for place, (stream, size) in enumerate(zip(streams, sizes, strict=True)):
                if place or index < 50:
                    picture = numbered(100 * place + index, size)
                    frame = av.VideoFrame.from_ndarray(picture, "bgr24").reformat(format="yuv420p")
                    frame.pts = index
                    out.mux(stream.encode(frame))
        for stream in streams:
            out.mux(stream.encode())
    return path


def test_a_second_picture_track_is_said_and_can_be_chosen(tmp_path: Path) -> None:
    path = two_tracks(tmp_path)
    first, second = probe(path), probe(path, track=1)
    assert "another picture track in this file (track 1: 192×128)" in first.warnings[0]
    assert [(p.index, p.is_used) for p in first.pictures] == [(0, True), (1, False)]
    assert (first.width, second.width) == (96, 192)
    assert "track 0: 96×64" in second.warnings[0]
    for track, start in ((None, 0), (0, 0), (1, 100)):
        table = examine(path, track=track)[1]
        with FrameReader(path, table.times_s[::9], track=track) as reader:
            numbers = [number_in(frame.bgr()) for frame in reader]
        assert numbers == [start + place for place in range(0, 50, 9)]
        assert number_in(extract_frame(path, 1.0, track=track).bgr()) == start + 25


def test_the_copy_shows_the_track_that_was_chosen(tmp_path: Path) -> None:
    path = two_tracks(tmp_path)
    proxy(path, tmp_path / "out.mp4", probe(path, track=1))
    assert number_in(extract_frame(tmp_path / "out.mp4", 0.4).bgr()) == 110


def test_a_longer_second_track_is_no_damage(tmp_path: Path) -> None:
    info = probe(two_tracks(tmp_path, longer=50))
    assert not info.is_partial
    assert info.duration_s == pytest.approx(2.0)
    assert not any("header" in warning for warning in info.warnings)


def test_a_track_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = two_tracks(tmp_path)
    for read in (lambda: probe(path, track=7), lambda: extract_frame(path, 0, track=7)):
        with pytest.raises(UnreadableMedia, match="no picture track 7"):
            read()


def test_turned_midway_each_part_keeps_its_proportions(tmp_path: Path) -> None:
    """A phone that is turned: first upright, then lying."""
    data = b""
    for piece, size in enumerate([(64, 96), (96, 64)]):
        path = write_clip(
            tmp_path / f"{piece}.ts", constant(25, start=float(piece)), size=size,
            paint=lambda index, size=size: _disc(size),
        )  # fmt: skip
        data += path.read_bytes()
    (tmp_path / "turned.ts").write_bytes(data)
    for at, shape in ((0.5, (96, 64)), (1.5, (64, 96))):
        image = extract_frame(tmp_path / "turned.ts", at).bgr()
        rows, columns = np.nonzero(image.mean(axis=2) > 128)
        assert image.shape[:2] == shape
        assert abs(np.ptp(rows) - np.ptp(columns)) <= 2


def _disc(size: tuple[int, int]) -> np.ndarray:
    y, x = np.mgrid[: size[1], : size[0]]
    near = (x - size[0] / 2) ** 2 + (y - size[1] / 2) ** 2 < 24**2
    return np.where(near[..., None], 230, 20).astype(np.uint8).repeat(3, axis=2)
