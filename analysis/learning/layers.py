"""What the networks are built of, and how they are written down."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class Unit(nn.Module):
    """Convolution, normalisation, ReLU; with a way around it where the shape stays."""

    def __init__(self, before: int, after: int, reach: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, reach, stride, reach // 2, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.has_way_around = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm(self.conv(x)))
        return x + y if self.has_way_around else y


def folded(network: nn.Module) -> dict[str, NDArray[np.float16]]:
    """The numbers that `detectors.reference` runs: normalisation is within the kernels."""
    tensors: dict[str, NDArray[np.float16]] = {}
    for name, part in network.named_modules():
        if isinstance(part, Unit):
            assert part.norm.running_var is not None
            assert part.norm.running_mean is not None
            scale = part.norm.weight / torch.sqrt(part.norm.running_var + part.norm.eps)
            tensors[f"{name}.kernel"] = _half(part.conv.weight * scale[:, None, None, None])
            tensors[f"{name}.bias"] = _half(part.norm.bias - part.norm.running_mean * scale)
        elif name == "head":
            tensors["head.kernel"] = _half(part.weight)
            tensors["head.bias"] = _half(part.bias)
    return tensors


def _half(tensor: Tensor) -> NDArray[np.float16]:
    return np.ascontiguousarray(tensor.detach().numpy().astype(np.float16))
