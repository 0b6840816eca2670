"""Borders of topics found in texts whose borders are known, beside TextTiling.

    python -m bench.moments [--quick] [--json FILE]

Texts: 20 pieces that others wrote, one after the other (`bench.bordered_texts`), 20 such texts of
news and 20 of Python's reference. Our price of a cut was tuned on other news; TextTiling (nltk's,
told of each sentence as a paragraph) is measured with its defaults, and with those of its widths
that are best for the very texts. Errors are Pk and WindowDiff: less is better.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from statistics import mean

from analysis.retrieval.encoder import Encoder, model_folder
from analysis.text.boundaries import boundaries
from analysis.text.reading import Reader
from bench.bordered_texts import Bordered, concatenated, news, reference
from bench.report import Report, arguments, skipped
from bench.segmentation import pk, window_diff

Find = Callable[[Sequence[str]], list[int]]
WIDTHS = [(5, 6), (10, 3), (10, 6), (20, 6), (30, 10)]


def ours() -> Find:
    reader = Reader("en")
    return lambda sentences: boundaries([s.words for s in reader.read(sentences)])


def ours_with_meanings() -> Find:
    """As a worker does where the weights of MiniLM are installed."""
    reader, encode = Reader("en"), Encoder()
    return lambda s: boundaries([one.words for one in reader.read(s)], encode(s))


def text_tiling(w: int = 20, k: int = 10) -> Find:
    """nltk's. Where it finds a text too short for its windows it finds nothing."""
    from nltk.tokenize.texttiling import TextTilingTokenizer
    from spacy.lang.en.stop_words import STOP_WORDS

    tiler = TextTilingTokenizer(w=w, k=k, stopwords=sorted(STOP_WORDS))

    def find(sentences: Sequence[str]) -> list[int]:
        try:
            parts = tiler.tokenize("\n\n".join(sentences))
        except ValueError:
            return []
        starts, at = [], 0
        for part in parts[:-1]:
            at += sum(1 for paragraph in part.split("\n\n") if paragraph.strip())
            starts.append(at)
        return [start for start in starts if 0 < start < len(sentences)]

    return find


def errors(texts: Sequence[Bordered], find: Find) -> tuple[float, float, float]:
    """Pk, WindowDiff, and how many borders it finds for each that is there."""
    found = [find(text.sentences) for text in texts]
    pairs = [(t.borders, f, len(t.sentences)) for t, f in zip(texts, found, strict=True)]
    share = sum(map(len, found)) / sum(len(t.borders) for t in texts)
    return mean(pk(*one) for one in pairs), mean(window_diff(*one) for one in pairs), share


def best_widths(texts: Sequence[Bordered]) -> tuple[int, int]:
    return min(WIDTHS, key=lambda widths: sum(errors(texts, text_tiling(*widths))[:2]))


def compare(report: Report, name: str, texts: Sequence[Bordered]) -> None:
    mine, (w, k) = errors(texts, ours()), best_widths(texts)
    rivals = {
        "defaults": errors(texts, text_tiling()),
        f"w={w} k={k}": errors(texts, text_tiling(w, k)),
    }
    for which, theirs in rivals.items():
        for number, figure in enumerate(("Pk", "WindowDiff")):
            report.row(
                f"{name}: {figure}, peer with {which}",
                mine[number], theirs[number], mine[number] / theirs[number],
                "< 1 x", mine[number] < theirs[number],
            )  # fmt: skip
        report.row(f"{name}: borders found for each there is", mine[2], theirs[2])


def with_meanings(report: Report, texts: Sequence[Bordered]) -> None:
    pk_, window_diff_, _ = errors(texts, ours_with_meanings())
    report.row("news: Pk, by words and meanings", pk_)
    report.row("news: WindowDiff, by words and meanings", window_diff_)


def speed(report: Report, sentences: Sequence[str]) -> None:
    """Ten hours of talk are some 7,000 sentences."""
    find = ours()
    find(sentences[:50])  # what is loaded once
    start = time.perf_counter()
    find(sentences)
    report.row(f"seconds for {len(sentences)} sentences", time.perf_counter() - start)


def main() -> int:
    options = arguments(__doc__ or "")
    try:
        other, measured = news("lee_background.cor"), news("lee.cor")
    except FileNotFoundError as error:
        return skipped(f"{error}: pip install -r requirements-dev.txt")
    n = 6 if options.quick else 20
    report = Report("moments", peer="TextTiling")
    stories = [piece for piece in measured if len(piece) >= 2]
    compare(report, "news", concatenated(stories, at_once=20, texts=n, seed=2))
    compare(report, "reference", concatenated(reference(), at_once=20, texts=n, seed=3))
    if model_folder() and not options.quick:
        with_meanings(report, concatenated(stories, at_once=20, texts=n, seed=2))
    sentences = [sentence for piece in other for sentence in piece]
    speed(report, sentences[:1000] if options.quick else sentences * 3)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
