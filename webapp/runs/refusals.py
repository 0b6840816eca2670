"""Why a run cannot start: asked before there is one."""

from __future__ import annotations

from typing import Any

from webapp.assets.models import Asset

NO_LABELS = "The project has no labels yet. Add a brand first."
NO_LOGOS = (
    "Nothing tells Sightline what the brands look like. Add a logo picture to a label, or choose a "
    "model for the project."
)


class RunRefused(Exception):
    """Why this run cannot start, in a sentence for the person who asked."""


def refuse_another_track(asset: Asset, options: dict[str, Any]) -> None:
    """A picture track other than the one that players show must be one of the file's."""
    track = options.get("track")
    known = [picture["index"] for picture in asset.probe.get("pictures", [])]
    if track is not None and track not in known:
        there = ", ".join(map(str, known)) or "none"
        raise RunRefused(f"{asset.name} has no picture track {track}; it has {there}.")


def refuse_the_impossible(asset: Asset, inputs: dict[str, Any]) -> None:
    if not asset.is_ready:
        raise RunRefused(f"{asset.name} is not ready yet: wait until its upload is prepared.")
    if asset.kind == Asset.Kind.AUDIO:
        raise RunRefused(f"{asset.name} is sound without pictures, so no logo can be seen in it.")
    if asset.kind == Asset.Kind.SKY:
        raise RunRefused(f"{asset.name} is an exposure of the sky: there are no logos in it.")
    if nothing := nothing_to_look_for(inputs):
        raise RunRefused(nothing)


def nothing_to_look_for(inputs: dict[str, Any]) -> str:
    """Why a project of this snapshot can find nothing, and what helps; "" where it can."""
    if not inputs["labels"]:
        return NO_LABELS
    has_references = any(label["references"] for label in inputs["labels"])
    return "" if has_references or inputs["model"] is not None else NO_LOGOS
