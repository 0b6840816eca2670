"""Where a label is named in the whole library: by asset, with the words around.

Found in what is kept, so that a brand, or an alias that somebody only thinks of, is answered for
years of recordings while one waits.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from analysis.exposure.exports import safe_cell
from webapp.assets.models import Asset
from webapp.indexing.mention_verdicts import MentionVerdict, said_of
from webapp.projects.models import Label
from webapp.projects.spoken_brands import brand_of
from webapp.search.mentions import Found, find_brand
from webapp.search.passages import Passage

LONGEST_NAME = 60
_AROUND = 90  # characters on either side


@dataclass(frozen=True, slots=True)
class Named:
    """A mention with its sentence: what stands before it, itself, and after it."""

    found: Found
    before: str
    after: str

    @property
    def text(self) -> str:
        return self.found.mention.text

    @property
    def start_s(self) -> float:
        return self.found.mention.start_s


@dataclass(frozen=True, slots=True)
class InAsset:
    asset: Asset
    n_said: int
    n_written: int
    first: list[Named]  # the first few

    @property
    def n_more(self) -> int:
        return self.n_said + self.n_written - len(self.first)


@dataclass(frozen=True, slots=True)
class LibraryMentions:
    """Those that count, by asset and time. `names`: what was looked for."""

    label: Label
    names: tuple[str, ...]
    found: list[Found]

    @classmethod
    def of(cls, label: Label, tried: str = "") -> LibraryMentions:
        """Of a label by its names, or of a name that somebody tries instead of them."""
        brand = brand_of(label)
        if tried:
            brand = replace(brand, names=(tried,))
        denied = _denied(label)
        found = find_brand(label.project.workspace, brand)
        found = [one for one in found if not _is_denied(one, denied)]
        if not tried:
            found += _renamed(label)
        found.sort(key=lambda one: (one.asset, one.mention.start_s))
        return cls(label, brand.names, found)

    @property
    def n_said(self) -> int:
        return sum(one.source == "said" for one in self.found)

    @property
    def n_written(self) -> int:
        return len(self.found) - self.n_said

    @property
    def n_assets(self) -> int:
        return len({one.asset for one in self.found})

    def by_asset(self, start: int, stop: int, each: int) -> list[InAsset]:
        """Some of the assets, where it is named most first, with the first `each` mentions."""
        groups = {key: list(some) for key, some in groupby(self.found, key=lambda one: one.asset)}
        wanted = sorted(groups, key=lambda key: (-len(groups[key]), -key))[start:stop]
        assets = Asset.objects.in_bulk(wanted)
        first = {key: groups[key][:each] for key in wanted}
        named = _in_words([one for some in first.values() for one in some])
        return [
            InAsset(
                assets[key],
                n_said=(said := sum(one.source == "said" for one in groups[key])),
                n_written=len(groups[key]) - said,
                first=named[key],
            )
            for key in wanted
            if key in assets
        ]

    def as_csv(self) -> Iterator[str]:
        """A line for each mention. The head first."""
        yield _line("label", "source", "asset", "file", "start_s", "end_s", "text", "by", "score")
        names = dict(
            Asset.objects.filter(pk__in={one.asset for one in self.found}).values_list("pk", "name")
        )
        for one in self.found:
            m = one.mention
            times = f"{m.start_s:.3f}", f"{m.end_s:.3f}"
            about = self.label.name, one.source, one.asset, names.get(one.asset, "")
            yield _line(*about, *times, m.text, m.by, f"{m.score:.3f}")


def _denied(label: Label) -> dict[int, list[MentionVerdict]]:
    """What people say of its mentions, by asset, in the order in which they did."""
    by_asset: dict[int, list[MentionVerdict]] = defaultdict(list)
    for one in MentionVerdict.objects.standing().filter(label=label).order_by("pk"):
        by_asset[one.asset_id].append(one)
    return by_asset


def _renamed(label: Label) -> list[Found]:
    """Mentions of other labels that are of this one, as people say."""
    said = MentionVerdict.objects.standing().filter(actually=label).exclude(label=label)
    found = []
    for other in Label.objects.filter(pk__in=said.values("label")).select_related("project"):
        verdicts = _denied(other)
        found += [
            replace(one, mention=replace(one.mention, brand=label.pk))
            for one in find_brand(label.project.workspace, brand_of(other))
            if _said(one, verdicts) == label.pk
        ]
    return found


def _is_denied(one: Found, denied: dict[int, list[MentionVerdict]]) -> bool:
    return _said(one, denied) != one.mention.brand


def _said(one: Found, verdicts: dict[int, list[MentionVerdict]]) -> int | None:
    """The label that a mention is of, as people said last; as it was found where nobody did."""
    mention = one.mention
    about = (mention.brand, one.source, mention.start_s, mention.end_s)
    last = said_of(verdicts.get(one.asset, []), *about)
    return mention.brand if last is None else last.actually_id


def _in_words(found: Sequence[Found]) -> dict[int, list[Named]]:
    texts = dict(
        Passage.objects.filter(pk__in=[f.passage for f in found]).values_list("pk", "text")
    )
    named: dict[int, list[Named]] = defaultdict(list)
    for one in found:
        named[one.asset].append(Named(one, *_around(one, texts.get(one.passage, ""))))
    return named


def _around(one: Found, text: str) -> tuple[str, str]:
    """The words of a passage before a mention and after it, cut to what can be taken in."""
    words, (first, last) = text.split(), one.mention.words
    before, after = " ".join(words[:first]), " ".join(words[last:])
    if len(before) > _AROUND:
        before = "…" + before[-_AROUND:].partition(" ")[2]
    if len(after) > _AROUND:
        after = after[:_AROUND].rpartition(" ")[0] + "…"
    return before, after


def _line(*cells: object) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(c) if isinstance(c, str) else c for c in cells])
    return out.getvalue()
