"""All that people say of what was found in a film: of stretches of it, and of single boxes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from analysis.exposure import corrections as arithmetic
from webapp.assets.models import Asset
from webapp.reviewing.corrections import Correction
from webapp.reviewing.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Said:
    """Of some labels in one asset, each kind in the order in which it was said."""

    corrections: Sequence[Correction] = ()
    verdicts: Sequence[Verdict] = ()

    @classmethod
    def of(cls, asset: Asset, labels: Sequence[int]) -> Said:
        return cls(Correction.objects.of(asset, labels), Verdict.objects.of(asset, labels))

    def __bool__(self) -> bool:
        return bool(self.corrections or self.verdicts)

    @property
    def key(self) -> Hashable:
        """Changes with anything that was said or taken back."""
        return tuple(one.pk for one in self.corrections), tuple(one.pk for one in self.verdicts)

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
