"""An export opened for training answers as it did, and goes on from there."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from analysis.errors import UnusableModel
from analysis.models import exports as model_exports
from analysis.models.compact import save_compact
from analysis.models.exported_weights import is_export, recover, trains_further
from analysis.models.network import load_model
from analysis.models.onnx_graph import export_onnx
from analysis.models.ultralytics_fence import ultralytics

NAMES = ["Kestrel", "Norra Bank", "Vitalo"]
DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


def network(architecture: str) -> torch.nn.Module:
    """With statistics and offsets as training leaves them, from a seed."""
    ultralytics()
    from ultralytics.nn.tasks import ClassificationModel, DetectionModel

    kind = ClassificationModel if architecture.endswith("-cls") else DetectionModel
    torch.manual_seed(1)
    model = kind(f"{architecture}.yaml", nc=len(NAMES), verbose=False)
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.weight.data.uniform_(0.7, 1.4)
            layer.bias.data.uniform_(-0.3, 0.3)
            layer.running_mean.uniform_(-0.3, 0.3)
            layer.running_var.uniform_(0.5, 1.5)
    return model.eval()


@pytest.fixture(scope="module", params=["yolo26n", "yolov8n", "yolo12n", "yolo26n-cls"])
def kept(request, tmp_path_factory):
    """A model file of each family."""
    folder = tmp_path_factory.mktemp(request.param)
    return save_compact(network(request.param), folder / "m.safetensors", NAMES, 64)


@pytest.fixture(scope="module")
def pictures():
    chance = np.random.default_rng(3)
    return [chance.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(4)]


def answer(model: torch.nn.Module, picture: np.ndarray) -> np.ndarray:
    planes = torch.from_numpy(picture[..., ::-1].transpose(2, 0, 1).copy())[None] / 255
    with torch.no_grad():
        given = model(planes)
    return (given[0] if isinstance(given, tuple | list) else given).numpy()


def openvino_folder(model: Path, folder: Path) -> Path:
    model_exports.write(model, "openvino", folder / "export.zip")
    with zipfile.ZipFile(folder / "export.zip") as archive:
        archive.extractall(folder)
    return next(folder.rglob("*.xml")).parent


@pytest.fixture(scope="module")
def from_onnx(kept, pictures, tmp_path_factory):
    """An export of it, and what was made of that: once for all tests here."""
    export = export_onnx(kept, tmp_path_factory.mktemp("onnx"))
    return export, recover(export, pictures)


@pytest.fixture
def from_openvino(kept, pictures, tmp_path):
    export = openvino_folder(kept, tmp_path)
    return export, recover(export, pictures)


@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_it_answers_as_what_was_exported(kept, pictures, form, request):
    if form == "openvino" and "v8" in kept.parent.name:
        pytest.skip("it is made of what the others are made of")
    export, again = request.getfixturevalue(f"from_{form}")
    assert is_export(export)
    assert not is_export(kept)
    before = load_model(kept)
    assert again.names == dict(enumerate(NAMES))
    assert again.yaml["nc"] == len(NAMES)
    for picture in pictures:
        np.testing.assert_allclose(answer(again, picture), answer(before, picture), atol=2e-2)


def test_its_normalisation_has_what_it_sees_on_the_pictures(from_onnx, pictures):
    """So that the first step of training, which normalises by its batch, starts where it was."""
    _, again = from_onnx
    seen = []
    first = again.model[0].bn
    first.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    for picture in pictures:
        answer(again, picture)
    values = torch.cat(seen).transpose(0, 1).flatten(1)
    torch.testing.assert_close(values.var(1), torch.ones(len(values)), atol=1e-2, rtol=0)
    torch.testing.assert_close(first.running_mean, values.mean(1), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(first.running_var, values.var(1), atol=1e-4, rtol=1e-2)


@pytest.mark.skipif(not DATA.is_dir(), reason="the networks are not here")
@pytest.mark.parametrize("name", ["yolo11n", "yolov8n"])
def test_kernels_of_8_bits_are_read_as_numbers(pictures, name):
    """They find what they were made to find."""
    again = recover(DATA / "detectors" / f"{name}_int8_openvino_model", pictures)
    photograph = DATA / "pizza" / "testimages" / "pexels-polina-tankilevitch-4109078.jpg"
    scores = answer(again, cv2.resize(cv2.imread(str(photograph)), (640, 640)))[0, 4:].max(axis=1)
    assert again.names[int(scores.argmax())] == "pizza"
    assert scores.max() > 0.8


def other_network(path, named: str):
    kernel = helper.make_tensor("k", TensorProto.FLOAT, [4, 3, 1, 1], [0.1] * 12)
    node = helper.make_node("Conv", ["images", "k"], ["output0"], name=named)
    shape = [1, 3, 64, 64]
    graph = helper.make_graph(
        [node],
        "other",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 4, 64, 64])],
        [kernel],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    helper.set_model_props(model, {"names": "{0: 'Kestrel'}", "imgsz": "[64, 64]"})
    model.ir_version = 8
    onnx.save(model, path)
    return path


def test_an_export_says_beforehand_whether_it_trains_further(from_onnx, tmp_path):
    export, _ = from_onnx
    assert trains_further(export)
    assert not trains_further(other_network(tmp_path / "other.onnx", "Conv_7"))


def test_another_network_is_refused_in_words(tmp_path):
    other_network(tmp_path / "other.onnx", "/model.0/conv/Conv")
    with pytest.raises(UnusableModel, match="not trained further: it is no network that we know"):
        recover(tmp_path / "other.onnx", [])
