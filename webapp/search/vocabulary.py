"""The tokens that a workspace's passages hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from threading import Lock

from django.db import connection, transaction
from django.db.models import F, Sum
from rapidfuzz import process
from rapidfuzz.distance import OSA

from analysis.text.mentions import sound_of
from analysis.tokens import LONGEST
from webapp.accounts.models import Workspace
from webapp.search.passages import Passage, PassageSet, Term
from webapp.search.standing import SearchIndex

_AT_ONCE = 500  # parameters of one statement
_MOST_NEAR = 8
_SURE = 4  # letters: in shorter words one wrong is another word
_kept: dict[int, tuple[int, list[str]]] = {}  # by workspace: its terms as they were of late
_lock = Lock()


class Vocabulary:
    """Of the tokens of one workspace, as they are when they are first asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._asked: dict[str, int] = {}  # 0: there is none

    def known(self, tokens: Iterable[str]) -> Mapping[str, int]:
        """Those of `tokens` that there are, and about how many passages hold each."""
        wanted = sorted(set(tokens))
        new = [token for token in wanted if token not in self._asked]
        for start in range(0, len(new), _AT_ONCE):
            some = new[start : start + _AT_ONCE]
            rows = Term.objects.filter(workspace=self.workspace, token__in=some)
            self._asked |= dict.fromkeys(some, 0) | dict(rows.values_list("token", "n"))
        return {token: self._asked[token] for token in wanted if self._asked[token]}

    def begun(self, beginning: str) -> int:
        """About how many passages hold words that begin so."""
        last = beginning + "z" * (LONGEST - len(beginning))  # no token sorts behind it
        terms = Term.objects.filter(workspace=self.workspace)
        within = terms.filter(token__gte=beginning, token__lte=last)
        return within.aggregate(n=Sum("n", default=0))["n"]

    def near(
        self, token: str, *, least: float | None = None, count: int = _MOST_NEAR
    ) -> Sequence[str]:
        """The tokens that are spelled most nearly like it, itself left out: at most one letter
        wrong of up to six, two of more (Damerau 1964); with `least`, that share of them right."""
        if len(token) < _SURE and least is None:
            return []
        most = 1 if len(token) <= 6 else 2
        found = process.extract(
            token,
            self._all,
            scorer=OSA.distance,
            score_cutoff=most if least is None else int(len(token) * (1 - least) + 1e-9),
            limit=count + 1,
        )
        return [one for one, *_ in found if one != token][:count]

    def sounding(self, sound: str) -> Sequence[str]:
        """The tokens that sound so (`analysis.text.mentions.sound_of`)."""
        return self._by_sound.get(sound, ())

    @cached_property
    def _by_sound(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for token in self._all:
            found[sound_of(token)].append(token)
        return found

    @cached_property
    def _all(self) -> list[str]:
        terms = Term.objects.filter(workspace=self.workspace)
        last = terms.order_by("-pk").values_list("pk", flat=True).first() or 0
        with _lock:
            stamp, all_ = _kept.get(self.workspace.pk, (-1, []))
        if stamp != last:
            all_ = list(terms.order_by("token").values_list("token", flat=True))
            with _lock:
                _kept[self.workspace.pk] = last, all_
        return all_


def count_in(workspace_id: int, passages: Iterable[Passage], n_passages: int) -> None:
    """Add the tokens of new passages, in the caller's transaction."""
    counts = Counter(token for one in passages for token in set(one.tokens.split()))
    add(workspace_id, counts)
    SearchIndex.objects.get_or_create(workspace_id=workspace_id)
    SearchIndex.objects.filter(workspace=workspace_id).update(n_counted=F("n_counted") + n_passages)


def add(workspace_id: int, counts: Mapping[str, int]) -> None:
    """So many passages more hold these tokens."""
    rows = sorted(counts.items())  # in one order, so that two who write do not wait in a ring
    sql = (
        "INSERT INTO search_term (workspace_id, token, n) VALUES {} "
        "ON CONFLICT (workspace_id, token) DO UPDATE SET n = search_term.n + excluded.n"
    )
    with connection.cursor() as cursor:
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            places = ", ".join(["(%s, %s, %s)"] * len(some))
            values = [value for token, n in some for value in (workspace_id, token, n)]
            cursor.execute(sql.format(places), values)


def is_stale(index: SearchIndex) -> bool:
    """Whether passages went since the terms were counted."""
    sets = PassageSet.objects.filter(asset__workspace=index.workspace_id)
    return sets.aggregate(n=Sum("n_passages", default=0))["n"] != index.n_counted


def recount(index: SearchIndex, tick: Callable[[], None] = lambda: None) -> None:
    """Count all anew: words that are nowhere any more are forgotten."""
    counts: Counter[str] = Counter()
    rows = Passage.objects.filter(set__asset__workspace=index.workspace_id).order_by()
    n = 0
    for n, text in enumerate(rows.values_list("tokens", flat=True).iterator(2000), start=1):
        counts.update(set(text.split()))
        if n % 2000 == 0:
            tick()
    with transaction.atomic():
        Term.objects.filter(workspace=index.workspace_id).delete()
        add(index.workspace_id, counts)
        SearchIndex.objects.filter(pk=index.pk).update(n_counted=n)
    with _lock:
        _kept.pop(index.workspace_id, None)
