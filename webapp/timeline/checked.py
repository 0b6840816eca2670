"""How much people checked of the figures of a run."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from webapp.runs.run import Run


@dataclass(frozen=True, slots=True)
class Checked:
    """answers: of its audit. decided: what the review asked about its asset, of any analysis: what
    was said there counts in this one too."""

    answers: int = 0
    decided: int = 0

    @classmethod
    def of(cls, run: Run) -> Checked:
        answers = Count("audit__labels__items", filter=~Q(audit__labels__items__answer=""))
        decided = Count("review_items", filter=Q(review_items__state="done"))
        mine = Run.objects.filter(pk=run.pk).aggregate(n=answers)
        theirs = Run.objects.filter(asset=run.asset_id, project=run.project_id)
        return cls(mine["n"], theirs.aggregate(n=decided)["n"])

    def __bool__(self) -> bool:
        return bool(self.answers or self.decided)

    @property
    def sentence(self) -> str:
        """ "Checked by people: 60 answers of an audit, 12 decided in the review"."""
        parts = []
        if self.answers:
            parts.append(f"{self.answers:,} answer{'' if self.answers == 1 else 's'} of an audit")
        if self.decided:
            parts.append(f"{self.decided:,} decided in the review")
        return f"Checked by people: {', '.join(parts)}"
