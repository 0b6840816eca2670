"""Searching transcripts at a prompt."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz import process
from rapidfuzz.distance import OSA

from analysis.errors import AnalysisError
from analysis.retrieval.matching import Known, Near, matcher, matches, score
from analysis.retrieval.moments import Piece, moments
from analysis.retrieval.query import parse
from analysis.tokens import tokens


@dataclass(frozen=True, slots=True)
class _Sentence:
    file: str
    start_s: float
    end_s: float
    words: tuple[str, ...]

    @property
    def tokens(self) -> list[str]:
        return tokens(" ".join(self.words))


def command(argv: Sequence[str]) -> int:
    """python -m analysis search QUERY TRANSCRIPT …: moments in which the query is said.

    A transcript is what `transcribe --format json` writes. One line for each moment, the best
    first: file, start, end, words. The exit status is 1 where nothing is found.
    """
    parser = argparse.ArgumentParser(prog="python -m analysis search", description=command.__doc__)
    parser.add_argument("query", help='words, "phrases", prefix*, fuzzy~, AND OR NOT -word ( )')
    parser.add_argument("transcript", type=Path, nargs="+")
    parser.add_argument("--most", type=int, default=20, help="moments that are told")
    options = parser.parse_args(argv)
    query = parse(options.query)
    if query.problem:
        raise AnalysisError(query.problem, permanent=True)
    for note in query.notes:
        print(note, file=sys.stderr)
    if str(query.filters):
        print("Filters are for the site; here words alone are searched.", file=sys.stderr)
    if query.tree is None:
        return 1
    sentences = [one for path in options.transcript for one in _sentences(path)]
    vocabulary = Counter(token for one in sentences for token in set(one.tokens))
    match, counts = matcher(query.tree, _known(vocabulary), _near(vocabulary))
    found = [n for n, one in enumerate(sentences) if matches(match, one.tokens)]
    total = len(sentences)
    found.sort(key=lambda n: -score(match, sentences[n].tokens, counts, total))
    pieces = [Piece(n, s.file, s.start_s, s.end_s) for n in found if (s := sentences[n])]
    for span in moments(pieces, [found])[: options.most]:
        words = " ".join(word for piece in span.pieces for word in sentences[piece.key].words)
        print(f"{span.asset}\t{span.start_s:.2f}\t{span.end_s:.2f}\t{words}")
    return 0 if found else 1


def _known(vocabulary: Mapping[str, int]) -> Known:
    return lambda wanted: {t: vocabulary[t] for t in wanted if t in vocabulary}


def _near(vocabulary: Mapping[str, int]) -> Near:
    def near(token: str) -> list[str]:
        most = 1 if len(token) <= 6 else 2
        found = process.extract(token, list(vocabulary), scorer=OSA.distance, score_cutoff=most)
        return [one for one, *_ in found if one != token]

    return near


def _sentences(path: Path) -> Iterator[_Sentence]:
    try:
        said = json.loads(path.read_text("utf-8"))
        for line in said["utterances"]:
            words = tuple(str(word["text"]).strip() for word in line["words"])
            yield _Sentence(path.name, float(line["start_s"]), float(line["end_s"]), words)
    except OSError as e:
        raise AnalysisError(f"{path.name} cannot be read.", permanent=True) from e
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        said = "is not what `transcribe --format json` writes"
        raise AnalysisError(f"{path.name} {said}.", permanent=True) from e
