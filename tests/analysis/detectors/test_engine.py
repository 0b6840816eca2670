"""The engines give the same numbers, in order, whatever runs beside."""

import itertools
import weakref
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from analysis.detectors import engine
from analysis.detectors.engine import OnnxRuntimeEngine, OpenVinoEngine, TorchEngine, load_engine
from analysis.errors import AnalysisError, UnusableModel
from analysis.models.onnx_graph import export_onnx
from analysis.models.ultralytics_fence import ultralytics


@pytest.fixture(scope="session")
def graph(tmp_path_factory) -> Path:
    """A small network: bytes to planes as a detector takes them, then one convolution."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(4, 3, 3, 3)).astype(np.float32)
    planes = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, "h", "w"])
    out = helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", 4, "a"])
    nodes = [
        helper.make_node("Conv", ["images", "kernel"], ["c"], pads=[1, 1, 1, 1], strides=[4, 4]),
        helper.make_node("Reshape", ["c", "flat"], ["output0"]),
    ]
    constants = [
        helper.make_tensor("kernel", TensorProto.FLOAT, kernel.shape, kernel.ravel()),
        helper.make_tensor("flat", TensorProto.INT64, [3], [0, 4, -1]),
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "small", [planes], [out], constants),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    path = tmp_path_factory.mktemp("graph") / "small.onnx"
    onnx.save(model, path)
    return path


def expected(graph: Path, picture: np.ndarray) -> np.ndarray:
    """Worked out in torch from the picture's RGB planes."""
    kernel = onnx.numpy_helper.to_array(onnx.load(graph).graph.initializer[0])
    planes = torch.from_numpy(picture[..., ::-1].transpose(2, 0, 1)[None] / 255).float()
    return torch.conv2d(planes, torch.tensor(kernel), stride=4, padding=1).flatten(2)[0].numpy()


def pictures(count: int, *shapes: tuple[int, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    sizes = itertools.islice(itertools.cycle(shapes or [(64, 96)]), count)
    return [rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes]


ENGINES = {
    "openvino": lambda graph: OpenVinoEngine(graph, exact=True),
    "onnxruntime": lambda graph: OnnxRuntimeEngine(graph, "CPUExecutionProvider", batch=3),
}


@pytest.mark.parametrize("name", ENGINES)
def test_bytes_go_in_and_numbers_come_out(graph, name):
    given = pictures(7, (64, 96))

    results = list(ENGINES[name](graph).infer_many(enumerate(given)))

    assert [key for key, _ in results] == list(range(7))
    for picture, (_, output) in zip(given, results, strict=True):
        assert np.allclose(output, expected(graph, picture), atol=1e-4)


@pytest.mark.parametrize("name", ENGINES)
def test_results_are_the_same_bits_alone_and_in_company(graph, name):
    given = pictures(11, (64, 96), (64, 96), (96, 64))
    running = ENGINES[name](graph)

    together = dict(running.infer_many(enumerate(given)))

    for key, picture in enumerate(given):
        [(_, alone)] = running.infer_many([(key, picture)])
        assert (alone == together[key]).all()


@pytest.mark.parametrize("name", ENGINES)
def test_nothing_in_gives_nothing_out(graph, name):
    assert list(ENGINES[name](graph).infer_many([])) == []


def test_it_reads_only_a_few_pictures_ahead(graph):
    """Memory stays flat, and a decoder's frames are still valid when they are looked at."""
    taken = 0

    def source():
        nonlocal taken
        for number, picture in enumerate(pictures(40)):
            taken += 1
            yield number, picture

    running = OpenVinoEngine(graph, streams=2, exact=True)
    ahead = [taken - number for number, _ in running.infer_many(source())]

    assert max(ahead) <= 5


def test_a_caller_may_stop_early(graph):
    running = OpenVinoEngine(graph, exact=True)
    results = running.infer_many(enumerate(pictures(10)))
    next(results)
    results.close()

    assert len(list(running.infer_many(enumerate(pictures(3))))) == 3


def test_a_failing_source_reaches_the_caller(graph):
    def source():
        yield 0, pictures(1)[0]
        raise AnalysisError("the film ended badly")

    with pytest.raises(AnalysisError, match="ended badly"):
        list(OpenVinoEngine(graph, exact=True).infer_many(source()))


def test_what_is_left_midway_does_not_touch_what_comes_next(graph):
    running, given = OpenVinoEngine(graph, exact=True), pictures(12, (64, 96))
    for _ in range(3):
        left = running.infer_many(enumerate(given[:6]))
        next(left)
        left.close()
        results = list(running.infer_many(enumerate(given[6:])))
        assert [key for key, _ in results] == list(range(6))
        for picture, (_, output) in zip(given[6:], results, strict=True):
            assert np.allclose(output, expected(graph, picture), atol=1e-4)


def test_pictures_are_let_go(graph):
    seen = []

    def source():
        for number in range(6):
            picture = np.zeros((64, 96, 3), np.uint8)
            seen.append(weakref.ref(picture))
            yield number, picture
            del picture

    for _ in OpenVinoEngine(graph, exact=True).infer_many(source()):
        pass
    assert sum(ref() is not None for ref in seen) <= 1


def test_a_second_start_uses_the_compiled_graph(graph, tmp_path):
    list(OpenVinoEngine(graph, cache=tmp_path, exact=True).infer_many(enumerate(pictures(1))))

    assert list((tmp_path / "openvino").glob("*.blob"))


def test_the_number_of_streams_can_be_set(graph):
    one = OpenVinoEngine(graph, streams=1, exact=True)
    picture = pictures(1)[0]

    [(_, output)] = one.infer_many([(0, picture)])

    assert np.allclose(output, expected(graph, picture), atol=1e-4)


def test_torch_runs_the_network_of_a_checkpoint_like_the_compiled_graph(tmp_path):
    """The way a GPU without ONNX Runtime's CUDA build is used, here on the CPU."""
    ultralytics()
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(0)
    model = DetectionModel("yolo26n.yaml", nc=2, verbose=False)
    torch.save({"model": model.eval()}, tmp_path / "m.pt")
    given = pictures(3, (96, 128))

    with_torch = TorchEngine(tmp_path / "m.pt", "cpu", batch=2).infer_many(enumerate(given))
    graph = export_onnx(tmp_path / "m.pt", tmp_path)
    compiled = OpenVinoEngine(graph, exact=True).infer_many(enumerate(given))

    for (key, one), (other_key, other) in zip(with_torch, compiled, strict=True):
        assert key == other_key
        assert np.abs(one - other).max() < 0.01  # pixels; scores are far below 1


def test_every_machine_has_a_device_and_auto_takes_the_first(graph, tmp_path):
    found = engine.describe_devices()

    assert found[-1].device == "cpu"
    assert found[-1].name
    if len(found) == 1:
        assert isinstance(
            load_engine(graph_with_labels(graph, tmp_path), cache=tmp_path), OpenVinoEngine
        )


def test_a_gpu_that_is_not_there_is_said_plainly(graph, tmp_path):
    if len(engine.describe_devices()) > 1:
        pytest.skip("this machine has a GPU")
    with pytest.raises(AnalysisError, match="no CUDA device"):
        load_engine(graph, "cuda", cache=tmp_path)


def graph_with_labels(graph: Path, folder: Path) -> Path:
    model = onnx.load(graph)
    helper.set_model_props(model, {"names": "{0: 'cup'}"})
    onnx.save(model, folder / "labelled.onnx")
    return folder / "labelled.onnx"


def test_a_graph_that_takes_something_else_is_refused(tmp_path):
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    onnx.save(
        helper.make_model(
            helper.make_graph(nodes, "g", [value], [out]),
            opset_imports=[helper.make_opsetid("", 18)],
            ir_version=9,
        ),
        tmp_path / "m.onnx",
    )

    with pytest.raises(UnusableModel, match="does not take one picture"):
        OpenVinoEngine(tmp_path / "m.onnx")


def test_a_damaged_graph_is_refused(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"\x08\x07 not a graph")

    with pytest.raises(UnusableModel):
        OpenVinoEngine(tmp_path / "m.onnx")
    with pytest.raises(UnusableModel):
        load_engine(tmp_path / "m.onnx", "cpu", cache=tmp_path)


@pytest.mark.gpu
def test_a_gpu_finds_what_the_cpu_finds(graph, tmp_path):
    if engine.describe_devices()[0].device != "cuda":
        pytest.skip("no CUDA device")
    given = pictures(5)
    on_gpu = load_engine(graph_with_labels(graph, tmp_path), "auto", cache=tmp_path)

    for picture, (_, output) in zip(given, on_gpu.infer_many(enumerate(given)), strict=True):
        assert np.allclose(output, expected(graph, picture), atol=1e-2)
