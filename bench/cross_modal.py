"""Pictures, captions and speech found by each other, in one space with a codebook.

    python -m bench.cross_modal [--quick] [--json FILE] [--features FOLDER] [--seeds N]
                                [--without-sound]

Data: the part of Flickr8k in ../shared/data/flickr8k: 2,000 pictures with five captions each to
learn from, 500 to be measured on, one caption spoken by a synthetic voice of 753 and 122 of them.
Frozen encoders: MobileNet v1 and v2 (ImageNet; ../shared/data/detectors), MiniLM, Whisper tiny.en.
The official test pictures are kept back and nothing was tuned on the 500: epochs, weights and the
peer's ridge are chosen on a tenth of the training pictures.

The peer is ridge regression between the summaries of the same encoders, standardised, with cosines
of what it predicts; its direction and strength are chosen on the same tenth, and it then learns
from all 2,000. Beside it the same with numbers whitened as ours are, and with the very numbers that
ours takes for an item as a whole (`wholes`), whitened. Chance is that of a random order.

The codes of pictures are held against the brands of FlickrLogos-27 as well (`brand_codes`), where
those are there: nothing was taught with them.

`continuous only` is a space taught without codes, `no matching` one whose codes are taught without
cross-modal code matching. Figures are means over the seeds, ± the standard deviation between them.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy starts its threads

import csv  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections import Counter  # noqa: E402
from collections.abc import Callable, Iterator, Mapping, Sequence  # noqa: E402
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, NamedTuple  # noqa: E402

import numpy as np  # noqa: E402

from analysis.crossmodal.items import Items, Whitening, matched_groups  # noqa: E402
from analysis.crossmodal.kinds import Taken  # noqa: E402
from analysis.crossmodal.measures import Retrieval, retrieval  # noqa: E402
from analysis.crossmodal.naming import (  # noqa: E402
    Clarity,
    CodeName,
    agreement,
    clarity,
    fired,
    hard_codes,
    names,
)
from analysis.crossmodal.space import Space  # noqa: E402
from analysis.crossmodal.training import Prepared, Settings, train  # noqa: E402
from analysis.crossmodal.types import PICTURE, SOUND, TEXT, Encoded, Encoder  # noqa: E402
from analysis.crossmodal.wholes import whitened_wholes  # noqa: E402
from analysis.crossmodal.words import STOP  # noqa: E402
from bench.brand_codes import Brands, of_brands, shuffled  # noqa: E402
from bench.logo_crops import boxes, cut_out  # noqa: E402
from bench.reference import FOLDER as LOGOS  # noqa: E402
from bench.report import DATA, Report, options_of_all, skipped  # noqa: E402

FOLDER = DATA / "flickr8k"
CORAL = DATA / "detectors" / "mobilenet_coral"
CACHE = Path(__file__).parent / "cache" / "cross_modal"
NETWORKS = (
    "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite",
    "mobilenet_v2_1.0_224_quant.tflite",
)
CELLS = 4  # of a side
KEPT = 2  # another number: what was kept before is made anew
ASKED = ((TEXT, PICTURE), (PICTURE, TEXT), (SOUND, PICTURE), (PICTURE, SOUND))
QUICK = (300, 100)  # pictures to learn from, and to be measured on
WORDS: dict[int, set[str]] = {}  # of the captions of each picture that is measured on
LEAST = 5  # pictures, for a word to be told
FLAT, WHITE, OURS = "standardised", "whitened", "our numbers, whitened"
RIDGES = (0.1, 1.0, 3.0, 10.0, 30.0, 100.0)

Pairs = dict[str, Items]


class Line(NamedTuple):
    split: str
    image: str
    captions: list[str]
    spoken: str


def lines(quick: bool) -> dict[str, list[Line]]:
    """The pictures by split, "train" and "val"."""
    found: dict[tuple[str, str], Line] = {}
    with (FOLDER / "captions.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = row["split"], row["image"]
            found.setdefault(key, Line(*key, [], row["spoken"])).captions.append(row["caption"])
    of = {
        split: [one for one in found.values() if one.split == split] for split in ("train", "val")
    }
    if quick:  # those that are spoken as well first: a quick run has all four directions
        for split, n in zip(of, QUICK, strict=True):
            of[split] = sorted(of[split], key=lambda one: not one.spoken)[:n]
    return of


def picture_encoder() -> Encoder[Any]:
    from analysis.crossmodal.pictures import BackboneEncoder, JoinedEncoder, MirroredEncoder

    networks = [BackboneEncoder(CORAL / name, rgb=True, cells=CELLS) for name in NETWORKS]
    return MirroredEncoder(JoinedEncoder(networks))


def encode_pictures(of: Sequence[Line]) -> tuple[list[Encoded], list[int], str]:
    import cv2

    encoder, encoded = picture_encoder(), []
    for one in of:
        picture = cv2.imread(str(FOLDER / "images" / one.image))
        assert picture is not None
        encoded += encoder([picture])
    return encoded, list(range(len(of))), encoder.engine


def encode_texts(of: Sequence[Line]) -> tuple[list[Encoded], list[int], str]:
    from analysis.crossmodal.text import TextEncoder

    encoder = TextEncoder()
    encoded = encoder([caption for one in of for caption in one.captions])
    return encoded, [g for g, one in enumerate(of) for _ in one.captions], encoder.engine


def encode_sounds(of: Sequence[Line]) -> tuple[list[Encoded], list[int], str]:
    from analysis.crossmodal.sound import SoundEncoder
    from analysis.media.audio import read_audio
    from analysis.speech.engines import engines

    encoder = SoundEncoder(next(one for one in engines() if one.key == "faster-whisper/tiny.en"))
    spoken = [(group, one.spoken) for group, one in enumerate(of) if one.spoken]
    sounds = [read_audio(FOLDER / "spoken" / name) for _, name in spoken]
    return encoder(sounds), [group for group, _ in spoken], encoder.engine


ENCODERS: Mapping[str, Callable[[Sequence[Line]], tuple[list[Encoded], list[int], str]]] = {
    PICTURE: encode_pictures,
    TEXT: encode_texts,
    SOUND: encode_sounds,
}


def features(
    of: Mapping[str, Sequence[Line]], folder: Path, without: Sequence[str] = ()
) -> dict[str, Pairs]:
    """The encoded items by split; kept in a folder, as encoding takes longest."""
    found: dict[str, Pairs] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for split, some in of.items():
        for modality, encode in ENCODERS.items():
            if modality in without:
                continue
            path = folder / f"{split}-{len(some)}-{modality}-{KEPT}.npz"
            if not path.is_file():
                encoded, groups, engine = encode(some)
                keep(Items.of(modality, engine, encoded, groups), path)
            found.setdefault(split, {})[modality] = kept(path)
    return found


def brands(folder: Path, quick: bool) -> Brands | None:
    """Crops of FlickrLogos-27, by the same encoder; None where they are not here."""
    import cv2

    if not LOGOS.is_dir():
        return None
    crops = boxes()[:: 5 if quick else 1]
    path = folder / f"brands-{len(crops)}.npz"
    if not path.is_file():
        encoder, encoded = picture_encoder(), []
        for crop in crops:
            picture = cv2.imread(str(LOGOS / "images" / crop.file))
            encoded += encoder([cut_out(np.asarray(picture, np.uint8), crop.box)])
        keep(Items.of(PICTURE, encoder.engine, encoded, range(len(crops))), path)
    items = kept(path)
    return Brands(items, [crops[at].brand for at in items.groups])


def keep(items: Items, path: Path) -> None:
    np.savez(
        path.with_suffix(".writing.npz"),
        about=np.array([items.modality, items.engine]),
        summaries=items.summaries,
        parts=items.parts.astype(np.float16),
        offsets=items.offsets,
        groups=items.groups,
        **({} if items.words is None else {"words": items.words}),
    )
    path.with_suffix(".writing.npz").replace(path)


def kept(path: Path) -> Items:
    with np.load(path) as file:
        modality, engine = file["about"].tolist()
        numbers: list[Any] = [file[name] for name in ("summaries", "parts", "offsets", "groups")]
        words = file.get("words", None)
    return Items(modality, engine, *numbers, words=words)


class Ridge(NamedTuple):
    """How one modality's summaries are made of another's, and compared there."""

    asked: Whitening
    answers: Whitening
    towards_answers: bool
    factors: np.ndarray

    def scores(self, queries: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """(n, m) cosines."""
        q, a = self.asked(queries), self.answers(answers)
        one, other = (q @ self.factors, a) if self.towards_answers else (q, a @ self.factors)
        one /= np.linalg.norm(one, axis=1, keepdims=True) + 1e-9
        other /= np.linalg.norm(other, axis=1, keepdims=True) + 1e-9
        scores: np.ndarray = one @ other.T
        return scores


class Peers(NamedTuple):
    """What ridge regression finds in one direction, by what it is given."""

    plain: Retrieval
    white: Retrieval
    ours: Retrieval


def asked_of(pairs: Mapping[str, Items]) -> list[tuple[str, str]]:
    """What is asked in, and what answers."""
    return [way for way in ASKED if set(way) <= pairs.keys()]


def couples(pairs: Pairs, query: str, answer: str) -> tuple[Items, Items]:
    """Each query item with an answer of its group, row by row."""
    a, b = pairs[query], pairs[answer]
    first = {int(group): at for at, group in reversed(list(enumerate(b.groups)))}
    rows = [at for at, group in enumerate(a.groups) if int(group) in first]
    partners = [first[int(a.groups[at])] for at in rows]
    return a.chosen(np.array(rows)), b.chosen(np.array(partners))


def ridges(
    pairs: Pairs, query: str, answer: str, ways: str, taken: tuple[Taken, Taken]
) -> Iterator[tuple[tuple, Ridge]]:
    """One for each setting, taught on pairs. taken: what their summaries are of."""
    asked, answers = couples(pairs, query, answer)
    both = zip((query, answer), taken, strict=True)
    fits = [whitening(pairs[name], ways, of) for name, of in both]
    q, a = fits[0](asked.summaries), fits[1](answers.summaries)
    for forth in (True, False):
        x, y = (q, a) if forth else (a, q)
        values, vectors = np.linalg.eigh(x.T @ x / len(x))
        turned = vectors.T @ (x.T @ y / len(x))
        for strength in RIDGES:
            factors = vectors @ (turned / (values[:, None] + strength))
            yield (forth, strength), Ridge(*fits, forth, factors)


def whitening(items: Items, ways: str, taken: Taken) -> Whitening:
    """Of at most 2,000 items, which are enough for axes. Standardised numbers are turned to their
    axes as well, all of them that 2,000 items have: for a ridge that is the same, and quicker."""
    some = items.summaries[:: max(len(items) // 2000, 1)]
    if ways != FLAT:
        return whitened_wholes(taken, some, TAUGHT.summary_axes, TAUGHT.whitening)
    mean, spread = some.mean(0), some.std(0) + 1e-6
    turned = Whitening.fitted((some - mean) / spread, 600, 0.0)
    return Whitening(mean + turned.mean * spread, turned.basis / spread[:, None])


def best_ridge(
    taught: Pairs, held: Pairs, query: str, answer: str, ways: str, taken: tuple[Taken, Taken]
) -> tuple:
    """The setting that finds the held-out pairs best."""
    found = {}
    for setting, ridge in ridges(taught, query, answer, ways, taken):
        found[setting] = of_scores(ridge_scores(ridge, query), held, query, answer).recall[10]
    return max(found, key=lambda setting: found[setting])


def of_scores(
    score: Callable[[Any, Any], np.ndarray], pairs: Mapping[str, Items], query: str, answer: str
) -> Retrieval:
    """Of all queries that have an answer; among all answers."""
    answers = pairs[answer]
    queries = pairs[query].of_groups(answers.groups)
    return retrieval(score(queries, answers), queries.groups, answers.groups)


TAUGHT = Settings()
RUNS = {
    "ours": TAUGHT,
    "no matching": replace(TAUGHT, matching=0.0),
    "continuous": replace(TAUGHT, matching=0.0, quantised=0.0),
}
SHOWN = ("continuous only", "discrete only", "both", "no matching")


class Found(NamedTuple):
    """Of one seed: by query, answer and kind of score what was found; and how clear codes are."""

    by: dict[tuple[str, str, str], Retrieval]
    clear: dict[tuple[str, str], Clarity]  # by run and modality
    agree: dict[str, float]
    weights: Mapping[str, float]
    brands: dict[str, Clarity]  # by run, and by chance


def measure(
    prepared: Prepared, tested: Pairs, logos: Brands | None, seed: int, quick: bool
) -> Found:
    spaces = {}
    for name, settings in RUNS.items():
        if quick:
            settings = replace(settings, epochs=6, codes=256)
        begun = time.process_time()
        spaces[name] = train(prepared, replace(settings, seed=seed))
        spent = time.process_time() - begun
        print(f"seed {seed}, {name}: {spent:.0f} s of processor time", flush=True)
    placed = {
        name: {modality: space.place(modality, tested[modality]) for modality in space.sides}
        for name, space in spaces.items()
    }
    by = {}
    for query, answer in asked_of(tested):
        answers = tested[answer].groups
        rows = np.isin(tested[query].groups, answers)
        groups = tested[query].groups[rows], answers
        for name, space in spaces.items():
            one, other = placed[name][query].some(rows), placed[name][answer]
            near, codes = space.parts_of_scores(query, one, answer, other)
            both = near + space.weight(query, answer) * codes
            kinds = {
                "ours": {"both": both, "discrete only": codes, "continuous of ours": near},
                "no matching": {"no matching": both},
                "continuous": {"continuous only": near},
            }[name]
            by |= {(query, answer, kind): retrieval(s, *groups) for kind, s in kinds.items()}
    clear, agree = {}, {}
    for name in ("ours", "no matching"):
        explained = {m: explain(spaces[name], m, tested) for m in (PICTURE, TEXT)}
        clear |= {(name, m): found for m, (found, _) in explained.items()}
        agree[name] = agreement(explained[PICTURE][1], explained[TEXT][1])
    branded = {}
    if logos is not None:
        branded = {name: of_brands(spaces[name], logos) for name in ("ours", "no matching")}
        branded["by chance"] = of_brands(spaces["ours"], shuffled(logos, seed))
    return Found(by, clear, agree, spaces["ours"].weights, branded)


def explain(space: Space, modality: str, tested: Pairs) -> tuple[Clarity, list[CodeName]]:
    """How clear the codes of a modality are, against the words of the captions of its group."""
    items = tested[modality]
    words = [WORDS[int(group)] for group in items.groups]
    called = names(fired(space, modality, items), words)
    rarity = Counter(word for some in WORDS.values() for word in some)
    # of a part the rarest word that is common enough to be told: a noun more often than not
    likeliest = [min(some, key=lambda w: (rarity[w] < LEAST, rarity[w], w)) for some in words]
    codes = hard_codes(space, modality, items)
    return clarity(called, codes, [likeliest[at] for at in items.owners()]), called


def say_words(of: Sequence[Line]) -> None:
    """The words of each picture's captions, without those that half of all captions have."""
    for group, one in enumerate(of):
        text = " ".join(one.captions).lower()
        WORDS[group] = {w for w in re.findall(r"[a-z]{3,}", text) if w not in STOP} or {"-"}


def peers(taught: Pairs, tested: Pairs, ours: Prepared) -> dict[tuple[str, str], Peers]:
    """Of each direction what ridge regression finds. ours: tells what ours takes for a whole."""
    groups = np.random.default_rng(0).permutation(matched_groups(taught))
    n = round(0.1 * len(groups))
    found: dict[tuple[str, str], dict[str, Retrieval]] = {way: {} for way in asked_of(taught)}
    for ways in (FLAT, WHITE, OURS):
        taken = ours.taken if ways == OURS else dict.fromkeys(taught, Taken())
        plain = {name: without_parts(items, taken[name]) for name, items in taught.items()}
        asked = {name: without_parts(items, taken[name]) for name, items in tested.items()}
        held, rest = (
            {name: items.of_groups(some) for name, items in plain.items()}
            for some in (groups[:n], groups[n:])
        )
        for query, answer in asked_of(taught)[::2]:
            both = taken[query], taken[answer]
            setting = best_ridge(rest, held, query, answer, ways, both)
            every = ridges(plain, query, answer, ways, both)
            ridge = next(ridge for one, ridge in every if one == setting)
            print(f"ridge {query} and {answer}, {ways}: {setting}", flush=True)
            for a, b in ((query, answer), (answer, query)):
                found[a, b][ways] = of_scores(ridge_scores(ridge, query), asked, a, b)
    return {way: Peers(*(of[ways] for ways in (FLAT, WHITE, OURS))) for way, of in found.items()}


def ridge_scores(ridge: Ridge, query: str) -> Callable[[Items, Items], np.ndarray]:
    """Either way round."""

    def scores(a: Items, b: Items) -> np.ndarray:
        if a.modality == query:
            return ridge.scores(a.summaries, b.summaries)
        return ridge.scores(b.summaries, a.summaries).T

    return scores


def without_parts(items: Items, taken: Taken) -> Items:
    """Ridge regression sees one row of numbers an item."""
    n = len(items)
    return replace(
        items,
        summaries=taken(items),
        parts=np.zeros((n, 1), np.float32),
        offsets=np.arange(n + 1),
    )


def tell(report: Report, found: Sequence[Found], peer: Mapping, tested: Pairs) -> None:
    for query, answer in asked_of(tested):
        way = f"{query} → {answer}"
        plain, white, ours = peer[query, answer]
        for kind in SHOWN:
            some = [one.by[query, answer, kind] for one in found]
            for k in (1, 5, 10):
                mean, spread = over([one.recall[k] for one in some])
                ratio = mean / max(plain.recall[k], 1e-9)
                report.row(f"{way}, {kind}: R@{k} ± {spread:.3f}", mean, plain.recall[k], ratio)
            rank, _ = over([one.median_rank for one in some])
            report.row(f"{way}, {kind}: median rank", rank, plain.median_rank)
        report.row(f"{way}, ridge with whitened numbers: R@10", None, white.recall[10])
        report.row(f"{way}, ridge with the numbers of ours: R@10", None, ours.recall[10])
        chance = 10 / len(np.unique(tested[answer].groups))
        report.row(f"{way}, by chance: R@10, about", None, min(chance, 1.0))


def tell_codes(report: Report, found: Sequence[Found]) -> None:
    for name in ("ours", "no matching"):
        for modality in (PICTURE, TEXT):
            for figure in ("codes", "named", "purity", "information"):
                mean, _ = over([getattr(one.clear[name, modality], figure) for one in found])
                report.row(f"codes of a {modality}, {name}: {figure}", mean)
        mean, _ = over([one.agree[name] for one in found])
        report.row(f"codes with one best word in both modalities, {name}", mean)
    for name in found[0].brands:
        for figure in ("codes", "named", "purity", "information"):
            mean, _ = over([getattr(one.brands[name], figure) for one in found])
            report.row(f"codes against brands, {name}: {figure}", mean)


def bars(report: Report, found: Sequence[Found], peer: Mapping) -> None:
    for query, answer in ASKED[:2]:
        gains = [
            one.by[query, answer, "both"].recall[10]
            - one.by[query, answer, "continuous only"].recall[10]
            for one in found
        ]
        mean, spread = over(gains)
        report.row(
            f"{query} → {answer}: R@10 of both beyond continuous only",
            mean, bar=f"> {spread:.4f}, the spread", holds=mean > spread,
        )  # fmt: skip
    ours, _ = over([one.by[TEXT, PICTURE, "both"].recall[10] for one in found])
    plain, white, same = (one.recall[10] for one in peer[TEXT, PICTURE])
    report.row("text → picture: R@10 beside ridge with whitened numbers", ours, white, ours / white)
    report.row(
        "text → picture: R@10 beside ridge with the numbers of ours", ours, same, ours / same
    )
    report.row(
        "text → picture: R@10 beside ridge", ours, plain, ours / plain,
        ">= 1.2 x", ours >= 1.2 * plain,
    )  # fmt: skip


def over(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation over the seeds."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def main() -> int:
    parser = options_of_all(__doc__ or "")
    parser.add_argument("--features", type=Path, default=CACHE, help="keep what was encoded here")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--without-sound", action="store_true", help="pictures and captions alone")
    options = parser.parse_args()
    if not FOLDER.is_dir() or not CORAL.is_dir():
        return skipped(f"{FOLDER} and {CORAL} are needed")
    of = lines(options.quick)
    pairs = features(of, options.features, [SOUND] if options.without_sound else [])
    say_words(of["val"])
    prepared = Prepared(pairs["train"], TAUGHT)
    for name, taken in prepared.taken.items():
        how = ["roots of parts" if taken.pools else "summaries"]
        how += ["kinds of parts"] * (taken.kinds is not None) + ["words"] * taken.has_words
        print(f"of each {name}: {', '.join(how)}", flush=True)
    peer = peers(pairs["train"], pairs["val"], prepared)
    seeds = 1 if options.quick else options.seeds
    logos = brands(options.features, options.quick)
    tested = pairs["val"]
    found = [measure(prepared, tested, logos, seed, options.quick) for seed in range(seeds)]
    report = Report("cross_modal", peer="ridge")
    tell(report, found, peer, tested)
    tell_codes(report, found)
    bars(report, found, peer)
    report.extra["weights"] = [one.weights for one in found]
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
