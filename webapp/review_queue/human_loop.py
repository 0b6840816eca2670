"""What people answered for an item, as Amazon A2I writes it: `output.json` of a human loop."""

from __future__ import annotations

from typing import Any

from webapp.projects.models import Label
from webapp.review_queue.answers import Verdict, text_of
from webapp.review_queue.decisions import Decision
from webapp.review_queue.items import ReviewItem, State

_STATUS = {
    State.OPEN: "InProgress",
    State.DISPUTED: "InProgress",
    State.DONE: "Completed",
    State.WITHDRAWN: "Stopped",
}


def human_loop(item: ReviewItem) -> dict[str, Any]:
    """Boxes in pixels of the displayed frame, whole numbers from the top left, as there."""
    asset = item.run.asset
    width, height = asset.width or 0, asset.height or 0
    names = dict(Label.objects.filter(project=item.project_id).values_list("pk", "name"))
    surest = item.told.get("confidence", 0.0)
    surest = max((box["confidence"] for box in item.boxes), default=surest)
    decisions = item.decisions.standing().order_by("pk")
    return {
        "flowDefinitionArn": f"sightline:review-rule/{item.rule_id or ''}",
        "humanLoopName": f"sightline-{item.pk}",
        "humanLoopStatus": _STATUS[State(item.state)],
        "creationTime": item.created.isoformat(),
        "inputContent": {
            "initialValue": round(100 * surest, 3),
            "taskObject": f"sightline:asset/{asset.pk}?t={item.time_s:.6f}",
            "sha256": asset.sha256,
            **_heard(item, names),
            "humanTaskActivationConditionResults": {
                "Conditions": [one for why in item.because for one in why["conditions"]]
            },
        },
        "humanAnswers": [_answer(one, names, width, height) for one in decisions],
    }


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


def _of_words(decision: Decision, names: dict[int, str]) -> dict[str, Any]:
    """As A2I's workers answer with crowd-classifier and with a text field: the category, and what
    was said."""
    item, answer = decision.item, decision.answer
    content: dict[str, Any] = {"verdict": answer["verdict"], "unsure": decision.is_unsure}
    if item.kind == ReviewItem.Kind.MENTION and answer["verdict"] != Verdict.WORDS:
        label = answer.get("label") or (item.label_id if answer["verdict"] == "right" else 0)
        content["category"] = {"label": names.get(label or 0, "")}
    if item.told.get("source") != "written":
        content["transcript"] = {"text": text_of(item, decision)}
    return content


def _answer(decision: Decision, names: dict[int, str], width: int, height: int) -> dict[str, Any]:
    return {
        "answerContent": _of_words(decision, names)
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
        "submissionTime": decision.created.isoformat(),
        "timeSpentInSeconds": round(decision.spent_s, 3),
        "workerId": f"user-{decision.by_id}" if decision.by_id else "",
    }


def _pixels(box: list[float], width: int, height: int) -> dict[str, int]:
    left, top = round(box[0] * width), round(box[1] * height)
    right, bottom = round(box[2] * width), round(box[3] * height)
    return {"left": left, "top": top, "width": right - left, "height": bottom - top}
