"""The YOLO detector finds what ultralytics finds, on the same picture with the same weights."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from analysis.detectors import load_detector, yolo
from analysis.detectors.yolo import Letterbox, YoloDetector, YoloOptions, merge, suppress
from analysis.errors import UnusableModel
from analysis.media.frames import Frame
from analysis.models.onnx_graph import export_onnx
from analysis.models.ultralytics_fence import ultralytics

DATA = Path(__file__).parents[4] / "shared" / "data"
ASSETS = Path(ultralytics().__file__).parent / "assets"
LABELS = ("Aurora", "Borealis", "Cirrus")


def network(name: str):
    """Random weights, set so that some places of a picture are answered confidently."""
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(1)
    model = DetectionModel(name, nc=len(LABELS), verbose=False)
    model.names = dict(enumerate(LABELS))
    picture = torch.from_numpy(cv2.resize(pictures()[0], (320, 320))).permute(2, 0, 1)[None] / 255
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.5
    with torch.no_grad():
        for _ in range(6):  # let normalisation settle on a real picture
            model(picture)
        model.eval()
        head = model.model[-1]
        branches = [head.cv3, *([head.one2one_cv3] if hasattr(head, "one2one_cv3") else [])]
        for level in itertools.chain(*branches):
            spread_out(level, picture, model)
    return model


def spread_out(level, picture, model) -> None:
    """Set a level's last layer so that one score in 100 is above 0.1, and few are alike."""
    given = []
    hook = level[-1].register_forward_hook(lambda *call: given.append(call[2]))
    model(picture)
    hook.remove()
    factor = 1.5 / given[0].std()
    level[-1].weight.data *= factor
    level[-1].bias.data[:] -= torch.quantile(given[0], 0.99)
    level[-1].bias.data[:] = level[-1].bias.data * factor - 2.2


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A model of each kind of head, as ultralytics saves it."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("yolov8n", "yolo26n"):
        torch.save({"model": network(f"{name}.yaml"), "train_args": {}}, folder / f"{name}.pt")
    return folder


@pytest.fixture(scope="session")
def detectors(models):
    cache = models / "cache"
    return {
        "yolov8n": YoloDetector(models / "yolov8n.pt", cache=cache, device="cpu", exact=True),
        "yolo26n": YoloDetector(models / "yolo26n.pt", cache=cache, device="cpu", exact=True),
        "yolo26n end to end": YoloDetector(
            models / "yolo26n.pt",
            YoloOptions(end_to_end=True),
            cache=cache,
            device="cpu",
            exact=True,
        ),
    }


def exported(models: Path) -> Path:
    """The plain YOLOv8 graph, from the cache that `detectors` filled."""
    return export_onnx(models / "yolov8n.pt", models / "cache")


def pictures():
    """A portrait, a landscape, and what upscaling and odd sides do."""
    bus, zidane = (cv2.imread(str(ASSETS / name)) for name in ("bus.jpg", "zidane.jpg"))
    return [bus, zidane, zidane[100:301, 200:537]]


def pixels(detections, picture):
    """(n, 6): xyxy in pixels, confidence, label; best first."""
    height, width = picture.shape[:2]
    rows = [
        (*np.array(d.box) * (width, height, width, height), d.confidence, LABELS.index(d.label))
        for d in detections
    ]
    return np.array(rows).reshape(-1, 6)


@pytest.mark.parametrize("kind", ["yolov8n", "yolo26n", "yolo26n end to end"])
def test_it_finds_the_boxes_that_ultralytics_finds(models, detectors, kind):
    from ultralytics import YOLO

    name, end_to_end = kind.split()[0], "end" in kind
    peer = YOLO(models / f"{name}.pt")
    total = 0
    found = detectors[kind].detect(Frame.from_bgr(p) for p in pictures())
    for picture, detections in zip(pictures(), found, strict=True):
        options = {"nms": False} if end_to_end else {}
        result = peer.predict(picture, conf=0.05, iou=0.7, device="cpu", verbose=False, **options)
        theirs, ours = result[0].boxes.data.numpy(), pixels(detections, picture)

        theirs = theirs[(theirs[:, 2] > theirs[:, 0]) & (theirs[:, 3] > theirs[:, 1])]
        assert len(ours) == len(theirs)
        apart = np.abs(ours[:, None, :4] - theirs[None, :, :4]).max(axis=2)
        unlike = np.abs(ours[:, None, 4] - theirs[None, :, 4])
        unlike += ours[:, None, 5] != theirs[None, :, 5]
        pairs = linear_sum_assignment(apart + 1000 * unlike)
        assert apart[pairs].max() < 0.02
        assert unlike[pairs].max() < 1e-4
        total += len(ours)
    assert total > 30  # else nothing was compared


def test_a_frames_detections_do_not_depend_on_its_neighbours(detectors):
    frames = [Frame.from_bgr(p) for p in pictures()]
    alone = [next(detectors["yolov8n"].detect([frame])) for frame in frames]

    order = [2, 0, 1, 1, 0, 0, 2, 2, 1, 0, 1]
    together = list(detectors["yolov8n"].detect(frames[i] for i in order))

    assert together == [alone[i] for i in order]


def test_nothing_to_see_gives_nothing(detectors):
    assert list(detectors["yolov8n"].detect([])) == []


def test_boxes_are_fractions_inside_the_frame(detectors):
    for detections in detectors["yolov8n"].detect(Frame.from_bgr(p) for p in pictures()):
        assert detections
        for d in detections:
            assert 0 <= d.box.x1 < d.box.x2 <= 1
            assert 0 <= d.box.y1 < d.box.y2 <= 1
            assert d.source == "yolo"
            assert d.confidence > 0.05


@pytest.mark.parametrize("name", ["yolo11n", "yolov8n"])
def test_it_runs_a_model_that_ultralytics_exported_for_openvino(name):
    folder = DATA / "detectors" / f"{name}_int8_openvino_model"
    if not folder.is_dir():
        pytest.skip("the shared detectors are not here")
    bus = cv2.imread(str(ASSETS / "bus.jpg"))

    found = next(YoloDetector(folder, device="cpu").detect([Frame.from_bgr(bus)]))

    sure = [d.label for d in found if d.confidence > 0.5]
    assert "bus" in sure
    assert sure.count("person") >= 3


@given(st.integers(2, 4000), st.integers(2, 4000), st.sampled_from([320, 640]))
def test_letterboxing_there_and_back_loses_nothing(width, height, imgsz):
    box = Letterbox.fit(width, height, imgsz, None)

    assert box.shape[0] % 32 == 0
    assert box.shape[1] % 32 == 0
    assert max(box.shape) == imgsz
    corners = [box.left, box.top, box.left + box.inner[0], box.top + box.inner[1]]
    back = box.back(np.array([corners], np.float32))
    assert np.allclose(back, [[0, 0, width, height]], atol=1e-2)


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 30), st.integers(0, 30)),
        max_size=30,
    ),
    st.sampled_from([0.3, 0.5, 0.7]),
)
@example([(0, 0, 9, 9), (0, 0, 9, 30)], 0.3)  # their overlap is the threshold
def test_suppression_chooses_like_torchvision(corners, iou):
    import torchvision

    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in corners], np.float32).reshape(-1, 4)
    scores = torch.linspace(1, 0.1, len(boxes))

    theirs = torchvision.ops.nms(torch.from_numpy(boxes), scores, iou).tolist()

    assert suppress(boxes, iou, 300) == theirs


def test_a_small_logo_in_a_large_frame_needs_tiles(models, detectors):
    """One network, the same small square twice: at a size it knows, and lost in a large frame."""
    tiled = YoloDetector(
        models / "yolov8n.pt", YoloOptions(tile=640), cache=models / "cache", device="cpu"
    )
    scene = cv2.resize(pictures()[1], (1920, 1080))

    few = pixels(next(detectors["yolov8n"].detect([Frame.from_bgr(scene)])), scene)
    many = pixels(next(tiled.detect([Frame.from_bgr(scene)])), scene)

    smallest = [(b[:, 2] - b[:, 0]).min() for b in (few, many)]
    assert smallest[1] < smallest[0]
    assert (many[:, [0, 1]] >= 0).all()
    assert (many[:, 2] <= 1920).all()


def test_one_thing_on_the_border_of_two_tiles_is_one_box():
    whole = [100, 100, 200, 150, 0.6, 1, 0]
    left_part = [100, 100, 160, 150, 0.9, 1, 1]  # surer, but cut by its tile
    another_label = [100, 100, 160, 150, 0.5, 2, 0]
    elsewhere = [400, 100, 500, 150, 0.3, 1, 0]
    boxes = np.array([left_part, whole, another_label, elsewhere], np.float32)

    merged = merge(boxes, 0.7)

    assert merged[:, 4].tolist() == pytest.approx([0.6, 0.5, 0.3])


@given(st.integers(1, 5000), st.integers(64, 1280), st.floats(0, 0.8))
def test_tiles_cover_everything(length, side, overlap):
    starts = yolo.tile_starts(length, side, side * (1 - overlap))

    assert starts[0] == 0
    assert starts[-1] + side >= length
    assert all(b - a <= side * (1 - overlap) + 1 for a, b in itertools.pairwise(starts))


def test_options_out_of_range_are_refused():
    for wrong in (
        {"conf": 0},
        {"conf": 1.5},
        {"iou": 0},
        {"tile": 10},
        {"tile": 640, "overlap": 1},
    ):
        with pytest.raises(ValueError, match="must be"):
            YoloOptions(**wrong)


def test_it_is_loaded_by_name(models):
    loaded = load_detector("yolo", models / "yolov8n.pt", cache=models / "cache", device="cpu")

    assert loaded.labels == LABELS
    with pytest.raises(KeyError):
        load_detector("nothing")


def test_a_file_that_is_no_model_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "best.pt").write_bytes(b"hello")

    with pytest.raises(UnusableModel, match="not a model we can read"):
        YoloDetector(tmp_path / "best.pt")


def test_the_command_prints_boxes(models, detectors, capsys):
    code = yolo.command(
        [str(ASSETS / "bus.jpg"), "--model", str(exported(models)), "--conf", "0.1"]
    )

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert lines
    assert all('"label"' in line for line in lines)
