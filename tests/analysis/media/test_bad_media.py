"""Damaged, hostile and odd files: each ends in a sentence, or in what can be saved of it."""

from __future__ import annotations

import os
import struct
import time
import zlib
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from analysis.errors import AnalysisError, RefusedMedia, UnreadableMedia
from analysis.media.audio import read_audio
from analysis.media.frame_table import read_frame_table
from analysis.media.frames import Frame, FrameReader
from analysis.media.guard import Child, Limits
from analysis.media.probe import probe
from tests.analysis.clips import constant, number_in, numbered, write_clip, write_sound
from tests.analysis.media.steps import LINGERS


def file_of(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def png(width: int, height: int) -> bytes:
    """A tiny file that claims to be a picture of any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1_000_000)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def clip(folder: Path, **options: object) -> bytes:
    """The bytes of a two-second clip of noisy pictures."""
    noise = np.random.default_rng(1).integers(0, 255, (50, 64, 96, 3), np.uint8)

    def paint(index: int) -> np.ndarray:
        image = noise[index].copy()
        image[:8] = numbered(index)[:8]
        return image

    path = write_clip(folder / "whole.mp4", constant(50), paint=paint, **options)  # type: ignore[arg-type]
    return path.read_bytes()


SENTENCES = [
    (b"", "is empty"),
    (b"hello, I am a film\n" * 50, "text file"),
    (os.urandom(4096), "not a video, picture or sound file"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing"),
    (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + b"\0\0\x40\0mdat" + b"x" * 9000, "breaks off before"),
    (png(0, 0), "damaged"),
    (png(20_000, 20_000), "20,000×20,000 pixels; the limit is"),
    (png(32_768, 32_768), "32,768×32,768 pixels; the limit is"),
]


@pytest.mark.parametrize(("content", "sentence"), SENTENCES, ids=[s for _, s in SENTENCES])
def test_what_cannot_be_used_is_explained(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = file_of(tmp_path, "film.mp4", content)
    with pytest.raises(AnalysisError, match=sentence) as caught:
        probe(path)
    assert caught.value.permanent


PLAYLISTS = [
    "#EXTM3U\n#EXTINF:5,\nfile:///etc/hostname\n",
    "\ufeff#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n",
    "ffconcat version 1.0\nfile '{target}'\n",
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "<?xml version='1.0'?>\n<MPD type='static'><BaseURL>{target}</BaseURL></MPD>",
    "[playlist]\nFile1={target}\n",
    "http://127.0.0.1:9/film.mp4\n",
]


@pytest.mark.parametrize("text", PLAYLISTS)
def test_a_playlist_opens_nothing(tmp_path: Path, text: str) -> None:
    target = write_clip(tmp_path / "secret.mp4", constant(2))
    path = file_of(tmp_path, "film.mp4", text.format(target=target).encode())
    with pytest.raises(RefusedMedia, match="points at other files"):
        probe(path)


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path, tmp_path / "pipe.mp4", Path("/dev/zero")):
        with pytest.raises(UnreadableMedia, match=r"not a plain file|cannot be opened"):
            probe(path)
    with pytest.raises(UnreadableMedia, match="No such file"):
        probe(tmp_path / "nowhere.mp4")


def test_an_mp4_without_its_index_says_so(tmp_path: Path) -> None:
    whole = clip(tmp_path)
    path = file_of(tmp_path, "cut.mp4", whole[: len(whole) // 2])
    with pytest.raises(UnreadableMedia, match="breaks off before its index"):
        probe(path)


@pytest.mark.parametrize("flags", ["faststart", "frag_keyframe+empty_moov"])
def test_a_cut_film_with_its_index_is_read_as_far_as_it_goes(tmp_path: Path, flags: str) -> None:
    whole = clip(tmp_path, container={"movflags": flags})
    path = file_of(tmp_path, "cut.mp4", whole[: len(whole) * 6 // 10])
    table = read_frame_table(path)
    assert 15 < len(table) < 40
    with FrameReader(path, constant(50)) as reader:  # type: ignore[arg-type]
        numbers = [number_in(frame.bgr()) for frame in reader]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= len(table) - 2
    assert "wanted frames are missing" in (reader.problem or "")


def test_a_cut_film_is_marked_as_partial(tmp_path: Path) -> None:
    options = {"container": {"movflags": "faststart"}}
    path = write_clip(tmp_path / "a.mp4", constant(100), **options)  # type: ignore[arg-type]
    whole = path.read_bytes()
    info = probe(file_of(tmp_path, "cut.mp4", whole[: len(whole) * 7 // 10]))
    assert info.is_partial
    assert "The header promises 4.0 s" in info.warnings[0]
    assert not info.is_browser_playable


def test_a_damaged_middle_costs_only_the_middle(tmp_path: Path) -> None:
    whole = bytearray(clip(tmp_path, gop=10))
    middle = len(whole) // 2
    whole[middle : middle + 6000] = os.urandom(6000)
    path = file_of(tmp_path, "a.mp4", bytes(whole))
    times = np.arange(50) / 25
    with FrameReader(path, times) as reader:
        shown = {round(frame.time_s * 25): number_in(frame.bgr()) for frame in reader}
    assert all(shown[i] == i for i in (0, 1, 2, 47, 48, 49))
    assert reader.problem is not None
    assert "damaged" in reader.problem


def test_a_clock_that_jumps_ahead_is_reported(tmp_path: Path) -> None:
    times = constant(20) + constant(20, start=3600.0)
    info = probe(write_clip(tmp_path / "a.mkv", times))
    assert info.frame_count == 40
    assert "stands still for 3,599.2 s after 0.8 s" in info.warnings[0]


def test_a_header_that_claims_years_is_not_believed(tmp_path: Path) -> None:
    whole = bytearray(write_clip(tmp_path / "a.mp4", constant(25)).read_bytes())
    at = whole.index(b"mvhd") + 4
    struct.pack_into(">I", whole, at + 16, 0xFFFFFFF0)  # the duration, in milliseconds
    info = probe(file_of(tmp_path, "b.mp4", bytes(whole)))
    assert info.duration_s == pytest.approx(1.0)


def test_a_frame_that_claims_thousands_of_millions_of_years_costs_no_more_than_others(
    tmp_path: Path,
) -> None:
    whole = bytearray(write_clip(tmp_path / "a.ivf", constant(5), codec="libvpx").read_bytes())
    struct.pack_into("<II", whole, 16, 1, 1)  # its times are seconds
    struct.pack_into("<Q", whole, _last_frame(whole) + 4, 1 << 62)  # when it is shown
    path = file_of(tmp_path, "b.ivf", bytes(whole))
    table = read_frame_table(path)
    assert len(table) == 5
    with FrameReader(path, table.times_s) as reader:
        assert [number_in(frame.bgr()) for frame in reader] == [0, 1, 2, 3, 4]


def _last_frame(ivf: bytes) -> int:
    """Where it begins: frames are their size, their time and their bytes."""
    at = last = 32
    while at < len(ivf):
        last, at = at, at + 12 + struct.unpack_from("<I", ivf, at)[0]
    return last


def test_too_many_frames_are_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(30))
    with pytest.raises(RefusedMedia, match="more than 20 frames"):
        probe(path, limits=Limits(max_frames=20))


def test_a_film_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(2), size=(160, 90))
    for read in (probe, read_all):
        with pytest.raises(RefusedMedia, match="160×90; the limit for video is 128×128"):
            read(path, limits=Limits(max_video_side=128))


def read_all(path: Path, limits: Limits) -> None:
    with FrameReader(path, [0.0], limits=limits) as reader:
        list(reader)


def test_a_hundred_megapixels_are_welcome(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "sky.png"), np.zeros((10_000, 10_000), np.uint8))
    info = probe(tmp_path / "sky.png")
    assert (info.kind, info.width, info.height) == ("image", 10_000, 10_000)


def test_memory_has_an_end(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "sky.png"), np.zeros((9_000, 9_000), np.uint8))
    with pytest.raises(AnalysisError, match=r"memory|damaged"):
        Frame.from_file(tmp_path / "sky.png", limits=Limits(memory_bytes=600 << 20))


def test_pages_beyond_the_first_are_mentioned(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "green")]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    info = probe(tmp_path / "a.tif")
    assert (info.kind, info.width, info.height) == ("image", 40, 30)
    assert info.warnings == ("Only the first of 3 pages is used.",)
    assert (Frame.from_file(tmp_path / "a.tif").bgr()[0, 0] == (0, 0, 255)).all()


def test_of_a_moving_webp_the_first_frame_is_used(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=100)
    assert probe(tmp_path / "a.webp").warnings == ("Only the first of 2 pages is used.",)
    shown = Frame.from_file(tmp_path / "a.webp").bgr()
    assert np.abs(shown[15, 20].astype(int) - (0, 0, 255)).max() < 8


def test_the_cover_of_a_song_is_not_a_film(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as out:
        tone = out.add_stream("libmp3lame", rate=44100)
        tone.layout = "stereo"
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 96, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(numbered(1), "bgr24").reformat(format="yuvj420p")
        picture.pts = 0
        out.mux(cover.encode(picture))
        out.mux(cover.encode())
        for at in range(0, 44100, 1152):
            silence = av.AudioFrame.from_ndarray(np.zeros((2, 1152), "f4"), "fltp", "stereo")
            silence.sample_rate, silence.pts = 44100, at
            out.mux(tone.encode(silence))
        out.mux(tone.encode())
    info = probe(path)
    assert (info.kind, info.frame_count, info.audio[0].codec) == ("audio", 0, "mp3")
    assert info.duration_s == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("kind", ["avif", "webp", "bmp", "gif", "jpg", "tif", "PNG"])
def test_pictures_are_pictures_whatever_they_are_called(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (40, 30), "red").save(tmp_path / f"a.{kind}")
    path = (tmp_path / f"a.{kind}").rename(tmp_path / "a.mp4")
    info = probe(path)
    assert (info.kind, info.width, info.height, info.duration_s) == ("image", 40, 30, 0)
    assert np.abs(Frame.from_file(path).bgr()[15, 20].astype(int) - (0, 0, 255)).max() < 5


def test_a_turned_and_mirrored_photograph_is_put_right(tmp_path: Path) -> None:
    picture = Image.fromarray(numbered(0)[..., ::-1].copy())
    for orientation in (2, 3, 5, 6, 7):
        exif = picture.getexif()
        exif[274] = orientation
        picture.save(tmp_path / "a.jpg", exif=exif, quality=95)
        upright = Frame.from_file(tmp_path / "a.jpg").bgr()
        with Image.open(tmp_path / "a.jpg") as saved:
            expected = np.array(_transposed(saved))[..., ::-1]
        assert upright.shape == expected.shape
        assert np.abs(upright.astype(int) - expected).mean() < 3, orientation


def _transposed(picture: Image.Image) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(picture)


def test_silent_film_has_no_sound_to_read(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match="no sound"):
        read_audio(write_clip(tmp_path / "a.mp4", constant(5)))


def test_late_sound_starts_late(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(50), sound_s=1.0, sound_start_s=0.5)
    samples = read_audio(path)
    assert np.abs(samples[: 16_000 * 4 // 10]).max() < 0.01
    assert np.abs(samples[16_000 * 6 // 10 : 16_000]).max() > 0.3


def test_cut_sound_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = write_sound(tmp_path / "a.mp3", 4.0, "libmp3lame").read_bytes()
    path = file_of(tmp_path, "cut.mp3", whole[: len(whole) // 2])
    assert 1.5 < len(read_audio(path)) / 16_000 < 2.5


def test_a_child_that_crashes_is_a_sentence(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(5))
    for signal_number, sentence, permanent in ((11, "broke down", True), (9, "killed", False)):
        with Child(LINGERS, path) as child:
            os.kill(child._process.pid, signal_number)
            with pytest.raises(AnalysisError, match=sentence) as caught:
                child.receive()
        assert caught.value.permanent is permanent


def test_a_child_that_hangs_is_ended(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(5))
    with Child(LINGERS, path, limits=Limits(stall_s=0.5)) as child:
        os.kill(child._process.pid, 19)  # stopped: it will never answer
        began = time.monotonic()
        with pytest.raises(AnalysisError, match="no progress") as caught:
            child.receive()
    assert time.monotonic() - began < 5
    assert not caught.value.permanent
    assert child._process.returncode is not None


def test_a_child_ends_with_its_reader(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", constant(200))
    with FrameReader(path, np.arange(200) / 25) as reader:
        next(iter(reader))
        pid = reader._child._process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
