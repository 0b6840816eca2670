"""A version once more, with the frames that a model labelled itself to train on."""

from __future__ import annotations

from typing import Any

from analysis.datasets.statistics import statistics
from analysis.datasets.types import LabelledSet
from analysis.datasets.version import content_hash, pack, unpack
from analysis.errors import AnalysisError
from analysis.pseudo_labels.mixing import mixed
from webapp.datasets.versions import DatasetVersion
from workers.engine.originals import keep, local_path


def frozen_with(version: DatasetVersion) -> dict[str, Any]:
    """What to write of a version whose recipe names the one that it is, but for these frames."""
    plain = version.dataset.versions.filter(number=version.recipe["pseudo"]).first()
    if plain is None or not plain.is_frozen:
        raise AnalysisError("The version that this one goes out from is not there.", permanent=True)
    labelled = unpack(local_path(plain.file).read_bytes())
    rows = list(plain.pseudo_pictures.all())
    known = version.dataset.samples.exclude(phash="").values_list("source", "phash")
    looks = {row.source: row.phash for row in rows} | dict(known)
    pictures = [row.as_labelled_picture() for row in rows]
    both, left_out = mixed(labelled, pictures, looks, videos=measured_films(labelled))
    n = len(both.pictures) - len(labelled.pictures)
    remarks = [*plain.counts.get("remarks", []), _remark(n, left_out)]
    sha256 = content_hash(both)
    file = keep(f"versions/{version.pk}/{sha256}.json.gz", pack(both))
    return {"file": file, "sha256": sha256, "counts": statistics(both) | {"remarks": remarks}}


def measured_films(labelled: LabelledSet) -> set[str]:
    """Films of which frames tell how good a model is: none of theirs may teach it."""
    return {p.video for p in labelled.pictures if p.video and (p.is_golden or p.split != "train")}


def _remark(n: int, left_out: int) -> str:
    said = f"{n:,} of its training pictures were labelled by the model, not by a person."
    if left_out:
        said += f" {left_out:,} more look like pictures that are there already and were left out."
    return said
