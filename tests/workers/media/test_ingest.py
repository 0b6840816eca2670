"""From bytes to a ready asset, or to a sentence; by the task that the worker runs."""

from __future__ import annotations

import struct
from pathlib import Path
from zlib import compressobj, crc32

import cv2
import numpy as np
import pytest

from tests.services.film import film, logo
from webapp.leases import Status
from webapp.management.commands.analyse import receive
from webapp.runs.refusals import RunRefused
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.timeline.frames import frame_picture
from workers.engine.originals import local_path
from workers.media import ingest
from workers.media.rendition import rendition
from workers.runs import analyse


@pytest.fixture
def prepared(workspace, tmp_path):
    """prepared(path): the asset, after the ingest task had its turn."""

    def prepare(path: Path):
        asset = receive(path, workspace)
        ingest.ingest(asset.pk)
        asset.refresh_from_db()
        return asset

    return prepare


@pytest.fixture
def clip(tmp_path) -> Path:
    return film(tmp_path / "clip.mp4", seconds=4)


@pytest.fixture
def acme(workspace):
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from webapp.projects.models import Project

    project = Project.objects.create(workspace=workspace, name="Acme only")
    label = project.labels.create(name="Acme", colour="#d1495b")
    file = default_storage.save("references/acme.png", ContentFile(logo()))
    label.references.create(name="acme.png", file=file, sha256="0" * 64, width=160, height=120)
    return project


def run_to_the_end(asset, project, **options) -> Run:
    run = Run.objects.request(asset, project, by=None, **options)
    for _ in range(20):
        analyse.work()
        run.refresh_from_db()
        if run.is_over:
            return run
    raise AssertionError(f"the run stands at {run.stage} with {run.status}")


def test_a_film_gets_what_its_page_needs(prepared, clip):
    asset = prepared(clip)
    assert (asset.status, asset.kind) == (Status.DONE, "video"), asset.error
    assert (asset.width, asset.height) == (480, 270)
    assert asset.duration_s == pytest.approx(4.0, abs=0.05)
    recipes = set(asset.renditions.values_list("recipe", flat=True))
    assert recipes == {"frame_table", "poster", "strip"}  # plays as it is: no proxy


def test_the_same_bytes_are_stored_once(prepared, clip, workspace):
    first = prepared(clip)
    assert receive(clip, workspace).pk == first.pk
    assert workspace.assets.count() == 1


def test_what_has_sound_is_listened_to_once_it_is_ready(prepared, clip, tmp_path, settings):
    from tests.analysis.clips import write_sound
    from tests.spoken import a_speaking_worker
    from webapp.indexing.indexing import Indexing

    settings.INDEX_UPLOADS = True
    a_speaking_worker()
    silent, loud = prepared(clip), prepared(write_sound(tmp_path / "tone.m4a", 2))
    assert [row.asset for row in Indexing.objects.all()] == [loud]
    assert silent.status == loud.status == Status.DONE
    ingest.ingest(loud.pk)  # a message that came twice
    assert Indexing.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.mp4", b""),
        ("text.mp4", b"These are words, not pictures.\n" * 40),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        (
            "half.png",
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x80\x00\x00\x00\x80\x00\x08\x02",
        ),
    ],
)
def test_what_is_not_media_fails_with_a_sentence(prepared, tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    asset = prepared(path)
    assert asset.status == Status.FAILED
    assert asset.error.endswith(".")
    assert "server" not in asset.error  # it is said of the file, not blamed on us
    assert not asset.can_retry


def black_png(side: int) -> bytes:
    """A whole picture of one bit for each pixel, made without holding its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))

    packer, rows = compressobj(1), bytes(64 * (1 + side // 8))
    packed = b"".join(packer.compress(rows) for _ in range(side // 64)) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def test_a_gigapixel_picture_is_refused_before_it_is_decoded(prepared, tmp_path):
    path = tmp_path / "huge.png"
    path.write_bytes(black_png(32768))
    asset = prepared(path)
    assert asset.status == Status.FAILED
    assert "32,768" in asset.error or "pixel" in asset.error


def test_a_cut_off_film_is_analysed_as_far_as_it_goes(prepared, acme, tmp_path):
    import av

    whole = film(tmp_path / "whole.mp4", seconds=6)
    cut = tmp_path / "cut.ts"
    with av.open(str(whole)) as source, av.open(str(cut), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    cut.write_bytes(cut.read_bytes()[: int(cut.stat().st_size * 0.6)])
    asset = prepared(cut)
    assert asset.status == Status.DONE, asset.error
    run = run_to_the_end(asset, acme)
    assert run.status == Run.Status.SUCCEEDED, run.error
    assert len(columns_of(run).detections)


def test_a_picture_is_analysed_too(prepared, acme, tmp_path):
    import cv2
    import numpy as np

    mark = cv2.imdecode(np.frombuffer(logo(), np.uint8), 1)
    scene = np.full((480, 640, 3), 120, np.uint8)
    scene[100:220, 200:360] = mark
    path = tmp_path / "scene.tiff"
    cv2.imwrite(str(path), scene)
    asset = prepared(path)
    assert (asset.status, asset.kind) == (Status.DONE, "image"), asset.error
    assert asset.rendition("proxy"), "browsers cannot show TIFF"
    run = run_to_the_end(asset, acme)
    found = max(columns_of(run).detections, key=lambda box: box["confidence"])
    assert (found["x1"], found["y1"]) == pytest.approx((200 / 640, 100 / 480), abs=0.03)


def test_held_frames_are_counted_and_said(prepared, acme, clip):
    run = run_to_the_end(
        prepared(clip), acme, sampling={"mode": "adaptive", "interval_s": 0.1, "change": 0.5}
    )
    assert run.segments.get().held > 0
    assert "kept its result" in " ".join(run.notes)


def test_sound_alone_is_kept_but_not_searched_for_logos(prepared, acme, tmp_path):
    import wave

    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x10" * 8000)
    asset = prepared(path)
    assert (asset.status, asset.kind) == (Status.DONE, "audio"), asset.error
    assert asset.rendition("waveform").data["peaks"]
    with pytest.raises(Exception, match="sound without pictures"):
        Run.objects.request(asset, acme, by=None)


def test_a_full_disk_is_said_and_can_be_tried_again(clip, workspace, settings, monkeypatch):
    asset = receive(clip, workspace)
    folder = Path(settings.MEDIA_ROOT) / "renditions" / str(asset.pk)
    folder.mkdir(parents=True)
    (folder / "aside").symlink_to("/dev/full")  # every write fails with ENOSPC
    with monkeypatch.context() as patched:
        patched.setattr("webapp.storage._aside", lambda: "aside")
        ingest.ingest(asset.pk)
    asset.refresh_from_db()
    assert asset.status == Status.FAILED
    assert "disk is full" in asset.error
    assert asset.can_retry
    assert not list(folder.iterdir())
    asset.retry()
    ingest.ingest(asset.pk)
    asset.refresh_from_db()
    assert asset.status == Status.DONE, asset.error


def cut_film(folder: Path, *, share: float = 0.5) -> Path:
    """A film of 6 s whose only key frame is the first, broken off in the middle."""
    whole = film(folder / "whole.mp4", seconds=6, gop=1000, flags="faststart")
    path = folder / "cut.mp4"
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def test_a_cut_off_film_with_one_key_frame_is_analysed_as_far_as_it_goes(prepared, acme, tmp_path):
    asset = prepared(cut_film(tmp_path))
    assert asset.status == Status.DONE, asset.error
    assert asset.is_partial
    assert asset.rendition("poster")
    assert asset.rendition("strip")
    run = run_to_the_end(asset, acme)
    assert run.status == Run.Status.SUCCEEDED, run.error
    assert 1 < run.duration_s < 5
    assert "may have been cut short" in " ".join(run.notes)


def test_what_is_odd_about_a_film_is_in_the_notes_of_its_run(prepared, acme, tmp_path):
    """Two recordings in one file: the brand is seen in both, and the join is said."""
    import av

    pieces = b""
    for seconds in (2, 3):
        source = film(tmp_path / f"{seconds}.mp4", seconds=seconds)
        piece = tmp_path / f"{seconds}.ts"
        with av.open(str(source)) as opened, av.open(str(piece), "w") as target:
            stream = target.add_stream_from_template(opened.streams.video[0])
            for packet in opened.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
        pieces += piece.read_bytes()
    (tmp_path / "joined.ts").write_bytes(pieces)
    asset = prepared(tmp_path / "joined.ts")
    assert asset.status == Status.DONE, asset.error
    run = run_to_the_end(asset, acme)
    assert run.duration_s == pytest.approx(5.0, abs=0.1)
    assert "clock starts again after 2.0 s" in run.notes[0]


def two_tracks(folder: Path) -> Path:
    """A film with two picture tracks: the first is empty, the brand is in the second."""
    import av

    source, path = film(folder / "one.mp4", seconds=4), folder / "two.mp4"
    with av.open(str(source)) as opened, av.open(str(path), "w") as target:
        template = opened.streams.video[0]
        blank = target.add_stream("libx264", rate=10)
        blank.width, blank.height, blank.pix_fmt = 480, 270, "yuv420p"
        copied = target.add_stream_from_template(template)
        grey = np.full((270, 480, 3), 110, np.uint8)
        for number in range(40):
            frame = av.VideoFrame.from_ndarray(grey, "bgr24").reformat(format="yuv420p")
            frame.pts = number
            target.mux(blank.encode(frame))
        target.mux(blank.encode())
        for packet in opened.demux(template):
            if packet.dts is not None:
                packet.stream = copied
                target.mux(packet)
    return path


def test_another_picture_track_is_measured_when_it_is_asked_for(prepared, acme, tmp_path):
    asset = prepared(two_tracks(tmp_path))
    assert asset.status == Status.DONE, asset.error
    first = run_to_the_end(asset, acme)
    assert not len(columns_of(first).detections)
    assert "another picture track" in first.notes[0]
    second = run_to_the_end(asset, acme, sampling={"track": 1})
    assert len(columns_of(second).detections)
    assert second.notes[0] == "Picture track 1 was looked at; the player shows another."
    picture = frame_picture(second, 1.0)
    rendition(picture.pk)
    picture.refresh_from_db()
    assert picture.status == Status.DONE, picture.error
    shown = cv2.imread(str(local_path(picture.file)))
    assert shown.std() > 20  # the first track is plain grey
    with pytest.raises(RunRefused, match="no picture track 5; it has 0, 1"):
        Run.objects.request(asset, acme, by=None, sampling={"track": 5})
