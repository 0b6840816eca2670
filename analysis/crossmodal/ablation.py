"""What each part of a space is worth: measured on pairs that nothing was taught with."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from analysis.crossmodal.items import Items
from analysis.crossmodal.measures import retrieval
from analysis.crossmodal.space import Space

KINDS = ("continuous only", "discrete only", "both", "no matching")
AT = (1, 5, 10)
_MOST = 2000  # items a side, that are asked or answer
_WEIGHED = ("both", "no matching")
_BY_KIND = {"ours": ("both", "discrete only"), "no-matching": ("no matching",)}


class Way(NamedTuple):
    """Of one kind of score, asked in one modality and answered in another. weight: how much codes
    count in it beside the cosine."""

    asked: str
    answered: str
    kind: str
    recall: dict[int, float]  # by how many answers are looked at, the share with a right one
    median_rank: float
    chance: dict[int, float]  # of a random order
    questions: int
    answers: int
    weight: float = 0.0

    def as_json(self) -> dict[str, Any]:
        rounded = {str(k): round(v, 4) for k, v in self.recall.items()}
        chance = {str(k): round(v, 4) for k, v in self.chance.items()}
        return self._asdict() | {"recall": rounded, "chance": chance}


def ablation(spaces: Mapping[str, Space], held: Mapping[str, Items]) -> list[Way]:
    """Both ways between each two modalities that meet in `held`.

    spaces: "ours", and where they were trained as well "no-matching", whose codes were taught
    without code matching, and "continuous", taught without codes. Without the last, "continuous
    only" is the cosine of ours.
    """
    some = {name: _at_most(items) for name, items in held.items()}
    found: list[Way] = []
    for asked, answered in permutations(some, 2):
        questions = some[asked].of_groups(some[answered].groups)
        answers = some[answered]
        if not len(questions):
            continue
        for name, space in spaces.items():
            one, other = space.place(asked, questions), space.place(answered, answers)
            near, codes = space.parts_of_scores(asked, one, answered, other)
            weight = space.weight(asked, answered)
            both = near + weight * codes
            scores = {"both": both, "discrete only": codes, "no matching": both}
            kinds = _BY_KIND.get(name, ())
            if name == "continuous" or (name == "ours" and "continuous" not in spaces):
                kinds = ("continuous only", *kinds)
                scores["continuous only"] = near
            for kind in kinds:
                counts = weight if kind in _WEIGHED else 0.0
                found.append(_way(kind, scores[kind], questions, answers, counts))
    order = {kind: at for at, kind in enumerate(KINDS)}
    return sorted(found, key=lambda way: (way.asked, way.answered, order[way.kind]))


def _way(kind: str, scores: np.ndarray, questions: Items, answers: Items, weight: float) -> Way:
    found = retrieval(scores, questions.groups, answers.groups, AT)
    right = (questions.groups[:, None] == answers.groups[None]).sum(1)
    chance = {k: _by_chance(right, len(answers), k) for k in AT}
    return Way(
        questions.modality,
        answers.modality,
        kind,
        found.recall,
        found.median_rank,
        chance,
        len(questions),
        len(answers),
        weight,
    )


def _by_chance(right: np.ndarray, answers: int, looked_at: int) -> float:
    """How often one of the right answers, so many for each question, is among some drawn from all
    without looking."""
    missed = np.ones(len(right))
    for n in range(min(looked_at, answers)):
        missed *= np.maximum(answers - right - n, 0) / (answers - n)
    return float(1 - missed.mean())


def _at_most(items: Items) -> Items:
    rows = np.linspace(0, len(items) - 1, min(len(items), _MOST)).astype(np.int64)
    return items.chosen(np.unique(rows))
