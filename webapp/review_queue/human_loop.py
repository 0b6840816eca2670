"""What people answered for an item, as Amazon A2I writes it: `output.json` of a human loop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Prefetch
from django.http import StreamingHttpResponse

from webapp.projects.models import Label
from webapp.review_queue.answers import Verdict, text_of
from webapp.review_queue.decisions import Decision
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.rules import ReviewRule

_STATUS = {
    State.OPEN: "InProgress",
    State.DISPUTED: "InProgress",
    State.DONE: "Completed",
    State.WITHDRAWN: "Stopped",
}


_AT_ONCE = 500  # items that are read together


def human_loop(item: ReviewItem) -> dict[str, Any]:
    """Boxes in pixels of the displayed frame, whole numbers from the top left, as there."""
    decisions = item.decisions.standing().select_related("by").order_by("pk")
    return _told(item, list(decisions), _names(item.project_id))


def human_loops(rule: ReviewRule) -> Iterator[str]:
    """What people answered for all items of a rule that are decided: JSON Lines, a loop each."""
    names = _names(rule.project_id)
    decisions = Decision.objects.standing().select_related("by").order_by("pk")
    rows = ReviewItem.objects.there().filter(rule=rule, state=State.DONE)
    rows = rows.select_related("run__asset").defer("run__inputs", "run__asset__probe")
    rows = rows.prefetch_related(Prefetch("decisions", decisions, to_attr="standing"))
    for item in rows.order_by("pk").iterator(_AT_ONCE):
        yield json.dumps(_told(item, item.standing, names), ensure_ascii=False) + "\n"


def answers_file(rule: ReviewRule) -> StreamingHttpResponse:
    """`human_loops`, to keep."""
    response = StreamingHttpResponse(human_loops(rule), content_type="application/x-ndjson")
    response["Content-Disposition"] = f'attachment; filename="human-loops-{rule.pk}.jsonl"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _names(project: int) -> dict[int, str]:
    return dict(Label.objects.filter(project=project).values_list("pk", "name"))


def _told(item: ReviewItem, decisions: list[Decision], names: dict[int, str]) -> dict[str, Any]:
    asset = item.run.asset
    width, height = asset.width or 0, asset.height or 0
    surest = item.told.get("confidence", 0.0)
    surest = max((box["confidence"] for box in item.boxes), default=surest)
    return {
        "flowDefinitionArn": f"sightline:review-rule/{item.rule_id or ''}",
        "humanLoopName": f"sightline-{item.pk}",
        "humanLoopStatus": _STATUS[State(item.state)],
        "creationTime": _moment(item.created),
        "inputContent": {
            "initialValue": round(100 * surest, 3),
            "taskObject": f"sightline:asset/{asset.pk}?t={item.time_s:.6f}",
            "sha256": asset.sha256,
            **_heard(item, names),
            "humanTaskActivationConditionResults": {
                "Conditions": [one for why in item.because for one in why["conditions"]]
            },
        },
        "humanAnswers": [_answer(item, one, names, width, height) for one in decisions],
    }


def _moment(at: datetime) -> str:
    """As there: UTC to the millisecond, "2020-12-28T18:59:58.321Z"."""
    in_utc = at.astimezone(UTC).replace(tzinfo=None)
    return in_utc.isoformat(timespec="milliseconds") + "Z"


def _heard(item: ReviewItem, names: dict[int, str]) -> dict[str, Any]:
    """What a mention or a sentence was found as; nothing of a frame."""
    if item.is_frame:
        return {}
    told = item.told
    return {
        "kind": item.kind,
        "source": told.get("source", "said"),
        "text": told["text"],
        "mention": told.get("mention", ""),
        "label": names.get(item.label_id or 0, ""),
        "start": told["start_s"],
        "end": told["end_s"],
    }


def _of_words(item: ReviewItem, decision: Decision, names: dict[int, str]) -> dict[str, Any]:
    """As A2I's workers answer with crowd-classifier and with a text field: the category, and what
    was said."""
    answer = decision.answer
    content: dict[str, Any] = {"verdict": answer["verdict"], "unsure": decision.is_unsure}
    if item.kind == ReviewItem.Kind.MENTION and answer["verdict"] != Verdict.WORDS:
        label = answer.get("label") or (item.label_id if answer["verdict"] == "right" else 0)
        content["category"] = {"label": names.get(label or 0, "")}
    if item.told.get("source") != "written":
        content["transcript"] = {"text": text_of(item, decision)}
    return content


def _answer(
    item: ReviewItem, decision: Decision, names: dict[int, str], width: int, height: int
) -> dict[str, Any]:
    return {
        "answerContent": _of_words(item, decision, names)
        if decision.answer
        else {
            "annotatedResult": {
                "boundingBoxes": [
                    {"label": names.get(box["label"], ""), **_pixels(box["box"], width, height)}
                    for box in decision.boxes
                ],
                "inputImageProperties": {"width": width, "height": height},
            },
            "unsure": decision.is_unsure,
        },
        "acceptanceTime": _moment(decision.created - timedelta(seconds=decision.spent_s)),
        "submissionTime": _moment(decision.created),
        "timeSpentInSeconds": round(decision.spent_s, 3),
        **_worker(decision),
    }


def _worker(decision: Decision) -> dict[str, Any]:
    """Who answered; of somebody whose account was deleted nothing is known any more."""
    if decision.by is None:
        return {"workerId": ""}
    who = {"identityProviderType": "Sightline", "issuer": settings.SITE_URL}
    known = {"identityData": who | {"sub": str(decision.by_id)}}
    return {"workerId": f"user-{decision.by_id}", "workerMetadata": known}


def _pixels(box: list[float], width: int, height: int) -> dict[str, int]:
    left, top = round(box[0] * width), round(box[1] * height)
    right, bottom = round(box[2] * width), round(box[3] * height)
    return {"left": left, "top": top, "width": right - left, "height": bottom - top}
