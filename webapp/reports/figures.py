"""The numbers of a report as plain data: what a live report shows, and what an issued one freezes.

One function makes them, so the page, the PDF, the files and the frozen report cannot disagree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings

from analysis.cutting.clips import Clip, Source
from analysis.cutting.edit_lists import MOST_EVENTS, edl, otio
from analysis.cutting.rates import Rate
from analysis.exposure.evidence import best_sightings
from analysis.exposure.exports import (
    MentionRow,
    Origin,
    as_dict,
    brands_csv,
    episodes_csv,
    in_playing_order,
    mentions_csv,
    web_vtt,
)
from analysis.exposure.measure import (
    METHODOLOGIES,
    Exposure,
    MediaRate,
    compare_methods,
    measure,
    rank_stability,
)
from webapp.indexing.transcript import n_edits
from webapp.projects.models import Label
from webapp.reports.audited import audit_csv, audited, by_whom, counted
from webapp.reviewing.corrections import Correction
from webapp.reviewing.verdicts import Verdict
from webapp.runs.run import Run
from webapp.timeline.choices import Choices
from webapp.timeline.exposure import Looked, minutes_json
from webapp.timeline.frames import shots_json
from webapp.timeline.labels import labels_of, without_a_look
from webapp.timeline.mentions import Told

SCHEMA = "sightline.report/1"
MOST_TOLD = 12  # corrections in a sentence; the files have them all


def figures(
    run: Run,
    choices: Choices,
    rate: MediaRate | None = None,
    *,
    title: str = "",
    with_files: bool = True,
) -> dict[str, Any]:
    """Everything a report of this run says, as values that JSON can hold.

    A page has no need of the files made of the numbers; what is issued, under a title, or
    downloaded has.
    """
    looked = Looked.at(run, choices)
    names = {label.pk: label.name for label in looked.labels}
    asked: dict[str, Any] = {
        "duration_s": run.duration_s,
        "labels": looked.label_ids,
        "thresholds": looked.thresholds,
        "hidden": choices.off,
        "window": choices.window,
    }
    exposure = measure(
        looked.columns,
        method=choices.methodology,
        rate=rate,
        words=looked.told.words(),
        cuts=shots_json(run),
        **asked,
    )
    methods = METHODOLOGIES | {choices.methodology.key: choices.methodology}
    by_method = compare_methods(looked.columns, methods=methods, **asked)
    mentions = [one._asdict() for one in told_in(exposure, looked)]
    checked, times = audited(looked), counted(looked)
    return {
        "schema": SCHEMA,
        "exposure": _with_labels(as_dict(exposure, names), looked.labels),
        "methods": [
            {
                "key": key,
                "name": found.method.name,
                "seconds": [None if b.is_hidden else round(b.reported_s, 3) for b in found.brands],
                "times": [None if b.is_hidden else b.count for b in found.brands],
            }
            for key, found in by_method.items()
        ],
        "evidence": [
            {"label": label, **best._asdict()}
            for label, best in best_sightings(looked.columns, exposure).items()
        ],
        "mentions": mentions,
        "audit": checked,
        "audit_times": times,
        "stability": rank_stability(by_method).sentence,
        "minutes": minutes_json(looked.minutes()),
        "files": _files(exposure, names, mentions, (checked, times), run, title)
        if with_files
        else {},
        "corrections": corrections_json(looked.said.corrections),
        "verdicts": verdicts_json(looked.said.verdicts),
        "notes": [*run.notes, *_left_blind(run, looked.labels), *_corrected(looked)],
    }


def _left_blind(run: Run, labels: Sequence[Label]) -> list[str]:
    """Says of brands that nothing could find why they have no seconds."""
    blind = [label.name for label in without_a_look(run, list(labels))]
    if not blind:
        return []
    return [f"Not looked for, with neither a logo picture nor a model: {', '.join(blind)}."]


def _corrected(looked: Looked) -> list[str]:
    """What people corrected, for whoever reads the figures."""
    if looked.choices.model_only:
        return ["Corrections by people are left out: these are the figures of the model alone."]
    sentences = []
    if corrections := looked.said.corrections:
        shown = [one.sentence for one in corrections[:MOST_TOLD]]
        more = len(corrections) - len(shown)
        people = sorted({str(one.by) for one in corrections if one.by})
        by = f" by {', '.join(people)}" if people else ""
        said = f"{'; '.join(shown)}{f' and {more:,} more' if more else ''}"
        sentences.append(f"Corrected{by}: {said}.")
    if judged := looked.said.of_boxes:
        sentences.append(f"People reviewed {judged}.")
    if judged := looked.told.of_mentions:
        sentences.append(f"People reviewed {judged}.")
    return sentences


def corrections_json(corrections: Sequence[Correction]) -> list[dict[str, Any]]:
    return [
        {
            "label": one.label_id,
            "start_s": round(one.start_s, 6),
            "end_s": round(one.end_s, 6),
            "instead": one.instead_id,
            "said": one.sentence,
            "by": str(one.by or ""),
            "at": one.created.isoformat(),
        }
        for one in corrections
    ]


def verdicts_json(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """What people say of single boxes: the label found, and the one that it is or none."""
    return [
        {
            "label": one.label_id,
            "time_s": round(one.time_s, 6),
            "box": one.box,
            "said": one.kind,
            "actually": one.actually_id,
            "track_s": None if one.start_s is None else [one.start_s, one.end_s],
        }
        for one in verdicts
    ]


def _origin(run: Run, title: str) -> Origin:
    return Origin(run.asset.name, run.project.name, title, str(run.pk))


def told_in(exposure: Exposure, looked: Looked) -> list[MentionRow]:
    """What is said and written of the brands that are not left out, in the window, by time."""
    start_s, end_s = exposure.window
    sources = (("said", looked.told.said), ("written", looked.told.written))
    rows = [
        MentionRow(
            *(m.brand, source, m.start_s, m.end_s, m.text, m.name, m.by),
            *(round(m.score, 3), round(m.confidence, 3)),
            one.verdict.kind if one.verdict else "",
        )
        for source, found in sources
        for one, m in ((one, one.mention) for one in found)
        if m.brand not in looked.choices.off
        and (start_s == end_s or (m.start_s < end_s and m.end_s > start_s))
    ]
    return sorted(rows, key=lambda row: (row.start_s, row.label, row.source))


def _files(
    exposure: Exposure,
    names: dict[int, str],
    mentions: Sequence[dict[str, Any]],
    checked: tuple[Sequence[dict[str, Any]], Sequence[dict[str, Any]]],
    run: Run,
    title: str,
) -> dict[str, str]:
    rows, origin = [MentionRow(**one) for one in mentions], _origin(run, title)
    return {
        "brands.csv": brands_csv(exposure, names, origin),
        "episodes.csv": episodes_csv(exposure, names, origin),
        "mentions.csv": mentions_csv(exposure, names, rows, origin),
        "audit.csv": audit_csv(*checked, origin),
        "episodes.vtt": web_vtt(exposure, names),
        **_edit_lists(exposure, names, run, title),
    }


def _edit_lists(exposure: Exposure, names: dict[int, str], run: Run, title: str) -> dict[str, str]:
    """Every exposure as a cut of the film, for who edits: the longest, where there are too many."""
    frames_a_second = run.asset.probe.get("frame_rate") or 0
    if not exposure.duration_s or not frames_a_second:
        return {}
    is_variable = bool(run.asset.probe.get("is_variable_rate"))
    rate = Rate.of(frames_a_second, is_variable=is_variable)
    film = Source(run.asset.name, run.duration_s, rate)
    found = [
        Clip(film, episode.start_s, episode.end_s, names[brand.label])
        for episode, brand in in_playing_order(exposure)
    ]
    if len(found) > MOST_EVENTS:
        longest = sorted(found, key=lambda one: -one.seconds)[:MOST_EVENTS]
        found = sorted(longest, key=lambda one: one.start_s)
    about = (title or run.asset.stem, found, rate)
    return {"exposures.edl": edl(*about), "exposures.otio": otio(*about)}


def _with_labels(exposure: dict[str, Any], labels: Any) -> dict[str, Any]:
    """The exposure with each brand's own number and colour, for links and drawings."""
    by_name: dict[str, Label] = {label.name: label for label in labels}
    for brand in exposure["brands"]:
        label = by_name[brand["name"]]
        brand["label"], brand["colour"] = label.pk, label.colour
    return exposure


def manifest(run: Run, numbers: dict[str, Any]) -> dict[str, Any]:
    """What the numbers rest on, and a hash by which a copy of them can be checked."""
    asset, model = run.asset, run.inputs["model"]
    return {
        "media": {"name": asset.name, "sha256": asset.sha256, "size_bytes": asset.size_bytes},
        "run": {
            "id": run.pk,
            "input_hash": run.input_hash,
            "options": run.options,
            "finished": run.finished.isoformat() if run.finished else None,
        },
        "model": {"name": model["name"], "sha256": model["sha256"]} if model else None,
        "references": {
            label["name"]: [reference["sha256"] for reference in label["references"]]
            for label in run.inputs["labels"]
            if label["references"]
        },
        **_not_this(run),
        **_words(run),
        **by_whom(numbers),
        "method": {key: numbers["exposure"]["method"][key] for key in ("key", "name", "version")},
        "software": settings.VERSION,
        "numbers_sha256": digest(numbers),
    }


def _not_this(run: Run) -> dict[str, Any]:
    """By which pictures sightings were turned down, where there are any."""
    denied = {
        label["name"]: [picture["sha256"] for picture in label["not_this"]]
        for label in run.inputs["labels"]
        if label.get("not_this")
    }
    return {"not_this": denied} if denied else {}


def _words(run: Run) -> dict[str, Any]:
    """What was listened and read with, how much of it people corrected, and for which names."""
    told = Told.of(run.asset, labels_of(run))
    steps = {"speech": told.speech, "text": told.text}
    by_step = {
        name: {
            "engine": step.engine_title,
            "sha256": step.engine_digest,
            "version": step.version,
            **({"corrected": n_edits(step)} if name == "speech" else {}),
        }
        for name, step in steps.items()
        if step is not None
    }
    if not by_step:
        return {}
    for name, source in (("speech", "said"), ("text", "written")):
        if denied := sum(found.source == source for found, _ in told.turned_down):
            by_step[name]["denied"] = denied
    names = {label.name: label.aliases for label in told.labels if label.aliases}
    return {"words": by_step | ({"aliases": names} if names else {})}


def sampling(options: dict[str, Any], duration_s: float) -> str:
    """How densely the run looked, in words."""
    if not duration_s:
        return "The picture itself"
    mode = options["mode"]
    followed = ", followed from frame to frame" if options.get("follow") else ""
    if mode in ("every", "key"):
        return {"every": "Every frame", "key": "Key frames"}[mode] + followed
    held = ", kept while the picture stays the same" if mode == "adaptive" else ""
    return f"One frame every {options['interval_s']:g} s{held}{followed}"


def doubtful_ends(brands: Sequence[dict[str, Any]]) -> int:
    """How many there are in all; reports of before they were told have none."""
    return sum(brand.get("doubtful_ends") or 0 for brand in brands)


def bare(numbers: dict[str, Any]) -> dict[str, Any]:
    """The numbers without the files made of them: what a copy in JSON holds, and can be checked."""
    return {key: value for key, value in numbers.items() if key != "files"}


def digest(numbers: dict[str, Any]) -> str:
    """SHA-256 of the bare numbers as JSON with sorted keys and no spaces."""
    text = json.dumps(bare(numbers), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
