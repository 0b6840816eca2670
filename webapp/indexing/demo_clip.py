"""The demo's clip is listened to, read and encoded once what does that is there: it is installed
while the site is looked at already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from webapp.accounts.models import User
from webapp.assets.models import Asset
from webapp.indexing.indexing import Indexing
from webapp.indexing.refusals import why_not
from webapp.leases import Status

_ENDS: dict[str, tuple[str, str]] = {
    Indexing.Step.SPEECH: ("What is said in the clip", "can be read and searched"),
    Indexing.Step.TEXT: ("What is written in the clip", "can be read and searched"),
    Indexing.Step.SPEAKERS: ("Who speaks in the clip", "can be seen beside the words"),
    Indexing.Step.PICTURES: ("What the clip looks like", "can be compared with other pictures"),
    Indexing.Step.SOUND: ("What the clip sounds like", "can be compared with other sounds"),
}


class DemoWords:
    """Asks for each step once, with the brands as vocabulary: they are invented names."""

    def __init__(self, asset: Asset, names: list[str], by: User, say: Callable[[str], Any]) -> None:
        self._asset, self._names, self._by, self._say = asset, names, by, say
        self._open = set(Indexing.Step.values)
        self._asked: dict[str, Indexing] = {}

    @property
    def is_over(self) -> bool:
        """Nothing more will come of what was asked for."""
        return all(indexing.is_over for indexing in self._asked.values())

    def tend(self) -> None:
        """People use the site meanwhile, and may delete the clip or a version of its words."""
        if Asset.objects.filter(pk=self._asset.pk).exists():
            self._ask_for_what_can_be()
        for step, asked in list(self._asked.items()):
            indexing = Indexing.everything.filter(pk=asked.pk, removed=None).first()
            if indexing is None:
                del self._asked[step]
            elif indexing.is_over:
                del self._asked[step]
                self._say(self._end_of(indexing))

    def _ask_for_what_can_be(self) -> None:
        for step in sorted(self._open):
            if self._was_asked_for(step):
                self._open.discard(step)  # by an earlier start
            elif not why_not(self._asset, step):
                self._ask(step)

    def _was_asked_for(self, step: str) -> bool:
        """What every upload gets asks for no names."""
        rows = Indexing.everything.filter(asset=self._asset, step=step)
        wished = rows.values_list("options", flat=True)
        return any(step != Indexing.Step.SPEECH or options["vocabulary"] for options in wished)

    def _ask(self, step: str) -> None:
        options = {"vocabulary": self._names} if step == Indexing.Step.SPEECH else {}
        self._open.discard(step)
        self._asked[step] = Indexing.objects.request(
            self._asset, step, by=self._by, options=options
        )

    def _end_of(self, indexing: Indexing) -> str:
        what, can = _ENDS[indexing.step]
        if indexing.status == Status.DONE:
            return f"  {what} {can} now."
        return f"  {what} is not known: {indexing.error or 'cancelled'}"
