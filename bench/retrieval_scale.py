"""A million items of a taught space, found within the time that a page has for it.

    python -m bench.retrieval_scale [--quick] [--json FILE] [--features FOLDER] [--items N]

Data: pictures and captions of ../shared/data/flickr8k, encoded and taught as in bench.cross_modal.
The million are made of the 4,000 places that the pictures and their mirror images have in the
space: each lies between a picture and one of its twenty nearest, somewhat off. What is asked are
captions of the 500 pictures that nothing was taught with. What is right is the whole score
(cosines and codes, less what items score with everything) of all items, from unrounded numbers.

Beside it: brute force over the float32 vectors (numpy, one core), and usearch alone (HNSW, int8),
which know cosines only; both are also held against the best by cosines. With a filter that keeps a
hundredth of the items usearch is asked for a hundred times as many, of which the filter's are kept.
Times are medians and 95th percentiles of questions asked one after another by one process on one
core.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy starts its threads

import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from dataclasses import dataclass, field, replace  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from analysis.crossmodal.index import Index  # noqa: E402
from analysis.crossmodal.segments import Entries  # noqa: E402
from analysis.crossmodal.space import Placed, Space, discrete_scores  # noqa: E402
from analysis.crossmodal.training import Prepared, train  # noqa: E402
from analysis.crossmodal.types import PICTURE, TEXT  # noqa: E402
from bench import cross_modal  # noqa: E402
from bench.report import Report, options_of_all, skipped  # noqa: E402

ITEMS, ITEMS_QUICK = 1_000_000, 100_000
ASKED, ASKED_QUICK = 200, 60
EACH = 100  # items of an owner
KEEPS = 100  # one owner of so many passes the filter
STRIP = 50_000
MOST_MS, LEAST_RECALL, MOST_START_S = 50.0, 0.95, 1.0


@dataclass
class Right:
    """The best ten of each question, as keys and scores, so far."""

    keys: np.ndarray
    scores: np.ndarray

    @classmethod
    def none(cls, n: int) -> Right:
        return cls(np.full((n, 10), -1), np.full((n, 10), -np.inf))

    def add(self, scores: np.ndarray, keys: np.ndarray) -> None:
        """scores: (questions, items)."""
        top = np.argpartition(-scores, 9, axis=1)[:, :10] if scores.shape[1] > 10 else None
        if top is not None:
            scores, keys = np.take_along_axis(scores, top, 1), keys[top]
        else:
            keys = np.broadcast_to(keys, scores.shape)
        scores, keys = np.hstack([self.scores, scores]), np.hstack([self.keys, keys])
        best = np.argsort(-scores, axis=1, kind="stable")[:, :10]
        self.scores = np.take_along_axis(scores, best, 1)
        self.keys = np.take_along_axis(keys, best, 1)

    def recall(self, found: Sequence[Sequence[int]]) -> float:
        """Of the best ten, over all questions, those that were found."""
        hits = sum(len(set(a.tolist()) & set(b)) for a, b in zip(self.keys, found, strict=True))
        return hits / int((self.keys >= 0).sum())


@dataclass
class Truth:
    whole: Right
    cosines: Right
    whole_filtered: Right
    cosines_filtered: Right
    vectors: list[np.ndarray] = field(default_factory=list)


def taught(folder: Path, quick: bool) -> tuple[Space, Placed, Placed]:
    """A space, where pictures lie in it, and questions."""
    of = cross_modal.lines(quick)
    encoders = cross_modal.ENCODERS
    cross_modal.ENCODERS = {name: encoders[name] for name in (PICTURE, TEXT)}
    found = cross_modal.features(of, folder)
    settings = replace(cross_modal.TAUGHT, epochs=3)
    space = train(Prepared(found["train"], settings), settings)
    pictures = space.place(PICTURE, found["train"][PICTURE])
    texts = found["val"][TEXT]
    every = np.linspace(0, len(texts) - 1, ASKED_QUICK if quick else ASKED).astype(int)
    return space, pictures, space.place(TEXT, texts.chosen(every))


class Crowd:
    """A million of a few thousand."""

    def __init__(self, space: Space, pictures: Placed) -> None:
        self.pictures = pictures
        self.told = space.crowds(PICTURE, pictures)[TEXT]
        cosines = pictures.continuous @ pictures.continuous.T
        self.near = np.argpartition(-cosines, 21, axis=1)[:, :21]
        self.rng = np.random.default_rng(0)

    def some(self, first: int, n: int) -> Entries:
        rng = self.rng
        one = rng.integers(0, len(self.pictures), n)
        other = self.near[one, rng.integers(0, self.near.shape[1], n)]
        share = rng.uniform(0, 0.5, (n, 1)).astype(np.float32)
        continuous = self.pictures.continuous
        vectors = (1 - share) * continuous[one] + share * continuous[other]
        vectors += rng.normal(0, 0.02, vectors.shape).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        codes = (1 - share) * self.pictures.codes[one] + share * self.pictures.codes[other]
        told = (1 - share) * self.told[one] + share * self.told[other]
        keys = np.arange(first, first + n)
        return Entries(keys, keys // EACH, Placed(vectors, codes), {TEXT: told})


def built(
    index: Index, crowd: Crowd, questions: Placed, weight: float, n: int
) -> tuple[Truth, float]:
    """The index, and what is right. The seconds are those of the index alone."""
    asked = len(questions)
    truth = Truth(*(Right.none(asked) for _ in range(4)))
    spent = 0.0
    for first in range(0, n, STRIP):
        some = crowd.some(first, min(STRIP, n - first))
        begun = time.perf_counter()
        index.add(some)
        spent += time.perf_counter() - begun
        cosines = questions.continuous @ some.placed.continuous.T
        near = cosines - some.crowds[TEXT][:, 0]
        codes = discrete_scores(questions, some.placed) - some.crowds[TEXT][:, 1]
        whole = near + weight * codes
        kept = some.owners % KEEPS == 0
        truth.whole.add(whole, some.keys)
        truth.cosines.add(cosines, some.keys)
        truth.whole_filtered.add(whole[:, kept], some.keys[kept])
        truth.cosines_filtered.add(cosines[:, kept], some.keys[kept])
        truth.vectors.append(some.placed.continuous)
    begun = time.perf_counter()
    index.merge()
    return truth, spent + time.perf_counter() - begun


def asked(
    ask: Callable[[int], Sequence[int]], n: int, rounds: int
) -> tuple[list[list[int]], float, float]:
    """What was found, and the median and 95th percentile of milliseconds a question."""
    found: list[list[int]] = []
    for at in range(min(5, n)):
        ask(at)  # what is mapped comes into memory
    spent = []
    for once in range(rounds):
        for at in range(n):
            begun = time.perf_counter()
            keys = ask(at)
            spent.append(time.perf_counter() - begun)
            if not once:
                found.append(list(keys))
    return found, float(np.median(spent)) * 1000, float(np.percentile(spent, 95)) * 1000


OPENS = """
import sys, time
from pathlib import Path
import numpy as np
from analysis.crossmodal.index import Index
from analysis.crossmodal.space import Placed
begun = time.perf_counter()
index = Index(Path(sys.argv[1]), sys.argv[2], "picture")
question = np.load(sys.argv[3])
index.search("text", Placed(question["near"], question["codes"]), float(sys.argv[4]))
print(time.perf_counter() - begun)
"""


def opening(index: Index, questions: Placed, weight: float, folder: Path) -> float:
    """Seconds from nothing to the first answer, in a process of its own; the median of three."""
    path = folder / "question.npz"
    np.savez(path, near=questions.continuous[:1], codes=questions.codes[:1])
    command = [sys.executable, "-c", OPENS, str(index.folder), index.space, str(path), str(weight)]
    return float(np.median([float(subprocess.check_output(command)) for _ in range(3)]))


def peers(report: Report, truth: Truth, questions: Placed, rounds: int) -> float:
    """Brute force and usearch; the first one's 95th percentile in milliseconds."""
    from usearch.index import Index as Graph

    n = len(questions)
    vectors = np.concatenate(truth.vectors)
    kept = np.flatnonzero(np.arange(len(vectors)) // EACH % KEEPS == 0)

    def brute(at: int) -> list[int]:
        scores = vectors @ questions.continuous[at]
        top = np.argpartition(-scores, 10)[:10]
        return top.tolist()  # type: ignore[no-any-return]

    found, median, brute_ms = asked(brute, min(n, 40), 1)
    report.row("brute force by cosines, ms a question (median)", median)
    report.row("brute force by cosines, ms a question (95 %)", brute_ms)
    graph = Graph(ndim=vectors.shape[1], metric="cos", dtype="i8", connectivity=16)
    begun = time.perf_counter()
    graph.add(np.arange(len(vectors)), vectors)
    report.row("usearch alone, s to build (all cores)", time.perf_counter() - begun)
    found, median, usearch_ms = asked(
        lambda at: graph.search(questions.continuous[at], 10, threads=1).keys.tolist(), n, rounds
    )
    report.row("usearch alone, ms a question (median)", median)
    report.row("usearch alone, ms a question (95 %)", usearch_ms)
    report.row("usearch alone, recall@10 of the best by cosines", truth.cosines.recall(found))
    report.row("usearch alone, recall@10 of the whole score", truth.whole.recall(found))
    allowed = set(kept.tolist())

    def filtered(at: int) -> list[int]:
        keys = graph.search(questions.continuous[at], 10 * KEEPS, threads=1).keys.tolist()
        return [key for key in keys if key in allowed][:10]

    found, median, _ = asked(filtered, n, 1)
    report.row("usearch, a filter of 1 % afterwards, ms a question (median)", median)
    recall = truth.cosines_filtered.recall(found)
    report.row("usearch, a filter of 1 % afterwards, recall@10 by cosines", recall)
    return brute_ms


def measure(report: Report, space: Space, pictures: Placed, questions: Placed, n: int) -> None:
    weight = (
        space.weight(TEXT, PICTURE) or 0.03
    )  # codes take part, also where they are worth nothing
    rounds = 3
    with tempfile.TemporaryDirectory(prefix="sightline-index-") as name:
        index = Index(Path(name) / "index", space.version, PICTURE)
        truth, seconds = built(index, Crowd(space, pictures), questions, weight, n)
        print(f"{len(index):,} items in {seconds:.0f} s, codes weigh {weight}", flush=True)
        if hasattr(os, "sched_setaffinity"):
            cores = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {min(cores)})
        some = np.arange(0, n // EACH, KEEPS)
        most = np.delete(np.arange(n // EACH), some)  # as in a library where few were deleted

        def ask(at: int) -> list[int]:
            found = index.search(TEXT, questions.some(np.array([at])), weight)
            return [one.key for one in found]

        def filtered(at: int) -> list[int]:
            found = index.search(TEXT, questions.some(np.array([at])), weight, owners=some)
            return [one.key for one in found]

        def of_most(at: int) -> list[int]:
            found = index.search(TEXT, questions.some(np.array([at])), weight, owners=most)
            return [one.key for one in found]

        found, median, ours_ms = asked(ask, len(questions), rounds)
        found_some, median_some, some_ms = asked(filtered, len(questions), rounds)
        _, _, most_ms = asked(of_most, len(questions), 1)
        start_s = opening(index, questions, weight, Path(name))
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores)
        recall = truth.whole.recall(found)
        recall_some = truth.whole_filtered.recall(found_some)
        size = index.bytes() / len(index)
        report.row("items", n)
        report.row("s to build", seconds)
        report.row("bytes an item", size, pictures.continuous.shape[1] * 4)
        report.row("ms a question (median)", median)
        report.row("a filter of 1 %, ms a question (median)", median_some)
        brute_ms = peers(report, truth, questions, rounds)
    timed = (("", ours_ms), ("a filter of 1 %, ", some_ms), ("a filter of 99 %, ", most_ms))
    for what, ms in timed:
        ratio = ms / brute_ms
        bar = f"<= {MOST_MS:.0f} ms"
        report.row(f"{what}ms a question (95 %)", ms, brute_ms, ratio, bar, ms <= MOST_MS)
    bar = f">= {LEAST_RECALL}"
    report.row("recall@10 of the whole score", recall, bar=bar, holds=recall >= LEAST_RECALL)
    name = "a filter of 1 %, recall@10 of the whole score"
    report.row(name, recall_some, bar=bar, holds=recall_some >= LEAST_RECALL)
    bar = f"<= {MOST_START_S:.0f} s"
    report.row("s from nothing to the first answer", start_s, bar=bar, holds=start_s <= 1)


def main() -> int:
    parser = options_of_all(__doc__ or "")
    parser.add_argument("--features", type=Path, default=cross_modal.CACHE, metavar="FOLDER")
    parser.add_argument("--items", type=int, default=0, metavar="N")
    options = parser.parse_args()
    if not cross_modal.FOLDER.is_dir():
        return skipped("needs ../shared/data/flickr8k")
    n = options.items or (ITEMS_QUICK if options.quick else ITEMS)
    report = Report("retrieval_scale", peer="brute force")
    measure(report, *taught(options.features, options.quick), n)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
