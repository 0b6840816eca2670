"""Answering for a frame, and taking that back."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from webapp.accounts.models import Refused, User
from webapp.auditing.audits import AuditedLabel
from webapp.auditing.items import LEASE_S, AuditItem
from webapp.auditing.rounds import settle
from webapp.leases import from_now

_LONGEST_S = 120.0  # of what took longer somebody had gone away
_SAID = ("is_carried", "answer", "answered_by", "answered", "lease_until", "leased_to")


class Taken(Refused):
    """Somebody else has the frame, or answered for it."""


@transaction.atomic
def give(item: AuditItem, answer: str, *, by: User, spent_s: float = 0.0) -> AuditItem:
    """Answer for it, or change one's answer. Raises Taken where it is somebody else's."""
    audited, row = _held(item)
    if row.answer:
        _refuse_another(row, by)
        if row.answer == answer:
            return row
        _log("changed an answer of an audit", row, by, before=row.answer, after=answer)
    elif holder := AuditItem.objects.filter(pk=row.pk).held_by_others(by).first():
        raise Taken(f"{holder.leased_to or 'Somebody'} has this frame in front of them.")
    row.answer, row.answered_by, row.answered = answer, by, timezone.now()
    row.is_carried = False
    row.lease_until = row.leased_to = None
    row.spent_s = min(max(spent_s, 0.0), _LONGEST_S)
    row.save(update_fields=[*_SAID, "spent_s"])
    settle(audited)
    return row


@transaction.atomic
def undo(item: AuditItem, *, by: User) -> AuditItem:
    """Take one's answer back; the frame stays with whoever does that. Raises Taken."""
    audited, row = _held(item)
    if not row.answer:
        return row
    _refuse_another(row, by)
    _log("took back an answer of an audit", row, by, before=row.answer)
    row.answer, row.answered_by, row.answered, row.is_carried = "", None, None, False
    row.leased_to, row.lease_until = by, from_now(LEASE_S)
    row.save(update_fields=_SAID)
    row.refresh_from_db(fields=["lease_until"])
    settle(audited)
    return row


def _held(item: AuditItem) -> tuple[AuditedLabel, AuditItem]:
    """The item as it is now, while nobody else changes it or its like."""
    audited = AuditedLabel.held(item.audited_id)
    row = AuditItem.objects.select_related("answered_by").filter(pk=item.pk).first()
    if row is None:
        raise Taken("This frame is not asked about any more.")
    row.audited = audited
    return audited, row


def _refuse_another(row: AuditItem, by: User) -> None:
    if row.answered_by_id != by.pk:
        raise Taken(f"{row.answered_by or 'Somebody'} answered for this frame already.")


def _log(what: str, row: AuditItem, by: User, **about: str) -> None:
    row.audited.log(what, by, time_s=round(row.time_s, 2), **about)
