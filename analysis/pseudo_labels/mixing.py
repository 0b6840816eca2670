"""Pictures that a model labelled beside those that people labelled, in one set to train on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from analysis.datasets.near_duplicates import groups
from analysis.datasets.types import LabelledPicture, LabelledSet


def mixed(
    labelled: LabelledSet,
    pseudo: Iterable[LabelledPicture],
    looks: Mapping[str, str],
    *,
    near: int = 6,
    videos: Collection[str] = (),
) -> tuple[LabelledSet, int]:
    """The set with these pictures in its training split, and how many of them were left out.

    Nothing else of the set changes, so that what was learnt with them and without them differs by
    them alone. Left out is what looks like a picture that is there already, in whichever split,
    and each second of two that look alike: near duplicates of tested pictures would flatter, others
    teach nothing.

    looks: the hash of each picture by source (`analysis.datasets.near_duplicates`); near: bits in
    which two that look alike may differ. videos: films of which no frame is taken, because
    others of theirs are measured on.
    """
    wanted = [replace(p, split="train", is_pseudo=True, is_golden=False) for p in pseudo]
    known = {p.source for p in labelled.pictures}
    new = [p for p in wanted if p.source not in known and p.video not in videos]
    hashes = [looks.get(p.source, "") for p in (*labelled.pictures, *new)]
    found = groups(hashes, [""] * len(hashes), near) if near >= 0 else [""] * len(hashes)
    seen = {group for group in found[: len(labelled.pictures)] if group}
    kept = []
    for picture, group in zip(new, found[len(labelled.pictures) :], strict=True):
        if group and group in seen:
            continue
        seen.add(group)
        kept.append(picture)
    return replace(labelled, pictures=(*labelled.pictures, *kept)), len(wanted) - len(kept)
