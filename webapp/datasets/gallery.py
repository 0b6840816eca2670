"""The pictures of a dataset as a page shows them: filtered, paged, with what is on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, QueryDict

from webapp import jobs
from webapp.assets.links import media_link
from webapp.datasets.dataset import Dataset
from webapp.datasets.forms import FilterForm
from webapp.datasets.samples import Annotation, Sample
from webapp.projects.models import Label

PAGE = 60


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box in the pixels of its picture, for SVG."""

    x: float
    y: float
    width: float
    height: float
    label: str
    colour: str
    is_occluded: bool = False


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture of the gallery."""

    sample: Sample
    link: str
    boxes: list[DrawnBox]
    labels: list[Label]

    @property
    def says(self) -> str:
        """What is on it, for those who do not see it."""
        names = [b.label for b in self.boxes] or [label.name for label in self.labels]
        if names:
            counts = {name: names.count(name) for name in dict.fromkeys(names)}
            return ", ".join(f"{n} {name}" if n > 1 else name for name, n in counts.items())
        if self.sample.state == Sample.State.LABELLED:
            return "nothing here"
        return "skipped" if self.sample.state == Sample.State.SKIPPED else "not labelled"


def matching(dataset: Dataset, form: FilterForm) -> QuerySet[Sample]:
    """The current samples that a filter asks for, newest first."""
    wish = form.cleaned_data
    found = dataset.samples.current()
    if wish["q"]:
        found = found.filter(source__icontains=wish["q"])
    if wish["label"]:
        found = found.filter(_shows(dataset, int(wish["label"])))
    if wish["state"] == "nothing":
        found = found.filter(state=Sample.State.LABELLED, labels=[]).filter(~_has_boxes())
    elif wish["state"]:
        found = found.filter(state=wish["state"])
    if wish["split"] == "golden":
        found = found.filter(is_golden=True)
    elif wish["split"]:
        given = "" if wish["split"] == "free" else wish["split"]
        found = found.filter(given_split=given, is_golden=False)
    if wish["origin"]:
        found = found.filter(origin=wish["origin"])
    return found.order_by("-pk")


def _has_boxes() -> Exists:
    return Exists(Annotation.objects.filter(sample=OuterRef("pk")))


def _shows(dataset: Dataset, label: int) -> Q | Exists:
    if dataset.task == Dataset.Task.BOXES:
        return Exists(Annotation.objects.filter(sample=OuterRef("pk"), label=label))
    # A list of numbers in JSON, in whatever way the database spells its brackets and gaps.
    as_text = dataset.samples.annotate(text=Cast("labels", TextField()))
    return Q(pk__in=as_text.filter(text__regex=rf"[\[, ]{label}[\], ]").values("pk"))


def tiles(dataset: Dataset, samples: list[Sample]) -> list[Tile]:
    labels = {label.pk: label for label in dataset.project.labels.all()}
    return [tile(sample, labels) for sample in samples]


def tile(sample: Sample, labels: dict[int, Label]) -> Tile:
    """`sample` with its annotations fetched beforehand where there are many."""
    boxes = [_drawn(sample, a, labels[a.label_id]) for a in sample.annotations.all()]
    shown = [labels[pk] for pk in sample.labels if pk in labels]
    return Tile(sample, media_link(sample.thumb or sample.file), boxes, shown)


def _drawn(sample: Sample, annotation: Annotation, label: Label) -> DrawnBox:
    return drawn(
        sample.width,
        sample.height,
        annotation.box,
        label.name,
        label.colour,
        annotation.occluded,
    )


def drawn(
    width: int,
    height: int,
    box: tuple[float, float, float, float] | list[float],
    label: str,
    colour: str,
    occluded: bool = False,
) -> DrawnBox:
    x1, y1, x2, y2 = box
    return DrawnBox(
        x=round(x1 * width, 1),
        y=round(y1 * height, 1),
        width=round((x2 - x1) * width, 1),
        height=round((y2 - y1) * height, 1),
        label=label,
        colour=colour,
        is_occluded=occluded,
    )


def gallery_context(dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    """A page of the gallery, by the filter in the address."""
    labels = list(dataset.project.labels.filter(archived=None))
    form = FilterForm(request.GET, labels)
    found = matching(dataset, form)
    page = Paginator(found.prefetch_related("annotations"), PAGE).get_page(request.GET.get("page"))
    if any(sample.wants_thumb for sample in page):
        jobs.thumbs(dataset.pk)
    return {
        "form": form,
        "wish": form.cleaned_data,
        "page": page,
        "tiles": tiles(dataset, list(page.object_list)),
        "keep": _kept(request.GET),
        "narrowing": _kept(request.GET).lstrip("&"),
        "labels": labels,
    }


def _kept(query: QueryDict) -> str:
    """The filter as a query string that begins with &; "" where there is none."""
    kept = {k: v for k, v in query.items() if k in FilterForm.base_fields and v}
    return f"&{urlencode(kept)}" if kept else ""


def counts(dataset: Dataset) -> dict[str, int]:
    """How many pictures there are of each kind, for the head of the page."""
    State, Origin = Sample.State, Sample.Origin  # noqa: N806  they are classes
    return dataset.samples.current().aggregate(
        all=Count("pk"),
        labelled=Count("pk", filter=Q(state=State.LABELLED)),
        new=Count("pk", filter=Q(state=State.NEW)),
        skipped=Count("pk", filter=Q(state=State.SKIPPED)),
        golden=Count("pk", filter=Q(is_golden=True)),
        synthetic=Count("pk", filter=Q(origin=Origin.SYNTHETIC)),
    )


__all__ = ["PAGE", "DrawnBox", "Page", "Tile", "counts", "drawn", "gallery_context", "matching"]
