"""All that a search asks → the moments that answer: by words, by looks, by sound, in one order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from django.db.models import QuerySet

from analysis.crossmodal.items import Whole
from analysis.crossmodal.space import pair_name
from analysis.crossmodal.types import CLIP, PICTURE, SOUND, TEXT
from analysis.errors import UnusableModel
from analysis.retrieval import parse
from analysis.retrieval.moments import Piece, Span, moments
from analysis.retrieval.query import terms
from analysis.tokens import tokens
from webapp.accounts.models import User, Workspace
from webapp.asking.asks import Ask
from webapp.asking.judgements import Judgement
from webapp.asking.questions import Question, not_yet, questions, sharpened
from webapp.asking.wishes import Wish
from webapp.assets.models import Asset
from webapp.leases import Status
from webapp.search.searching import Found, assets_for, search
from webapp.spaces.searching import Hit, nearest, read_space
from webapp.spaces.space import Space

_T = TypeVar("_T")

LOOKS = 200  # items of a modality that a question is answered with
_BY_WORDS = 60  # … where words ask a space: what holds the words themselves goes before
_WORDS_WEIGHT = 0.5
APART_S = 6.0  # moments of a film that one question finds
_AROUND_S = 1.0
_ALL = 2000  # items of one asset
_FEW, _ABOVE = 6, 0.5  # standard deviations
_SAME_S = 1.0  # so near to the asked moment it is that moment
# Which kinds of item each source stands for.
_SOURCES: dict[str, set[str]] = {
    "said": {SOUND},
    "written": {PICTURE, CLIP},
    "seen": {PICTURE, CLIP},
    "comment": set(),
}
# Of a spoken question: what nobody looks for.
_ASKING = frozenset(
    tokens(
        "a an and are at be can did do does find for from give have how i in is it me of on or "
        "please search show that the there they this to was were what when where which who whose "
        "why will with you"
    )
)
_KEYWORD = re.compile(r"\b(?:AND|OR|NOT)\b")


@dataclass(frozen=True, slots=True)
class Answer:
    """An item that answers a question: its place in what that question found, from 1."""

    question: Question
    hit: Hit
    rank: int


@dataclass(slots=True)
class Answers:
    """found: what the words alone found, with all spans in `spans` of its own order. hits: by the
    key of a piece (below 0), what answers which question. waiting: asks that a worker is at.
    notes: sentences on what could not be asked. judged: what this person said of answers."""

    found: Found
    wishes: list[Wish] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    hits: dict[int, Answer] = field(default_factory=dict)
    word_ranks: dict[int, int] = field(default_factory=dict)  # of passages
    waiting: list[Ask] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    judged: list[Judgement] = field(default_factory=list)
    space: Space | None = None
    words: str = ""  # that may be taken by their meaning

    def of(self, span: Span) -> list[Answer]:
        """What of a span answers, the best place first; of each question one."""
        best: dict[str, Answer] = {}
        some = [self.hits[piece.key] for piece in span.pieces if piece.key in self.hits]
        for one in sorted(some, key=_placed):
            best.setdefault(one.question.key, one)
        return sorted(best.values(), key=_placed)

    def compares(self, modality: str) -> bool:
        """Whether the space that answers knows such items at all."""
        return self.space is not None and modality in self.space.engines

    def word_rank(self, span: Span) -> int | None:
        """Where the words place a span; None where they do not find it."""
        ranks = [self.word_ranks[p.key] for p in span.pieces if p.key in self.word_ranks]
        return min(ranks, default=None)


def _placed(one: Answer) -> tuple[int, bool]:
    """The best place first, and a frame before the clip that it is of."""
    return one.rank, one.hit.modality == CLIP


@dataclass(slots=True)
class _Ranking:
    pieces: list[Piece]
    weight: float


def answer(
    workspace: Workspace,
    user: User,
    text: str,
    wishes: Sequence[Wish],
    *,
    within: Asset | None = None,
) -> Answers:
    """Never raises for what a person types or asks by. within: only this asset answers, and all of
    it that stands out is told, as spans of time."""
    found = search(workspace, text, assets=_only(within))
    answers = Answers(found, list(wishes), spans=found.spans)
    ready = _ready(answers)
    words = answers.words = _plain_words(text)
    answers.judged = _judged(user, workspace, words or text, wishes)
    if not wishes and not words:
        return _without_wrong(answers)
    heard = _heard(workspace, ready, within)
    rankings = _asked_of_space(answers, workspace, words, ready, within)
    if not rankings and not heard and not wishes:
        return _without_wrong(answers)
    if wishes and all(wish.is_unwanted for wish in wishes) and not text.strip():
        answers.notes.append("Say as well what is looked for: so far only what it is not.")
        return answers
    _fuse(answers, [*heard], rankings)
    return _without_wrong(answers)


def _only(within: Asset | None) -> QuerySet[Asset] | None:
    return Asset.objects.filter(pk=within.pk, removed=None) if within else None


def _ready(answers: Answers) -> list[Wish]:
    """Those that can be asked by now."""
    ready = []
    for wish in answers.wishes:
        row = wish.ask
        if row.status == Status.DONE:
            answers.notes += row.notes
            ready.append(wish)
        elif not row.is_over:
            answers.waiting.append(row)
    return ready


def _plain_words(text: str) -> str:
    """The words of a query that may be taken by their meaning; "" where there are none. As they
    were typed: a search in words takes the last of them for one that is being typed."""
    query = parse(text)
    if query.problem or not query.is_plain:
        return ""
    return " ".join(word.text for word in terms(query.tree))


def _judged(
    user: User, workspace: Workspace, words: str, wishes: Sequence[Wish]
) -> list[Judgement]:
    rows = Judgement.objects.of(user, workspace)
    return list(rows.to_question(words, [wish.ask.pk for wish in wishes])[:500])


# --- by words that were spoken --------------------------------------------------------------------


def _heard(
    workspace: Workspace, ready: Sequence[Wish], within: Asset | None
) -> list[tuple[Found, float]]:
    """What spoken questions find in words: all that was said, or any word of it that counts."""
    found = []
    for wish in ready:
        if wish.ask.heard:
            found.append((_said(workspace, wish.ask.heard, within), wish.weight))
    return found


def _said(workspace: Workspace, heard: str, within: Asset | None) -> Found:
    plain = _KEYWORD.sub(lambda one: one[0].lower(), heard)
    wanted = [word for word in dict.fromkeys(tokens(plain)) if word not in _ASKING]
    whole = search(workspace, " ".join(wanted), assets=_only(within))
    if whole.by_words or len(wanted) < 2:
        return whole
    return search(workspace, " OR ".join(wanted), assets=_only(within))


# --- by what a space compares ---------------------------------------------------------------------


def _asked_of_space(
    answers: Answers,
    workspace: Workspace,
    words: str,
    ready: Sequence[Wish],
    within: Asset | None,
) -> list[_Ranking]:
    space = Space.objects.serving(workspace)
    answers.space = space
    if space is None:
        answers.notes += dict.fromkeys(not_yet(wish.ask.modality) for wish in ready)
        return []
    try:
        taught = read_space(space)
    except UnusableModel as error:
        answers.notes.append(error.message)
        return []
    asked = questions(space, taught, words, ready, answers.notes)
    answers.waiting += [w.ask for w in ready if not w.ask.is_over]
    if not asked:
        return []
    if space.doubt:
        answers.notes.append(f"{space} compares, as somebody decided. {space.doubt}")
    assets = assets_for(workspace, answers.found.query.filters)
    may_answer = _owners(assets.filter(pk=within.pk) if within else assets)
    sources = answers.found.query.filters.sources
    kinds = set[str]().union(*(_SOURCES[source] for source in sources)) if sources else None
    found = []
    for question in asked:
        mine = [one for one in answers.judged if _is_of(one, question)]
        sharp = sharpened(question, taught, mine)
        found += _hits(answers, space, sharp, may_answer, kinds, is_within=within is not None)
    return found


def _is_of(one: Judgement, question: Question) -> bool:
    return one.ask_id == (question.wish.ask.pk if question.wish else None)


def _owners(assets: QuerySet[Asset]) -> Whole:
    return np.fromiter(assets.order_by().values_list("pk", flat=True).iterator(), np.int64)


def _hits(
    answers: Answers,
    space: Space,
    question: Question,
    owners: Whole,
    kinds: set[str] | None,
    *,
    is_within: bool,
) -> list[_Ranking]:
    """Words are answered by a ranking of what is seen and one of what is heard, each a reason of
    its own. A picture or a sound is answered by one: its own kind and the other take turns, for
    counted apart, films, which have both, would go before the very picture that is asked by."""
    found: dict[str, list[Piece]] = {}
    is_words = question.wish is None
    for modality in space.engines:
        is_left_out = modality == TEXT or (is_within and modality == CLIP)  # frames say when
        is_meant = not is_left_out and (kinds is None or modality in kinds)
        if not is_meant or pair_name(modality, question.modality) not in space.pairs:
            continue
        count = _ALL if is_within else _BY_WORDS if is_words else LOOKS
        try:
            hits = nearest(
                space, modality, question.modality, question.placed, count, owners=owners
            )
        except UnusableModel as error:
            answers.notes.append(error.message)
            continue
        hits = [hit for hit in hits if not _is_itself(hit, question)]
        hits = standing_out(hits) if is_within else apart(hits)
        found[modality] = _pieces(answers, question, hits, is_within)
    seen = _seen(answers, question, found.pop(PICTURE, []), found.pop(CLIP, []))
    rankings = [seen, *found.values()]
    if is_words:
        weight = question.weight * _WORDS_WEIGHT
        return [_Ranking(pieces, weight) for pieces in rankings if pieces]
    if question.modality == SOUND:
        rankings.reverse()
    return [_Ranking(in_turns(rankings), question.weight)] if any(rankings) else []


def in_turns(rankings: Sequence[Sequence[_T]]) -> list[_T]:
    """The first of each, then the second of each, and so on."""
    longest = max((len(ranking) for ranking in rankings), default=0)
    return [ranking[n] for n in range(longest) for ranking in rankings if n < len(ranking)]


def _seen(
    answers: Answers, question: Question, frames: list[Piece], clips: list[Piece]
) -> list[Piece]:
    """Frames and clips in one ranking. A clip is its frames once more: counted apart, any film
    would go before the very picture that is asked by, which is in no clip. Both are of one encoder,
    so what looks alike goes by how alike it is; asked by anything else, the two take turns."""
    is_look = question.modality in (PICTURE, CLIP)

    def place(piece: Piece) -> float:
        one = answers.hits[piece.key]
        return -one.hit.score if is_look else one.rank

    return sorted([*frames, *clips], key=place)


def _is_itself(hit: Hit, question: Question) -> bool:
    """It is the moment that is asked by."""
    row = question.wish.ask if question.wish else None
    if row is None or row.asset_id != hit.asset or row.time_s is None:
        return False
    end_s = row.end_s if row.end_s is not None else row.time_s
    return hit.start_s <= end_s + _SAME_S and hit.end_s >= row.time_s - _SAME_S


def _pieces(
    answers: Answers, question: Question, hits: Sequence[Hit], is_whole: bool
) -> list[Piece]:
    pieces = []
    for rank, hit in enumerate(hits, start=1):
        key = -1 - len(answers.hits)
        answers.hits[key] = Answer(question, hit, rank)
        span = (hit.start_s, hit.end_s) if is_whole else extent(hit)
        pieces.append(Piece(key, hit.asset, *span))
    return pieces


def apart(hits: Sequence[Hit]) -> list[Hit]:
    """Of hits of a film that lie together the best, which stands for the others: in a film of which
    every frame is found, each place is a moment of its own, and none is all of it."""
    kept: list[Hit] = []
    taken: dict[int, list[float]] = {}
    for hit in hits:
        at_s = plays_at(hit)
        near = taken.setdefault(hit.asset, [])
        if all(abs(at_s - other) >= APART_S for other in near):
            near.append(at_s)
            kept.append(hit)
    return kept


def standing_out(hits: Sequence[Hit]) -> list[Hit]:
    """Of all that one asset holds, what is likelier than most of it."""
    if len(hits) < _FEW:
        return list(hits)
    scores = np.array([hit.score for hit in hits])
    least = float(scores.mean() + _ABOVE * scores.std())
    return [hit for hit in hits if hit.score >= least]


def plays_at(hit: Hit) -> float:
    """Where to play what was found from."""
    return hit.time_s if hit.modality == PICTURE else hit.start_s


def extent(hit: Hit) -> tuple[float, float]:
    """From when to when a hit is a moment: short, so that moments stay apart."""
    at_s = plays_at(hit)
    return max(hit.start_s, at_s - _AROUND_S), max(min(hit.end_s, at_s + _AROUND_S), at_s)


# --- in one order ---------------------------------------------------------------------------------


def _fuse(
    answers: Answers, heard: Sequence[tuple[Found, float]], rankings: Sequence[_Ranking]
) -> None:
    """Words and questions by weighted reciprocal rank."""
    pieces: dict[int, Piece] = {}
    ordered: list[list[int]] = []
    weights: list[float] = []
    typed = answers.found
    worded = [(typed, 1.0)] if typed.query.tree is not None else []
    for found, weight in (*worded, *heard):
        pieces |= {c.pk: Piece(c.pk, c.asset, c.start_s, c.end_s) for c in found.pieces.values()}
        ordered += found.rankings
        weights += [weight] * len(found.rankings)
    _note_word_ranks(answers, [found for found, _ in (*worded, *heard)])
    _join(typed, [found for found, _ in heard])
    for ranking in rankings:
        pieces |= {piece.key: piece for piece in ranking.pieces}
        ordered.append([piece.key for piece in ranking.pieces])
        weights.append(ranking.weight)
    answers.spans = moments(list(pieces.values()), ordered, weights)


def _note_word_ranks(answers: Answers, found: Sequence[Found]) -> None:
    for one in found:
        for ranking in one.rankings:
            for rank, key in enumerate(ranking, start=1):
                answers.word_ranks[key] = min(rank, answers.word_ranks.get(key, rank))


def _join(typed: Found, heard: Sequence[Found]) -> None:
    """What was found by spoken words is shown as what was found by typed ones."""
    for one in heard:
        typed.pieces |= one.pieces
        typed.by_words |= one.by_words
        typed.by_meaning = {**one.by_meaning, **typed.by_meaning}
        typed.match = typed.match or one.match


def _without_wrong(answers: Answers) -> Answers:
    """What somebody said is wrong is no answer to the same question for them."""
    wrong = [one for one in answers.judged if not one.is_right]
    if wrong:
        answers.spans = [span for span in answers.spans if not _is_wrong(span, wrong)]
    return answers


def _is_wrong(span: Span, wrong: Sequence[Judgement]) -> bool:
    return any(one.is_of(span.asset, span.start_s, span.end_s) for one in wrong)
