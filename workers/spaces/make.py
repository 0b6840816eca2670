"""A space of encodings alone."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from analysis.crossmodal.space import Space as AnySpace
from analysis.crossmodal.untaught import LEAST_ITEMS, untaught
from analysis.errors import AnalysisError
from analysis.models.formats import sha256
from webapp.accounts.models import User, Workspace
from webapp.spaces.making import SpaceMaking
from webapp.spaces.serving import bring
from webapp.spaces.space import Space
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep_file_once
from workers.engine.piece import piece
from workers.spaces.naming import code_rows
from workers.spaces.reading import kinds_of

MOST_ITEMS = 8000  # of a modality, that a space is made of


@piece(SpaceMaking, tries=3)
def make_space(row: SpaceMaking, beat: Heartbeat) -> dict[str, Any]:
    """Whiten and cluster what is encoded, and name the codes. A crash costs the whole of it, which
    is a minute."""
    tick = beat.tick
    beat.note(step="Reading what is encoded", progress=0.05)
    kinds, notes = kinds_of(row.workspace, row.engines, MOST_ITEMS, tick)
    few = {name: kind for name, kind in kinds.items() if len(kind.items) < LEAST_ITEMS}
    kinds = {name: kind for name, kind in kinds.items() if name not in few}
    notes += [f"Too few of {name} to tell what sets them apart." for name in few]
    if not kinds:
        raise AnalysisError(
            "There is too little to make a space of. Let more of the library be encoded, then "
            "press Retry.",
            permanent=False,
        )
    beat.note(step="Finding codes", progress=0.3)
    items = {name: kind.items for name, kind in kinds.items()}
    made = untaught(items, should_stop=beat.should_stop)
    beat.note(step="Naming codes", progress=0.6)
    codes = code_rows(made, kinds, tick)
    beat.note(step="Storing the space", progress=0.95)
    figures = {
        "items": {name: len(one) for name, one in items.items()},
        "codes": {"all": len(made.codebook), "used": _used(codes)},
    }
    space = delivered(
        made,
        row.workspace,
        Space.Kind.LOOKS,
        codes=codes,
        figures=figures,
        notes=[*notes, *made.about["told"]],
        by=row.created_by,
    )
    return {"result": space, "step": "", "progress": 1.0}


def _used(codes: list[dict[str, Any]]) -> int:
    return sum(row["fires_on"] > 0 for row in codes)


def delivered(
    made: AnySpace,
    workspace: Workspace,
    kind: str,
    *,
    codes: list[dict[str, Any]],
    figures: dict[str, Any],
    notes: list[str],
    by: User | None,
    is_to_serve: bool = True,
) -> Space:
    """Store the file under its hash, and make the row of it with its codes."""
    with TemporaryDirectory() as folder:
        path = made.save(Path(folder) / "space.safetensors")
        checksum = sha256(path)
        name = keep_file_once(f"spaces/{checksum}.safetensors", path)
        space = bring(
            workspace,
            kind=kind,
            file=name,
            sha256=checksum,
            version=made.version,
            engines={modality: side.engine for modality, side in made.sides.items()},
            pairs=made.compared(),
            figures=figures,
            notes=notes,
            codes=codes,
            by=by,
            is_to_serve=is_to_serve,
        )
        keep_file_once(name, path)  # the last space of the same numbers may just have been deleted
    return space
