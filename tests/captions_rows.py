"""What is written over a film, as rows that a test makes."""

from __future__ import annotations

from typing import Any


def overlay(asset: Any, text: str, start_s: float, end_s: float) -> Any:
    """A line put over the picture, in the asset's newest reading; made where there is none."""
    from webapp.indexing.indexing import Indexing
    from webapp.indexing.segments import IndexingSegment
    from webapp.leases import Status

    reading, _ = Indexing.objects.get_or_create(
        asset=asset, step="text", defaults={"status": Status.DONE, "stage": "finish"}
    )
    segment, _ = IndexingSegment.objects.get_or_create(
        indexing=reading, index=0, defaults={"start_s": 0, "end_s": 60, "status": Status.DONE}
    )
    about = {"start_s": start_s, "end_s": end_s, "kind": "overlay", "box": [0.1, 0.8, 0.5, 0.9]}
    return reading.text_regions.create(segment=segment, text=text, confidence=0.9, **about)
