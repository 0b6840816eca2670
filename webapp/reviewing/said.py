"""All that people say of what was found in a film: of stretches of it, and of single boxes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Count, Max, Sum

from analysis.exposure import corrections as arithmetic
from webapp.assets.models import Asset
from webapp.reviewing.changes import Changes
from webapp.reviewing.corrections import Correction
from webapp.reviewing.verdicts import Verdict


@dataclass(frozen=True)
class Said:
    """Of some labels in one asset, each kind in the order in which it was said.

    changes: how often anything of it was said or taken back, read first. judged: how many boxes
    were judged, the newest, and the numbers of all of them together. There may be thousands, and
    whoever only looks whether figures still hold reads none.
    """

    corrections: Sequence[Correction] = ()
    judged: tuple[int, int, int] = (0, 0, 0)
    of_asset: Asset | None = None
    labels: Sequence[int] = ()
    changes: int = 0

    @classmethod
    def of(cls, asset: Asset, labels: Sequence[int]) -> Said:
        changes = Changes.so_far(asset.pk)
        about = Verdict.objects.about(asset, labels)
        sums = about.aggregate(n=Count("pk"), last=Max("pk"), every=Sum("pk"))
        judged = sums["n"], sums["last"] or 0, sums["every"] or 0
        return cls(Correction.objects.of(asset, labels), judged, asset, labels, changes)

    def __bool__(self) -> bool:
        return bool(self.corrections or self.judged[0])

    @cached_property
    def verdicts(self) -> Sequence[Verdict]:
        if self.of_asset is None or not self.judged[0]:
            return ()
        return Verdict.objects.of(self.of_asset, self.labels)

    @property
    def key(self) -> Hashable:
        """Changes with anything that was said or taken back, and never comes back to what it was:
        of what is made under it the rows may be read later, and be others."""
        return self.changes, tuple(one.pk for one in self.corrections), self.judged

    @property
    def key_of_rows(self) -> Hashable:
        """The same of what was read: more may have been said since somebody looked."""
        numbers = [one.pk for one in self.verdicts]
        judged = len(numbers), max(numbers, default=0), sum(numbers)
        return tuple(one.pk for one in self.corrections), judged

    @property
    def version(self) -> str:
        """The key as a word for addresses; "" where nothing was said."""
        return hashlib.sha256(repr(self.key).encode()).hexdigest()[:16] if self else ""

    def in_order(self) -> tuple[arithmetic.Correction | arithmetic.Verdict, ...]:
        """As the arithmetic wants them: what was said later counts."""
        both: list[Correction | Verdict] = [*self.corrections, *self.verdicts]
        return tuple(one.as_arithmetic for one in sorted(both, key=lambda one: one.created))

    @property
    def of_boxes(self) -> str:
        """ "3 boxes confirmed, 1 rejected", or nothing where no box was judged."""
        counts = Counter(one.kind for one in self.verdicts)
        kinds = [f"{counts[kind]:,} {kind}" for kind in _KINDS if counts[kind]]
        if not kinds:
            return ""
        return f"{'box' if len(self.verdicts) == 1 else 'boxes'}: {', '.join(kinds)}"


_KINDS = ("confirmed", "rejected", "renamed", "drawn")
