"""Listening for words in the sound, part by part, where a transcript has others."""

from __future__ import annotations

from analysis.errors import AnalysisError, Stopped
from analysis.speech.types import SpeechOptions
from webapp.indexing.spotting import SpottedTerm, Spotting
from webapp.indexing.transcript import PlacedWord, placed_words
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.engine.piece import piece
from workers.speech import engines


@piece(Spotting, tries=3)
def spot(spotting: Spotting, beat: Heartbeat) -> dict[str, float]:
    """Go on from the part where it was left; what is found is stored with each part."""
    indexing = spotting.indexing
    if indexing.removed is not None or indexing.asset.removed is not None:
        raise AnalysisError("The transcript was deleted.", permanent=False)
    recogniser = engines.recogniser(indexing)
    said = list(placed_words(indexing))
    options = SpeechOptions(
        language=indexing.options["language"] or indexing.language or "en",
        track=indexing.options["track"],
    )
    parts = list(indexing.segments.order_by("index").values_list("start_s", "end_s"))
    for start_s, end_s in parts:
        if start_s < spotting.done_s:
            continue
        found = recogniser.spot(
            local_path(indexing.asset.file),
            spotting.terms,
            _between(said, start_s, end_s),
            options,
            start_s,
            end_s,
            should_stop=beat.should_stop,
        )
        rows = [
            SpottedTerm(
                spotting=spotting,
                term=one.term,
                start_s=round(one.start_s, 3),
                end_s=round(one.end_s, 3),
                text=one.text,
                score=one.score,
            )
            for one in found
        ]
        if not spotting.store(rows, until_s=end_s, progress=min(end_s / parts[-1][1], 1.0)):
            raise Stopped
    return {"progress": 1.0}


def _between(said: list[PlacedWord], start_s: float, end_s: float) -> list[PlacedWord]:
    return [word for word in said if start_s <= (word.start_s + word.end_s) / 2 < end_s]
