"""Searching 1,000 hours of transcript and 1,000,000 vectors, on SQLite and on PostgreSQL.

    python -m bench.search [--quick] [--json FILE]

The transcript is made up: sentences of about nine words of 3.6 seconds, out of 50,000 words as
often as words are (Zipf 1935), with brands among them that are written in several ways. Its vectors
are made up too, as 16 numbers in 384 with some noise: about as many as vectors of sentences really
have. Queries are rare, middling and common words, two of them, phrases, prefixes, OR, NOT, fuzzy
words and brands, each asked as the page asks it: read, found by words and by meaning, fused, and
the first twenty moments put together. Recall is that of the vector index beside every vector
compared. --quick has 50 hours and 50,000 vectors.
BENCH_HOURS is another number of hours, BENCH_POSTGRES names another server.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.databases import child, postgres
from bench.report import Report, arguments

HOURS, QUICK_HOURS, PER_HOUR = 1000, 50, 1000
P95_MS, ALIAS_S, RECALL = 100.0, 2.0, 0.95  # bars
SENTENCE_S, WORDS, SIZE, LATENT = 3.6, 50_000, 384, 16
ALIAS = "Zephyrline"
WRITTEN = ("Zephyrline", "zephyr line", "Zephyrlines", "Zephyr-Line", "zefyrline")
EVERY = 997  # sentences: one has the brand
_AT_ONCE = 5000


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure(int(sys.argv[2]))))
        return 0
    options = arguments(__doc__ or "")
    hours = int(os.environ.get("BENCH_HOURS", QUICK_HOURS if options.quick else HOURS))
    report, answers = Report("search", peer="exact search"), {}
    with tempfile.TemporaryDirectory() as name, postgres() as server:
        for title, database in (("SQLite", f"sqlite:///{name}/db"), ("PostgreSQL", server)):
            if database:
                folder = Path(name) / title
                folder.mkdir()
                said = child("bench.search", database, str(folder), str(hours))
                answers[title] = said.pop("answers")
                _tell(report, title, said, hours)
                report.extra[title] = said
    if len(answers) == 2:
        pairs = list(zip(*answers.values(), strict=True))
        same = sum(a == b for a, b in pairs)
        figures = same, len(pairs), same / len(pairs), "all"
        report.row("queries that both databases answer alike", *figures, same == len(pairs))
    return report.finish(options.json)


def _tell(report: Report, title: str, said: dict[str, Any], hours: int) -> None:
    p95, recall, alias = said["p95_ms"], said["recall"], said["alias_s"]
    words = f"{title}: a search of {hours:,} h, 95th percentile, ms"
    report.row(words, p95, bar=f"< {P95_MS:.0f}", holds=p95 < P95_MS)
    report.row(f"{title}: the same, median, ms", said["p50_ms"])
    for kind, ms in said["by_kind_ms"].items():
        report.row(f"{title}: {kind}, median, ms", ms)
    words = f"{title}: recall@10 of {said['vectors']:,} vectors"
    report.row(words, recall, 1.0, recall, f">= {RECALL}", recall >= RECALL)
    report.row(f"{title}: one look among the vectors, ms", said["look_ms"], said["exact_ms"])
    words = f"{title}: a new alias in all of it, s"
    report.row(words, alias, bar=f"< {ALIAS_S:.0f}", holds=alias < ALIAS_S)
    found, there = said["alias_found"], said["alias_there"]
    words = f"{title}: mentions of it, of those that were said"
    report.row(words, found, there, found / there, "all", found == there)
    report.row(f"{title}: sentences made findable a second", said["sentences_a_second"])
    report.row(f"{title}: vectors indexed a second", said["vectors_a_second"])
    report.row(f"{title}: MB of the process that searches", said["mb"])


# --- in a process of its own, with the settings of one installation -------------------------------


def measure(hours: int) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    rng = np.random.default_rng(7)
    vocabulary = _vocabulary()
    workspace, seconds, there = _transcript(hours, vocabulary, rng)
    vectors, at_s = _vectors(workspace, rng)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    said = {
        "sentences_a_second": hours * PER_HOUR / seconds,
        "vectors_a_second": len(vectors) / at_s,
        "vectors": len(vectors),
        "alias_there": there,
    }
    said |= _recall(workspace, vectors, rng)
    del vectors
    said |= _asked(workspace, vocabulary, rng)
    said |= _alias(workspace)
    return said


def _vocabulary() -> list[str]:
    """Words that can be said, no two alike."""
    rng = np.random.default_rng(1)
    heads = ["b", "d", "f", "gr", "h", "k", "l", "m", "n", "p", "r", "st", "t", "tr", "v", "w"]
    tails = ["a", "e", "i", "o", "u", "an", "el", "in", "or", "us", "ay", "ee"]
    found: dict[str, None] = {}
    while len(found) < WORDS:
        parts = [
            heads[rng.integers(16)] + tails[rng.integers(12)] for _ in range(rng.integers(1, 5))
        ]
        found["".join(parts)] = None
    return sorted(found, key=len)


def _sentences(
    n: int, vocabulary: list[str], rng: np.random.Generator
) -> Iterator[tuple[int, str]]:
    ranks = np.minimum(rng.zipf(1.25, size=(n, 9)) - 1, WORDS - 1)
    jumps = rng.integers(0, WORDS, size=n)  # rare words are not all that rare
    for number, row in enumerate(ranks.tolist()):
        row[4] = int(jumps[number])
        yield number, " ".join(vocabulary[rank] for rank in row)


def _transcript(
    hours: int, vocabulary: list[str], rng: np.random.Generator
) -> tuple[Any, float, int]:
    """Hours that are kept as `webapp.search.keeping` keeps them; the seconds that takes; and how
    often the brand is said."""
    from django.db import transaction

    from analysis.tokens import tokens
    from webapp.accounts.models import Workspace
    from webapp.assets.models import Asset
    from webapp.search import vocabulary as terms
    from webapp.search.passages import Passage, PassageSet

    workspace = Workspace.objects.create(name="Hours")
    n, there, began = 0, 0, time.perf_counter()
    for hour in range(hours):
        asset = Asset.objects.create(
            workspace=workspace,
            name=f"hour {hour}.mp4",
            kind="video",
            status="done",
            size_bytes=1,
            duration_s=3600,
            sha256=f"{hour:064d}",
        )
        with transaction.atomic():
            kept = PassageSet.objects.create(asset=asset, source="said", n_passages=PER_HOUR)
            passages = []
            for place, text in _sentences(PER_HOUR, vocabulary, rng):
                n += 1
                if n % EVERY == 0:
                    text, there = f"{text} {WRITTEN[there % len(WRITTEN)]}", there + 1
                at = place * SENTENCE_S
                passages.append(
                    Passage(
                        set=kept,
                        text=text,
                        tokens=" ".join(tokens(text)),
                        start_s=at,
                        end_s=at + SENTENCE_S - 0.1,
                        confidence=0.9,
                    )
                )
            Passage.objects.bulk_create(passages, batch_size=1000)
            terms.count_in(workspace.pk, passages, len(passages))
    return workspace, time.perf_counter() - began, there


def _like_sentences(n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Unit vectors that lie near few directions, as those of a language do."""
    plane = np.random.default_rng(3).standard_normal((LATENT, SIZE)).astype(np.float32)
    made = rng.standard_normal((n, LATENT)).astype(np.float32) @ plane
    made += 0.3 * rng.standard_normal((n, SIZE)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def _vectors(workspace: Any, rng: np.random.Generator) -> tuple[NDArray[np.float16], float]:
    """A vector for each sentence, in the rows and in the file; the seconds the file takes."""
    from webapp.search import meaning
    from webapp.search.passages import Embedding, Passage
    from webapp.search.standing import SearchIndex

    keys = list(Passage.objects.order_by("pk").values_list("pk", flat=True))
    vectors = np.empty((len(keys), SIZE), np.float16)
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        vectors[start : start + len(some)] = _like_sentences(len(some), rng)
        rows = zip(some, vectors[start : start + len(some)], strict=True)
        engine = meaning.engine()
        Embedding.objects.bulk_create(
            (Embedding(passage_id=key, engine=engine, vector=one.tobytes()) for key, one in rows),
            batch_size=300,
        )
    index = SearchIndex.objects.get(workspace=workspace)
    began = time.perf_counter()
    meaning.build(index, lambda: None, threads=0)
    return vectors, time.perf_counter() - began


def _recall(
    workspace: Any, vectors: NDArray[np.float16], rng: np.random.Generator
) -> dict[str, float]:
    """Of the ten nearest by comparing all, those that the index finds."""
    from webapp.search import meaning
    from webapp.search.passages import Passage
    from webapp.search.standing import SearchIndex

    index = SearchIndex.objects.get(workspace=workspace)
    first = Passage.objects.order_by("pk").values_list("pk", flat=True)[0]
    asked = _like_sentences(100, rng)
    best = np.full((100, 10), -2.0, np.float32)
    rows = np.zeros((100, 10), np.int64)
    began = time.perf_counter()
    for start in range(0, len(vectors), 50_000):
        cosines = asked @ vectors[start : start + 50_000].astype(np.float32).T
        both = np.hstack([best, cosines])
        numbers = np.hstack(
            [rows, np.broadcast_to(np.arange(cosines.shape[1]) + start, cosines.shape)]
        )
        top = np.argpartition(-both, 10, axis=1)[:, :10]
        best, rows = (np.take_along_axis(some, top, 1) for some in (both, numbers))
    exact_ms = (time.perf_counter() - began) * 1000 / len(asked)
    meaning.in_file(index, asked[0], 10)  # opened
    hits, times = 0, []
    for vector, wanted in zip(asked, rows, strict=True):
        began = time.perf_counter()
        found = meaning.in_file(index, vector, meaning.LOOKS)
        times.append(time.perf_counter() - began)
        ten = sorted(found, key=lambda key: -found[key])[:10]
        hits += len(set(ten) & {int(row) + first for row in wanted})
    return {
        "recall": hits / 1000,
        "look_ms": float(np.median(times)) * 1000,
        "exact_ms": exact_ms,
    }


def _queries(vocabulary: list[str], rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """As people ask: mostly a word or two, now and then with signs."""
    common, middling, rare = vocabulary[:20], vocabulary[20:2000], vocabulary[2000:]

    def of(words: list[str]) -> str:
        return words[rng.integers(len(words))]

    for _ in range(20):
        yield "a rare word", of(rare)
        yield "a middling word", of(middling)
        yield "a common word", of(common)
        yield "two words", f"{of(middling)} {of(common)}"
        yield "three words", f"{of(rare)} {of(common)} {of(middling)}"
        yield "a phrase", f'"{of(common)} {of(common)}"'
        yield "a prefix", f"{of(rare)[:4]}*"
        yield "OR and NOT", f"({of(rare)} OR {of(middling)}) -{of(common)}"
        yield "a fuzzy word", f"{of(rare)}x~"
        yield "what nobody says", f"{of(rare)}qq {of(rare)}"
        yield "a brand", f'brand:"{ALIAS}" {of(common)}'


def _asked(workspace: Any, vocabulary: list[str], rng: np.random.Generator) -> dict[str, Any]:
    from webapp.search.searching import search
    from webapp.search.shown import shown

    search(workspace, "warm up")
    times: dict[str, list[float]] = {}
    answers = []
    for kind, text in _queries(vocabulary, rng):
        began = time.perf_counter()
        found = search(workspace, text)
        moments = shown(found, found.spans[:20])
        times.setdefault(kind, []).append((time.perf_counter() - began) * 1000)
        answers.append([[m.asset.name, m.start_s, m.end_s, m.why] for m in moments])
    every = np.array([ms for some in times.values() for ms in some])
    counted = Counter(kind for kind, some in times.items() for _ in some)
    assert sum(counted.values()) == len(answers)
    return {
        "p95_ms": float(np.percentile(every, 95)),
        "p50_ms": float(np.median(every)),
        "by_kind_ms": {kind: float(np.median(some)) for kind, some in times.items()},
        "answers": answers,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _alias(workspace: Any) -> dict[str, Any]:
    from analysis.text import Brand
    from webapp.search.mentions import find_brand

    began = time.perf_counter()
    found = find_brand(workspace, Brand(1, (ALIAS,)))
    return {"alias_s": time.perf_counter() - began, "alias_found": len(found)}


if __name__ == "__main__":
    raise SystemExit(main())
