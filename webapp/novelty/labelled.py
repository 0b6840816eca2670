"""Boxes that people labelled, as logo pictures of their label."""

from __future__ import annotations

from django.db.models import QuerySet

from webapp.datasets.samples import Annotation, Sample
from webapp.projects.models import Label

# Logo pictures of a label, those it has counted too. More know it by more carelessly drawn boxes:
# `bench.human_effort_boxes` finds less with 16 than with 8.
MOST = 8


def labelled_boxes(label: Label) -> QuerySet[Annotation]:
    """Those that may become logo pictures, the newest first.

    What a version is measured on is not looked for by its own pictures, what was made shows its
    logo pictures already, and what is covered shows something else too.
    """
    boxes = Annotation.objects.filter(
        label=label,
        occluded=False,
        sample__removed=None,
        sample__state=Sample.State.LABELLED,
        sample__is_golden=False,
        sample__dataset__project=label.project_id,
    )
    return boxes.exclude(sample__origin=Sample.Origin.SYNTHETIC).order_by("-pk")


def free_places(label: Label) -> int:
    return MOST - label.references.logos().count()
