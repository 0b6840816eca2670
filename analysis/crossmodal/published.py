"""Pictures and texts as numbers by a network of the CLIP family, where somebody put its weights on
this machine: through open_clip, which is optional.

Such a network was taught on both at once, so that a space needs few pairs to begin from it. Nothing
is fetched, and a weights file is read as numbers: one that is pickled is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.crossmodal.pictures import in_cells, shows_nothing
from analysis.crossmodal.types import PICTURE, TEXT, Encoded, Floats, Place
from analysis.errors import NotInstalled, UnusableModel

_AT_ONCE = 16


class PublishedNetwork:
    """A network of open_clip with weights from a safetensors file; half precision on a GPU."""

    def __init__(self, architecture: str, weights: Path) -> None:
        """architecture: as open_clip names it, such as "ViT-B-32".

        Raises NotInstalled where open_clip is missing, UnusableModel for weights that are no
        safetensors file or of another architecture.
        """
        if weights.suffix != ".safetensors":
            raise UnusableModel(
                f"{weights.name} cannot be read safely. Give the weights as a .safetensors file."
            )
        if find_spec("open_clip") is None:
            raise NotInstalled(
                "Networks of the CLIP family need the package open_clip_torch, which is not "
                "installed on this machine. Run `pip install open_clip_torch` there."
            )
        import open_clip
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        self.torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            model, _, self.prepare = open_clip.create_model_and_transforms(
                architecture, pretrained=None
            )
            model.load_state_dict(load_file(weights))
            self.tokenizer = open_clip.get_tokenizer(architecture)
        except (SafetensorError, RuntimeError, OSError, KeyError) as e:
            raise UnusableModel(
                f"{weights.name} holds no weights of {architecture}, or is damaged."
            ) from e
        self.model: Any = model.eval().to(self.device)
        if self.device == "cuda":
            self.model = self.model.half()
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
        self.engine = f"{architecture}-{digest}"

    def pictures(self, batch: Sequence[NDArray[np.uint8]]) -> Floats:
        """(n, S) of (h, w, 3) BGR pictures."""
        from PIL import Image

        shown = [self.prepare(Image.fromarray(one[:, :, ::-1])) for one in batch]
        given = self.torch.stack(shown).to(self.device, next(self.model.parameters()).dtype)
        with self.torch.no_grad():
            return self._numbers(self.model.encode_image(given, normalize=True))

    def texts(self, batch: Sequence[str]) -> Floats:
        """(n, S)."""
        with self.torch.no_grad():
            given = self.tokenizer(list(batch)).to(self.device)
            return self._numbers(self.model.encode_text(given, normalize=True))

    def _numbers(self, tensor: Any) -> Floats:
        return np.asarray(tensor.float().cpu().numpy(), np.float32)


class PublishedPictureEncoder:
    """See `types.Encoder`: the whole picture as the summary, and as parts what the network makes of
    each cell of 3 × 3 of it."""

    modality = PICTURE

    def __init__(self, network: PublishedNetwork) -> None:
        self._network = network
        self.engine = f"{network.engine}-pictures"

    def __call__(self, items: Sequence[NDArray[np.uint8]]) -> list[Encoded]:
        return [self._one(picture) for picture in items]

    def _one(self, picture: NDArray[np.uint8]) -> Encoded:
        _, places = in_cells(np.zeros((1, 3, 3), np.float32))
        height, width = picture.shape[:2]
        views = [picture[:, :, :3]]
        for place in places:
            box = place.box
            assert box is not None
            x1, x2 = (round(x * width) for x in (box.x1, box.x2))
            y1, y2 = (round(y * height) for y in (box.y1, box.y2))
            views.append(picture[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1), :3])
        seen = self._network.pictures(views)
        return Encoded(seen[0], seen[1:], places, shows_nothing(picture))


class PublishedTextEncoder:
    """See `types.Encoder`: the whole text as the summary, each word by itself as the parts."""

    modality = TEXT

    def __init__(self, network: PublishedNetwork) -> None:
        self._network = network
        self.engine = f"{network.engine}-texts"

    def __call__(self, items: Sequence[str]) -> list[Encoded]:
        return [self._one(text) for text in items]

    def _one(self, text: str) -> Encoded:
        words = text.split() or [""]
        some = [text, *words]
        seen = np.concatenate(
            [self._network.texts(some[at : at + _AT_ONCE]) for at in range(0, len(some), _AT_ONCE)]
        )
        blank = "" if any(c.isalnum() for c in text) else "There are no words in this text."
        return Encoded(seen[0], seen[1:], tuple(Place(word=word) for word in words), blank)
