"""Over the model versions of a project: what was decided without a person, how rightly, and which
of what the version does not know came before one.

The three figures are those of Miao, Liu et al. 2021 (“Iterative human and automated identification
of wildlife images”, Nature Machine Intelligence 3, 885–895): the share of predictions that are
confident, the accuracy of these, and the share of novel samples that are not. Here a prediction is
confident where no rule sends its frame or track to a person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum

from analysis.auditing import STRATA
from analysis.auditing.strata import KINDS
from analysis.measuring.shares import Counted, Drawn, counted, over_parts
from webapp.auditing.audits import AuditedLabel, What
from webapp.auditing.items import AuditItem
from webapp.auditing.populations import population_of
from webapp.leases import Status
from webapp.projects.models import Project
from webapp.registry.versions import ModelVersion
from webapp.review_figures.asked import Asked
from webapp.review_queue.decisions import Decision
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.siftings import Sifting
from webapp.reviewing.verdicts import Verdict
from webapp.runs.run import Run

PICTURES = "Logo pictures"  # where it ran without a model
STUDY = {
    "effort_saved": 0.722,
    "accuracy": 0.902,
    "novel_caught": 0.826,
    "source": "Miao, Liu et al. 2021, Nature Machine Intelligence 3, 885–895: camera traps, second "
    "step",
}


@dataclass(slots=True)
class Version:
    """One model version, or logo pictures alone, in the analyses of a project."""

    key: int | None
    name: str
    first: datetime
    runs: list[int] = field(default_factory=list)
    is_there: bool = False  # the version has a page
    n_sifted: int = 0  # analyses that rules were applied to: all that follows is of these
    frames: int = 0
    frames_sent: int = 0
    by_lot: int = 0  # of these, what no rule would have sent without a lot
    tracks: int | None = None  # None: not counted when the rules were applied
    tracks_sent: int = 0
    lots: Counted | None = None  # frames that a lot alone sent and in which all was right
    audits: Counted | None = None  # brands in frames that no rule sent, as audits answered
    novel_sent: int = 0  # items with a label that the version does not know, sent by a rule
    novel_found: int = 0  # and those that a lot, an audit or a person who looked found

    @property
    def effort_saved(self) -> float | None:
        return 1 - min(self.frames_sent / self.frames, 1.0) if self.frames else None

    @property
    def tracks_saved(self) -> float | None:
        return 1 - min(self.tracks_sent / self.tracks, 1.0) if self.tracks else None

    @property
    def novel(self) -> Counted | None:
        return counted(self.novel_sent, self.novel_sent + self.novel_found)


def versions(asked: Asked) -> list[Version]:
    """Those that analysed something in this time, in the order in which they came."""
    found, of = versions_of(asked)
    _effort(asked.project, of)
    _lots(found, of)
    _audits(found, of)
    _novel(of)
    return found


def versions_of(asked: Asked) -> tuple[list[Version], dict[int, Version]]:
    """The versions, and which one each analysis is of, with nothing counted."""
    rows = Run.objects.finished().filter(project=asked.project, asset__removed=None)
    rows = rows.filter(created__gte=asked.since).order_by("created", "pk")
    columns = ("pk", "created", "inputs__model__id", "inputs__model__name")
    found: dict[int | None, Version] = {}
    of: dict[int, Version] = {}
    for pk, created, key, name in rows.values_list(*columns):
        one = found.setdefault(key, Version(key, name or PICTURES, created))
        one.runs.append(pk)
        of[pk] = one
    keys = [key for key in found if key is not None]
    there = ModelVersion.objects.filter(pk__in=keys, model__workspace=asked.project.workspace_id)
    for pk in there.values_list("pk", flat=True):
        found[pk].is_there = True
    return list(found.values()), of


# --- what was sent ----------------------------------------------------------------------------


def _effort(project: Project, of: dict[int, Version]) -> None:
    """Of analyses that rules were applied to: elsewhere nobody would have been asked anyway."""
    done = Sifting.objects.filter(run__project=project, status=Status.DONE).order_by("pk")
    columns = ("run", "n_frames", "n_tracks", "n_tracks_sent")
    sifted = {row[0]: row[1:] for row in done.values_list(*columns) if row[0] in of}
    sent = ReviewItem.objects.frames().filter(project=project).values("run").order_by()
    counts = {
        row["run"]: (row["n"], row["lot"])
        for row in sent.annotate(n=Count("pk"), lot=Count("pk", filter=Q(is_by_lot=True)))
    }
    looked = {pk: sifted.get(pk, (None, None, None)) for pk in of if pk in sifted or pk in counts}
    unknown = [pk for pk, (n_frames, *_) in looked.items() if n_frames is None]
    frames = dict(
        Run.objects.filter(pk__in=unknown)
        .order_by()
        .annotate(n=Sum("segments__frames_done", default=0))
        .values_list("pk", "n")
    )
    for pk, (n_frames, n_tracks, n_tracks_sent) in looked.items():
        one, (n, n_lot) = of[pk], counts.get(pk, (0, 0))
        one.n_sifted += 1
        one.frames += frames.get(pk, 0) if n_frames is None else n_frames
        one.frames_sent += n
        one.by_lot += n_lot
        if n_tracks is not None:
            one.tracks = (one.tracks or 0) + n_tracks
            one.tracks_sent += n_tracks_sent or 0


# --- how rightly ------------------------------------------------------------------------------


def _lots(found: list[Version], of: dict[int, Version]) -> None:
    """Of frames that were looked at by lot and otherwise by nobody, those in which all was right:
    every box that counts is there, and nothing else."""
    last = Decision.objects.standing().filter(item=OuterRef("pk")).order_by("-pk")
    drawn = ReviewItem.objects.frames().filter(is_by_lot=True, state=State.DONE, settled_by=None)
    told = drawn.filter(run__in=list(of)).annotate(right=Subquery(last.values("is_right")[:1]))
    rows = told.order_by().values_list("run", "right").annotate(n=Count("pk"))
    right, n = Counter[int | None](), Counter[int | None]()
    for pk, is_right, count in rows:
        if is_right is not None:
            n[of[pk].key] += count
            right[of[pk].key] += count if is_right else 0
    for one in found:
        one.lots = counted(right[one.key], n[one.key])


def _audits(found: list[Version], of: dict[int, Version]) -> None:
    """What audits say of frames that no rule sent. Each stratum counts by the frames it has: those
    in doubt are asked about more often than they lie."""
    rows = AuditedLabel.objects.filter(audit__run__in=list(of), what=What.SECONDS)
    parts: dict[int | None, list[Drawn]] = defaultdict(list)
    for audited in rows.select_related("audit__run__asset"):
        parts[of[audited.audit.run_id].key] += _parts(audited)
    for one in found:
        one.audits = over_parts(parts[one.key])


def _parts(audited: AuditedLabel) -> list[Drawn]:
    """By stratum. Of a round that is still being answered nothing counts, as on the audit's page:
    who stopped when the figure suits would choose it."""
    items = list(audited.items.values_list("frame", "stratum", "round", "answer"))
    first_open = min((r for _, _, r, answer in items if not answer), default=None)
    run = audited.audit.run
    by_rule = ReviewItem.objects.frames().filter(run=run, is_by_lot=False)
    sent = set(by_rule.values_list("frame", flat=True))
    seen, n = Counter[int](), Counter[int]()
    for frame, stratum, round_, answer in items:
        is_read = first_open is None or round_ < first_open
        if is_read and answer in AuditItem.TOLD and frame not in sent:
            n[stratum] += 1
            seen[stratum] += (answer == AuditItem.Answer.THERE) == KINDS[stratum].says
    if not n:
        return []
    strata = population_of(run, audited.label_id, audited.threshold).stratum
    left = np.ones(len(strata), np.bool_)
    left[[frame for frame in sent if frame < len(strata)]] = False
    sizes = np.bincount(strata[left], minlength=len(STRATA))
    return [Drawn(seen[k], n[k], int(sizes[k])) for k in range(len(STRATA))]


# --- what is new ------------------------------------------------------------------------------


def _novel(of: dict[int, Version]) -> None:
    """Items whose decision drew or renamed something that the analysis could not find, by who sent
    them; and what an audit, or a person who looked, found of such labels instead."""
    said = Verdict.objects.standing().filter(decisions__item__run__in=list(of))
    said = said.filter(Q(is_drawn=True) | ~Q(actually=F("label"))).exclude(actually=None)
    columns = ("decisions__item__run", "actually", "decisions__item__is_by_lot")
    items = said.order_by().values_list(*columns)
    rows = list(items.annotate(n=Count("decisions__item", distinct=True)))
    rows += [(pk, label, True, n) for pk, label, n in _found_elsewhere(of)]
    known = _known({row[0] for row in rows})
    for pk, label, is_by_lot, n in rows:
        if label in known.get(pk, ()):
            continue
        if is_by_lot:
            of[pk].novel_found += n
        else:
            of[pk].novel_sent += n


def _found_elsewhere(of: dict[int, Version]) -> Iterable[tuple[int, int, int]]:
    """Analysis, label and how often: frames in which an audit saw what the model did not say, and
    frames that a person pointed to when they had it looked for again."""
    sent = ReviewItem.objects.frames().filter(
        run=OuterRef("audited__audit__run"), frame=OuterRef("frame")
    )
    silent = [k for k, kind in enumerate(KINDS) if not kind.says]
    there = AuditItem.objects.filter(answer=AuditItem.Answer.THERE, stratum__in=silent)
    there = (
        there.filter(audited__audit__run__in=list(of), audited__what=What.SECONDS)
        .filter(~Exists(sent))
        .order_by()
    )
    columns = ("audited__audit__run", "audited__label")
    yield from there.values_list(*columns).annotate(n=Count("pk"))
    again = Run.objects.filter(pk__in=list(of), parent__in=list(of)).order_by()
    for parent, inputs in again.values_list("parent", "inputs__again"):
        if inputs:
            yield parent, inputs["label"], len({box["time_s"] for box in inputs["boxes"]})


def _known(runs: set[int]) -> dict[int, set[int]]:
    """The labels that each analysis could find: its model has a word for them, or they have a
    picture."""
    known = {}
    for pk, inputs in Run.objects.filter(pk__in=runs).order_by().values_list("pk", "inputs"):
        words = {name.casefold() for name in (inputs["model"] or {}).get("labels", ())}
        known[pk] = {
            label["id"]
            for label in inputs["labels"]
            if label["references"]
            or any(word.casefold() in words for word in [label["name"], *label["aliases"]])
        }
    return known
