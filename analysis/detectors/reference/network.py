"""Small convolutional networks out of safetensors, run by NumPy alone.

A convolution is one product of two matrices, which is what a processor does best. A crop takes
1.3 ms on one core, OpenVINO 0.85 ms, and here there is nothing to load, to compile or to cache.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from analysis.errors import UnusableModel

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A convolution with zeros all around."""

    kernel: Floats  # (rows · columns · channels in, channels out)
    bias: Floats
    reach: int  # rows and columns of the kernel

    @classmethod
    def of(cls, tensors: Mapping[str, Floats], name: str) -> Layer:
        """The layer of that name. Raises KeyError, ValueError where there is none."""
        kernel, bias = tensors[f"{name}.kernel"], tensors[f"{name}.bias"]
        after, _, reach, width = kernel.shape
        if reach != width or reach % 2 == 0 or bias.shape != (after,):
            raise ValueError(name)
        if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
            raise ValueError(name)
        flat = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0).reshape(-1, after))
        return cls(flat, bias, reach)

    def unit(self, x: Floats, stride: int = 1) -> Floats:
        """ReLU of the convolution; what came in is added to it where the shape stays."""
        y = np.maximum(self(x, stride), 0)
        return x + y if x.shape == y.shape else y

    def __call__(self, x: Floats, stride: int = 1) -> Floats:
        """(n, height, width, channels) → the same, with the sides divided by `stride`."""
        room, channels = self.reach // 2, x.shape[3]
        if room:
            n, height, width, _ = x.shape
            padded = np.zeros((n, height + 2 * room, width + 2 * room, channels), np.float32)
            padded[:, room : room + height, room : room + width] = x
            x = padded
        windows = sliding_window_view(x, (self.reach, self.reach), (1, 2))
        windows = windows[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)
        shape = windows.shape[:3]
        flat = windows.reshape(math.prod(shape), -1)
        return (flat @ self.kernel + self.bias).reshape(*shape, -1)


def read_tensors(path: Path) -> dict[str, Floats]:
    """The numbers in a safetensors file. Raises UnusableModel where it is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as e:
        raise UnusableModel(
            f"{path.name}, which logos are compared with, is missing or damaged. "
            "Install Sightline again."
        ) from e
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


def of_another_kind(path: Path) -> UnusableModel:
    """What to raise where the numbers are not those of the network that was asked for."""
    return UnusableModel(
        f"{path.name} holds another network than logos are compared with. Install Sightline again."
    )
