"""OpenCV's picture operations, typed: they answer in the kind of number they were given.

Its own stubs forget that and promise “some number”. Called as in OpenCV, and no slower: these are
its functions themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cv2.typing import MatLike

_Kind = TypeVar("_Kind", bound=np.generic)
_Rest = ParamSpec("_Rest")


class _KeepsKind(Protocol[_Rest]):
    def __call__(
        self, src: NDArray[_Kind], /, *args: _Rest.args, **kwargs: _Rest.kwargs
    ) -> NDArray[_Kind]: ...


class _Merges(Protocol):
    def __call__(self, channels: Sequence[NDArray[_Kind]], /) -> NDArray[_Kind]: ...


class _LooksUp(Protocol):
    def __call__(self, src: NDArray[Any], table: NDArray[_Kind], /) -> NDArray[_Kind]: ...


def _keeps_kind(operation: Callable[Concatenate[MatLike, _Rest], MatLike]) -> _KeepsKind[_Rest]:
    return cast("_KeepsKind[_Rest]", operation)


add = _keeps_kind(cv2.add)
blur = _keeps_kind(cv2.blur)
copy_make_border = _keeps_kind(cv2.copyMakeBorder)
cvt_color = _keeps_kind(cv2.cvtColor)
dilate = _keeps_kind(cv2.dilate)
filter_2d = _keeps_kind(cv2.filter2D)  # with ddepth -1
gaussian_blur = _keeps_kind(cv2.GaussianBlur)
lut = cast(_LooksUp, cv2.LUT)
merge = cast(_Merges, cv2.merge)
remap = _keeps_kind(cv2.remap)
resize = _keeps_kind(cv2.resize)
transform = _keeps_kind(cv2.transform)
warp_affine = _keeps_kind(cv2.warpAffine)
