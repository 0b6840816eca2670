"""Saying of an answer that it is right or wrong, for each thing that was asked."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import transaction

from analysis.retrieval.moments import Span
from webapp.accounts.models import User, Workspace
from webapp.asking.answering import Answers, plays_at
from webapp.asking.asks import Ask
from webapp.asking.judgements import LONGEST, Judgement

_ABOUT_S = 0.01


def span_at(answers: Answers, asset: int, at_s: float) -> Span | None:
    """The moment of an answer that holds a time."""
    for span in answers.spans:
        if span.asset == asset and span.start_s - _ABOUT_S <= at_s <= span.end_s + _ABOUT_S:
            return span
    return None


@transaction.atomic
def judge(
    workspace: Workspace, user: User, query: str, answers: Answers, span: Span, *, is_right: bool
) -> list[Judgement]:
    """One row for each ask that is meant, and one for the words; what was said before of the same
    answer goes."""
    by_question = {one.question.key: one for one in answers.of(span)}
    best = next(iter(by_question.values()), None)
    at_s = plays_at(best.hit) if best else span.start_s
    about: dict[str, Any] = {
        "workspace": workspace,
        "user": user,
        "asset_id": span.asset,
        "time_s": min(max(at_s, span.start_s), span.end_s),
    }
    asked: list[tuple[Ask | None, str]] = [
        (wish.ask, "") for wish in answers.wishes if not wish.is_unwanted
    ]
    if words := answers.words or query:
        asked.append((None, words[:LONGEST]))
    made = []
    for row, text in asked:
        found = by_question.get(str(row.pk) if row else "words", best)
        Judgement.objects.filter(ask=row, words=text, **about).delete()
        made.append(
            Judgement.objects.create(
                ask=row,
                words=text,
                end_s=span.end_s,
                is_right=is_right,
                found=asdict(found.hit) if found else None,
                **about,
            )
        )
    return made
