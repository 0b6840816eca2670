"""Which words of a transcript are used as names: for brands that are ordinary words too."""

from __future__ import annotations

from collections.abc import Hashable

from webapp.indexing.indexing import Indexing
from webapp.indexing.word_edits import WordEdit
from webapp.leases import Status
from webapp.moments.outlines import Outline

Place = tuple[int, int]  # a speech segment, and the place of a word in it


def used_as_names(indexing: Indexing) -> set[Place] | None:
    """Those that the newest outline of a transcript took for names; None where there is none.

    A word that a person corrected since is one where they wrote it with a capital.
    """
    outline = _newest(indexing)
    if outline is None:
        return None
    names = {(int(line), place) for line, places in outline.names.items() for place in places}
    edits = WordEdit.objects.standing().filter(
        speech_segment__indexing=indexing, created__gt=outline.started or outline.created
    )
    for line, place, text in edits.order_by("pk").values_list("speech_segment", "word", "text"):
        (names.add if text[:1].isupper() else names.discard)((line, place))
    return names


def names_key(indexing: Indexing | None) -> Hashable:
    """Changes with the outline that says which words are names."""
    rows = Outline.objects.filter(indexing=indexing, status=Status.DONE).order_by("-pk")
    return rows.values_list("pk", flat=True).first()


def _newest(indexing: Indexing) -> Outline | None:
    done = Outline.objects.filter(indexing=indexing, status=Status.DONE)
    return done.order_by("-pk").first()
