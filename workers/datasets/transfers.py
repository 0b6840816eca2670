"""Long work over datasets: freezing versions, and whatever a Transfer asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

from analysis.datasets.types import LabelledSet
from analysis.errors import AnalysisError, Stopped
from webapp.datasets.samples import Sample
from webapp.datasets.transfers import Transfer
from webapp.datasets.versions import DatasetVersion
from workers.datasets.frame_numbers import number_frames
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, local_path
from workers.engine.piece import piece

# Does the work of one kind. Takes the row and its heartbeat: `beat.note(progress=…)` tells,
# `beat.should_stop()` asks, and Stopped is raised then. Returns what to write when it is done,
# such as {"report": …, "file": …}. Work that is taken up again after a crash begins anew: what
# it stored is keyed by source, so nothing is doubled.
Work = Callable[[Transfer, Heartbeat], dict[str, Any]]
_WORK = {
    Transfer.Kind.IMPORT: ("workers.datasets.files", "bring_in"),
    Transfer.Kind.EXPORT: ("workers.datasets.files", "take_out"),
    Transfer.Kind.FRAMES: ("workers.datasets.pictures", "take_pictures"),
    Transfer.Kind.SYNTHESIS: ("workers.datasets.pictures", "synthesise"),
}


@piece(Transfer)
def transfer(row: Transfer, beat: Heartbeat) -> dict[str, Any]:
    """One piece of long work over a dataset."""
    return {"progress": 1.0} | _work(row.kind)(row, beat)


def _work(kind: str) -> Work:
    module, name = _WORK[Transfer.Kind(kind)]
    return getattr(import_module(module), name)


@piece(DatasetVersion)
def freeze(version: DatasetVersion, beat: Heartbeat) -> dict[str, Any]:
    """Split a dataset as its recipe says, and write the version that never changes again."""
    return frozen(version, beat)


def frozen(version: DatasetVersion, beat: Heartbeat) -> dict[str, Any]:
    """The version's file, hash and statistics, as the dataset is now."""
    if "pseudo" in version.recipe:
        from workers.datasets.pseudo import frozen_with

        return frozen_with(version)
    from analysis.datasets.near_duplicates import groups
    from analysis.datasets.split import Recipe, divide
    from analysis.datasets.statistics import statistics
    from analysis.datasets.version import content_hash, pack

    recipe = Recipe.of(version.recipe)
    number_frames(version.dataset)
    labelled = _labelled(version)
    hashes = _hashes(version, beat)
    pictures = labelled.pictures
    # Made pictures are never tested on. With their plain backdrops they would only tie together
    # photographs that have nothing to do with one another.
    looks = ["" if p.is_synthetic else hashes.get(p.source, "") for p in pictures]
    found = groups(looks, [p.group for p in pictures], recipe.near)
    grouped = tuple(replace(p, group=g) for p, g in zip(pictures, found, strict=True))
    divided, remarks = divide(replace(labelled, pictures=grouped), recipe)
    sha256 = content_hash(divided)
    file = keep(f"versions/{version.pk}/{sha256}.json.gz", pack(divided))
    counts = statistics(divided) | {"remarks": [*remarks]}
    return {"file": file, "sha256": sha256, "counts": counts}


def _labelled(version: DatasetVersion) -> LabelledSet:
    """The pictures that somebody labelled, and the labels that are on any of them."""
    everything = version.dataset.as_labelled_set()
    pictures = tuple(p for p in everything.pictures if p.is_labelled)
    if not pictures:
        raise AnalysisError("No picture is labelled, so there is nothing to freeze.")
    used = {b.label for p in pictures for b in p.boxes} | {n for p in pictures for n in p.labels}
    labels = tuple(name for name in everything.labels if name in used)
    return replace(everything, pictures=pictures, labels=labels, name=str(version))


def _hashes(version: DatasetVersion, beat: Heartbeat) -> dict[str, str]:
    """What each picture looks like, by source; made for those that have none yet, and kept."""
    from analysis.datasets.near_duplicates import hash_file

    samples = version.dataset.samples.current().filter(state=Sample.State.LABELLED)
    samples = samples.exclude(origin=Sample.Origin.SYNTHETIC)
    unknown = samples.filter(phash="").values_list("pk", "file")
    for pk, file in unknown.iterator(chunk_size=500):
        if beat.should_stop():
            raise Stopped
        # No version++: what is known of the picture did not change.
        Sample.objects.filter(pk=pk, file=file).update(phash=hash_file(local_path(file)))
    return dict(samples.values_list("source", "phash"))
