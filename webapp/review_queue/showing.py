"""Items as the page that asks, and programs, are given them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from webapp.accounts.models import User
from webapp.assets.links import media_link
from webapp.assets.models import Asset, Rendition
from webapp.labelling import guidelines
from webapp.leases import Status
from webapp.projects.models import Label, Project, Reference
from webapp.review_queue.answers import said_of
from webapp.review_queue.heard import sentence_of
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.judged import Judged, judged
from webapp.review_queue.past_moments import PROPOSED
from webapp.review_queue.predictions import seconds_of
from webapp.runs.boxes import numbered
from webapp.timeline.frames import frame_pictures

MOST_PICTURES = 3  # of a logo, beside the frame


def lent(items: Sequence[ReviewItem]) -> list[dict[str, Any]]:
    """Items that are lent; their pictures are asked for with that."""
    known = judged(items)
    pictures = frame_pictures([(item.run, item.time_s) for item in items])
    sound = cache(sound_of)
    return [
        _lent(item, known[item.pk], picture)
        | ({} if item.is_frame else {"told": told_json(item, sound(item.run.asset))})
        for item, picture in zip(items, pictures, strict=True)
    ]


_AROUND_S = 1.5  # of the sound, before and after the words


def sound_of(asset: Asset) -> str:
    """A link to what a browser plays of it; "" where it has no sound, or no copy yet."""
    if not asset.probe.get("audio"):
        return ""
    proxy = asset.renditions.filter(recipe=Rendition.PROXY).first()
    if proxy is not None and proxy.is_going_on:
        return ""
    is_copied = proxy is not None and proxy.status == Status.DONE
    return media_link(proxy.file if proxy is not None and is_copied else asset.file)


def told_json(item: ReviewItem, sound: str) -> dict[str, Any]:
    """What is heard or written, with the sound to play."""
    told, now = item.told, sentence_of(item)
    start_s = min(told["start_s"], now.row.start_s) if now else told["start_s"]
    end_s = max(told["end_s"], now.row.end_s) if now else told["end_s"]
    is_written = told.get("source") == "written"
    place = {"start_s": told["start_s"], "end_s": told["end_s"], "box": told.get("box")}
    why = None
    if item.kind == ReviewItem.Kind.MENTION and item.label_id:
        ms = round(told["start_s"] * 1000)
        about = {"source": told["source"], "label": item.label_id, "ms": ms}
        why = f"{reverse('mention-why', args=[item.run_id])}?{urlencode(about)}"
    return place | {
        "source": "written" if is_written else "said",
        "text": told["text"],
        "mention": told.get("mention", ""),
        "by": told.get("by", ""),
        "confidence": told["confidence"],
        "is_seen": told.get("is_seen"),
        "sentence": now.to_json() if now else None,
        "sound": "" if is_written else sound,
        "play": [max(start_s - _AROUND_S, 0.0), end_s + _AROUND_S],
        "why": why,
    }


def _lent(item: ReviewItem, known: Judged, picture: Rendition) -> dict[str, Any]:
    run, asset = item.run, item.run.asset
    asked = [box for box in item.boxes if box["is_matched"]] or item.boxes
    return {
        "id": item.pk,
        "kind": item.kind,
        "told": None,
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
        | {"why": _why(item, box["id"])}
        for box in item.boxes
        if known.get(box["id"], box["label"]) is not None
    ]


def _why(item: ReviewItem, box: str) -> str | None:
    """The page that says why; a box that no analysis found has none."""
    if box.startswith(PROPOSED):
        return None
    return reverse("run-why", args=[item.run_id, number_of(item.time_s, box)])


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
            "answer": said_of(item, one.answer) if one.answer else "",
            "unsure": one.is_unsure,
        }
        for one in decisions
    ]


_LIKE = {True: "Like this", False: "Not like this"}


def projects_json(projects: Iterable[int]) -> dict[str, Any]:
    """The labels that may be given in each project, and what their logos look like."""
    wanted = set(projects)
    if not wanted:
        return {}
    rows = Project.objects.filter(pk__in=wanted)
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
