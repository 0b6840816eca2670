"""A picture of a dataset that says what people decided, and what it said before: for when that is
taken back."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from django.db import transaction

from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample

_NOTHING: dict[str, Any] = {"state": Sample.State.NEW, "labels": [], "boxes": []}


class Before(NamedTuple):
    """How a picture stood before something was written onto it."""

    version: int
    said: dict[str, Any] | None  # as Sample.said; None: the dataset did not have it

    @classmethod
    def of(cls, dataset: Dataset, source: str) -> Self:
        sample = dataset.samples.current().filter(source=source[-255:]).first()
        if sample is None:
            return cls(0, None)
        # A worker that died in between put it there, and nobody has said anything of it.
        is_new = sample.origin == Sample.Origin.REVIEW and sample.state == Sample.State.NEW
        return cls(sample.version, None if is_new else sample.said())


def remember(rows: Any, sample: Sample, before: Before, says: dict[str, Any], **key: Any) -> None:
    """Note among `rows` (of lessons, or of corrected frames) that the picture `says` so now.
    Written onto twice, it still knows what was there at first."""
    known = rows.filter(sample=sample, version=before.version, **key).first()
    said = known.before if known else before.said
    values = says | {"sample": sample, "version": sample.version, "before": said}
    rows.update_or_create(**key, defaults=values)


@transaction.atomic
def unsay(taught: Any) -> bool:
    """Let the picture of a lesson, or of a corrected frame, say what it said before. False:
    somebody changed it since, and it stays as it is."""
    rows = Sample.objects.select_for_update()
    sample = rows.filter(pk=taught.sample_id, version=taught.version, removed=None).first()
    if sample is not None:
        sample.say_again(taught.before or _NOTHING)
    taught.delete()
    return sample is not None
