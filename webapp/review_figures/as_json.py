"""The figures as JSON: what the page says, under names that stay."""

from __future__ import annotations

from typing import Any

from analysis.exposure.unusual import LIMIT
from analysis.measuring.shares import Counted
from webapp.review_figures.asked import Asked
from webapp.review_figures.drift import LEVEL, Cell, Drift, drift
from webapp.review_figures.exposure import LEAST, Exposure
from webapp.review_figures.people import Person, Week, people
from webapp.review_figures.quality import Quality, quality
from webapp.review_figures.versions import STUDY, Version, versions
from webapp.review_figures.waiting import Waiting, waiting


def figures_json(asked: Asked) -> dict[str, Any]:
    """All but the seconds of brands, which may have to be made first."""
    return {
        "project": asked.project.pk,
        "period": asked.period,
        "versions": [_version(one) for one in versions(asked)],
        "study": STUDY,
        "people": [_person(one) for one in people(asked)],
        "waiting": _waiting(waiting(asked)),
        "labels": _drift(drift(asked), asked.by),
        "quality": _quality(quality(asked)),
    }


def exposure_json(found: Exposure) -> dict[str, Any]:
    return {
        "assets": [
            {"asset": run.asset_id, "run": run.pk, "date": run.asset.created.isoformat()}
            for run in found.runs
        ],
        "left_out": found.n_assets - len(found.runs),
        "needed": LEAST,
        "limit": LIMIT,
        "unusual": [
            {
                "brand": one.brand.name,
                "label": one.label,
                "asset": one.run.asset_id,
                "run": one.run.pk,
                "seconds": one.seconds,
                "usual": [one.low_s, one.high_s],
                "z": one.z,
                "share_of_time": one.share,
                "is_by_length": one.is_by_length,
                "words": one.words,
            }
            for one in found.anomalies
        ],
    }


def _share(found: Counted | None) -> dict[str, Any] | None:
    return found._asdict() if found else None


def _version(one: Version) -> dict[str, Any]:
    return {
        "model_version": one.key,
        "name": one.name,
        "analyses": len(one.runs),
        "analyses_with_rules": one.n_sifted,
        "frames": one.frames,
        "frames_sent": one.frames_sent,
        "frames_by_lot": one.by_lot,
        "tracks": one.tracks,
        "tracks_sent": one.tracks_sent if one.tracks is not None else None,
        "effort_saved": one.effort_saved,
        "effort_saved_tracks": one.tracks_saved,
        "accuracy_by_lot": _share(one.lots),
        "accuracy_by_audit": _share(one.audits),
        "novel_caught": _share(one.novel),
    }


def _person(one: Person) -> dict[str, Any]:
    weeks = [{"week": str(week.monday), **_week(week)} for week in one.weeks]
    return {"person": one.pk, "name": one.name, **_week(one.all), "weeks": weeks}


def _week(week: Week) -> dict[str, Any]:
    return {
        "decided": week.n,
        "median_s": week.median_s,
        "agreement": week.agreement,
        "compared": week.n_compared,
        "confirmed": week.n_confirmed,
        "settled": week.n_settled,
    }


def _waiting(found: Waiting) -> dict[str, Any]:
    return {
        "waits": found.n,
        "disputed": found.disputed,
        "oldest": found.oldest.isoformat() if found.oldest else None,
        "middle": found.middle.isoformat() if found.middle else None,
        "over_a_day": found.over_a_day,
        "over_a_week": found.over_a_week,
        "flow": [
            {"day": str(step.day), "came": step.came, "decided": step.decided}
            for step in found.flow
        ],
    }


def _drift(found: Drift, by: str) -> dict[str, Any]:
    return {
        "by": by,
        "columns": found.columns,
        "level": LEVEL,
        "compared": found.n_compared,
        "rows": [
            {"label": row.label.pk, "name": row.label.name, "cells": [_cell(c) for c in row.cells]}
            for row in found.rows
        ],
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "confirmed": cell.confirmed,
        "rejected": cell.rejected,
        "renamed": cell.n_renamed,
        "renamed_to": cell.renamed_to,
        "drawn": cell.drawn,
        "change": cell.change,
    }


def _quality(found: Quality) -> list[dict[str, Any]]:
    return [
        {
            "evaluation": e.pk,
            "model_version": e.model_version_id,
            "name": str(e.model_version),
            "dataset_version": e.dataset_version_id,
            "split": e.split,
            "n_golden": where.n_golden,
            "f1": e.figures.get("overall", {}).get("f1"),
        }
        for row in found.rows
        for where, e in zip(found.sets, row.cells, strict=True)
        if e is not None
    ]
