"""Which frames are asked about: the first round of a brand, those that follow, and frames in the
place of those of which nobody could tell."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from analysis.auditing import stretch_s
from analysis.exposure.methodologies import Methodology
from webapp.accounts.models import Refused, User
from webapp.assets.models import Rendition
from webapp.auditing.audits import Audit, AuditedLabel, What
from webapp.auditing.items import AuditItem, answers_of
from webapp.leases import Status
from webapp.projects.models import Label
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.timeline.labels import labels_of

FEWEST, MOST = 10, 5000  # answers that are asked for at once, of one brand
USUAL = 60
_SEEDS = 2**31


def why_not(run: Run) -> str:
    """Why nothing of this run can be audited; "" where it can."""
    if run.status != Run.Status.SUCCEEDED:
        return "This analysis is not finished. Wait for it, then check its figures."
    if not run.duration_s:
        return "A picture has no seconds, so there is nothing to check by samples."
    if not len(columns_of(run).frames):
        return "This analysis has no frame that somebody could look at."
    return ""


@transaction.atomic
def start(
    run: Run, labels: Sequence[int], n: int, *, by: User, method: Methodology | None = None
) -> list[AuditedLabel]:
    """Draw n frames of each of these labels for somebody to look at; with a method n stretches of
    film, to count its exposures. Raises Refused."""
    if why := why_not(run):
        raise Refused(why)
    known = {label.pk: label for label in labels_of(run)}
    wanted = list(dict.fromkeys(labels))
    if not wanted:
        raise Refused("Choose a brand first.")
    if not known.keys() >= set(wanted):
        raise Refused("This brand is not one that the analysis looked for.")
    audit = _audit_of(run, by)
    about: dict[str, Any] = {"what": What.SECONDS}
    if method is not None:
        about = {"what": What.TIMES} | _counted_by(method, run)
    before = audit.labels.filter(label__in=wanted, what=about["what"])
    if taken := before.select_related("label").first():
        raise Refused(f"{taken.label} is audited already: ask for more answers instead.")
    return [_begin(audit, known[label], n, by, about) for label in wanted]


def _counted_by(method: Methodology, run: Run) -> dict[str, Any]:
    """What one exposure is by this method. Raises Refused where nobody could judge it."""
    if not is_countable(method):
        raise Refused(
            f"What {method.name} counts as an exposure cannot be told by eye: choose a method that "
            "bridges gaps or has a minimum, and counts no gap towards it."
        )
    if why := why_no_times(run):
        raise Refused(why)
    return {"gap_s": method.gap_s, "minimum_s": method.minimum_s}


def is_countable(method: Methodology) -> bool:
    """Whether a person can tell where an exposure begins that this method counts."""
    is_slow = stretch_s(method.gap_s, method.minimum_s) is not None
    return is_slow and not (method.bridge_counts and method.minimum_s)


def why_no_times(run: Run) -> str:
    """Why nobody can be shown stretches of this film; "" where they can."""
    proxy = run.asset.renditions.filter(recipe=Rendition.PROXY).first()
    if proxy is None or proxy.status == Status.DONE:
        return ""
    if proxy.is_going_on:
        return "The copy of this film that browsers play is being made: it can be counted then."
    return "Browsers cannot play this film, so nobody can watch where an exposure begins."


def _audit_of(run: Run, by: User) -> Audit:
    """The audit of a run for this transaction alone, made where there is none."""
    made = {"made_by": by, "seed": secrets.randbelow(_SEEDS)}
    audit, _ = Audit.objects.get_or_create(run=run, defaults=made)
    return (
        Audit.objects.select_for_update(of=("self",)).select_related("run__asset").get(pk=audit.pk)
    )


def _begin(audit: Audit, label: Label, n: int, by: User, about: Mapping[str, Any]) -> AuditedLabel:
    audited = AuditedLabel(
        audit=audit,
        label=label,
        threshold=label.threshold,
        seed=(audit.seed + label.pk) % _SEEDS,
        **about,
    )
    audited.wanted = list(audited.population.first_round(_within(n)))
    audited.save()
    settle(audited)
    audited.log("began an audit", by, answers=sum(audited.wanted), of=audited.what)
    return audited


@transaction.atomic
def more(audited: AuditedLabel, n: int | None, *, by: User) -> int:
    """Begin another round: n more answers, or as many as halve the interval. Returns how many.

    Raises Refused while the round before is not answered: nobody chooses when to stop by what the
    answers so far would say.
    """
    audited = AuditedLabel.held(audited.pk)
    if left := audited.items.open().count():
        one = "stretch" if audited.is_of_times else "frame"
        many = "stretches" if audited.is_of_times else "frames"
        frames = f"{one} that is left" if left == 1 else f"{left} {many} that are left"
        raise Refused(f"Answer the {frames} of {audited.label} first.")
    nothing_left = Refused(f"There is no frame left to ask about {audited.label}.")
    answers = answers_of(audited.items.values_list("frame", "answer"))
    n = audited.population.to_halve(answers) if n is None else n
    if n is None:
        raise nothing_left
    before = audited.wanted
    wanted = audited.population.next_round(answers, min(n, MOST))
    audited.wanted = _at_least(wanted, before)
    audited.round += 1
    audited.save(update_fields=["wanted", "round"])
    n_made = settle(audited)
    if not n_made:
        raise nothing_left
    audited.log("asked for more answers of an audit", by, answers=n_made)
    return n_made


def settle(audited: AuditedLabel) -> int:
    """Ask about as many frames of each stratum as answers are wanted there, and one more for each
    of which nobody could tell. Returns how many were added. The caller holds `audited`.

    What is asked of a stratum is always the beginning of its order by lot. So what came in the
    place of another frame goes again only where it came last and nobody has seen it.
    """
    items = list(audited.items.all())
    asked = Counter(item.stratum for item in items)
    untold = Counter(item.stratum for item in items if item.answer == AuditItem.Answer.UNSURE)
    needed = [n + untold[stratum] for stratum, n in enumerate(audited.wanted)]
    for stratum, n in enumerate(needed):
        if asked[stratum] > n:
            last = [item for item in items if item.stratum == stratum][n:]
            asked[stratum] -= _taken_back(audited, last)
    if all(asked[stratum] >= n for stratum, n in enumerate(needed)):
        return 0
    return _ask(audited, [max(n, asked[stratum]) for stratum, n in enumerate(needed)])


def _taken_back(audited: AuditedLabel, last: list[AuditItem]) -> int:
    n = 0
    for item in reversed(last):
        if not audited.items.free().filter(pk=item.pk).delete()[0]:
            break
        n += 1
    return n


def _ask(audited: AuditedLabel, counts: Sequence[int]) -> int:
    population = audited.population
    known = dict(audited.items.values_list("frame", "place"))
    frames = [f for f in population.drawn(counts, audited.seed) if f not in known]
    first = max(known.values(), default=-1) + 1
    made = AuditItem.objects.bulk_create(
        AuditItem(
            audited=audited,
            frame=frame,
            time_s=float(population.time_s[frame]),
            stratum=int(population.stratum[frame]),
            place=place,
            round=audited.round,
        )
        for place, frame in enumerate(frames, start=first)
    )
    return len(made)


def _within(n: int) -> int:
    if not FEWEST <= n <= MOST:
        raise Refused(f"Ask for {FEWEST} to {MOST:,} answers of a brand.")
    return n


def _at_least(wanted: Iterable[int], before: Sequence[int]) -> list[int]:
    return [max(n, m) for n, m in zip(wanted, before, strict=True)]
