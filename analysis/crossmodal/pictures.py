"""Pictures and clips as numbers: where a convolutional network has seen most, and our own embedding
of logos."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal.types import CLIP, PICTURE, Encoded, Encoder, Floats, Place
from analysis.errors import AnalysisError, UnusableModel
from analysis.media.opencv import resize
from analysis.types import Box

Pixels = NDArray[np.uint8]  # (h, w, 3) BGR
MOST_CELLS = 7  # of a side
MOST_FRAMES = 64  # of a clip
_FLAT = 2.0  # levels: a picture that varies less shows nothing
_BLANK = "There is nothing to see in this picture: it is all of one colour."


class BackboneEncoder:
    """See `types.Encoder`: pictures → what a network's deepest feature map (channels) holds, in up
    to 7 × 7 cells; the summary is their mean and their maximum.

    Of a detector that is the map its neck begins with, of a classifier the one that it takes the
    mean of. Half precision (bfloat16) where the processor has it. Several pictures are under way at
    once, each by itself: what is said of one never depends on the others (as
    `analysis.detectors.engine` does it).
    """

    modality = PICTURE

    def __init__(
        self,
        graph: Path,
        *,
        rgb: bool = False,
        side: int | None = None,
        cells: int = MOST_CELLS,
        threads: int = 0,
        name: str = "",
    ) -> None:
        """graph: what OpenVINO reads: .xml, .onnx, .tflite; one picture in, of bytes or of numbers
        from 0 to 1. rgb: the order of its colours. side: of the picture in pixels, where the graph
        leaves it open. cells: of a side, at most. threads: 0: as many as there are. name:
        what its engine is called by, beside a digest of the weights; by default as the file.

        Raises UnusableModel."""
        import openvino

        core = openvino.Core()
        try:
            model = core.read_model(graph)
            source = model.input(0)
            shape = source.get_partial_shape()
            self._last = len(shape) == 4 and shape[3].is_static and shape[3].get_length() == 3
            height, width = (shape[at] for at in ((1, 2) if self._last else (2, 3)))
            self._size = tuple(
                axis.get_length() if axis.is_static else side or 640 for axis in (width, height)
            )
            self._bytes = source.get_element_type().get_type_name() == "u8"
            feature_map = openvino.Model([_deepest(model)], model.get_parameters(), "backbone")
            options: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads} if threads else {}
            options |= {"PERFORMANCE_HINT": "THROUGHPUT", "ENABLE_CPU_PINNING": False}
            compiled = core.compile_model(feature_map, "CPU", options)
        except (RuntimeError, IndexError, TypeError) as e:
            raise UnusableModel(f"{graph.name} has no feature map that pictures go by.") from e
        self._queue = openvino.AsyncInferQueue(compiled)
        self._queue.set_callback(_keep_map)
        self._rgb, self._cells = rgb, cells
        self.engine = f"{name or graph.stem}-{_digest(graph)}-{cells}"

    def __call__(self, items: Sequence[Pixels]) -> list[Encoded]:
        maps: dict[int, Floats] = {}
        try:
            for at, picture in enumerate(items):
                self._queue.start_async(self._given(picture), (maps, at))
        finally:
            self._queue.wait_all()
        return [self._encoded(picture, maps.pop(at)) for at, picture in enumerate(items)]

    def _given(self, picture: Pixels) -> NDArray[Any]:
        """One picture as the network takes it."""
        sized = resize(np.ascontiguousarray(picture[:, :, :3]), self._size)
        sized = np.ascontiguousarray(sized[:, :, ::-1]) if self._rgb else sized
        numbers = sized if self._bytes else sized.astype(np.float32) / 255
        given = numbers if self._last else numbers.transpose(2, 0, 1)
        return np.ascontiguousarray(given)[None]

    def _encoded(self, picture: Pixels, feature_map: Floats) -> Encoded:
        cells, places = in_cells(feature_map, self._cells)
        blank = shows_nothing(picture)
        return Encoded(np.concatenate([cells.mean(0), cells.max(0)]), cells, places, blank)


class LogoEncoder:
    """See `types.Encoder`: pictures → the embedding that logos are compared by; 128 numbers as the
    summary, 6 × 6 cells as parts (`analysis.detectors.reference.embedding`)."""

    modality = PICTURE

    def __init__(self) -> None:
        from analysis.detectors.reference.embedding import WEIGHTS, read_embedding

        self._network = read_embedding()
        self.engine = f"logos-{_digest(WEIGHTS)}"

    def __call__(self, items: Sequence[Pixels]) -> list[Encoded]:
        from analysis.detectors.reference.embedding import crop_of

        if not items:
            return []
        seen = self._network(np.stack([crop_of(picture) for picture in items]))
        cells = seen.layout.reshape(len(items), 6, 6, -1)
        found = []
        for picture, gist, cell in zip(items, seen.gist, cells, strict=True):
            parts, places = in_cells(cell.transpose(2, 0, 1))
            blank = shows_nothing(picture)
            found.append(Encoded(gist, parts, places, blank))
        return found


class JoinedEncoder:
    """Several encoders of the same pictures as one: their summaries one after the other, and their
    parts, which have to lie in the same places."""

    modality = PICTURE

    def __init__(self, encoders: Sequence[Encoder[Pixels]]) -> None:
        self._encoders = encoders
        self.engine = "+".join(encoder.engine for encoder in encoders)

    def __call__(self, items: Sequence[Pixels]) -> list[Encoded]:
        each = [encoder(items) for encoder in self._encoders]
        return [joined(together) for together in zip(*each, strict=True)]


class MirroredEncoder:
    """See `types.Encoder`: pictures → what an encoder says of them, each part the mean of what it
    says of that place in the picture and in its mirror image, since a thing is the same thing
    whichever way it faces. Takes twice as long. The encoder's parts lie in a grid, row by row."""

    modality = PICTURE

    def __init__(self, encoder: Encoder[Pixels]) -> None:
        self._encoder = encoder
        self.engine = f"{encoder.engine}-mirrored"

    def __call__(self, items: Sequence[Pixels]) -> list[Encoded]:
        mirrored = [np.ascontiguousarray(picture[:, ::-1]) for picture in items]
        both = zip(self._encoder(items), self._encoder(mirrored), strict=True)
        return [self._together(one, other) for one, other in both]

    def _together(self, one: Encoded, other: Encoded) -> Encoded:
        turned = other.parts[_mirrored_order(one.places)]
        return replace(one, parts=np.asarray((one.parts + turned) / 2, np.float32))


class ClipEncoder:
    """See `types.Encoder`: clips → the parts of all their frames, each with its time and box; the
    summary is the mean of the frames'."""

    modality = CLIP

    def __init__(self, pictures: Encoder[Pixels]) -> None:
        self._pictures = pictures
        self.engine = f"clip-{pictures.engine}"

    def __call__(self, items: Sequence[Sequence[tuple[float, Pixels]]]) -> list[Encoded]:
        """items: of each clip its frames, (seconds from the clip's start, picture), in order.
        Raises AnalysisError for one with no frames, or with more than 64."""
        return [self._one(frames) for frames in items]

    def _one(self, frames: Sequence[tuple[float, Pixels]]) -> Encoded:
        if not 0 < len(frames) <= MOST_FRAMES:
            raise AnalysisError(
                f"A clip of {len(frames)} frames cannot be compared: give 1 to {MOST_FRAMES}."
            )
        seen = self._pictures([picture for _, picture in frames])
        told = [one for one in seen if not one.blank]
        ends = [time_s for time_s, _ in frames[1:]] + [frames[-1][0]]
        places = tuple(
            replace(place, start_s=start_s, end_s=end_s)
            for (start_s, _), end_s, one in zip(frames, ends, seen, strict=True)
            if not (one.blank and told)
            for place in one.places
        )
        kept = told or seen
        return Encoded(
            np.mean([one.summary for one in kept], 0).astype(np.float32),
            np.concatenate([one.parts for one in kept]),
            places,
            "" if told else seen[0].blank,
        )


def shows_nothing(picture: Pixels) -> str:
    """A sentence where a picture is of one colour; "" otherwise."""
    return _BLANK if float(picture.std()) < _FLAT else ""


def joined(together: Sequence[Encoded]) -> Encoded:
    """What several encoders say of one item, as of one. Raises ValueError where their parts lie in
    different places."""
    first = together[0]
    if any(len(one.parts) != len(first.parts) for one in together):
        raise ValueError("encoders whose parts lie in different places")
    return Encoded(
        np.concatenate([one.summary for one in together]),
        np.concatenate([one.parts for one in together], axis=1),
        first.places,
        first.blank,
    )


def in_cells(feature_map: Floats, most: int = MOST_CELLS) -> tuple[Floats, tuple[Place, ...]]:
    """(channels, h, w) as cells (n, channels) and where they lie, row by row; means of blocks where
    there are more than `most` of a side."""
    channels, height, width = feature_map.shape
    edges = [
        np.round(np.linspace(0, side, min(side, most) + 1)).astype(int) for side in (height, width)
    ]
    rows = np.add.reduceat(feature_map, edges[0][:-1], axis=1) / np.diff(edges[0])[:, None]
    cells = np.add.reduceat(rows, edges[1][:-1], axis=2) / np.diff(edges[1])
    ys, xs = edges[0] / height, edges[1] / width
    places = tuple(
        Place(box=Box(float(xs[x]), float(ys[y]), float(xs[x + 1]), float(ys[y + 1])))
        for y in range(len(ys) - 1)
        for x in range(len(xs) - 1)
    )
    flat: Floats = cells.reshape(channels, -1).T.astype(np.float32)
    return np.ascontiguousarray(flat), places


def _keep_map(request: Any, kept_as: tuple[dict[int, Floats], int]) -> None:
    """A copy: the request takes the next picture."""
    maps, at = kept_as
    maps[at] = np.array(request.get_output_tensor(0).data[0], np.float32)


def _mirrored_order(places: Sequence[Place]) -> list[int]:
    """Of each cell of a grid, row by row, which one lies there when the picture is mirrored."""
    columns = len({place.box.x1 for place in places if place.box is not None})
    return [at - at % columns + columns - 1 - at % columns for at in range(len(places))]


def _deepest(model: Any) -> Any:
    """The output that the neck enlarges first, or the one whose mean is taken last."""
    steps = model.get_ordered_ops()
    necks = [op for op in steps if op.get_type_name() in ("Interpolate", "Upsample")]
    means = [op for op in steps if op.get_type_name() in ("AvgPool", "ReduceMean")]
    return (necks[0] if necks else means[-1]).input_value(0)


def _digest(path: Path) -> str:
    weights = path.with_suffix(".bin") if path.suffix == ".xml" else path
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]
