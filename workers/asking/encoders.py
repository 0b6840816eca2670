"""The encoders of what is asked: those that the serving space was made for."""

from __future__ import annotations

from typing import Any

from analysis.crossmodal.pictures import LogoEncoder
from analysis.crossmodal.sound import STEP_S, SoundEncoder
from analysis.crossmodal.types import PICTURE, SOUND, Encoder
from analysis.errors import AnalysisError
from analysis.speech.engines import Engine, best_engine
from webapp.accounts.models import Workspace
from webapp.spaces.space import Space
from workers.indexing.kept import Kept
from workers.speech import engines

_pictures: Kept[Encoder[Any]] = Kept()
_sounds: Kept[Encoder[Any]] = Kept()


def wanted(workspace: Workspace | int, modality: str) -> str:
    """The encoder of the space that serves; "" where none does, or where it has no such side."""
    space = Space.objects.serving(workspace)
    return space.engines.get(modality, "") if space else ""


def of_pictures(name: str) -> Encoder[Any] | None:
    """The one of this name, or the one that is always there for "". None: it is not here."""
    logos = _pictures.get("logos", LogoEncoder)
    return logos if name in ("", logos.engine) else None


def of_sound(name: str) -> Encoder[Any] | None:
    """As `of_pictures`. Raises AnalysisError where there is no speech engine at all."""
    here = engines.here()
    if not here:
        raise AnalysisError(
            "Sounds cannot be searched by: no speech engine is installed. `manage.py doctor` says "
            "how to get one.",
            permanent=False,
        )
    engine = best_engine(here) if not name else _named(here, name)
    if engine is None:
        return None
    return _sounds.get(f"{engine.key} {engine.digest}", lambda: SoundEncoder(engine))


def _named(here: list[Engine], name: str) -> Engine | None:
    called = {f"{one.key}-{one.digest[:12]}-{STEP_S}": one for one in here}
    return called.get(name)


OF = {PICTURE: of_pictures, SOUND: of_sound}
