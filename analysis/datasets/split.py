"""Which pictures train, which choose the best epoch, and which tell how good the result is.

Whole groups are dealt out (a video, pictures that are nearly the same), so that nothing is tested
on what was learned. Labels are spread evenly after Sechidis, Tsoumakas and Vlahavas, "On the
Stratification of Multi-Label Data" (ECML PKDD 2011): the rarest label first, each group to the
split that lacks it most.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, get_args

from analysis.datasets.types import LabelledPicture, LabelledSet, Split
from analysis.errors import AnalysisError

SPLITS: tuple[Split, ...] = get_args(Split)
_NOTHING = ""  # stands among the labels for "nothing is on it"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a version is made. Shares are parts of the real pictures and add up to 1."""

    seed: int = 0
    train: float = 0.7
    val: float = 0.1
    test: float = 0.2
    near: int = 6  # bits of the hash in which near-duplicates may differ; -1: not looked for
    given: bool = True  # a split that was given with a picture holds
    synthetic: bool = True  # synthetic pictures are in the version, to train on

    def __post_init__(self) -> None:
        shares = (self.train, self.val, self.test)
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise AnalysisError("The shares of a split are 0 or more and add up to 100 %.")
        if not -1 <= self.near <= 32:
            raise AnalysisError("Near-duplicates differ in 0 to 32 bits.")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Recipe:
        """From JSON; what it does not say has its default. Raises AnalysisError."""
        known = {f.name for f in fields(cls)}
        try:
            return cls(**{name: value for name, value in values.items() if name in known})
        except TypeError as error:
            raise AnalysisError("This split recipe cannot be read.") from error

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def shares(self) -> dict[Split, float]:
        return {"train": self.train, "val": self.val, "test": self.test}


def divide(labelled: LabelledSet, recipe: Recipe) -> tuple[LabelledSet, tuple[str, ...]]:
    """The set with a split for each picture, and what a person should know of it, in sentences.

    A group is never torn apart; golden pictures are in the test split, synthetic ones never. A
    synthetic picture whose group is tested is left out. The same pictures and seed give the same
    splits, in whatever order they come.
    """
    pictures = [p for p in labelled.pictures if recipe.synthetic or not p.is_synthetic]
    groups = _grouped(pictures)
    places, torn = _settled(groups, recipe)
    _deal(groups, places, recipe)
    if recipe.val and "val" not in places.values():
        _lend(groups, places, recipe)
    divided, dropped = [], 0
    for picture in pictures:
        split = places[_key(picture)]
        if picture.is_synthetic and split == "test":
            dropped += 1
            continue
        divided.append(replace(picture, split=split))
    result = replace(labelled, pictures=tuple(divided))
    return result, tuple(_remarks(result, torn, dropped))


def _key(picture: LabelledPicture) -> str:
    return f"group {picture.group}" if picture.group else f"picture {picture.source}"


def _grouped(pictures: Iterable[LabelledPicture]) -> dict[str, list[LabelledPicture]]:
    groups: dict[str, list[LabelledPicture]] = {}
    for picture in pictures:
        groups.setdefault(_key(picture), []).append(picture)
    return groups


def _settled(
    groups: Mapping[str, Sequence[LabelledPicture]], recipe: Recipe
) -> tuple[dict[str, Split], int]:
    """Where groups go that have no choice, and how many were given to several splits.

    Of those the test split comes first: what was given to be tested on stays there.
    """
    has_real = any(not p.is_synthetic for group in groups.values() for p in group)
    places: dict[str, Split] = {}
    torn = 0
    for key, group in groups.items():
        real = [p for p in group if not p.is_synthetic]
        given = {p.split for p in real if p.split and recipe.given}
        torn += len(given) > 1
        if any(p.is_golden for p in real):
            places[key] = "test"
        elif given:
            places[key] = next(s for s in ("test", "val", "train") if s in given)
        elif not real and has_real:
            places[key] = "train"
    return places, torn


def _deal(
    groups: Mapping[str, Sequence[LabelledPicture]], places: dict[str, Split], recipe: Recipe
) -> None:
    """Deal the groups that are free, writing into `places`."""
    contents = {key: _contents(group) for key, group in groups.items()}
    totals = sum(contents.values(), Counter[str]())
    sizes = {key: len(group) for key, group in groups.items()}
    shares = recipe.shares()
    if not any(not p.is_synthetic for group in groups.values() for p in group):
        shares = _without_test(shares)
    dealt = _countable(groups, places)
    lacks = {s: share * sum(sizes[k] for k in dealt) for s, share in shares.items()}
    lacks_of = {s: {n: share * totals[n] for n in totals} for s, share in shares.items()}

    def put(key: str, split: Split) -> None:
        places[key] = split
        lacks[split] -= sizes[key]
        for name, count in contents[key].items():
            lacks_of[split][name] -= count

    for key in [k for k in dealt if k in places]:
        put(key, places[key])
    free = sorted((k for k in groups if k not in places), key=lambda k: _turn(recipe.seed, k))
    rarity = {name: (count, name) for name, count in totals.items()}
    # The rarest label first; of its groups the largest, while there is room everywhere.
    free.sort(key=lambda k: (min(rarity[n] for n in contents[k]), -sizes[k]))
    for key in free:
        rarest = min(contents[key], key=rarity.__getitem__)
        put(key, _neediest(sizes[key], rarest, lacks, lacks_of))


def _lend(
    groups: Mapping[str, Sequence[LabelledPicture]], places: dict[str, Split], recipe: Recipe
) -> None:
    """Where no real picture is left to choose the best epoch by, some synthetic ones do it."""
    made = [key for key, group in groups.items() if all(p.is_synthetic for p in group)]
    training = sorted(
        (k for k in made if places[k] == "train"), key=lambda k: _turn(recipe.seed, k)
    )
    count = round(len(training) * recipe.val / (recipe.train + recipe.val))
    for key in training[:count]:
        places[key] = "val"


def _countable(
    groups: Mapping[str, Sequence[LabelledPicture]], places: Mapping[str, Split]
) -> list[str]:
    """The groups of which shares are parts: not the synthetic ones that only train."""
    return [
        key
        for key, group in groups.items()
        if key not in places or any(not p.is_synthetic for p in group)
    ]


def _neediest(
    size: int,
    label: str,
    lacks: Mapping[Split, float],
    lacks_of: Mapping[Split, Mapping[str, float]],
) -> Split:
    """Where a group of `size` with this label goes: where there is room for half of it or more,
    to the split that lacks the label most."""
    roomy = [s for s in SPLITS if lacks[s] >= size / 2]
    if not roomy:
        return max(SPLITS, key=lambda s: lacks[s])
    return max(roomy, key=lambda s: (lacks_of[s][label], lacks[s]))


def _contents(group: Sequence[LabelledPicture]) -> Counter[str]:
    """On how many of these pictures each label is."""
    found: Counter[str] = Counter()
    for picture in group:
        found.update(labels_on(picture) or {_NOTHING})
    return found


def labels_on(picture: LabelledPicture) -> set[str]:
    """What is on a picture, as boxes or as a whole."""
    return {b.label for b in picture.boxes} | set(picture.labels)


def _without_test(shares: Mapping[Split, float]) -> dict[Split, float]:
    """The shares where all pictures are synthetic: nothing may be tested on."""
    rest = shares["train"] + shares["val"]
    if rest == 0:
        return {"train": 1.0, "val": 0.0, "test": 0.0}
    return {"train": shares["train"] / rest, "val": shares["val"] / rest, "test": 0.0}


def _turn(seed: int, key: str) -> bytes:
    """When a group is dealt: by the seed, and not by the order in which pictures came."""
    return hashlib.sha256(f"{seed} {key}".encode()).digest()


# --- what a person should know ---------------------------------------------------------------


def _remarks(divided: LabelledSet, torn: int, dropped: int) -> list[str]:
    on: dict[str, set[str]] = {split: set() for split in SPLITS}
    counts = Counter(p.split for p in divided.pictures)
    for picture in divided.pictures:
        on[picture.split or "train"] |= labels_on(picture)
    said = []
    if len(divided.pictures) == 1:
        said.append("There is one picture.")
    if not counts["train"]:
        said.append("No picture is left to train on.")
    if not counts["test"]:
        said.append(_why_no_test(divided))
    only_tested = on["test"] - on["train"] - on["val"]
    if only_tested and counts["train"]:
        said.append(f"{_named(only_tested)} on test pictures only and cannot be learned.")
    untested = set(divided.labels) - on["test"]
    if untested and counts["test"]:
        said.append(f"{_named(untested)} on no test picture, so nothing will be said of how well.")
    if not divided.labels:
        said.append("No picture has a label on it.")
    elif divided.task == "concept" and len(divided.labels) == 1 and not _has_negatives(divided):
        said.append(
            f"Every picture is {divided.labels[0]}, so there is nothing to tell it from. "
            "Add pictures with another label, or with nothing here."
        )
    if torn:
        said.append(
            f"{torn} group{'s' if torn > 1 else ''} of the same scene had been given to several "
            "splits and went to one."
        )
    if dropped:
        said.append(f"{dropped} synthetic pictures look like test pictures and were left out.")
    return said


def _has_negatives(divided: LabelledSet) -> bool:
    return any(not labels_on(p) for p in divided.pictures)


def _why_no_test(divided: LabelledSet) -> str:
    if divided.pictures and all(p.is_synthetic for p in divided.pictures):
        return (
            "All pictures are synthetic, so nothing can be tested. Label some real ones, and mark "
            "a few as golden."
        )
    if len({_key(p) for p in divided.pictures}) == 1 and len(divided.pictures) > 1:
        return (
            "All pictures are of one scene or video, so none is left to test on. Add pictures "
            "from elsewhere."
        )
    return "No picture is left to test on. Label more, or mark some as golden."


def _named(labels: Iterable[str]) -> str:
    names = sorted(labels)
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return f"{shown} {'is' if len(names) == 1 else 'are'}"
