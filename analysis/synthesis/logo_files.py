"""Logo files as people have them, made ready to be painted: PNG, JPEG, WebP or SVG."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.errors import AnalysisError, UnusableReference
from analysis.media.frames import read_picture
from analysis.media.guard import Limits, call
from analysis.media.svg import looks_like_drawing

Logo = NDArray[np.uint8]  # BGRA

SIDE = 1024  # pixels, the longer side of a drawing when it is painted
_PLAIN = 0.85  # of the border must be one colour for that to be the ground
# CIE76 differences, and as parts of that of the ink: below is ground, above is ink, between a
# mixture. Strong colours bleed further in a JPEG.
_NEAR, _FAR = 10.0, 30.0
_NEAR_PART, _FAR_PART = 0.15, 0.45
_LIMITS = Limits(memory_bytes=1 << 30, cpu_s=10, max_picture_pixels=40 * 10**6)


def read_logo(path: Path | str) -> Logo:
    """The logo in a file, uint8 (h, w, 4) BGRA, its ground transparent, nothing around it.

    Raises UnusableReference where it cannot be cut out, UnreadableMedia and RefusedMedia for
    what cannot be opened; each with a sentence.
    """
    path = Path(path)
    try:
        image = draw(path) if is_drawing(path) else _read(path)
        return _close(image if _is_cut_out(image) else cut_out(image[..., :3]))
    except OSError as error:
        raise UnusableReference(f"{path.name} cannot be opened: {error.strerror}.") from error
    except AnalysisError as error:
        message = f"{path.name}: {error.message}"
        raise type(error)(message, permanent=error.permanent) from error


def is_drawing(path: Path | str) -> bool:
    """Whether a file is SVG, by its content."""
    with Path(path).open("rb") as file:
        return looks_like_drawing(file.read(4096))


def draw(path: Path | str, side: int = SIDE) -> Logo:
    """An SVG drawing as BGRA, its longer side `side` pixels; painted in a guarded process.

    Raises UnreadableMedia for what needs a font or another file, and for what is damaged.
    """
    answer = call("drawing", path, {"side": side}, limits=_LIMITS)
    image = cv2.imdecode(np.frombuffer(answer.payload, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.ndim != 3 or image.shape[2] != 4:
        raise AnalysisError("The drawing could not be painted.")
    return image.astype(np.uint8)


def cut_out(image: NDArray[np.uint8]) -> Logo:
    """A BGR picture of a logo on a plain ground, with that ground made transparent.

    The ground is the colour of the picture's border, wherever it is seen, in the holes of letters
    too. Edges are mixtures of ink and ground and are taken apart: C = αF + (1 − α)B, after Smith
    and Blinn, "Blue Screen Matting" (SIGGRAPH 1996), with α from the difference in colour.

    Raises UnusableReference where the border is of several colours, or nothing else is there.
    """
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    rim = max(1, round(min(image.shape[:2]) * 0.02))
    border = np.concatenate(
        [part.reshape(-1, 3) for part in (lab[:rim], lab[-rim:], lab[:, :rim], lab[:, -rim:])]
    )
    ground_lab = np.median(border, axis=0)
    if (np.linalg.norm(border - ground_lab, axis=1) < _NEAR).mean() < _PLAIN:
        raise UnusableReference(
            "The logo is not on one plain colour, so it cannot be cut out. Save it as PNG with "
            "transparency, or as SVG."
        )
    difference = np.linalg.norm(lab - ground_lab, axis=2)
    is_ink = difference > _FAR
    if is_ink.mean() < 0.002:
        raise UnusableReference("There is nothing on this picture but its ground.")
    strong = float(np.median(difference[is_ink]))
    near, far = max(_NEAR, _NEAR_PART * strong), max(_FAR, _FAR_PART * strong)
    alpha = np.clip((difference - near) / (far - near), 0, 1)
    ground = np.median(image[difference < near], axis=0)
    share = np.maximum(alpha, 0.02)[..., None]
    pure = (image - (1 - share) * ground) / share
    return np.dstack([np.clip(pure, 0, 255), alpha * 255]).round().astype(np.uint8)


def _read(path: Path) -> NDArray[np.uint8]:
    return read_picture(path, keep_alpha=True, limits=_LIMITS)


def _is_cut_out(image: NDArray[np.uint8]) -> bool:
    """Whether the ground is transparent already: most of the border can be seen through."""
    if image.shape[2] != 4:
        return False
    alpha = image[..., 3]
    border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    # A badge may fill its file to the edge, with nothing see-through but its corners.
    return bool((border < 128).mean() > 0.5 or (alpha < 128).mean() > 0.02)


def _close(logo: Logo) -> Logo:
    """Without what is transparent all around it."""
    rows, columns = np.nonzero(logo[..., 3] > 128)
    if rows.size == 0:
        raise UnusableReference("It is transparent all over.")
    cut = logo[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    if min(cut.shape[:2]) < 8:
        raise UnusableReference(
            f"The logo is {cut.shape[1]} × {cut.shape[0]} pixels, too small to paint."
        )
    return np.ascontiguousarray(cut)
