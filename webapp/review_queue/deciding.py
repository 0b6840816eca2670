"""Deciding for an item, and taking that back: what it changes in the figures, and who is next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now
from django.utils import timezone

from analysis.boxes import ious
from analysis.labelling.consensus import Said, agreement
from webapp.accounts.models import Refused, User
from webapp.leases import from_now
from webapp.projects.models import Label
from webapp.review_queue import answers
from webapp.review_queue.alike import take_along
from webapp.review_queue.decisions import Decision, Skip
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.judged import judged, settle_along, unsettle_along
from webapp.review_queue.lending import LEASE_S, may_settle
from webapp.review_queue.notices import tell_if_empty
from webapp.review_queue.past_moments import PROPOSED
from webapp.reviewing.corrections import seen_otherwise
from webapp.reviewing.verdicts import Verdict

MOST_BOXES = 200
_LONGEST_S = 300.0  # of what took longer somebody had gone away
_STANDS = ("n_decided", "state", "done", "leased_to", "lease_until")
_STAYED = 0.98  # overlap from which a box was not moved


class Taken(Refused):
    """Somebody else has the item, or it is decided."""


@transaction.atomic
def decide(
    item: ReviewItem,
    boxes: Sequence[dict[str, Any]],
    *,
    by: User,
    answer: Mapping[str, Any] | None = None,
    is_unsure: bool = False,
    scope: str = Decision.Scope.FRAME,
    spent_s: float = 0.0,
    alike: Collection[int] = (),
) -> Decision:
    """What is really in the frame, as this person says. The same sent twice counts once.

    boxes: {"prediction": id of the box it goes out from or None, "label", "box"}; a prediction
    that none names is turned down. answer: of a mention or a sentence instead, as
    `webapp.review_queue.answers` reads it. alike: items that wait and look like it, of which the
    same is said, where this decision ends its own. Raises Taken and Refused.
    """
    row = _held(item)
    before = list(row.decisions.standing().order_by("pk"))
    mine = next((one for one in reversed(before) if one.by_id == by.pk), None)
    if mine and _is_again(mine, boxes, answer):
        return mine
    said = [] if is_unsure or not row.is_frame else _read(row, boxes)
    heard = {} if is_unsure or row.is_frame else answers.read(row, answer)
    as_before = (mine.boxes, mine.answer, mine.is_unsure, mine.scope) if mine else None
    if mine and as_before == (said, heard, is_unsure, scope):
        return mine
    _refuse_what_is_not_theirs(row, by, mine)
    decision = Decision.objects.create(
        item=row,
        by=by,
        boxes=said,
        is_unsure=is_unsure,
        answer=heard,
        is_right=None if is_unsure else _is_right(row, said, heard),
        scope=scope,
        settles=row.state == State.DISPUTED,
        spent_s=min(max(spent_s, 0.0), _LONGEST_S),
    )
    row.n_decided += 1
    row.settled_by = None  # ended with another frame of its track, it is looked at after all
    _settle(row, [*before, decision])
    if alike and row.state == State.DONE and not is_unsure:
        take_along(row, decision, alike, by)
    return decision


@transaction.atomic
def undo(item: ReviewItem, *, by: User) -> ReviewItem:
    """Take one's last decision back; the item stays with whoever does that. Raises Taken."""
    row = _held(item)
    last = row.decisions.standing().order_by("-pk").first()
    if last is None or not row.decisions.standing().filter(by=by).exists():
        return row
    if last.by_id != by.pk:
        raise Taken(f"{last.by or 'Somebody'} decided for it since: it cannot be taken back.")
    last.verdicts.all().take_back()
    answers.take_back(last, by=by)
    unsettle_along(last)
    last.undone = timezone.now()
    last.save(update_fields=["undone"])
    row.n_decided = max(row.n_decided - 1, 0)
    row.state = State.DISPUTED if last.settles else State.OPEN
    row.done = None
    row.leased_to, row.lease_until = by, from_now(LEASE_S)
    row.save(update_fields=_STANDS)
    row.refresh_from_db(fields=["lease_until"])
    return row


@transaction.atomic
def skip(item: ReviewItem, *, by: User) -> None:
    """Others first. It comes again when nothing else waits for this person."""
    row = _held(item)
    Skip.objects.get_or_create(item=row, by=by)
    if row.leased_to_id == by.pk:
        row.leased_to = row.lease_until = None
        row.save(update_fields=["leased_to", "lease_until"])


def _held(item: ReviewItem) -> Any:
    """The item as it is now, for this transaction alone; `is_lent`: somebody has it before them."""
    rows = ReviewItem.objects.there().select_for_update(of=("self",))
    row = (
        rows.select_related("run__asset", "leased_to", "label")
        .defer("run__inputs", "run__asset__probe")
        .annotate(is_lent=ExpressionWrapper(Q(lease_until__gt=Now()), BooleanField()))
        .filter(pk=item.pk)
        .first()
    )
    if row is None:
        raise Taken("This is not asked about any more: what it is about was deleted.")
    return row


def _refuse_what_is_not_theirs(row: Any, by: User, mine: Decision | None) -> None:
    if row.state == State.WITHDRAWN:
        raise Taken("This is not asked about any more: a newer analysis took its place.")
    if not row.is_waiting and row.settled_by_id is None:
        last = row.decisions.standing().order_by("-pk").first()
        who = "You" if last and last.by_id == by.pk else (last and last.by) or "Somebody"
        raise Taken(f"{who} decided for it already.")
    if row.is_waiting and row.is_lent and row.leased_to_id != by.pk:
        raise Taken(f"{row.leased_to or 'Somebody'} has it in front of them.")
    if mine and not (row.state == State.DISPUTED and may_settle(by, row.workspace)):
        raise Taken("You said already what you see here. It waits for somebody else now.")


def _read(row: ReviewItem, boxes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was sent, in order, where it makes sense. Raises Refused."""
    if len(boxes) > MOST_BOXES:
        raise Refused(f"A frame holds {MOST_BOXES} boxes at most.")
    known = {box["id"] for box in row.boxes}
    named = [box["prediction"] for box in boxes if box["prediction"] is not None]
    if not known >= set(named):
        raise Refused("This box is none that was found in the frame.")
    if len(set(named)) < len(named):
        raise Refused("Each box that was found can be named once.")
    labels = {box["label"] for box in boxes}
    here = Label.objects.filter(project=row.project_id, pk__in=labels).values_list("pk", flat=True)
    if labels - set(here):
        raise Refused("This label is none of the project: it may have been deleted meanwhile.")
    for box in boxes:
        x1, y1, x2, y2 = box["box"]
        if not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
            raise Refused("A box lies inside the frame: from its left to its right, top to bottom.")
    read = [
        {
            "prediction": box["prediction"],
            "label": box["label"],
            "box": [round(side, 6) for side in box["box"]],
        }
        for box in boxes
    ]
    return sorted(read, key=lambda box: (box["prediction"] or "~", box["label"], box["box"]))


def _is_again(mine: Decision, boxes: Sequence[dict[str, Any]], answer: Mapping | None) -> bool:
    """Whether words that were corrected are sent a second time: they read so by now."""
    text = " ".join((answer or {}).get("text", "").split())
    before = mine.answer
    return not boxes and before.get("verdict") == "words" and before.get("text") == text != ""


def _is_right(row: ReviewItem, said: list[dict[str, Any]], heard: answers.Answer) -> bool:
    """Whether the boxes that count are those that are there, overlapping by at least half; or what
    was heard is as it was found."""
    if not row.is_frame:
        return bool(heard["verdict"] == answers.Verdict.RIGHT)
    found = [Said(box["label"], tuple(box["box"])) for box in row.boxes if not box["is_weak"]]
    there = [Said(box["label"], tuple(box["box"])) for box in said]
    return agreement([found], [there]) == 1.0


# --- what follows -------------------------------------------------------------------------------


def _settle(row: ReviewItem, decisions: Sequence[Decision]) -> None:
    """Write what is decided by now, or ask somebody else."""
    last = decisions[-1]
    row.leased_to = row.lease_until = None
    if last.settles or len(decisions) >= row.people:
        if last.settles or _agree(decisions):
            row.state, row.done = State.DONE, timezone.now()
            if not last.is_unsure:
                if row.is_frame:
                    last.verdicts.add(*Verdict.objects.keep(_verdicts(row, last)))
                    seen_otherwise.send(Verdict, assets=[row.run.asset_id])
                    settle_along(last)
                else:
                    answers.apply(row, last)
        else:
            row.state = State.DISPUTED
    row.save(update_fields=["settled_by", *_STANDS])
    if row.state == State.DONE:
        transaction.on_commit(lambda: tell_if_empty(row), robust=True)


def _agree(decisions: Sequence[Decision]) -> bool:
    """Whether all say the same: the same boxes, overlapping by at least half, or all unsure."""
    if len({one.is_unsure for one in decisions}) > 1:
        return False
    if not all(answers.is_same(one.answer, decisions[0].answer) for one in decisions):
        return False
    said = [[Said(box["label"], tuple(box["box"])) for box in one.boxes] for one in decisions]
    return all(agreement([one], [other]) == 1.0 for one, other in combinations(said, 2))


def _verdicts(row: ReviewItem, decision: Decision) -> list[Verdict]:
    """Of each box that was found or drawn, what the person says of it; nothing of those whose
    track was judged before, where they left that as it was."""
    known = judged([row])[row.pk]
    kept = {box["prediction"]: box for box in decision.boxes if box["prediction"] is not None}
    gone = Label.objects.filter(pk__in={box["label"] for box in row.boxes})
    there = set(gone.values_list("pk", flat=True))
    about = {"asset_id": row.run.asset_id, "time_s": row.time_s, "by": decision.by}
    made = []
    for found in row.boxes:
        if found["label"] not in there:  # deleted since: nothing counts of it
            continue
        said = kept.get(found["id"])
        if found["id"].startswith(PROPOSED):  # no analysis has it: accepted, it was missed
            made += [_drawn(said, about)] if said else []
            continue
        moved_to = _moved(found, said)
        actually = said["label"] if said else None
        if moved_to is None and known.get(found["id"], "unknown") == actually:
            continue
        lasts = found["track"] if decision.scope == Decision.Scope.TRACK else None
        made.append(
            Verdict(
                label_id=found["label"],
                box=found["box"],
                actually_id=actually,
                moved_to=moved_to,
                start_s=lasts["start_s"] if lasts else None,
                end_s=lasts["end_s"] if lasts else None,
                **about,
            )
        )
    for box in decision.boxes:
        if box["prediction"] is None:
            made.append(_drawn(box, about))
    return made


def _drawn(box: dict[str, Any], about: dict[str, Any]) -> Verdict:
    label = box["label"]
    return Verdict(label_id=label, actually_id=label, box=box["box"], is_drawn=True, **about)


def _moved(found: dict[str, Any], said: dict[str, Any] | None) -> list[float] | None:
    if said is None or ious([found["box"]], [said["box"]])[0, 0] >= _STAYED:
        return None
    return list(said["box"])


def in_words(decision: Decision) -> str:
    """ "Accepted 2, rejected 1", for whoever decided."""
    if decision.is_unsure:
        return "Left as it was: you could not tell"
    if not decision.item.is_frame:
        return answers.in_words(decision.item, decision.answer)
    if not decision.item.boxes and not decision.boxes:
        return "Nothing is there"
    item = decision.item
    known = judged([item], before=decision)[item.pk]
    kept = {box["prediction"]: box["label"] for box in decision.boxes}
    new = [box for box in item.boxes if box["id"] not in known]
    counts = {
        "accepted": sum(kept.get(box["id"]) == box["label"] for box in new),
        "rejected": sum(box["id"] not in kept for box in new),
        "renamed": sum(kept.get(box["id"], box["label"]) != box["label"] for box in new),
        "drew": sum(box["prediction"] is None for box in decision.boxes),
    }
    said = ", ".join(f"{word} {n}" for word, n in counts.items() if n)
    return said[:1].upper() + said[1:] if said else "Left as it was"
