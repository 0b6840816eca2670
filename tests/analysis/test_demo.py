"""The demo is the first thing anybody sees, and its truth is what others measure against."""

from __future__ import annotations

import itertools
import json
import lzma
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from analysis.detectors.yolo import YoloDetector
from analysis.media.frames import Frame
from analysis.models.onnx_graph import export_onnx
from analysis.types import Box
from demo import make_clip, make_model
from demo.brands import BRANDS, read_logos

DEMO = Path(__file__).parents[2] / "demo"
CLIP = DEMO / "clip.mp4"
NAMES = [brand.name for brand in BRANDS]


@pytest.fixture(scope="module")
def truth() -> dict:
    return json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def times() -> list[float]:
    """When each frame of the clip is shown, from the file."""
    with av.open(str(CLIP)) as container:
        video = container.streams.video[0]
        shown = [packet.pts for packet in container.demux(video) if packet.pts is not None]
        return sorted(float(pts * video.time_base) for pts in shown)


@pytest.mark.parametrize("brand", BRANDS, ids=lambda brand: brand.stem)
def test_a_logo_is_small_sharp_and_transparent(brand) -> None:
    logo = read_logos()[brand.name]
    assert logo.shape[1] == 1024
    assert logo.shape[2] == 4
    assert logo[0].max(axis=0)[3] == 0  # a clear margin
    assert (logo[..., 3] == 255).mean() > 0.15
    assert brand.logo_file.stat().st_size < 60_000
    white = cv2.imread(
        str(brand.logo_file.parent / "reversed" / brand.logo_file.name), cv2.IMREAD_UNCHANGED
    )
    assert np.array_equal(white[..., 3], logo[..., 3])


def test_the_clip_has_a_frame_for_every_line_of_the_truth(truth, times) -> None:
    assert len(times) == truth["frame_count"] == len(truth["frames"])
    expected = np.arange(len(times)) / truth["frame_rate"]
    assert np.array(times) - times[0] == pytest.approx(expected, abs=1e-4)


def test_the_clip_is_what_a_broadcaster_would_send() -> None:
    with av.open(str(CLIP)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.width, video.height) == (1280, 720)
        assert video.codec_context.pix_fmt == "yuv420p"
        assert video.codec_context.has_b_frames
        lengths = [float(stream.duration * stream.time_base) for stream in (video, audio)]
        assert lengths == pytest.approx([make_clip.duration_s()] * 2, abs=0.1)
    data = CLIP.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert len(data) < 2_600_000


def test_intervals_are_the_stretches_of_frames_with_a_box(truth) -> None:
    for number, name in enumerate(NAMES):
        frames = {i for i, boxes in enumerate(truth["frames"]) if number in [b[0] for b in boxes]}
        rate = truth["frame_rate"]
        told = {
            i
            for start, end in truth["intervals"][name]
            for i in range(round(start * rate), round(end * rate))
        }
        assert told == frames


def test_four_brands_appear_and_one_never_does(truth) -> None:
    seen = {name for name in NAMES if truth["intervals"][name]}
    assert seen == {"Kestrel", "Norra Bank", "Vitalo", "Osprey Air"}


def test_shots_follow_one_another_to_the_end(truth) -> None:
    edges = [(shot["start_s"], shot["end_s"]) for shot in truth["shots"]]
    assert edges[0][0] == 0
    assert all(a[1] == b[0] for a, b in itertools.pairwise(edges))
    assert edges[-1][1] == pytest.approx(truth["duration_s"])


def test_one_shot_shows_no_brand(truth) -> None:
    [tunnel] = [shot for shot in truth["shots"] if shot["name"] == "tunnel"]
    rate = truth["frame_rate"]
    inside = truth["frames"][round(tunnel["start_s"] * rate) : round(tunnel["end_s"] * rate)]
    assert len(inside) > 50
    assert not any(inside)


def test_boxes_are_fractions_of_the_frame(truth) -> None:
    rows = np.array([row for frame in truth["frames"] for row in frame])
    assert rows[:, 1:].min() >= 0
    assert rows[:, 1:].max() <= 1
    assert (rows[:, 3:] > rows[:, 1:3]).all()


@pytest.mark.parametrize("number", [40, 300, 450, 1150])
def test_the_renderer_still_draws_the_clip_and_its_truth(truth, number: int) -> None:
    drawn = make_clip.draw(number)
    told = [(NAMES[row[0]], row[1:]) for row in truth["frames"][number]]
    assert [label for label, _ in drawn.boxes] == [label for label, _ in told]
    for (_, box), (_, row) in zip(drawn.boxes, told, strict=True):
        assert list(box) == pytest.approx(row, abs=2 / 1280)
    assert cv2.PSNR(drawn.image, _frame_of_clip(number)) > 27


def _frame_of_clip(number: int) -> np.ndarray:
    with av.open(str(CLIP)) as container:
        video = container.streams.video[0]
        at = number / make_clip.FRAME_RATE
        container.seek(round(at / video.time_base), stream=video)
        for frame in container.decode(video):
            if frame.time >= at - 1e-3:
                return frame.to_ndarray(format="bgr24")
    raise AssertionError(f"the clip has no frame {number}")


def test_a_drawing_depends_on_nothing_but_its_number() -> None:
    first = make_clip.draw(950).image
    make_clip._scene.cache_clear()
    assert np.array_equal(first, make_clip.draw(950).image)


def test_training_pictures_like_the_clips_scenes_come_with_their_boxes(tmp_path) -> None:
    make_model.write_pictures(tmp_path, "train", "staged", seed=3, start=0, count=4)
    pictures = sorted((tmp_path / "images" / "train").glob("*.jpg"))
    labels = [path.read_text().split() for path in sorted((tmp_path / "labels/train").glob("*"))]
    assert len(pictures) == len(labels) == 4
    assert cv2.imread(str(pictures[0])).shape == (make_model.HEIGHT, make_model.WIDTH, 3)
    values = np.array([float(v) for row in labels for v in row]).reshape(-1, 5)
    assert len(values)
    assert set(values[:, 0]) <= set(range(5))
    assert values[:, 1:].max() <= 1


def test_a_score_counts_what_was_found_missed_and_invented() -> None:
    here, beside, there = Box(0, 0, 0.2, 0.2), Box(0.02, 0, 0.22, 0.2), Box(0.6, 0.6, 0.9, 0.9)
    expected = [("Kestrel", here), ("Vitalo", there)]
    detected = [("Kestrel", beside), ("Kestrel", here), ("Norra Bank", there)]
    result = make_model.score([(expected, detected)])
    assert (result.found, result.missed, result.invented) == (1, 1, 2)
    assert (result.recall, result.precision) == (0.5, pytest.approx(1 / 3))


@pytest.fixture(scope="module")
def graph(tmp_path_factory) -> Path:
    return export_onnx(DEMO / "model.safetensors", tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="module")
def detector(graph) -> YoloDetector:
    return YoloDetector(DEMO / "model.safetensors", cache=graph.parent)


def test_the_shipped_engine_is_what_the_model_is_exported_to(graph) -> None:
    [packed] = (DEMO / "engine").iterdir()
    assert packed.name == f"{graph.name}.xz"
    assert lzma.decompress(packed.read_bytes()) == graph.read_bytes()


WITHOUT_TORCH = """
import sys
for name in ("torch", "torchvision", "ultralytics", "onnxruntime", "whisper", "spacy"):
    sys.modules[name] = None  # whoever imports it fails
import django
django.setup()
import workers.app  # and with it every task
from django.conf import settings
from webapp.management.commands.demo import unpack_engines
from analysis.detectors.yolo import YoloDetector
from analysis.media.frames import Frame
unpack_engines()
detector = YoloDetector("demo/model.safetensors", cache=settings.CACHE_DIR / "engines")
[found] = detector.detect([Frame.from_file(sys.argv[1])])
print({d.label for d in found if d.confidence >= 0.5})
"""


def test_the_demo_needs_no_torch_to_answer(tmp_path) -> None:
    cv2.imwrite(str(tmp_path / "frame.png"), _frame_of_clip(300))
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path / "frame.png")],
        cwd=DEMO.parent,
        env=os.environ
        | {"SIGHTLINE_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "webapp.settings"},
        capture_output=True,
        text=True,
    )
    assert "Kestrel" in done.stdout, done.stderr


def test_the_model_is_small_and_knows_the_brands(detector) -> None:
    assert (DEMO / "model.safetensors").stat().st_size < 3_000_000
    assert list(detector.labels) == NAMES


def test_the_model_is_sure_of_at_least_half_of_each_brands_logos(truth, detector) -> None:
    shown = {"Kestrel": 300, "Norra Bank": 800, "Vitalo": 960, "Osprey Air": 1180}
    frames = [Frame.from_bgr(_frame_of_clip(number)) for number in shown.values()]
    for (name, number), found in zip(shown.items(), detector.detect(frames), strict=True):
        expected = [(name, Box(*b[1:])) for b in truth["frames"][number] if NAMES[b[0]] == name]
        sure = [(d.label, d.box) for d in found if d.label == name and d.confidence >= 0.5]
        result = make_model.score([(expected, sure)])
        assert result.recall >= 0.5, name
        assert result.precision > 0.8, name


def test_the_model_is_sure_of_nothing_in_the_empty_tunnel(detector) -> None:
    [found] = detector.detect([Frame.from_bgr(_frame_of_clip(640))])
    assert not [d for d in found if d.confidence >= 0.5]


def test_the_clip_names_every_brand_and_one_that_is_never_seen(truth):
    said = truth["said"]
    assert {brand for line in said for brand in line["brands"]} == set(truth["brands"])
    assert all(a["end_s"] <= b["start_s"] for a, b in pairwise(said))
    assert not truth["intervals"]["Tide & Co"]
