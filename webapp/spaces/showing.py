"""How spaces, trainings and codes are shown: in words, with pictures of the moments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.assets.models import Asset
from webapp.assets.tiles import Tile, Tiles
from webapp.leases import Status
from webapp.spaces.codes import Code
from webapp.spaces.indexes import SpaceIndex
from webapp.spaces.space import Space
from webapp.spaces.training import SpaceTraining

CALLED = {"picture": "pictures", "clip": "clips", "sound": "sound", "text": "words"}
_AT = ("1", "5", "10")


def comparisons(space: Space) -> list[str]:
    """Which kinds of items it compares, in words, each once."""
    found = []
    for pair in space.pairs:
        one, _, other = pair.partition("+")
        said = [CALLED.get(name, name) for name in (one, other)]
        found.append(said[0] if one == other else " and ".join(said))
    alone = [one for one in found if " and " not in one]
    return [f"{', '.join(alone)}, each among themselves"] * bool(alone) + [
        one for one in found if " and " in one
    ]


def engines_in_words(space: Space) -> list[tuple[str, str]]:
    """What encodes each kind of item; clips are joined of pictures."""
    known = {name: engine for name, engine in space.engines.items() if name != "clip"}
    return [(title, known[name]) for name, title in CALLED.items() if name in known]


@dataclass(frozen=True, slots=True)
class IndexState:
    """How far an index is, in words."""

    name: str
    index: SpaceIndex
    says: str


def index_states(indexes: Iterable[SpaceIndex]) -> list[IndexState]:
    found = []
    for index in sorted(indexes, key=lambda one: list(CALLED).index(one.modality)):
        items = f"{index.n_items:,} {'piece' if index.modality == 'sound' else 'item'}"
        items += "" if index.n_items == 1 else "s"
        says = {
            Status.DONE: items,
            Status.WAITING: f"{items}, more may wait",
            Status.WORKING: f"{items} so far",
            Status.FAILED: index.error or "It ended and said nothing.",
        }[Status(index.status)]
        found.append(IndexState(CALLED.get(index.modality, index.modality), index, says))
    return found


# --- figures --------------------------------------------------------------------------------------


def ablation_rows(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """One table a way of asking: its kinds of scores with what chance would find."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for way in figures.get("ablation", []):
        key = way["asked"], way["answered"]
        table = found.setdefault(
            key,
            {
                "asked": CALLED.get(key[0], key[0]),
                "answered": CALLED.get(key[1], key[1]),
                "questions": way["questions"],
                "answers": way["answers"],
                "chance": [way["chance"][k] for k in _AT],
                "weight": None,
                "kinds": [],
            },
        )
        if way["kind"] == "both":
            table["weight"] = way.get("weight")  # older figures do not tell it
        found_by = [way["recall"][k] for k in _AT]
        table["kinds"].append((way["kind"], found_by, way["median_rank"]))
    return list(found.values())


def curve_rows(curves: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The epochs of what is trained, with those of the comparisons beside, as a chart draws it."""
    rows: dict[int, dict[str, Any]] = {}
    for row in curves.get("ours", []):
        rows[row["number"]] = {"epoch": row["number"], **row}
    for part, column in (("no-matching", "no_matching"), ("continuous", "continuous")):
        for row in curves.get(part, []):
            own = rows.setdefault(row["number"], {"epoch": row["number"]})
            own[column] = row["by_both"]
    return [rows[number] for number in sorted(rows)]


COLUMNS = [
    ("loss", "Loss", 3),
    ("found", "Cosines", 3),
    ("by_codes", "Codes", 3),
    ("by_both", "Both", 3),
    ("no_matching", "Both, no matching", 3),
    ("continuous", "No codes", 3),
    ("codes_used", "Codes in use", 0),
    ("perplexity", "As diverse as", 1),
    ("seconds", "Seconds", 1),
]


def training_context(row: SpaceTraining) -> dict[str, Any]:
    rows = curve_rows(row.curves)
    known = [c for c in COLUMNS if any(one.get(c[0]) is not None for one in rows)]
    columns = known or COLUMNS[:4]
    return {
        "training": row,
        "curves": rows,
        "columns": columns,
        "rows": [
            [one["epoch"], *((one.get(name), places) for name, _, places in columns)]
            for one in rows
        ],
    }


# --- codes ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Example:
    """A moment in which a code fires. box: where, in thousandths of the picture: x, y, width and
    height."""

    asset: Asset
    time_s: float
    modality: str
    tile: Tile | None
    box: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A code with pictures of its moments, and its words with how well they say it."""

    code: Code
    examples: list[Example]

    @property
    def sentence(self) -> str:
        """What its best word is worth, in words."""
        best = next(iter(self.code.said), None)
        if best is None:
            return "Nothing that is said, written or seen there names it."
        return (
            f"{_in_ten(best['purity'])} times it fires, “{best['word']}” is there; it fires "
            f"{_in_ten(best['coverage'])} times that is."
        )


def _in_ten(share: float) -> str:
    n = round(share * 10)
    if n >= 10:
        return "10 of 10"
    return f"{n} of 10" if n else "fewer than 1 of 10"


def shown_codes(codes: Sequence[Code], most: int) -> list[ShownCode]:
    """Codes with up to so many examples each, in three queries; what was deleted is left out."""
    wanted = {one["asset"] for code in codes for one in code.examples}
    assets = Asset.objects.in_bulk(wanted)
    tiles = Tiles.of(assets.values())
    return [ShownCode(code, _examples(code, assets, tiles)[:most]) for code in codes]


def _examples(code: Code, assets: dict[int, Asset], tiles: Tiles) -> list[Example]:
    found = []
    for one in code.examples:
        asset = assets.get(one["asset"])
        if asset is None or asset.workspace_id != code.space.workspace_id:
            continue
        tile = None if one["modality"] == "sound" else tiles.at(asset.pk, one["time_s"])
        found.append(Example(asset, one["time_s"], one["modality"], tile, _in_tile(one, tile)))
    return found


def _in_tile(one: dict[str, Any], tile: Tile | None) -> tuple[float, float, float, float] | None:
    """The box in the numbers of the picture that is shown."""
    if tile is None or not tile.width or not one.get("box"):
        return None
    x1, y1, x2, y2 = one["box"]
    return (
        tile.x + x1 * tile.width,
        tile.y + y1 * tile.height,
        (x2 - x1) * tile.width,
        (y2 - y1) * tile.height,
    )
