"""Pairs to teach a space from: what a workspace says, reads and labels beside what it shows.

Items that belong together are of one group (`analysis.crossmodal.items.Items.groups`). Of a film
that is five seconds of it; of a line of writing all frames on which it stands, and of a label all
frames that bear it: said of two groups, the same words would be each other's mistake.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from django.core.files.storage import default_storage

from analysis.crossmodal.items import Items
from analysis.crossmodal.types import PICTURE, SOUND, TEXT, Encoded
from analysis.errors import AnalysisError
from analysis.tokens import tokens
from webapp.asking.asks import Ask
from webapp.asking.judgements import Judgement
from webapp.datasets.samples import Annotation, Sample
from webapp.projects.models import Label
from webapp.reviewing.verdicts import Verdict
from webapp.spaces.pair_sets import PairSet
from webapp.spaces.training import SpaceTraining
from workers.spaces.encoders import encode_pictures, encode_texts, engine_of
from workers.spaces.reading import Kind, kinds_of
from workers.spaces.said import Library, Said

STRETCH_S = 5.0  # of a film, as long as a piece of sound
_FRAMES = 3  # of a stretch
_LEAST_WORDS = 3  # of a stretch: fewer say too little
_OF_A_LINE = 8  # frames, at most, that a line of writing stands on
_OF_A_LABEL = 200  # frames, at most
_NEAR_S = 2.0  # of a frame, from a moment that somebody named


@dataclass
class Gathered:
    """pairs: by modality. texts: the words of each text of `pairs`, in order. counts: pairs by
    source. notes: sentences."""

    pairs: dict[str, Items]
    texts: list[str]
    counts: dict[str, int]
    notes: list[str]
    kinds: dict[str, Kind]


@dataclass
class _Groups:
    """What belongs together, as it is found."""

    number: dict[Hashable, int] = field(default_factory=dict)
    items: dict[str, list[tuple[int, int]]] = field(  # by modality: item of the kind, group
        default_factory=lambda: defaultdict(list)
    )
    texts: list[tuple[str, int]] = field(default_factory=list)
    extra: dict[str, list[tuple[Encoded, int]]] = field(  # that no asset holds, by modality
        default_factory=lambda: defaultdict(list)
    )
    counts: Counter[str] = field(default_factory=Counter)

    def group(self, key: Hashable) -> int:
        return self.number.setdefault(key, len(self.number))


def gather(row: SpaceTraining, tick: Callable[[], None]) -> Gathered:
    """All pairs that a training asks for. Raises AnalysisError where there are none, Stopped."""
    most = int(row.options["most"])
    sets = list(PairSet.objects.filter(workspace=row.workspace, pk__in=row.pair_sets))
    kinds, notes = _kinds(row, sets, 2 * most, tick)
    library = Library([one.asset for kind in kinds.values() for one in kind.stretches])
    finder = _Finder(kinds)
    groups = _Groups()
    chosen = set(row.sources)
    if chosen & {"spoken", "heard", "beside"}:
        _stretches(finder, library, chosen, groups, tick)
    if "written" in chosen:
        _writing(finder, library, groups, tick)
    if "labelled" in chosen:
        _labels(finder, library, groups)
    if "judged" in chosen:
        _judged(row, finder, groups)
    for one in sets:
        tick()
        notes += _imported(one, finder, row, groups, tick)
    return _as_pairs(groups, kinds, row, most, notes, tick)


def _kinds(
    row: SpaceTraining, sets: Sequence[PairSet], most: int, tick: Callable[[], None]
) -> tuple[dict[str, Kind], list[str]]:
    try:
        return kinds_of(row.workspace, row.engines, most, tick)
    except AnalysisError as error:
        if not any(one.n_pictures for one in sets):
            raise
        return {}, [error.message]


class _Finder:
    """The items of an asset by time."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.kinds = kinds
        self._of: dict[str, dict[int, tuple[np.ndarray, np.ndarray]]] = {
            name: _by_asset(kind) for name, kind in kinds.items()
        }

    def assets(self, modality: str) -> Iterable[int]:
        return self._of.get(modality, {})

    def between(self, modality: str, asset: int, start_s: float, end_s: float) -> np.ndarray:
        """Items whose middle lies between two times, the second not included."""
        times, items = self._of.get(modality, {}).get(asset, _NONE)
        first, last = np.searchsorted(times, [start_s, end_s])
        return items[first:last]

    def near(self, modality: str, asset: int, time_s: float, most_s: float = _NEAR_S) -> int | None:
        """The item nearest to a time, where one is near."""
        times, items = self._of.get(modality, {}).get(asset, _NONE)
        if not len(times):
            return None
        at = int(np.abs(times - time_s).argmin())
        return int(items[at]) if abs(float(times[at]) - time_s) <= most_s else None


_NONE = np.zeros(0), np.zeros(0, np.int64)


def _by_asset(kind: Kind) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Of each asset when its items are (their middle, seconds), ascending, and the items."""
    found: dict[int, tuple[list[float], list[int]]] = {}
    for at in range(len(kind.items)):
        times, items = found.setdefault(kind.asset(at), ([], []))
        time_s, start_s, end_s = kind.times(at)
        times.append(time_s if kind.items.modality == PICTURE else (start_s + end_s) / 2)
        items.append(at)
    ordered = {}
    for asset, (times, items) in found.items():
        order = np.argsort(times, kind="stable")
        ordered[asset] = np.array(times)[order], np.array(items, np.int64)[order]
    return ordered


# --- sources --------------------------------------------------------------------------------------


def _stretches(
    finder: _Finder, library: Library, chosen: set[str], groups: _Groups, tick: Callable[[], None]
) -> None:
    """Five seconds each: what is shown, heard and said then, as far as it was asked for."""
    wants = {
        PICTURE: bool(chosen & {"spoken", "beside"}),
        SOUND: bool(chosen & {"heard", "beside"}),
        TEXT: bool(chosen & {"spoken", "heard"}),
    }
    for asset in sorted({*finder.assets(PICTURE), *finder.assets(SOUND)}):
        if asset not in library:
            continue
        tick()
        said = library[asset]
        length_s = said.asset.duration_s or 0.0
        for n in range(int(length_s // STRETCH_S) + 1):
            start_s, end_s = n * STRETCH_S, (n + 1) * STRETCH_S
            text = said.spoken(start_s, end_s) if wants[TEXT] else ""
            frames = finder.between(PICTURE, asset, start_s, end_s) if wants[PICTURE] else _NONE[1]
            sound = finder.between(SOUND, asset, start_s, end_s) if wants[SOUND] else _NONE[1]
            has_text = len(text.split()) >= _LEAST_WORDS or _is_unspaced(text)
            group = ("stretch", asset, n)
            parts = {
                "spoken": has_text and bool(len(frames)),
                "heard": has_text and bool(len(sound)),
                "beside": bool(len(frames)) and bool(len(sound)),
            }
            made = [key for key, is_there in parts.items() if is_there and key in chosen]
            if not made:
                continue
            groups.counts.update(made)
            number = groups.group(group)
            groups.items[PICTURE] += [(int(at), number) for at in _some(frames, _FRAMES)]
            groups.items[SOUND] += [(int(at), number) for at in _some(sound, 1)]
            if has_text:
                groups.texts.append((text, number))


def _is_unspaced(text: str) -> bool:
    """Whether a text is long though it has few blanks, as of a writing that has none."""
    return len(tokens(text)) >= 2 * _LEAST_WORDS


def _writing(finder: _Finder, library: Library, groups: _Groups, tick: Callable[[], None]) -> None:
    """Each line of writing with frames on which it stands."""
    frames: dict[str, list[int]] = defaultdict(list)
    text_of: dict[str, str] = {}
    for asset in sorted(finder.assets(PICTURE)):
        if asset not in library:
            continue
        tick()
        said = library[asset]
        for region in said.regions:
            key = " ".join(tokens(region.text))
            if len(key) < 3:
                continue
            if (at := _frame_of(finder, said, region.start_s, region.end_s)) is not None:
                frames[key].append(at)
                text_of.setdefault(key, region.text)
    for key, some in frames.items():
        group = groups.group(("written", key))
        groups.texts.append((text_of[key], group))
        unlike = list(dict.fromkeys(some))
        groups.items[PICTURE] += [(int(at), group) for at in _some(np.array(unlike), _OF_A_LINE)]
        groups.counts["written"] += 1


def _frame_of(finder: _Finder, said: Said, start_s: float, end_s: float) -> int | None:
    """A frame of the time in which something stands on the picture."""
    there = finder.between(PICTURE, said.asset.pk, start_s, end_s + 1e-3)
    if len(there):
        return int(there[len(there) // 2])
    most_s = 1e9 if said.asset.kind == "image" else 0.5
    return finder.near(PICTURE, said.asset.pk, (start_s + end_s) / 2, most_s)


def _labels(finder: _Finder, library: Library, groups: _Groups) -> None:
    """Each label that people drew or accepted, with frames that bear it."""
    frames: dict[int, list[int]] = defaultdict(list)
    for label, asset, time_s in [*_verdicts(library), *_samples(library)]:
        most_s = 1e9 if library.assets[asset].kind == "image" else _NEAR_S
        if (at := finder.near(PICTURE, asset, time_s, most_s)) is not None:
            frames[label].append(at)
    labels = Label.objects.in_bulk(list(frames))
    for pk, some in sorted(frames.items()):
        if pk not in labels:
            continue
        group = groups.group(("label", labels[pk].name.casefold()))
        unlike = np.array(list(dict.fromkeys(some)))
        groups.items[PICTURE] += [(int(at), group) for at in _some(unlike, _OF_A_LABEL)]
        names = dict.fromkeys([labels[pk].name, *labels[pk].aliases])
        groups.texts += [(name, group) for name in names]
        groups.counts["labelled"] += len(unlike)


def _verdicts(library: Library) -> list[tuple[int, int, float]]:
    """Label, asset and time of the boxes that people drew, accepted or named."""
    rows = Verdict.objects.standing().filter(asset__in=list(library.assets))
    return list(rows.exclude(actually=None).values_list("actually", "asset", "time_s"))


def _samples(library: Library) -> list[tuple[int, int, float]]:
    """The same of the pictures of datasets that are frames of assets."""
    current = Sample.objects.current().filter(
        asset__in=list(library.assets),
        state=Sample.State.LABELLED,
        dataset__project__workspace__isnull=False,
    )
    whole = [
        (label, asset, time_s or 0.0)
        for asset, time_s, labels in current.values_list("asset", "time_s", "labels")
        for label in labels
    ]
    boxes = Annotation.objects.filter(sample__in=current).values_list(
        "label", "sample__asset", "sample__time_s"
    )
    return whole + [(label, asset, time_s or 0.0) for label, asset, time_s in boxes]


def _judged(row: SpaceTraining, finder: _Finder, groups: _Groups) -> None:
    """What people asked, with the moments that they called right."""
    said = set[str]()
    for pair in Judgement.objects.pairs(row.workspace):
        frame = finder.near(PICTURE, pair.asset, pair.time_s)
        sound = finder.near(SOUND, pair.asset, pair.time_s, STRETCH_S / 2)
        if frame is None and sound is None:
            continue
        group = groups.group(("judged", pair.text.casefold() or (pair.ask and pair.ask.pk)))
        if pair.text:
            if pair.text.casefold() not in said:
                groups.texts.append((pair.text, group))
            said.add(pair.text.casefold())
        elif not _by_an_ask(row, pair.ask, group, groups):
            continue
        if frame is not None:
            groups.items[PICTURE].append((frame, group))
        if sound is not None:
            groups.items[SOUND].append((sound, group))
        groups.counts["judged"] += 1


def _by_an_ask(row: SpaceTraining, ask: Ask | None, group: int, groups: _Groups) -> bool:
    """Note what an ask looks or sounds like; False where it was encoded by something else."""
    if ask is None or ask.engine != row.engines.get(ask.modality):
        return False
    encoded = ask.read_encoded()
    if encoded is None or encoded.blank:
        return False
    if all(g != group for _, g in groups.extra[ask.modality]):
        groups.extra[ask.modality].append((encoded, group))
    return True


def _imported(
    one: PairSet,
    finder: _Finder,
    row: SpaceTraining,
    groups: _Groups,
    tick: Callable[[], None],
) -> list[str]:
    """What somebody brought. Returns sentences on what cannot be used."""
    lines, pictures = read_set(one)
    encoded, told = _encoded_pictures(one, lines, pictures, row, tick)
    of_item: dict[Hashable, int] = {}
    of_text: dict[str, int] = {}
    missed = 0
    for n, line in enumerate(lines):
        item: Hashable = line.get("picture") or (line["asset"], round(float(line["time_s"]), 3))
        at = None if "picture" in line else finder.near(PICTURE, line["asset"], line["time_s"])
        sound = None if "picture" in line else _sound_at(finder, line)
        if at is None and sound is None and item not in encoded:
            missed += 1
            continue
        text = " ".join(line["text"].split())
        folded = text.casefold()
        group = of_text.get(folded, of_item.get(item))
        if group is None:
            group = groups.group(("set", one.pk, n))
        if item not in of_item:
            if at is not None:
                groups.items[PICTURE].append((at, group))
            if sound is not None:
                groups.items[SOUND].append((sound, group))
            if item in encoded:
                groups.extra[PICTURE].append((encoded[item], group))
        if folded not in of_text:
            groups.texts.append((text, group))
        of_text.setdefault(folded, group)
        of_item.setdefault(item, group)
        groups.counts[f"set {one.pk}"] += 1
    if missed:
        told.append(
            f"{missed} pair{'s' if missed > 1 else ''} of {one} left out: nothing is encoded at "
            "that time of the asset, or not any more."
        )
    return told


def _encoded_pictures(
    one: PairSet,
    lines: Sequence[Mapping[str, Any]],
    pictures: Mapping[str, bytes],
    row: SpaceTraining,
    tick: Callable[[], None],
) -> tuple[dict[Hashable, Encoded], list[str]]:
    """What an encoder makes of the pictures that lines name, and a sentence where it cannot."""
    named = sorted({line["picture"] for line in lines if "picture" in line})
    if not named:
        return {}, []
    engine = row.engines.get(PICTURE, "")
    try:
        seen = encode_pictures(row.workspace, engine, [pictures[name] for name in named], tick)
    except AnalysisError as error:
        return {}, [f"The pictures of {one} were left out. {error.message}"]
    return dict(zip(named, seen, strict=True)), []


def _sound_at(finder: _Finder, line: Mapping[str, Any]) -> int | None:
    return finder.near(SOUND, line["asset"], line["time_s"], STRETCH_S / 2)


def read_set(one: PairSet) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    """Lines and pictures of a set. Raises AnalysisError where its file is gone."""
    try:
        with default_storage.open(one.file) as file, zipfile.ZipFile(file) as kept:
            lines = kept.read("pairs.jsonl").decode().splitlines()
            pictures = {name: kept.read(name) for name in kept.namelist() if name != "pairs.jsonl"}
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise AnalysisError(f"The file of {one} is gone or damaged: bring it again.") from error
    return [json.loads(line) for line in lines], pictures


def _some(items: np.ndarray, most: int) -> np.ndarray:
    """Evenly some of them."""
    if len(items) <= most:
        return items
    return items[np.unique(np.linspace(0, len(items) - 1, most).round().astype(int))]


# --- from groups to items -------------------------------------------------------------------------


def _as_pairs(
    groups: _Groups,
    kinds: dict[str, Kind],
    row: SpaceTraining,
    most: int,
    notes: list[str],
    tick: Callable[[], None],
) -> Gathered:
    keep = _kept_groups(groups, most * max(len(row.sources) + len(row.pair_sets), 1))
    pairs: dict[str, Items] = {}
    for modality, kind in kinds.items():
        some = [(at, group) for at, group in groups.items[modality] if group in keep]
        if some:
            rows = np.array([at for at, _ in some])
            numbers = np.array([group for _, group in some], np.int64)
            pairs[modality] = replace(kind.items.chosen(rows), groups=numbers)
    for modality, brought_in in groups.extra.items():
        kept = [(one, group) for one, group in brought_in if group in keep]
        if not kept:
            continue
        engine = row.engines.get(modality) or engine_of(row.workspace, modality)
        seen, of_each = [one for one, _ in kept], [group for _, group in kept]
        brought = Items.of(modality, engine, seen, of_each)
        there = pairs.get(modality)
        pairs[modality] = Items.joined([there, brought]) if there else brought
    texts = [(text, group) for text, group in groups.texts if group in keep]
    kept_texts: list[str] = []
    if texts:
        engine, encoded = encode_texts([text for text, _ in texts], tick)
        items = Items.of(TEXT, engine, encoded, [group for _, group in texts])
        kept_texts = [t for (t, _), one in zip(texts, encoded, strict=True) if not one.blank]
        pairs[TEXT] = items
    if len(pairs) < 2:
        raise AnalysisError(_one_sided(pairs, row))
    return Gathered(pairs, kept_texts, dict(groups.counts), notes, kinds)


def _kept_groups(groups: _Groups, most: int) -> set[int]:
    numbers = np.arange(len(groups.number))
    return set(_some(numbers, most).tolist())


def _one_sided(pairs: Mapping[str, Items], row: SpaceTraining) -> str:
    have = ", ".join(pairs) or "nothing"
    missing = []
    if PICTURE not in row.engines and PICTURE not in pairs:
        missing.append("encode pictures of the library")
    if set(row.sources) & {"spoken", "heard"}:
        missing.append("let its speech be transcribed")
    if "written" in row.sources:
        missing.append("let text be read on it")
    if "labelled" in row.sources:
        missing.append("draw or accept boxes on frames")
    if SOUND not in row.engines and set(row.sources) & {"heard", "beside"}:
        missing.append("encode its sound")
    todo = f" To have both: {', or '.join(missing)}." if missing else ""
    return f"A pair has two sides, and there is only one here: {have}.{todo}"
