"""What would help, from the figures. The advice is that of Rekognition Custom Labels' guide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

FEW = 10  # true examples below which a label's figures are a guess
WORSE = 0.2  # of the recall of small things, below which that is worth a word
MOST = 6


def advice(figures: Mapping[str, Any]) -> list[str]:
    """Sentences, the most useful first."""
    return list(islice(_all(figures), MOST))


def _all(figures: Mapping[str, Any]) -> Iterator[str]:
    rows = figures.get("labels", [])
    yield from _mistaken(figures.get("confusion") or {"labels": [], "matrix": []})
    for row in sorted(rows, key=lambda row: -row["fn"]):
        if row["fn"] >= 2 and row["fn"] > row["tp"]:
            yield (
                f"{row['label']} is missed {row['fn']} times of {row['n_truth']}. Look at the "
                "missed ones below, and label more pictures like them."
            )
    yield from _small(figures.get("sizes", []))
    for row in sorted(rows, key=lambda row: -row["fp"]):
        if row["fp"] >= 2 and row["fp"] > row["tp"]:
            yield (
                f"{row['label']} is seen {row['fp']} times where it is not. Add pictures of what "
                "it is taken for, without a box, or give that a label of its own."
            )
    rare = [row["label"] for row in rows if 0 < row["n_truth"] < FEW]
    if rare:
        some = ", ".join(rare[:5]) + (" and others" if len(rare) > 5 else "")
        yield f"Fewer than {FEW} true examples: the figures of {some} are a rough guess."
    absent = [row["label"] for row in rows if not row["n_truth"]]
    if absent:
        yield f"No picture measured on bears {', '.join(absent[:5])}."


def _small(sizes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Where small things are missed far more often than large ones."""
    known = {row["name"]: row for row in sizes if row["n_truth"] >= FEW}
    small, large = known.get("small"), known.get("large") or known.get("medium")
    if small and large and large["recall"] - small["recall"] >= WORSE:
        yield (
            f"Of what is smaller than 32 × 32 pixels it finds {small['recall']:.0%}, of what is "
            f"larger {large['recall']:.0%}. Label more pictures in which it is small, or train "
            "with larger pictures."
        )


def _mistaken(confusion: Mapping[str, Any]) -> Iterator[str]:
    names, matrix = confusion["labels"], confusion["matrix"]
    pairs = [
        (count, truth, said)
        for i, (truth, row) in enumerate(zip(names[:-1], matrix, strict=False))
        for j, (said, count) in enumerate(zip(names[:-1], row, strict=False))
        if i != j and count >= 2
    ]
    for count, truth, said in sorted(pairs, reverse=True)[:2]:
        yield (
            f"{truth} is taken for {said} {count} times. Look for pictures labelled the wrong "
            "way round, and add some that show both."
        )
