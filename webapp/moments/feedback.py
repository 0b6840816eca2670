"""What people corrected and flagged, over time: what the next improvement can learn from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet

from webapp.accounts.models import Workspace
from webapp.indexing.mention_verdicts import MentionVerdict
from webapp.indexing.word_edits import WordEdit
from webapp.moments.flags import Flag
from webapp.moments.moments import MomentEdit
from webapp.projects.models import Reference

KINDS = {
    "flag": "Flags",
    "moment": "Topics and moments corrected",
    "word": "Words corrected",
    "mention": "Mentions turned down or confirmed",
    "not-this": "Pictures that are not the brand",
}
_ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing somebody said. was, now: what was found, and what they say instead."""

    kind: str
    pk: int
    when: datetime
    by: str
    about: str
    was: str
    now: str
    asset: int | None
    asset_name: str
    time_s: float | None
    end_s: float | None
    is_undone: bool


class Newest:
    """All of a workspace, newest first, as a paginator wants it: counted, and cut."""

    def __init__(self, workspace: Workspace, kind: str = "") -> None:
        self.rows = {k: r for k, r in _rows(workspace).items() if kind in ("", k)}

    def count(self) -> int:
        return sum(rows.count() for rows in self.rows.values())

    __len__ = count

    def __getitem__(self, part: slice) -> list[Feedback]:
        """Of each kind as many rows are read as may be among those asked for."""
        each = [
            [_READ[kind](row) for row in rows.order_by("-created", "-pk")[: part.stop]]
            for kind, rows in self.rows.items()
        ]
        return list(islice(merge(*each, key=_newest_first), part.start or 0, part.stop))


def page(workspace: Workspace, kind: str, number: str) -> Any:
    """The page of that number, or the nearest there is."""
    rows: Any = Newest(workspace, kind)
    return Paginator(rows, _ON_A_PAGE).get_page(number)


def counts(workspace: Workspace) -> dict[str, int]:
    return {kind: rows.count() for kind, rows in _rows(workspace).items()}


def as_lines(workspace: Workspace) -> Iterator[str]:
    """JSON Lines, oldest first, what was taken back among them."""
    each = (_oldest_first(kind, rows) for kind, rows in _rows(workspace).items())
    for one in merge(*each, key=lambda one: one.when):
        yield json.dumps(asdict(one) | {"when": one.when.isoformat()}, ensure_ascii=False) + "\n"


def _oldest_first(kind: str, rows: QuerySet[Any]) -> Iterator[Feedback]:
    for row in rows.order_by("created", "pk").iterator(chunk_size=500):
        yield _READ[kind](row)


def _newest_first(one: Feedback) -> float:
    return -one.when.timestamp()


def _rows(workspace: Workspace) -> dict[str, QuerySet[Any]]:
    flags = Flag.objects.filter(asset__workspace=workspace, asset__removed=None)
    edits = MomentEdit.objects.filter(
        moment__outline__asset__workspace=workspace, moment__outline__asset__removed=None
    )
    words = WordEdit.objects.filter(
        speech_segment__indexing__asset__workspace=workspace,
        speech_segment__indexing__asset__removed=None,
        speech_segment__indexing__removed=None,
    )
    denied = MentionVerdict.objects.filter(asset__workspace=workspace, asset__removed=None)
    not_this = Reference.objects.filter(label__project__workspace=workspace, not_this=True)
    return {
        "flag": flags.select_related("asset", "by", "label"),
        "moment": edits.select_related("moment__outline__asset", "by"),
        "word": words.select_related("speech_segment__indexing__asset", "by"),
        "mention": denied.select_related("asset", "by", "label", "actually"),
        "not-this": not_this.select_related("label__project"),
    }


def _flag(row: Any) -> Feedback:
    said = row.get_reason_display() + (f": {row.note}" if row.note else "")
    kind, times = row.get_kind_display(), (row.start_s, row.end_s)
    return Feedback(
        *("flag", row.pk, row.created, str(row.by or ""), kind, row.text, said),
        *(row.asset_id, str(row.asset), *times, row.undone is not None),
    )


def _moment(row: Any) -> Feedback:
    moment, asset = row.moment, row.moment.outline.asset
    return Feedback(
        *("moment", row.pk, row.created, str(row.by or ""), moment.get_kind_display()),
        was=moment.title,
        now=_said(row),
        asset=asset.pk,
        asset_name=str(asset),
        time_s=moment.start_s,
        end_s=moment.end_s,
        is_undone=row.undone is not None,
    )


def _said(row: MomentEdit) -> str:
    if row.is_gone:
        return "taken out"
    parts = [f"“{row.title}”"] if row.title is not None else []
    parts += [f"from {row.start_s:g} s"] if row.start_s is not None else []
    parts += [f"to {row.end_s:g} s"] if row.end_s is not None else []
    return ", ".join(parts)


def _word(row: WordEdit) -> Feedback:
    line = row.speech_segment
    words = line.words
    is_there = row.word < len(words["text"])
    was = words["text"][row.word].strip() if is_there else ""
    times = (words["start_s"][row.word], words["end_s"][row.word]) if is_there else (None, None)
    asset = line.indexing.asset
    return Feedback(
        *("word", row.pk, row.created, str(row.by or ""), "word", was, row.text or "taken out"),
        *(asset.pk, str(asset), *times, row.undone is not None),
    )


def _denied(row: MentionVerdict) -> Feedback:
    about, now = f"{row.get_source_display()} mention", _of_which(row)
    return Feedback(
        *("mention", row.pk, row.created, str(row.by or ""), about.lower(), row.text, now),
        *(row.asset_id, str(row.asset), row.start_s, row.end_s, row.undone is not None),
    )


def _of_which(row: MentionVerdict) -> str:
    if row.actually is None:
        return f"not {row.label.name}"
    return row.actually.name if row.kind == "confirmed" else f"{row.actually}, not {row.label}"


def _not_this(row: Reference) -> Feedback:
    now = f"not {row.label.name}"
    return Feedback(
        *("not-this", row.pk, row.created, "", f"logo in {row.label.project}", row.name, now),
        *(None, "", None, None, False),
    )


_READ: dict[str, Any] = {
    "flag": _flag,
    "moment": _moment,
    "word": _word,
    "mention": _denied,
    "not-this": _not_this,
}
