"""The encoders of what is asked: those by which a workspace's pictures and sound are compared."""

from __future__ import annotations

from typing import Any

from analysis.crossmodal.types import PICTURE, Encoder
from webapp.accounts.models import Workspace
from webapp.encodings.kept import Encodings
from webapp.indexing.encoders import of_workspace
from webapp.spaces.space import Space
from workers.encodings.encoders import of_pictures, of_sound


def wanted(workspace: Workspace, modality: str) -> str:
    """The encoder of the space that serves; "" where none does, or where it has no such side."""
    space = Space.objects.serving(workspace)
    return space.engines.get(modality, "") if space else ""


def encoder_of(workspace: Workspace, modality: str, engine: str) -> Encoder[Any] | None:
    """That of an engine; of "" the one that a workspace encodes with. None: what is here by its
    name is another by now. Raises NotYet where another worker has it, AnalysisError."""
    key = _key_of(workspace, modality, engine)
    if modality == PICTURE:
        found: Encoder[Any] = of_pictures(key or of_workspace(workspace), workspace)
    else:
        found = of_sound(key)
    return found if engine in ("", found.engine) else None


def _key_of(workspace: Workspace, modality: str, engine: str) -> str:
    """By what the encoder was asked for that made numbers of this engine; "" where it is not
    known."""
    made = Encodings.objects.filter(
        asset__workspace=workspace, modality=modality, engine=engine
    ).select_related("segment__indexing")
    one = made.order_by("-pk").first() if engine else None
    return one.indexing.engine if one else ""
