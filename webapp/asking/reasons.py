"""Why a moment answers: the codes that it shares with the question by their names, where in the
picture and when in the clip they fire, and what each part of the score adds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.crossmodal.localising import where_shared
from analysis.crossmodal.space import SharedCode
from analysis.crossmodal.types import CLIP, PICTURE, Place
from analysis.errors import UnusableModel
from analysis.types import Box
from webapp import jobs
from webapp.asking.answering import Answer
from webapp.assets.links import media_link
from webapp.assets.models import Asset, Rendition
from webapp.leases import Status
from webapp.spaces.codes import Code
from webapp.spaces.searching import Hit, encoded, read_space
from webapp.spaces.space import Space

MOST_CODES = 8
_LOOKED_AT = 24  # of which some may be muted
_FAINT = 0.04  # of the strongest: not drawn
_SIDES = (("top", "middle", "bottom"), ("left", "middle", "right"))


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of a picture, in hundredths of its sides; strength: from 0, of the weakest, to 1."""

    x: float
    y: float
    width: float
    height: float
    strength: float


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of a sound or a clip, in seconds and in hundredths of the whole."""

    start_s: float
    end_s: float
    x: float
    width: float
    strength: float


@dataclass(frozen=True, slots=True)
class Shared:
    """A code. weight: its part of all that is shared; where: in words, of the answer."""

    number: int
    pk: int | None
    name: str
    weight: float
    where: str


@dataclass(slots=True)
class Reason:
    """Of one question. near, codes: the parts of the score, the second with its weight: how much
    codes count where such an item answers such a question."""

    answer: Answer
    near: float
    codes: float
    weight: float | None = None
    shared: list[Shared] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    words: list[tuple[str, float]] = field(default_factory=list)  # of the question
    own_cells: list[Cell] = field(default_factory=list)  # of the question
    picture_s: float | None = None  # the time of the picture that the cells lie over
    problem: str = ""

    @property
    def score(self) -> float:
        return self.near + self.codes

    @property
    def hit(self) -> Hit:
        return self.answer.hit


def reasons(space: Space, answers: Sequence[Answer]) -> list[Reason]:
    """One for each question that found it."""
    return [_reason(space, one) for one in answers]


def _reason(space: Space, answer: Answer) -> Reason:
    hit, question = answer.hit, answer.question
    reason = Reason(answer, hit.near, hit.score - hit.near)
    try:
        taught, item = read_space(space), encoded(hit)
        reason.weight = taught.weight(question.modality, hit.modality)
        found = taught.explain(
            question.modality, question.encoded, hit.modality, item, most=_LOOKED_AT
        )
    except UnusableModel as error:
        reason.problem = error.message
        return reason
    codes = {
        one.number: one
        for one in Code.objects.filter(space=space, number__in=[one.code for one in found])
    }
    counted = [one for one in found if not (one.code in codes and codes[one.code].is_muted)]
    counted = counted[:MOST_CODES]
    length_s = hit.end_s - hit.start_s
    reason.shared = _told_apart([_named(one, codes.get(one.code)) for one in counted])
    where = where_shared(counted)
    asked = where_shared(counted, of_query=True)
    if hit.modality in (PICTURE, CLIP):
        reason.picture_s, cells = _of_one_picture(hit, where)
        reason.cells = _cells(cells)
    if hit.modality != PICTURE and length_s > 0:
        reason.steps = _steps(where, length_s)
    reason.own_cells = _cells(asked) if question.modality == PICTURE else []
    top = max((strength for place, strength in asked.items() if place.word), default=1.0)
    reason.words = [(p.word, round(s / top, 3)) for p, s in asked.items() if p.word]
    return reason


def _named(one: SharedCode, code: Code | None) -> Shared:
    name = code.called if code else f"code {one.code}"
    where = _in_words(one.in_item[0][0]) if one.in_item else ""
    return Shared(one.code, code.pk if code else None, name, round(one.weight, 3), where)


def _told_apart(shared: list[Shared]) -> list[Shared]:
    """Codes of one name with their numbers beside it: people would read one row said twice."""
    names = Counter(one.name for one in shared)
    return [
        replace(one, name=f"{one.name} (code {one.number})") if names[one.name] > 1 else one
        for one in shared
    ]


def _in_words(place: Place) -> str:
    """“top left”, “at 3.2 s”."""
    said = []
    if place.box is not None:
        x1, y1, x2, y2 = place.box
        down, across = (
            _SIDES[0][min(int((y1 + y2) * 1.5), 2)],
            _SIDES[1][min(int((x1 + x2) * 1.5), 2)],
        )
        said.append("the middle" if down == across == "middle" else f"{down} {across}")
    if place.start_s is not None:
        said.append(f"at {place.start_s:.1f} s")
    return " ".join(said) or place.word


def _of_one_picture(hit: Hit, where: dict[Place, float]) -> tuple[float, dict[Place, float]]:
    """Of a clip the frame that shares most, and when it is on screen."""
    if hit.modality == PICTURE:
        return hit.time_s, where
    by_time: dict[float, dict[Place, float]] = {}
    for place, strength in where.items():
        by_time.setdefault(place.start_s or 0.0, {})[place] = strength
    if not by_time:
        return hit.time_s, {}
    best = max(by_time, key=lambda start_s: sum(by_time[start_s].values()))
    return hit.start_s + best, by_time[best]


def _cells(where: dict[Place, float]) -> list[Cell]:
    boxes = {place.box: strength for place, strength in where.items() if place.box is not None}
    least = min(boxes.values(), default=0.0) if len(boxes) > 1 else 0.0
    spread = (max(boxes.values(), default=0.0) - least) or 1.0
    return [
        Cell(*_hundredths(box), round((strength - least) / spread, 3))
        for box, strength in boxes.items()
        if strength - least >= _FAINT * spread
    ]


def _hundredths(box: Box) -> tuple[float, float, float, float]:
    """Left, top, width and height."""
    x1, y1, x2, y2 = (100 * side for side in box)
    return round(x1, 2), round(y1, 2), round(x2 - x1, 2), round(y2 - y1, 2)


def _steps(where: dict[Place, float], length_s: float) -> list[Step]:
    by_time: dict[tuple[float, float], float] = {}
    for place, strength in where.items():
        if place.start_s is not None and place.end_s is not None:
            key = place.start_s, place.end_s
            by_time[key] = by_time.get(key, 0.0) + strength
    top = max(by_time.values(), default=0.0) or 1.0
    share = 100 / length_s
    return [
        Step(a, b, round(a * share, 2), round((b - a) * share, 2), round(strength / top, 3))
        for (a, b), strength in sorted(by_time.items())
        if a < length_s
    ]


def picture_of(asset: Asset, time_s: float | None) -> dict[str, Any]:
    """The picture that cells lie over: its address, "" while a worker cuts it out of the film."""
    if asset.kind != Asset.Kind.VIDEO or time_s is None:
        row = asset.renditions.filter(recipe="poster", status=Status.DONE).first()
        return {"url": media_link(row.file) if row and row.file else "", "is_coming": False}
    recipe = f"frame@{time_s:.6f}"
    row, is_new = Rendition.objects.get_or_create(asset=asset, recipe=recipe)
    if is_new:
        jobs.ring(row)
    row.retry_when_rested()
    is_done = row.status == Status.DONE
    return {"url": media_link(row.file) if is_done else "", "is_coming": not row.is_over}
