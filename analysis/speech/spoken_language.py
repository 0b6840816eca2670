"""Which language is spoken, as a model of many languages hears it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.speech.languages import LANGUAGES
from analysis.speech.windows import Window

_OTHER = 0.8  # a window this sure of a language of its own is read in that one
_ENOUGH_S = 8.0  # of speech: less says too little
_WRONG = 0.02  # likelihood of a language that was asked for and is not spoken


class SpokenLanguage:
    """What is decided as the windows of one stretch come in.

    The first windows together say which language it is, in the mean of their log-probabilities. A
    later window that is long and sure speaks its own: interviews are held in two. A language that
    was asked for is always taken, and where another is heard a remark says so.
    """

    def __init__(self, asked: str, is_multilingual: bool) -> None:
        self._asked = asked if is_multilingual else "en"
        self._usual = self._asked
        self._heard: list[Mapping[str, float]] = []

    @property
    def usual(self) -> str:
        """The language of the stretch; "" before anything was heard."""
        return self._usual

    def of(self, windows: Sequence[Window], likely: Sequence[Mapping[str, float]]) -> list[str]:
        """The language to read each window in; `likely` is how likely each language is."""
        self._heard += likely
        if self._asked:
            return [self._asked] * len(windows)
        if not self._usual:
            self._usual = _likeliest(likely, [window.length_s for window in windows])
        return [
            own if window.length_s >= _ENOUGH_S and shares[own] >= _OTHER else self._usual
            for window, shares in zip(windows, likely, strict=True)
            for own in [max(shares, key=lambda code: shares[code])]
        ]

    @property
    def remarks(self) -> tuple[str, ...]:
        """A sentence where another language is heard than was asked for."""
        if not self._heard or not self._asked:
            return ()
        heard = _likeliest(self._heard, [1.0] * len(self._heard))
        sure = float(np.mean([shares[heard] for shares in self._heard]))
        asked = float(np.mean([shares.get(self._asked, 0.0) for shares in self._heard]))
        if heard == self._asked or sure < _OTHER or asked > _WRONG:
            return ()
        return (
            f"This sounds like {LANGUAGES.get(heard, heard)}, and was read as "
            f"{LANGUAGES.get(self._asked, self._asked)}, as asked for.",
        )


def _likeliest(likely: Sequence[Mapping[str, float]], weights: Sequence[float]) -> str:
    total = {
        code: sum(
            weight * float(np.log(max(shares.get(code, 0.0), 1e-6)))
            for shares, weight in zip(likely, weights, strict=True)
        )
        for code in likely[0]
    }
    return max(total, key=lambda code: total[code])
