"""The pages of an evaluation: how good a version is, shown from its stored predictions."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_POST, require_safe

from analysis.measuring.files import evaluation_manifest, summary
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.assets.links import media_link
from webapp.datasets.versions import DatasetVersion
from webapp.going_back import back
from webapp.ids import is_id
from webapp.leases import Status
from webapp.registry.versions import ModelVersion
from webapp.training.advice import advice
from webapp.training.learned import learned_nothing, score_of
from webapp.training.measured import KINDS, Measured, chosen, gallery, measured, overall
from webapp.training.models import Evaluation

A_PAGE = 24
MANY = 400  # pictures, above which the page comes before they do
LEAST, MOST = 0.05, 1.0  # thresholds
FIGURES = (
    ("f1", "F1"),
    ("precision", "Precision"),
    ("recall", "Recall"),
    ("ap50", "AP 0.5"),
    ("ap50_95", "AP 0.5–0.95"),
)


def _rows() -> QuerySet[Evaluation]:
    return Evaluation.objects.select_related(
        "model_version__model__workspace",
        "model_version__training__base__model",
        "model_version__training__version",
        "dataset_version__dataset__project",
    )


@require_safe
@may(Action.VIEW)
def evaluation(request: MemberRequest, pk: int) -> HttpResponse:
    row = find(_rows(), request, pk=pk)
    if row.status != Status.DONE:
        return render(request, "training/evaluation_waits.html", {"evaluation": row})
    other = _other(request, row)
    nothing = learned_nothing(row.model_version, score_of(row))
    context = {
        "evaluation": row,
        "figures": row.figures,
        "other": other,
        "others": _comparable(row),
        "measurable": _measurable(row),
        "compared": _compared(row.figures, other.figures) if other else [],
        "names": FIGURES,
        "nothing": nothing,
        "advice": [] if nothing else advice(row.figures),
        "matrix": _matrix(row.figures.get("confusion")),
        "charts": _charts(row, other),
        "downloads": [(kind, title) for kind, (title, *_) in DOWNLOADS.items()],
    }
    if row.figures["n_pictures"] > MANY:  # laying them on the truth takes a moment
        context |= _asked(request) | {"is_later": True, "query": request.GET.urlencode()}
    else:
        context |= _outcomes(request, row)
    return render(request, "training/evaluation.html", context)


def _other(request: MemberRequest, row: Evaluation) -> Evaluation | None:
    """What it is compared with: another finished evaluation of the same workspace."""
    asked = request.GET.get("with", "")
    return _comparable(row).filter(pk=asked).first() if is_id(asked) else None


def _comparable(row: Evaluation) -> QuerySet[Evaluation]:
    """Finished evaluations of this workspace for the same task."""
    return (
        _rows()
        .filter(
            model_version__model__workspace=row.model_version.model.workspace,
            dataset_version__dataset__task=row.dataset_version.dataset.task,
            status=Status.DONE,
        )
        .exclude(pk=row.pk)
    )


def _measurable(row: Evaluation) -> QuerySet[ModelVersion]:
    """Versions that were not measured on these pictures yet."""
    there = Evaluation.objects.filter(dataset_version=row.dataset_version, split=row.split)
    return (
        ModelVersion.objects.filter(
            model__workspace=row.model_version.model.workspace, status=Status.DONE, archived=None
        )
        .exclude(pk__in=there.values("model_version"))
        .select_related("model")
        .order_by("model__name", "-number")
    )


def _compared(ours: dict[str, Any], theirs: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for all and one for each label: the figures of both and the difference."""
    mine = {row["label"]: row for row in ours["labels"]}
    yours = {row["label"]: row for row in theirs["labels"]}
    labels = list(dict.fromkeys([*mine, *yours]))
    pairs = [("All", ours["overall"], theirs["overall"])]
    pairs += [(label, mine.get(label, {}), yours.get(label, {})) for label in labels]
    return [{"label": label, "cells": _cells(a, b)} for label, a, b in pairs]


def _cells(a: dict[str, Any], b: dict[str, Any]) -> list[dict[str, Any]]:
    cells = []
    for name, _ in FIGURES:
        mine, yours = a.get(name), b.get(name)
        change = None if mine is None or yours is None else round(mine - yours, 4)
        cells.append({"ours": mine, "theirs": yours, "change": change})
    return cells


def _matrix(confusion: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Rows of true labels; `level` is a cell's share of its row, in tenths."""
    if not confusion:
        return []
    names = confusion["labels"]
    return [
        {
            "label": truth,
            "cells": [
                {"n": n, "level": _level(n, sum(row)), "is_right": said == truth, "said": said}
                for said, n in zip(names, row, strict=True)
            ],
        }
        for truth, row in zip(names, confusion["matrix"], strict=True)
        if sum(row)
    ]


def _level(n: int, total: int) -> int:
    return 0 if not n else max(1, round(9 * n / total))


def _charts(row: Evaluation, other: Evaluation | None) -> dict[str, Any]:
    """The numbers that the page draws."""
    return {
        "ours": {"name": str(row.model_version), "labels": _curves(row)},
        "theirs": {"name": str(other.model_version), "labels": _curves(other)} if other else None,
        "bins": row.figures.get("calibration", {}).get("bins", []),
    }


def _curves(row: Evaluation) -> dict[str, Any]:
    return {one["label"]: one.get("pr", []) for one in row.figures["labels"]}


# --- the figures at a threshold, and the pictures --------------------------------------------


@require_safe
@may(Action.VIEW)
def evaluation_outcomes(request: MemberRequest, pk: int) -> HttpResponse:
    """The fragment that a change of threshold, label or kind asks for."""
    row = find(_rows(), request, pk=pk, status=Status.DONE)
    context = {"evaluation": row} | _outcomes(request, row)
    return render(request, "training/_outcomes.html", context)


def _asked(request: MemberRequest) -> dict[str, Any]:
    """The choices of the address; nonsense is no choice."""
    kind = request.GET.get("kind", "")
    return {
        "threshold": read_threshold(request.GET.get("threshold", "")),
        "label": request.GET.get("label", ""),
        "kind": kind if kind in KINDS else "",
        "kinds": KINDS,
    }


def _outcomes(request: MemberRequest, row: Evaluation) -> dict[str, Any]:
    """What is in the pictures at the threshold of the address."""
    asked = _asked(request)
    threshold, label, kind = (asked[name] for name in ("threshold", "label", "kind"))
    try:
        known = measured(row)
    except Refused as refused:
        return asked | {"problem": str(refused)}
    at = chosen(row, known, threshold)
    rows = known.at(at)
    page = Paginator(gallery(known, at, label=label, kind=kind), A_PAGE).get_page(
        request.GET.get("page")
    )
    return asked | {
        "at": rows,
        "at_overall": overall(rows),
        "at_sums": {name: sum(row[name] for row in rows) for name in ("tp", "fp", "fn")},
        "page": page,
        "pictures": [_drawn(picture) for picture in page],
        "keep": _keep(threshold, label, kind),
    }


def _drawn(picture: dict[str, Any]) -> dict[str, Any]:
    """A picture of the gallery with its link and its boxes in pixels, for the SVG over it."""
    width, height = picture["width"] or 1, picture["height"] or 1
    boxes = [
        (kind, [_pixels(row["box"], width, height) for row in picture[kind] if "box" in row])
        for kind in KINDS
    ]
    return picture | {"url": media_link(picture["file"]), "boxes": boxes}


def _pixels(box: Sequence[float], width: int, height: int) -> dict[str, float]:
    x1, y1, x2, y2 = box
    return {
        "x": x1 * width,
        "y": y1 * height,
        "width": max(x2 - x1, 0) * width,
        "height": max(y2 - y1, 0) * height,
    }


def read_threshold(text: str) -> float | None:
    """A confidence between the floor and 1; None where the address says none or nonsense."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if LEAST <= value <= MOST else None


def _keep(threshold: float | None, label: str, kind: str) -> str:
    from urllib.parse import urlencode

    asked = {"threshold": "" if threshold is None else threshold, "label": label, "kind": kind}
    return "&" + urlencode({name: value for name, value in asked.items() if value != ""})


# --- asking ------------------------------------------------------------------------------------


@require_POST
@may(Action.ANALYSE)
def request_evaluation(request: MemberRequest) -> HttpResponse:
    """Measure a version on a split of a dataset version."""
    ids = [request.POST.get(name, "") for name in ("model_version", "dataset_version")]
    if not all(map(is_id, ids)):
        messages.error(request, "Choose a version and what to measure it on.")
        return back(request, "models")
    version = find(ModelVersion.objects.select_related("model"), request, Action.ANALYSE, pk=ids[0])
    pictures = find(
        DatasetVersion.objects.select_related("dataset__project"),
        request,
        Action.ANALYSE,
        pk=ids[1],
    )
    split = request.POST.get("split", "test")
    try:
        row = Evaluation.objects.request(version, pictures, split, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return back(request, "model", version.model_id)
    return redirect("evaluation", row.pk)


@require_POST
@may(Action.ANALYSE)
def retry_evaluation(request: MemberRequest, pk: int) -> HttpResponse:
    row = find(_rows(), request, Action.ANALYSE, pk=pk)
    if not row.retry():
        messages.info(request, "There is nothing to try again.")
    return redirect("evaluation", row.pk)


@require_POST
@may(Action.ANALYSE)
def keep_thresholds(request: MemberRequest, pk: int) -> HttpResponse:
    """Each label's best threshold becomes what the project shows it from."""
    row = find(_rows(), request, Action.ANALYSE, pk=pk, status=Status.DONE)
    n = row.keep_thresholds(by=request.user)
    project = row.dataset_version.dataset.project
    said = f"{n} label{'s' if n != 1 else ''} of {project} now shown from their best threshold"
    messages.success(request, said if n else f"No label of {project} is called as here.")
    return redirect("evaluation", row.pk)


@require_safe
@may(Action.VIEW)
def evaluation_status(request: MemberRequest, pk: int) -> HttpResponse:
    row = find(_rows(), request, pk=pk)
    response = render(request, "training/_evaluation_waits.html", {"evaluation": row})
    if row.is_over:
        response["HX-Refresh"] = "true"
    return response


# --- files ---------------------------------------------------------------------------------------


def _summary_file(row: Evaluation, known: Measured) -> bytes:
    counts = row.model_version.trained_pictures()
    content = summary(
        known.predictions,
        row.figures,
        version=str(row.model_version),
        ended=row.finished.isoformat() if row.finished else "",
        n_training=counts,
    )
    return json.dumps(content, indent=2, ensure_ascii=False).encode()


def _manifest_file(row: Evaluation, known: Measured) -> bytes:
    created = row.finished.isoformat() if row.finished else ""
    lines = evaluation_manifest(known.predictions, row.figures, created=created, job=str(row))
    return "".join(f"{line}\n" for line in lines).encode()


def _predictions_file(row: Evaluation, known: Measured) -> bytes:
    with default_storage.open(row.predictions) as file:
        return gzip.decompress(file.read())


def _figures_file(row: Evaluation, known: Measured) -> bytes:
    return json.dumps(row.figures, indent=1, ensure_ascii=False).encode()


# kind → what it is, name before the version's, ending, content type, maker
DOWNLOADS: dict[str, tuple[str, str, str, str, Any]] = {
    "summary": ("Summary (JSON)", "EvaluationSummary", ".json", "application/json", _summary_file),
    "manifest": (
        *("Evaluation manifest", "EvaluationManifest", ".jsonl", "application/x-ndjson"),
        _manifest_file,
    ),
    "predictions": (
        *("Predictions (JSON)", "predictions", ".json", "application/json"),
        _predictions_file,
    ),
    "figures": ("All figures (JSON)", "figures", ".json", "application/json", _figures_file),
}


@require_safe
@may(Action.VIEW)
def evaluation_file(request: MemberRequest, pk: int, kind: str) -> HttpResponse:
    row = find(_rows(), request, pk=pk, status=Status.DONE)
    _, start, ending, content_type, make = DOWNLOADS[kind]
    try:
        content = make(row, measured(row))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("evaluation", row.pk)
    model = row.model_version
    name = f"{start}-{slugify(str(model.model)) or 'model'}-{model.number}{ending}"
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
