"""A recording without a picture, as if workers had listened: words, two who speak, two topics,
applause, and a brand that is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.analysis.clips import write_sound
from tests.browser.indexed import received
from tests.spoken import utterance

BRAND, PROJECT = "Tidewater", "Pays for talks"
SAID = [
    (1.0, "Good evening from the kitchen"),
    (6.0, "Tidewater pays for this talk"),
    (12.0, "First we slice the onions"),
    (26.0, "Now the oven of Tidewater is hot"),
    (34.0, "and the bread goes in"),
]
TURNS = [(1.0, 10.0, 1), (12.0, 20.0, 2), (26.0, 38.0, 1)]  # start, end, voice
TOPICS = [(1.0, 20.0, "Onions and knives"), (26.0, 38.0, "Bread in the oven")]
APPLAUSE = (40.0, 43.0)


def make() -> dict[str, Any]:
    from webapp.projects.models import Project

    asset = received("KITCHEN TALK.m4a", lambda path: write_sound(path, 45))
    Project.objects.begin(asset.workspace, PROJECT, by=asset.created_by, brands=[BRAND])
    outlined(told_apart(spoken(asset, SAID)), TOPICS, APPLAUSE)
    return {"address": f"/assets/{asset.pk}", "asset": asset.pk}


def _done(asset: Any, step: str) -> Any:
    from webapp.indexing.indexing import Indexing
    from webapp.leases import Status

    about = {"status": Status.DONE, "stage": Indexing.Stage.FINISH, "duration_s": asset.duration_s}
    return Indexing.objects.create(asset=asset, step=step, **about)


def spoken(asset: Any, said: Sequence[tuple[float, str]]) -> Any:
    """A transcript: when each line begins, and its words. The last line is of a second segment."""
    from webapp.indexing.segments import IndexingSegment
    from webapp.indexing.speech import SpeechSegment
    from webapp.leases import Status

    indexing = _done(asset, "speech")
    border_s = said[-1][0] - 0.5
    first, last = (
        IndexingSegment.objects.create(
            indexing=indexing, index=index, start_s=start_s, end_s=end_s, status=Status.DONE
        )
        for index, (start_s, end_s) in enumerate([(0, border_s), (border_s, asset.duration_s)])
    )
    for start_s, text in said:
        line = utterance(text, start_s)
        words = line.words
        SpeechSegment.objects.create(
            indexing=indexing,
            segment=last if start_s > border_s else first,
            start_s=line.start_s,
            end_s=line.end_s,
            text=text,
            language="en",
            words={
                "text": [word.text for word in words],
                "start_s": [word.start_s for word in words],
                "end_s": [word.end_s for word in words],
                "confidence": [word.confidence for word in words],
            },
        )
    return indexing


def told_apart(speech: Any, turns: Sequence[tuple[float, float, int]] = TURNS) -> Any:
    from webapp.indexing.voices import SpeakerTurn, Voice

    told = _done(speech.asset, "speakers")
    voices = {n: Voice.objects.create(indexing=told, number=n) for n in {t[2] for t in turns}}
    for start_s, end_s, number in turns:
        voice = voices[number]
        SpeakerTurn.objects.create(
            indexing=told, voice=voice, reads=voice, start_s=start_s, end_s=end_s
        )
    return speech


def outlined(
    speech: Any, topics: Sequence[tuple[float, float, str]], applause: tuple[float, float]
) -> None:
    from webapp.leases import Status
    from webapp.moments.moments import Moment
    from webapp.moments.outlines import Outline

    outline = Outline.objects.create(asset=speech.asset, indexing=speech, status=Status.DONE)
    for start_s, end_s, title in topics:
        about = {"kind": Moment.Kind.TOPIC, "start_s": start_s, "end_s": end_s, "title": title}
        Moment.objects.create(outline=outline, **about)
    loud = {"kind": Moment.Kind.APPLAUSE, "title": "Applause", "score": 0.9}
    Moment.objects.create(outline=outline, start_s=applause[0], end_s=applause[1], **loud)
