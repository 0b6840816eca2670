"""Compiled inference: pictures in, a network's numbers out, in the same order.

On a CPU the graph is compiled by OpenVINO for throughput, with several pictures under way at
once; on an NVIDIA GPU it runs in ONNX Runtime where its CUDA build is installed and in torch
otherwise. A picture's result never depends on what else was under way: the CPU computes
pictures one by one, and a GPU batch always has the same size.
"""

from __future__ import annotations

import os
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError, UnusableModel
from analysis.models.formats import model_format
from analysis.models.network import for_inference, load_model
from analysis.models.onnx_graph import export_onnx

Device = Literal["auto", "cpu", "cuda"]
Picture = NDArray[np.uint8]  # (height, width, 3), BGR, sides a multiple of the network's stride
Key = TypeVar("Key")

GPU_BATCH = 8  # no more frames than a FrameReader keeps valid
KEPT_SHAPES = 8  # compiled graphs kept, one for each picture shape


class Engine(Protocol):
    """Runs a network over pictures."""

    device: str
    fixed_shape: tuple[int, int] | None  # (height, width) the graph insists on; None: any

    def infer_many(
        self, pictures: Iterable[tuple[Key, Picture]]
    ) -> Iterator[tuple[Key, NDArray[np.float32]]]:
        """Each picture's output, without its batch axis, in the order given.

        Reads a few pictures ahead. Shapes may differ from picture to picture.
        """
        ...


@dataclass(frozen=True, slots=True)
class DeviceDescription:
    """A device that inference can use here."""

    device: Literal["cpu", "cuda"]
    runtime: Literal["openvino", "onnxruntime", "torch"]
    name: str


def describe_devices() -> list[DeviceDescription]:
    """The devices that can be used, the one that "auto" takes first."""
    import openvino

    found = []
    runtime = _cuda_runtime()
    if runtime is not None:
        found.append(DeviceDescription("cuda", runtime, _cuda_name()))
    name = str(openvino.Core().get_property("CPU", "FULL_DEVICE_NAME"))
    found.append(DeviceDescription("cpu", "openvino", name.strip()))
    return found


def load_engine(
    model: Path | str,
    device: Device = "auto",
    *,
    cache: Path | str,
    streams: int | None = None,
    end_to_end: bool = False,
    exact: bool = False,
) -> Engine:
    """An engine for a model file that `models.describe` accepts.

    Args:
        model: .onnx, .pt, .safetensors or an OpenVINO folder.
        device: "auto" takes a GPU where one can be used.
        cache: folder for exported and compiled graphs; safe to delete.
        streams: how many pictures the CPU computes at once; None leaves it to OpenVINO.
        end_to_end: run the network's NMS-free head, where it has one.
        exact: compute in 32 bits on a CPU, for the same numbers on every machine. Otherwise as
            it computes fastest: 16 bits (bfloat16) where it can, about twice as fast.

    Raises UnusableModel for a file that cannot be run, AnalysisError where a GPU was asked for
    and there is none.
    """
    model, cache = Path(model), Path(cache)
    runtime = None if device == "cpu" else _cuda_runtime()
    if device == "cuda" and runtime is None:
        raise AnalysisError("There is no CUDA device that we can use here. Choose the CPU.")
    kind = model_format(model)
    if runtime == "torch" and kind in ("pytorch", "compact"):
        return TorchEngine(model, "cuda", end_to_end=end_to_end)
    graph = export_onnx(model, cache, end_to_end=end_to_end)
    if runtime == "onnxruntime" and graph.suffix == ".onnx":
        return OnnxRuntimeEngine(graph, "CUDAExecutionProvider")
    if device == "cuda":
        raise AnalysisError(f"{model.name} cannot run on this GPU; use its .pt file, or the CPU.")
    return OpenVinoEngine(graph, cache=cache, streams=streams, exact=exact)


def _cuda_runtime() -> Literal["onnxruntime", "torch"] | None:
    """What can drive an NVIDIA GPU here. Looks for the driver before importing anything heavy."""
    if not any(Path(p).exists() for p in ("/dev/nvidiactl", "/dev/dxg")) and os.name != "nt":
        return None
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        return "onnxruntime"
    import torch

    return "torch" if torch.cuda.is_available() else None


def _cuda_name() -> str:
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CUDA device"


@dataclass(frozen=True, slots=True, eq=False)
class _Compiled:
    """A graph for pictures of one shape, and the requests made for it that are free."""

    graph: Any
    width: int  # how many pictures to keep under way
    idle: list[Any] = field(default_factory=list)

    def request(self) -> Any:
        """A free one. Making one takes as long as a picture, so they are kept for the next film."""
        try:
            return self.idle.pop()
        except IndexError:  # another thread may have taken the last
            return self.graph.create_infer_request()


class OpenVinoEngine:
    """A graph compiled for this CPU, once for each picture shape it meets."""

    device = "cpu"

    def __init__(
        self,
        graph: Path,
        *,
        cache: Path | None = None,
        streams: int | None = None,
        exact: bool = False,
    ):
        import openvino

        self._core = openvino.Core()
        if cache is not None:
            self._core.set_property({"CACHE_DIR": str(cache / "openvino")})
        try:
            self._model = self._core.read_model(graph)
            shape = self._model.input(0).get_partial_shape()
            if len(self._model.inputs) != 1 or len(shape) != 4:
                raise UnusableModel(f"{graph.name} does not take one picture as its input.")
        except RuntimeError as e:
            raise UnusableModel(f"{graph.name} cannot be run: OpenVINO does not accept it.") from e
        self._name = graph.name
        sides = (shape[2], shape[3])
        self.fixed_shape = (
            (sides[0].get_length(), sides[1].get_length())
            if all(side.is_static for side in sides)
            else None
        )
        self._options: dict[str, Any] = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "ENABLE_CPU_PINNING": False,  # a decoder works beside us
        }
        if exact:
            self._options["INFERENCE_PRECISION_HINT"] = "f32"
        if streams is not None:
            self._options["NUM_STREAMS"] = streams
        self._compiled: OrderedDict[tuple[int, int], _Compiled] = OrderedDict()

    def infer_many(
        self, pictures: Iterable[tuple[Key, Picture]]
    ) -> Iterator[tuple[Key, NDArray[np.float32]]]:
        """See `Engine.infer_many`."""
        under_way: deque[tuple[Key, _Compiled, Any, Picture]] = deque()
        limit = 2
        try:
            for key, picture in pictures:
                compiled = self._compile(picture.shape[:2])
                limit = max(limit, compiled.width)
                if len(under_way) >= limit:
                    yield self._finish(under_way)
                request = compiled.request()
                request.start_async(picture[None], share_inputs=True)
                under_way.append((key, compiled, request, picture))
            while under_way:
                yield self._finish(under_way)
        finally:
            for _, compiled, request, _ in under_way:
                request.wait()  # it still reads a picture that is about to go
                compiled.idle.append(request)

    @staticmethod
    def _finish(under_way: deque[Any]) -> tuple[Any, NDArray[np.float32]]:
        """The oldest picture's result; its request is free again."""
        key, compiled, request, _ = under_way.popleft()
        request.wait()
        output = np.array(request.get_output_tensor(0).data[0], np.float32)
        compiled.idle.append(request)
        return key, output

    def _compile(self, shape: tuple[int, int]) -> _Compiled:
        """The graph for pictures of (height, width)."""
        if shape in self._compiled:
            self._compiled.move_to_end(shape)
            return self._compiled[shape]
        try:
            compiled = self._core.compile_model(self._taking_bytes(shape), "CPU", self._options)
        except RuntimeError as e:
            raise UnusableModel(
                f"{self._name} cannot be run on pictures of {shape[1]}×{shape[0]}."
            ) from e
        # One more than the streams, so that none waits while we look at a result.
        width = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")) + 1
        self._compiled[shape] = _Compiled(compiled, width)
        while len(self._compiled) > KEPT_SHAPES:
            self._compiled.popitem(last=False)
        return self._compiled[shape]

    def _taking_bytes(self, shape: tuple[int, int]) -> Any:
        """The graph with BGR bytes to scaled RGB planes folded into it."""
        import openvino
        from openvino.preprocess import ColorFormat, PrePostProcessor

        model = self._model.clone()
        model.reshape([1, 3, *shape])
        steps = PrePostProcessor(model)
        tensor = steps.input().tensor()
        tensor.set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
        tensor.set_color_format(ColorFormat.BGR)
        steps.input().model().set_layout(openvino.Layout("NCHW"))
        process = steps.input().preprocess()
        process.convert_element_type(openvino.Type.f32).convert_color(ColorFormat.RGB).scale(255.0)
        return steps.build()


class _BatchEngine:
    """What the GPU engines share: batches of one shape, always full."""

    fixed_shape: tuple[int, int] | None = None
    batch = GPU_BATCH

    def infer_many(
        self, pictures: Iterable[tuple[Key, Picture]]
    ) -> Iterator[tuple[Key, NDArray[np.float32]]]:
        """See `Engine.infer_many`."""
        for _, alike in groupby(pictures, key=lambda item: item[1].shape):
            while group := list(islice(alike, self.batch)):
                # A short batch is filled up: another size may mean another kernel, and then
                # another last digit.
                stacked = np.zeros((self.batch, *group[0][1].shape), np.uint8)
                for row, (_, picture) in zip(stacked, group, strict=False):
                    row[:] = picture
                outputs = self._run(stacked)
                for (key, _), output in zip(group, outputs, strict=False):
                    yield key, np.array(output, np.float32)

    def _run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise TypeError("use one of the engines built on this")


class OnnxRuntimeEngine(_BatchEngine):
    """An ONNX graph in ONNX Runtime, on the device its provider names."""

    def __init__(self, graph: Path, provider: str, batch: int = GPU_BATCH):
        import onnxruntime

        self.device = "cuda" if provider.startswith("CUDA") else "cpu"
        content = taking_bytes(graph)
        try:
            self._session = onnxruntime.InferenceSession(content, providers=[provider])
        except Exception as e:  # its exceptions share no public base
            raise UnusableModel(f"{graph.name} cannot be run: ONNX Runtime refuses it.") from e
        self._input = self._session.get_inputs()[0]
        count, *sides, _ = self._input.shape
        self.batch = count if isinstance(count, int) else batch
        self.fixed_shape = (
            (sides[0], sides[1]) if all(isinstance(side, int) for side in sides) else None
        )

    def _run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self._session.run(None, {self._input.name: batch})[0]


def taking_bytes(graph: Path) -> bytes:
    """An ONNX graph with BGR bytes (batch, height, width, 3) to scaled RGB planes put before it."""
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load(graph, load_external_data=False)
    planes = model.graph.input[0]
    dims = [d.dim_value or d.dim_param or "n" for d in planes.type.tensor_type.shape.dim]
    shape = [dims[0], dims[2], dims[3], 3]
    constants = [
        helper.make_tensor("bytes_order", TensorProto.INT64, [3], [2, 1, 0]),
        helper.make_tensor("bytes_scale", TensorProto.FLOAT, [], [255.0]),
    ]
    nodes = [
        helper.make_node("Gather", ["bytes", "bytes_order"], ["bytes_rgb"], axis=3),
        helper.make_node("Transpose", ["bytes_rgb"], ["bytes_planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["bytes_planes"], ["bytes_float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["bytes_float", "bytes_scale"], [planes.name]),
    ]
    new_input = helper.make_tensor_value_info("bytes", TensorProto.UINT8, shape)
    model.graph.initializer.extend(constants)
    old_nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *old_nodes])
    model.graph.input.remove(planes)
    model.graph.input.insert(0, new_input)
    return model.SerializeToString()


class TorchEngine(_BatchEngine):
    """A checkpoint's own network in torch: for a GPU without ONNX Runtime's CUDA build."""

    def __init__(
        self, model: Path, device: str, *, end_to_end: bool = False, batch: int = GPU_BATCH
    ):
        import torch

        self.device, self.batch = device, batch
        torch.backends.cudnn.allow_tf32 = False  # the same boxes as on the CPU
        self._network = for_inference(load_model(model), end_to_end).to(device)

    def _run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            pixels = torch.from_numpy(batch).to(self.device)
            planes = pixels.flip(-1).permute(0, 3, 1, 2).contiguous().float().div_(255)
            return self._network(planes).float().cpu().numpy()
