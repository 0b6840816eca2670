"""A query asked of a workspace: read, looked for by words and by meaning, fused to moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from analysis.retrieval import Filters, Query, Words, parse
from analysis.retrieval.matching import (
    Leaf,
    Match,
    is_hard_to_foretell,
    matcher,
    score,
    share_with_words,
)
from analysis.retrieval.moments import Piece, Span, moments
from analysis.retrieval.query import replaced, terms
from analysis.tokens import tokens
from webapp.accounts.models import Workspace
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.leases import Status
from webapp.projects.models import Label, Project
from webapp.runs.run import Run
from webapp.search import meaning
from webapp.search.candidates import (
    MOST,
    Brand,
    Candidate,
    Speech,
    Wanted,
    among,
    candidates,
)
from webapp.search.keeping import newest_indexings
from webapp.search.passages import PassageSet
from webapp.search.standing import SearchIndex
from webapp.search.vocabulary import Vocabulary

_SHORTEST_PREFIX = 2  # letters
# Of so many passages with the words of a phrase, one has them side by side; and looking into one
# that an index of words found costs as much as passing so many. Set on the 1,000 hours of made-up
# transcript that `bench.search` asks.
_SCATTERED, _LOOKED_INTO = 9, 10


@dataclass(slots=True)
class Found:
    """What was found: spans in their order, and how the query was read.

    by_words, by_meaning: the passages found so. match: what the words had to be; None for none.
    rankings: of passages, as they were fused. is_capped: there are more than were ranked. instead:
    the query with words that there are, where nothing was found; "" for none.
    """

    query: Query
    spans: list[Span] = field(default_factory=list)
    pieces: dict[int, Candidate] = field(default_factory=dict)
    rankings: list[list[int]] = field(default_factory=list)
    by_words: frozenset[int] = frozenset()
    by_meaning: Mapping[int, float] = field(default_factory=dict)
    match: Match | None = None
    notes: tuple[str, ...] = ()
    is_capped: bool = False
    instead: str = ""

    @property
    def read_as(self) -> str:
        return str(self.query)


def search(
    workspace: Workspace,
    text: str,
    *,
    assets: QuerySet[Asset] | None = None,
    sets: QuerySet[PassageSet] | None = None,
    with_meaning: bool = True,
) -> Found:
    """The moments of a workspace for a query. Never raises for what a person types.

    assets, sets: search these alone.
    """
    query = parse(text)
    if query.problem or query.is_empty:
        return Found(query, notes=query.notes)
    notes = list(query.notes)
    vocabulary = Vocabulary(workspace)
    by_meaning = query if with_meaning and query.is_plain else None
    query, match, counts = _matched(query, vocabulary)
    chosen = _sets(workspace, query.filters, notes)
    if assets is not None:
        chosen = chosen.filter(asset__in=assets.order_by())
    if sets is not None:
        chosen = chosen.filter(pk__in=sets.order_by())
    brands = _brands(workspace, query.filters, vocabulary, notes)
    speech = _speech(workspace, query.filters, notes)
    total = _counted(workspace)
    is_by_words = match is not None and _is_by_words(match, vocabulary, total)
    wanted = Wanted(chosen, match, brands, query.filters.score, speech, is_by_words)
    by_words = candidates(wanted)
    found = Found(query, match=match, is_capped=len(by_words) == MOST)
    found.by_words = frozenset(c.pk for c in by_words)
    rankings = _rankings(by_words, match, counts, total)
    near: list[Candidate] = []
    if by_meaning and query.filters.sources != ("seen",):
        near = _by_meaning(workspace, by_meaning, wanted, found)
        rankings.append([c.pk for c in near])
    found.pieces = {c.pk: c for c in (*by_words, *near)}
    pieces = [Piece(c.pk, c.asset, c.start_s, c.end_s) for c in found.pieces.values()]
    found.rankings = rankings
    found.spans = moments(pieces, rankings)
    if not found.spans and query.tree is not None:
        found.instead = _instead(query, counts, vocabulary)
    found.notes = tuple(dict.fromkeys(notes))
    return found


# --- the words ----------------------------------------------------------------------------------


def _matched(query: Query, vocabulary: Vocabulary) -> tuple[Query, Match | None, Mapping[str, int]]:
    """What has to be there. A last word that is no word yet is one that is being typed."""
    if query.tree is None:
        return query, None, {}
    match, counts = matcher(query.tree, vocabulary.known, vocabulary.near)
    last = list(terms(query.tree))[-1]
    is_bare = str(last) == last.text
    letters = sum(map(len, tokens(last.text)))
    if is_bare and letters >= _SHORTEST_PREFIX and not _is_known(last, match, counts):
        begun = replace(last, is_prefix=True)
        query = replace(query, tree=replaced(query.tree, last, begun))
        assert query.tree is not None
        match, counts = matcher(query.tree, vocabulary.known, vocabulary.near)
    return query, match, counts


def _is_known(words: Words, match: Match, counts: Mapping[str, int]) -> bool:
    """Whether one of the ways to write them may be there."""
    match match:
        case Leaf():
            ways = match.sequences if match.words == words or _covers(match, words) else ()
            return any(all(token in counts for token in way) for way in ways)
        case _:
            return any(_is_known(words, part, counts) for part in match.parts)


def _covers(leaf: Leaf, words: Words) -> bool:
    """A leaf of two bare words as one stands for each of them."""
    return leaf.words.is_exact and words.text in leaf.words.text.split()


def _rankings(
    found: Sequence[Candidate],
    match: Match | None,
    counts: Mapping[str, int],
    total: int,
) -> list[list[int]]:
    """By source, the best first: those that hold the rarest words most often; then the newest."""
    by_source: dict[str, list[tuple[float, int]]] = {}
    total = max(total, len(found), 1)
    for one in found:
        fits = score(match, one.tokens.split(), counts, total) if match else one.confidence
        by_source.setdefault(one.source, []).append((-fits, -one.pk))
    return [[-key for _, key in sorted(some)] for _, some in sorted(by_source.items())]


def _counted(workspace: Workspace) -> int:
    """The passages whose words are counted."""
    index = SearchIndex.objects.filter(workspace=workspace).values_list("n_counted", flat=True)
    return index.first() or 0


def _is_by_words(match: Match, vocabulary: Vocabulary, total: int) -> bool:
    """Whether it is found sooner in all passages that hold the words than by going back from the
    newest until there are enough. PostgreSQL takes a phrase to be as frequent as its words
    together, and every beginning of a word to be about as frequent: it would go back through
    nearly all."""
    if not (is_hard_to_foretell(match) and total):
        return False

    def shares(token: str, is_prefix: bool) -> float:
        n = vocabulary.begun(token) if is_prefix else vocabulary.known([token]).get(token, 0)
        return min(1.0, n / total)

    holding = share_with_words(match, shares)
    fulfilling = share_with_words(match, shares, scattered=_SCATTERED)
    passed = min(total, MOST / fulfilling) if fulfilling else total
    return holding * total * _LOOKED_INTO < passed


def _by_meaning(
    workspace: Workspace, query: Query, wanted: Wanted, found: Found
) -> list[Candidate]:
    text = " ".join(word.text for word in terms(query.tree))
    cosines = dict(meaning.nearest(workspace.pk, text, meaning.LOOKS))
    there = among(wanted, cosines)
    found.by_meaning = {c.pk: cosines[c.pk] for c in there}
    return sorted(there, key=lambda c: (-cosines[c.pk], -c.pk))


def _instead(query: Query, counts: Mapping[str, int], vocabulary: Vocabulary) -> str:
    """The query with the nearest word there is for each that is not there; "" where none is."""
    tree = query.tree
    assert tree is not None
    for word in list(terms(tree)):
        found = tokens(word.text)
        if len(found) == 1 and not word.is_fuzzy and found[0] not in counts:
            near = vocabulary.near(found[0])
            if not near:
                return ""
            tree = replaced(tree, word, Words(near[0], is_exact=word.is_exact))
    return str(replace(query, tree=tree)) if tree != query.tree else ""


# --- the filters --------------------------------------------------------------------------------


def _sets(workspace: Workspace, filters: Filters, notes: list[str]) -> QuerySet[PassageSet]:
    chosen = PassageSet.objects.in_sight().filter(asset__workspace=workspace)
    if filters.sources:
        chosen = chosen.filter(source__in=filters.sources)
    if filters.after:
        chosen = chosen.filter(asset__created__gte=_midnight(filters.after))
    if filters.before:
        chosen = chosen.filter(asset__created__lt=_midnight(filters.before) + timedelta(days=1))
    if filters.longer_s is not None:
        chosen = chosen.filter(asset__duration_s__gte=filters.longer_s)
    if filters.collections:
        chosen = chosen.filter(asset__collection__in=_collections(workspace, filters, notes))
    if filters.projects:
        chosen = chosen.filter(_in_projects(workspace, filters.projects, notes))
    return chosen


def assets_for(workspace: Workspace, filters: Filters) -> QuerySet[Asset]:
    """The assets of which anything may be an answer, whatever was said, written or seen in them."""
    notes: list[str] = []  # the search in words tells them
    chosen = Asset.objects.filter(workspace=workspace, removed=None, status=Status.DONE)
    if filters.after:
        chosen = chosen.filter(created__gte=_midnight(filters.after))
    if filters.before:
        chosen = chosen.filter(created__lt=_midnight(filters.before) + timedelta(days=1))
    if filters.longer_s is not None:
        chosen = chosen.filter(duration_s__gte=filters.longer_s)
    if filters.collections:
        chosen = chosen.filter(collection__in=_collections(workspace, filters, notes))
    if filters.projects:
        looked = Run.objects.filter(
            project__in=_projects(workspace, filters.projects, notes), asset=OuterRef("pk")
        )
        chosen = chosen.filter(Exists(looked))
    if filters.brands or filters.not_brands or filters.speakers:
        chosen = chosen.filter(pk__in=_heard_or_seen_in(workspace, filters, notes))
    return chosen


def _heard_or_seen_in(workspace: Workspace, filters: Filters, notes: list[str]) -> set[int]:
    """The assets in which a brand is said, written or seen, or in which somebody speaks: what
    people comment is about a film, and not in it."""
    brands = _brands(workspace, filters, Vocabulary(workspace), notes)
    speech = _speech(workspace, filters, notes)
    sets = PassageSet.objects.in_sight().filter(asset__workspace=workspace)
    sets = sets.exclude(source=PassageSet.Source.COMMENT)
    return {one.asset for one in candidates(Wanted(sets, None, brands, None, speech))}


def _collections(workspace: Workspace, filters: Filters, notes: list[str]) -> list[int]:
    return _named_so(workspace.collections.values_list("name", "pk"), filters.collections, notes)


def _projects(workspace: Workspace, names: Sequence[str], notes: list[str]) -> list[int]:
    return _named_so(workspace.projects.values_list("name", "pk"), names, notes, "project")


def _named_so(
    known: Iterable[tuple[str, int]],
    names: Sequence[str],
    notes: list[str],
    what: str = "collection",
) -> list[int]:
    """The keys of what is called so, however it is written; a note for each name of nothing. Never
    empty: of a query that can find nothing Django makes no SQL to build on."""
    by_name = {name.casefold(): pk for name, pk in known}
    notes += [f"There is no {what} called {n}." for n in names if n.casefold() not in by_name]
    return [by_name[n.casefold()] for n in names if n.casefold() in by_name] or [0]


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _in_projects(workspace: Workspace, names: Sequence[str], notes: list[str]) -> Q:
    """What the projects saw; of what is said and written, what is in assets they looked at."""
    found = _projects(workspace, names, notes)
    looked = Run.objects.filter(project__in=found, asset=OuterRef("asset"))
    return Q(run__project__in=found) | Q(Exists(looked), run=None)


def _speech(workspace: Workspace, filters: Filters, notes: list[str]) -> Speech | None:
    """Speakers by their name, however it is written, by the newest turns of each asset."""
    if not filters.speakers:
        return None
    by_name: dict[str, int] = {}
    for pk, name in workspace.speakers.values_list("pk", "name"):
        by_name.setdefault("".join(tokens(name)) or name.casefold(), pk)
    found = []
    for name in filters.speakers:
        known = by_name.get("".join(tokens(name)) or name.casefold())
        if known is None:
            notes.append(f"Nobody who was heard here is called {name}.")
        else:
            found.append(known)
    return Speech(found, newest_indexings(Indexing.Step.SPEAKERS))


def _brands(
    workspace: Workspace, filters: Filters, vocabulary: Vocabulary, notes: list[str]
) -> list[Brand]:
    """Labels of any project by their name or an alias, however it is written."""
    wanted = [(name, False) for name in filters.brands]
    wanted += [(name, True) for name in filters.not_brands]
    if not wanted:
        return []
    rows = Label.objects.filter(project__in=Project.objects.filter(workspace=workspace))
    names: dict[str, list[Label]] = {}
    for label in rows:
        for name in (label.name, *label.aliases):
            names.setdefault("".join(tokens(name)), []).append(label)
    found = []
    for name, is_not in wanted:
        if not tokens(name):
            continue
        labels = names.get("".join(tokens(name)), [])
        if not labels:
            notes.append(f"No project looks for {name}: it is found where it is said or written.")
        called = {n for label in labels for n in (label.name, *label.aliases) if tokens(n)}
        leaves = [_named(one, vocabulary) for one in sorted(called | {name})]
        ways = tuple(dict.fromkeys(way for leaf in leaves for way in leaf.sequences))
        leaf = Leaf(leaves[0].words, ways)
        found.append(Brand(sorted({label.pk for label in labels}), leaf, is_not))
    return found


def _named(name: str, vocabulary: Vocabulary) -> Leaf:
    match, _ = matcher(Words(name), vocabulary.known, vocabulary.near)
    assert isinstance(match, Leaf)
    return match
