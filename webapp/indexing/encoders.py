"""By what pictures and sound are encoded, so that they can be compared: which can be chosen, and
why one cannot.

A key names an encoder: `logos`, our own; `model:12`, what a version in the registry sees;
`published:ViT-B-32`, a network of the CLIP family whose weights somebody put on a worker. Of sound
it is that of a speech engine.
"""

from __future__ import annotations

from webapp.accounts.models import Workspace
from webapp.leases import Status
from webapp.registry.exports import ModelExport
from webapp.registry.versions import ModelVersion
from webapp.runs.workers import Worker

LOGOS = "logos"
MODEL = "model:"


def picture_encoders() -> dict[str, str]:
    """Titles by key of those that some worker has. `model:` alone: it can load any version."""
    return _known(Worker.objects.seeing().values_list("picture_encoders", flat=True))


def sound_encoders() -> dict[str, str]:
    """Titles by key of those that some worker has, the best first."""
    return _known(Worker.objects.hearing().values_list("sound_encoders", flat=True))


def _known(said: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for titles in said:  # type: ignore[attr-defined]
        found = titles | found
    return found


def of_workspace(workspace: Workspace) -> str:
    """The encoder by which its pictures are compared."""
    return workspace.picture_encoder or LOGOS


def version_of(key: str, workspace: Workspace | int) -> ModelVersion | None:
    """The version in the registry that a key names."""
    number = key.removeprefix(MODEL)
    if not key.startswith(MODEL) or not number.isdecimal():
        return None
    rows = ModelVersion.objects.filter(model__workspace=workspace, status=Status.DONE)
    return rows.filter(pk=int(number)).select_related("model").first()


def graph_of(version: ModelVersion) -> str:
    """The stored file of a version whose feature maps can be read; "" where there is none yet."""
    if version.description.get("format") == "onnx":
        return version.file
    made = version.exports.filter(format=ModelExport.Format.ONNX, status=Status.DONE)
    return made.values_list("file", flat=True).first() or ""


def offered(workspace: Workspace) -> dict[str, str]:
    """Titles by key of what a workspace can choose for its pictures."""
    known = picture_encoders()
    found = {key: title for key, title in known.items() if not key.startswith(MODEL)}
    if MODEL in known:
        versions = ModelVersion.objects.filter(
            model__workspace=workspace, status=Status.DONE, archived=None
        ).select_related("model")
        found |= {f"{MODEL}{v.pk}": f"What {v} sees" for v in versions[:50] if graph_of(v)}
    return found


def why_not_pictures(key: str, workspace: Workspace) -> str:
    """Why pictures cannot be encoded so, or ""."""
    known = picture_encoders()
    if not key.startswith(MODEL):
        return "" if key in known else _absent(key, known)
    version = version_of(key, workspace)
    if version is None:
        return "There is no such model version in this workspace, or it has not passed its check."
    if not graph_of(version):
        return f"{version} is no ONNX file. Export it to ONNX on its page first."
    return "" if MODEL in known else _absent(f"{version}", known)


def why_not_sound(key: str) -> str:
    """Why sound cannot be encoded so, or ""; of "" some worker chooses."""
    known = sound_encoders()
    return "" if not key or key in known else _absent(key, known)


def _absent(name: str, known: dict[str, str]) -> str:
    there = ", ".join(title for key, title in known.items() if key != MODEL) or "none"
    return f"No worker here has the encoder {name}; there is {there}."
