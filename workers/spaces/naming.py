"""Names for the codes of a space, from what is said, written and seen where they fire."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.crossmodal.items import Items, Whole
from analysis.crossmodal.naming import (
    Called,
    CodeName,
    hard_codes,
    names,
    parts_named,
    without_the_common,
)
from analysis.crossmodal.space import Space
from analysis.crossmodal.types import Floats
from analysis.crossmodal.words import content_words
from workers.spaces.reading import Kind
from workers.spaces.said import Library

MOST_ITEMS = 4000  # of a modality, that codes are named by
_MOMENT_S = 5.0  # of a film: what frames in it share is said once
_FEW = 3.0  # moments, on which half of the trust in a name rests
_AROUND_S = 2.5  # of a frame: what is said so near to it belongs to it
_EXAMPLES = 8
_CANDIDATES = 80
_APART_S = 10.0  # examples of one asset, where there are others
_WORDS = 30  # that are looked at for a name
_LIFT = 1.25  # times as often as elsewhere: a word that is there no more often says nothing
_OF_A_CELL = 0.25  # of a cell, or of a box: so much of either lies in the other


def code_rows(
    space: Space,
    kinds: Mapping[str, Kind],
    tick: Callable[[], None],
    texts: tuple[Sequence[str], Items] | None = None,
) -> list[dict[str, Any]]:
    """Columns of `webapp.spaces.codes.Code`, one for each code of the space.

    texts: those that it was taught with, and as items; a code that fires on no picture and no sound
    is called by them.
    """
    some = {name: kind.some(MOST_ITEMS) for name, kind in kinds.items()}
    library = Library([one.asset for kind in some.values() for one in kind.stretches])
    rows: list[dict[str, Any]] = [
        {"number": n, "fires_on": 0, "words": [], "labels": [], "examples": []}
        for n in range(len(space.codebook))
    ]
    for modality, kind in some.items():
        codes = hard_codes(space, modality, kind.items)
        said, labels = _said(modality, kind, library, tick)
        moments = _Moments.of(kind, said)
        fires = _counts(codes, kind.items, len(space.codebook))
        called = names(
            moments.total(fires),
            without_the_common(moments.said),
            most=_WORDS,
            examples=_CANDIDATES,
        )
        by_label = parts_named(codes, labels, len(space.codebook))
        for one in called:
            tick()
            row = rows[one.code]
            row["fires_on"] += one.fires_on
            telling = [word for word in one.words if _lift(word, one, len(moments.said)) >= _LIFT]
            row["words"] = _best([*row["words"], *map(_as_json, telling)])
            row["labels"] = _best([*row["labels"], *map(_as_json, by_label.get(one.code, ()))])
            strongest = [moments.best(fires, moment, one.code) for moment in one.examples]
            row["examples"] += _examples(space, modality, kind, codes, one.code, strongest)
    _from_texts(space, texts, rows)
    for row in rows:
        row["examples"] = _in_turn(row["examples"])
        best = max(map(_f1, (*row["labels"], *row["words"])), default=0.0)
        row["clarity"] = round(best * row["fires_on"] / (row["fires_on"] + _FEW), 4)
        words = [one["word"] for one in (*row["labels"], *row["words"])]
        row["text"] = " ".join(dict.fromkeys(words))
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Items of one asset that lie in the same few seconds, as one: neighbours show the same, and
    would make a word of a single scene look like the name of all that a code fires on.

    of_item: (N,) the moment of each. said: the words of each moment.
    """

    of_item: Whole
    said: list[set[str]]

    @classmethod
    def of(cls, kind: Kind, said: Sequence[set[str]]) -> _Moments:
        number: dict[tuple[int, int], int] = {}
        of_item = np.array(
            [
                number.setdefault(
                    (kind.asset(at), int(kind.times(at)[0] // _MOMENT_S)), len(number)
                )
                for at in range(len(kind.items))
            ],
            np.int64,
        )
        together: list[set[str]] = [set() for _ in number]
        for moment, words in zip(of_item.tolist(), said, strict=True):
            together[moment] |= words
        return cls(of_item, together)

    def total(self, fires: Floats) -> Floats:
        """Of each moment and code, how many parts fire: (moments, V) of (N, V)."""
        found = np.zeros((len(self.said), fires.shape[1]), np.float32)
        np.add.at(found, self.of_item, fires)
        return found

    def best(self, fires: Floats, moment: int, code: int) -> int:
        """The item of a moment in which a code fires most."""
        items = np.flatnonzero(self.of_item == moment)
        return int(items[fires[items, code].argmax()])


def _said(
    modality: str, kind: Kind, library: Library, tick: Callable[[], None]
) -> tuple[list[set[str]], dict[int, set[str]]]:
    """The words of each item, and of the parts that lie in a box of a label its name."""
    said: list[set[str]] = []
    labels: dict[int, set[str]] = {}
    for at in range(len(kind.items)):
        if at % 50 == 0:
            tick()
        if kind.asset(at) not in library:
            said.append(set())
            continue
        asset = library[kind.asset(at)]
        time_s, start_s, end_s = kind.times(at)
        if modality == "picture":
            start_s, end_s = time_s - _AROUND_S, time_s + _AROUND_S
        words = content_words(asset.spoken(start_s, end_s))
        if modality == "picture":
            words |= content_words(" ".join(asset.written(time_s)))
            seen = asset.seen(time_s)
            words |= {one.name.casefold() for one in seen}
            _lay(kind, at, seen, labels)
        said.append(words)
    return said, labels


def _lay(kind: Kind, at: int, seen: Sequence[Any], labels: dict[int, set[str]]) -> None:
    """Note which parts of a frame lie in a box."""
    if not seen:
        return
    packed = kind.stretches[int(kind.which[at])].packed
    places = packed.layouts[int(packed.layout[int(kind.rows[at])])]
    first = int(kind.items.offsets[at])
    for n, place in enumerate(places):
        if place.box is None:
            continue
        for one in seen:
            if _share(place.box, one.box) >= _OF_A_CELL:
                labels.setdefault(first + n, set()).add(one.name)


def _share(a: Sequence[float], b: Sequence[float]) -> float:
    """How much of the smaller of two boxes lies in the other."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(one[2] - one[0]) * (one[3] - one[1]) for one in (a, b)]
    return width * height / max(min(areas), 1e-9)


def _counts(codes: Whole, items: Items, size: int) -> np.ndarray:
    counts = np.zeros((len(items), size), np.float32)
    np.add.at(counts, (items.owners(), codes), 1.0)
    return counts


def _examples(
    space: Space, modality: str, kind: Kind, codes: Whole, code: int, items: Sequence[int]
) -> list[dict[str, Any]]:
    """Where a code fires most strongly: of an asset not twice the same scene, where it has more."""
    chosen: list[tuple[int, float, int]] = []
    later: list[tuple[int, float, int]] = []
    for at in items:
        time_s, asset = kind.times(at)[0], kind.asset(at)
        is_near = any(asset == other and abs(time_s - then) < _APART_S for other, then, _ in chosen)
        (later if is_near else chosen).append((asset, time_s, at))
    return [
        _example(space, modality, kind, codes, code, at)
        for _, _, at in (chosen + later)[:_EXAMPLES]
    ]


def _example(
    space: Space, modality: str, kind: Kind, codes: Whole, code: int, at: int
) -> dict[str, Any]:
    time_s, start_s, end_s = kind.times(at)
    found = {"asset": kind.asset(at), "time_s": round(time_s, 3), "modality": modality}
    found |= {"start_s": round(start_s, 3), "end_s": round(end_s, 3), "box": None}
    first, last = int(kind.items.offsets[at]), int(kind.items.offsets[at + 1])
    there = np.flatnonzero(codes[first:last] == code)
    packed = kind.stretches[int(kind.which[at])].packed
    places = packed.layouts[int(packed.layout[int(kind.rows[at])])]
    if len(there):
        x = space.sides[modality].parts(kind.items.parts[first + there])
        nearest = int(there[((x - space.codebook[code]) ** 2).sum(1).argmin()])
        if nearest < len(places) and (box := places[nearest].box) is not None:
            found["box"] = [round(side, 4) for side in box]
        elif nearest < len(places) and (begins := places[nearest].start_s) is not None:
            found["time_s"] = round(start_s + begins, 3)  # of a sound: when it is heard
    return found


def _from_texts(
    space: Space, texts: tuple[Sequence[str], Items] | None, rows: list[dict[str, Any]]
) -> None:
    """Codes that fire on words alone are called by the texts that they fire on."""
    if texts is None:
        return
    said = [content_words(text) for text in texts[0]]
    items = texts[1]
    codes = hard_codes(space, "text", items)
    for one in names(_counts(codes, items, len(rows)), without_the_common(said)):
        row = rows[one.code]
        if not row["fires_on"]:
            row["fires_on"] = one.fires_on
            row["words"] = _best(list(map(_as_json, one.words)))


def _as_json(called: Called) -> dict[str, Any]:
    return {
        "word": called.word,
        "purity": round(called.purity, 3),
        "coverage": round(called.coverage, 3),
    }


def _best(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each once, those that say best when the code fires first."""
    best: dict[str, dict[str, Any]] = {}
    for one in sorted(words, key=lambda one: (-_f1(one), one["word"])):
        best.setdefault(one["word"], one)
    return list(best.values())[:5]


def _f1(one: dict[str, Any]) -> float:
    both = one["purity"] + one["coverage"]
    return 2 * one["purity"] * one["coverage"] / both if both else 0.0


def _lift(word: Called, of: CodeName, n_items: int) -> float:
    """How much more often a word is there when the code fires than over all."""
    has_it = word.purity * of.fires_on / word.coverage  # items
    return word.purity * n_items / has_it


def _in_turn(examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each modality in turn, as many as are shown."""
    by: dict[str, list[dict[str, Any]]] = {}
    for one in examples:
        by.setdefault(one["modality"], []).append(one)
    found: list[dict[str, Any]] = []
    while any(by.values()) and len(found) < _EXAMPLES:
        for rows in by.values():
            if rows and len(found) < _EXAMPLES:
                found.append(rows.pop(0))
    return found
