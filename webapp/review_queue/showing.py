"""Items as the page that asks, and programs, are given them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.urls import reverse

from webapp.accounts.models import User
from webapp.assets.links import media_link
from webapp.assets.models import Rendition
from webapp.labelling import guidelines
from webapp.leases import Status
from webapp.projects.models import Label, Project, Reference
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.judged import Judged, judged
from webapp.review_queue.predictions import seconds_of
from webapp.runs.boxes import numbered
from webapp.timeline.frames import frame_pictures

MOST_PICTURES = 3  # of a logo, beside the frame


def lent(items: Sequence[ReviewItem]) -> list[dict[str, Any]]:
    """Items that are lent; their pictures are asked for with that."""
    known = judged(items)
    pictures = frame_pictures([(item.run, item.time_s) for item in items])
    return [
        _lent(item, known[item.pk], picture) for item, picture in zip(items, pictures, strict=True)
    ]


def _lent(item: ReviewItem, known: Judged, picture: Rendition) -> dict[str, Any]:
    run, asset = item.run, item.run.asset
    asked = [box for box in item.boxes if box["is_matched"]] or item.boxes
    return {
        "id": item.pk,
        "project": item.project_id,
        "asset": {"name": asset.stem, "kind": asset.kind, "url": moment_url(item)},
        "label": item.label_id,  # what it is mostly about
        "time_s": item.time_s,
        "width": asset.width or 16,
        "height": asset.height or 9,
        "picture": media_link(picture.file) if picture.status == Status.DONE else None,
        "picture_url": f"{reverse('run-frame-picture', args=[run.pk])}?t={item.time_s!r}",
        "boxes": _as_it_stands(item, known),
        "because": [{"rule": why["rule"], "words": why["words"]} for why in item.because],
        "decides_s": round(seconds_of(asked, 0.0), 3),
        "others": _others(item) if item.state == State.DISPUTED else [],
    }


def _as_it_stands(item: ReviewItem, known: Judged) -> list[dict[str, Any]]:
    """The boxes without those of tracks that were turned down, others by their right names."""
    return [
        box
        | {"label": known.get(box["id"], box["label"]), "is_judged": box["id"] in known}
        | {"why": reverse("run-why", args=[item.run_id, number_of(item.time_s, box["id"])])}
        for box in item.boxes
        if known.get(box["id"], box["label"]) is not None
    ]


def number_of(time_s: float, box: str) -> int:
    """By which number the run's boxes have a box of an item: see `webapp.runs.boxes`."""
    return numbered(time_s, int(box.removeprefix("b")))


def moment_url(item: ReviewItem) -> str:
    """The asset's page at that moment, with that analysis."""
    address = reverse("asset", args=[item.run.asset_id])
    return f"{address}?run={item.run_id}&t={item.time_s:.3f}"


def _others(item: ReviewItem) -> list[dict[str, Any]]:
    """What those said who disagree, for whoever settles it."""
    decisions = item.decisions.standing().select_related("by").order_by("pk")
    return [
        {
            "name": str(one.by or "Somebody"),
            "boxes": [{"label": box["label"], "box": box["box"]} for box in one.boxes],
            "unsure": one.is_unsure,
        }
        for one in decisions
    ]


_LIKE = {True: "Like this", False: "Not like this"}


def projects_json(projects: Iterable[int]) -> dict[str, Any]:
    """The labels that may be given in each project, and what their logos look like."""
    rows = Project.objects.filter(pk__in=set(projects))
    labels = Label.objects.filter(project__in=rows, archived=None).order_by("position", "pk")
    pictures: dict[int, list[Reference]] = {}
    logos = Reference.objects.logos().filter(label__project__in=rows, label__archived=None)
    for picture in logos.order_by("pk"):
        some = pictures.setdefault(picture.label_id, [])
        if len(some) < MOST_PICTURES:
            some.append(picture)
    found: dict[str, Any] = {str(row.pk): {"name": row.name, "labels": []} for row in rows}
    guides = guidelines.of_labels(label.pk for label in labels)
    for label in labels:
        guide = guides.get(label.pk, {"text": "", "pictures": []})
        row = _label(label, pictures.get(label.pk, ()), guide)
        found[str(label.project_id)]["labels"].append(row)
    return found


def _label(label: Label, pictures: Sequence[Reference], guide: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": label.pk,
        "name": label.name,
        "colour": label.colour,
        "threshold": label.threshold,
        "guideline": guide["text"],
        "pictures": [
            *({"url": media_link(one.file), "name": one.name} for one in pictures),
            *({"url": one["url"], "name": _LIKE[one["is_right"]]} for one in guide["pictures"]),
        ],
    }


def for_scripts(person: User, workspace: int, asked: str) -> dict[str, Any]:
    """What the page that asks needs to know, for its JSON block. `asked`: which items, as the
    API takes it in its address."""
    return {
        "urls": {
            "next": f"{reverse('api-review-item-next')}?{asked}",
            "decide": reverse("api-review-item-decide", args=[0]),
            "undo": reverse("api-review-item-undo", args=[0]),
            "skip": reverse("api-review-item-skip", args=[0]),
            "alike": reverse("api-review-item-alike", args=[0]),
            "hand_back": f"{reverse('api-review-item-hand-back')}?workspace={workspace}",
            "done": reverse("review"),
        },
        "kept": f"sightline.review.{person.pk}.{workspace}",
    }
