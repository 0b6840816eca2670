"""What an address asks by beside words: asks, how much each counts, and what is not meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from webapp.accounts.models import User, Workspace
from webapp.asking.asks import Ask
from webapp.ids import is_id

MOST = 6  # asks of one search
WEIGHTS = {"": 1.0, "2": 2.0, "0.5": 0.5, "-1": -1.0}  # as they stand behind the number


@dataclass(frozen=True, slots=True)
class Wish:
    """An ask and how much it counts: below 0 for what is not meant."""

    ask: Ask
    weight: float = 1.0

    @property
    def is_unwanted(self) -> bool:
        return self.weight < 0

    @property
    def value(self) -> str:
        """As it stands in a form: 12, 12:2, 12:0.5, or 12:-1."""
        return f"{self.ask.pk}" if self.weight == 1 else f"{self.ask.pk}:{self.weight:g}"


def wishes(
    user: User, workspace: Workspace, wanted: Sequence[str], unwanted: Sequence[str] = ()
) -> list[Wish]:
    """A person's own asks among these, each once, in their order. Nonsense counts as nothing asked.

    wanted: "12" or "12:2"; unwanted: "14".
    """
    weights = _weights(wanted) | dict.fromkeys(_weights(unwanted), -1.0)
    mine = Ask.objects.of(user, workspace).in_bulk(list(weights)[:MOST])
    return [Wish(mine[pk], weight) for pk, weight in weights.items() if pk in mine]


def left_out(asked: Sequence[str], found: Sequence[Wish]) -> str:
    """Which of what an address asks by is not searched by, as a sentence; "" if all is."""
    numbers = {word.partition(":")[0] for word in asked}
    n_gone = len({number for number in numbers if is_id(number)}) - len(found)
    if n_gone <= 0:
        return ""
    if len(found) == MOST:
        return f"Up to {MOST} things can be asked by at once. The others were left out."
    which = "One thing" if n_gone == 1 else f"{n_gone} things"
    return (
        f"{which} that this address asks by cannot be searched by any more: deleted, older than "
        "30 days, or somebody else’s."
    )


def _weights(words: Iterable[str]) -> dict[int, float]:
    found = {}
    for word in words:
        number, _, weight = word.partition(":")
        if is_id(number) and weight in WEIGHTS:
            found[int(number)] = WEIGHTS[weight]
    return found
