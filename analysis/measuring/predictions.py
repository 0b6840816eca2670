"""What a model found on labelled pictures, beside the truth: the stored file and its parts.

predictions = {"format", "task": "boxes" | "concept", "labels": […], "model": str, "pictures": [
    {"source", "file", "width", "height", "truth": […], "found": […]}]}
with truth {"label", "box"} and found {"label", "box", "confidence"} for boxes (xyxy fractions), and
truth "sky", found {"label", "confidence"} for whole pictures. "ms_per_picture" and "size_bytes"
may stand beside them.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from analysis.errors import AnalysisError

FORMAT = "sightline-predictions-1"
Predictions = Mapping[str, Any]


def pack(predictions: Predictions) -> bytes:
    """Gzipped JSON for `unpack`: the same bytes for the same content."""
    content = {**predictions, "format": FORMAT}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return gzip.compress(text.encode(), 6, mtime=0)


def unpack(data: bytes) -> dict[str, Any]:
    """What `pack` wrote. Raises AnalysisError for bytes that are something else."""
    try:
        content = json.loads(gzip.decompress(data))
        if content["format"] != FORMAT or content["task"] not in ("boxes", "concept"):
            raise ValueError(content["format"])
        content["labels"], content["pictures"]
    except (OSError, EOFError, ValueError, LookupError, TypeError) as e:
        raise AnalysisError("This file does not hold predictions of Sightline.") from e
    return content


def labels_of(predictions: Predictions) -> list[str]:
    """The labels in their order, then whatever else the pictures name."""
    named = [*predictions["labels"]]
    for picture in predictions["pictures"]:
        named += [t if isinstance(t, str) else t["label"] for t in picture["truth"]]
        named += [f["label"] for f in picture["found"]]
    return list(dict.fromkeys(named))


def by_label(
    picture: Mapping[str, Any], task: str
) -> Iterator[tuple[str, list[Any], list[Mapping[str, Any]]]]:
    """Each label named in a picture with its truths and its detections, best first."""
    truth: dict[str, list[Any]] = defaultdict(list)
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for t in picture["truth"]:
        truth[t if task == "concept" else t["label"]].append(t)
    for f in sorted(picture["found"], key=lambda f: -f["confidence"]):
        found[f["label"]].append(f)
    for label in dict.fromkeys([*truth, *found]):
        yield label, truth[label], found[label]
