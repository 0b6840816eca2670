"""What a run rests on in which one label was looked for again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webapp.projects.models import Label, label_snapshot

if TYPE_CHECKING:
    from webapp.runs.run import Run


def inputs_of(parent: Run, label: Label, boxes: list[dict[str, Any]]) -> dict[str, Any]:
    """The frozen inputs: the parent's, with the label as it is now.

    `again` says the label, where people saw it, in this run or in one that led to it, and what the
    boxes of all other labels follow from.
    """
    before = parent.inputs
    fresh = label_snapshot(label)
    labels = [fresh if other["id"] == label.pk else other for other in before["labels"]]
    if fresh not in labels:
        labels.append(fresh)
    earlier = before.get("again")
    if earlier and earlier["label"] == label.pk:
        boxes = earlier["boxes"] + [box for box in boxes if box not in earlier["boxes"]]
    of = {"input_hash": parent.input_hash, "software_version": parent.software_version}
    of |= {"options": parent.options, "again": earlier}
    return before | {"labels": labels, "again": {"label": label.pk, "boxes": boxes, "of": of}}


def needs_the_model(inputs: dict[str, Any]) -> bool:
    """Whether the model has a word for the label that is looked for again."""
    [label] = [each for each in inputs["labels"] if each["id"] == inputs["again"]["label"]]
    words = {word.casefold() for word in [label["name"], *label["aliases"]]}
    names = inputs["model"]["labels"] if inputs["model"] else []
    return any(name.casefold() in words for name in names)
