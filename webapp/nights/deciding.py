"""What people say of candidates: who, what, when, and what was taken back."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from webapp.accounts.models import Event, Refused, User
from webapp.nights.candidates import Candidate, Verdict


class CandidateDecision(models.Model):
    """One verdict by one person. Taken back, it stays and says so."""

    WORKSPACE = "candidate__night__workspace"

    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="decisions")
    verdict = models.CharField(max_length=8, choices=Verdict)
    before = models.CharField(max_length=8, choices=Verdict, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    taken_back = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager[CandidateDecision]] = models.Manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()}: {self.candidate}"


@transaction.atomic
def decide(
    candidate: Candidate, verdict: str, *, by: User, is_first: bool = False
) -> CandidateDecision:
    """Give a verdict, or another one. is_first: only where nobody else gave one meanwhile; the
    same verdict sent again is one. Raises Refused, also for a word that is none, and where the
    candidate is not found any more since exposures were added."""
    if verdict not in (Verdict.REAL, Verdict.ARTEFACT, Verdict.UNSURE):
        raise Refused("A verdict is accepted, rejected or unsure.")
    held = Candidate.objects.select_for_update().filter(pk=candidate.pk).first()
    if held is None:
        raise Refused("Exposures were added, and it is not found any more.")
    if is_first and held.verdict:
        last = held.decisions.filter(taken_back=None).first()
        if last is not None and last.by_id == by.pk and last.verdict == verdict:
            return last
        who = last.by if last is not None and last.by else "Somebody"
        raise Refused(f"{who} decided it meanwhile.")
    made = CandidateDecision.objects.create(
        candidate=held, verdict=verdict, before=held.verdict, by=by
    )
    held.verdict = candidate.verdict = verdict
    held.save(update_fields=["verdict"])
    about: dict[str, Any] = {"candidate": held.number}
    Event.record(
        held.night.workspace, by, f"called a candidate {verdict}", held.night.name, **about
    )
    return made


@transaction.atomic
def take_back(candidate: Candidate, *, by: User) -> CandidateDecision | None:
    """Undo the last verdict, where it is this person's own. None: there is none of theirs."""
    held = Candidate.objects.select_for_update().filter(pk=candidate.pk).first()
    last = held.decisions.filter(taken_back=None).first() if held else None
    if held is None or last is None or last.by_id != by.pk:
        return None
    last.taken_back = timezone.now()
    last.save(update_fields=["taken_back"])
    held.verdict = candidate.verdict = last.before
    held.save(update_fields=["verdict"])
    about: dict[str, Any] = {"candidate": held.number}
    Event.record(held.night.workspace, by, "took back a verdict", held.night.name, **about)
    return last


def last_of(user: User, workspace: Any) -> CandidateDecision | None:
    """What a person decided last in a workspace and can take back: they did not yet, and nobody
    overruled it."""
    stands = CandidateDecision.objects.filter(taken_back=None)
    later = stands.filter(candidate=OuterRef("candidate"), pk__gt=OuterRef("pk"))
    return (
        stands.filter(~Exists(later), by=user, candidate__night__workspace=workspace)
        .select_related("candidate__night")
        .order_by("-pk")
        .first()
    )
