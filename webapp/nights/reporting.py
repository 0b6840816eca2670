"""The report of a night: what it rests on, how well it went, what was found."""

from __future__ import annotations

from typing import Any

from webapp.nights import showing
from webapp.nights.candidates import Verdict
from webapp.nights.deciding import CandidateDecision
from webapp.nights.exports import name_of
from webapp.nights.night import Night

MOST_LISTED = 200


def report_of(night: Night) -> dict[str, Any]:
    """Everything the page of the report shows."""
    candidates = night.candidates.filter(is_gone=False)
    accepted = candidates.filter(verdict=Verdict.REAL).order_by("number")
    plot, _ = showing.plane_of(night, accepted if accepted.exists() else candidates.in_turn())
    counts = {title: candidates.filter(verdict=value).count() for value, title in Verdict.choices}
    rows = [{"one": one, "name": name_of(one)} for one in accepted[:MOST_LISTED]]
    return showing.status_of(night) | {
        "about": showing.about(night),
        "accepted": rows,
        "n_accepted": counts[str(Verdict.REAL.label)],
        "counts": counts,
        "plane": plot,
        **showing.completeness_of(night),
        "not_measured": _why_not_measured(night),
        "decided_by": _deciders(night),
        "middle": _span(night),
    }


def _why_not_measured(night: Night) -> str:
    """Why it is not known what share of moving things was found, in a sentence."""
    if not night.is_over:
        return "the night is not over."
    if not night.options.get("injected"):
        return (
            "no made-up objects were put into copies of the exposures. Search the night again with "
            "“Objects put in” above 0."
        )
    return (
        f"it takes {night.options['least']} exposures that say when they were made and were "
        "searched."
    )


def _deciders(night: Night) -> list[str]:
    rows = CandidateDecision.objects.filter(candidate__night=night, taken_back=None)
    names = rows.order_by().values_list("by__name", "by__email").distinct()
    return [name or email for name, email in names if name or email]


def _span(night: Night) -> tuple[Any, Any]:
    """When the first and the last exposure were made."""
    known = night.exposures.values_list("middle_mjd", flat=True)
    times = sorted(mjd for mjd in known if mjd is not None)
    return (showing.at(times[0]), showing.at(times[-1])) if times else (None, None)
