"""Who speaks in an asset, as people read it: beside the words, and in the list of speakers."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from analysis.speakers.names import person_in
from analysis.tokens import tokens
from webapp.assets.models import Asset
from webapp.indexing import remembering
from webapp.indexing.indexing import Indexing
from webapp.indexing.speaker_edits import SpeakerEdit
from webapp.indexing.text_regions import TextRegion
from webapp.indexing.transcript import shown
from webapp.indexing.voices import Speaker, SpeakerTurn, Voice
from webapp.leases import Status
from webapp.projects.models import Label

_TOGETHER_S = 1.0  # that a line stands while somebody speaks, before it may be their name
_COLOURS = 8  # of the palette of speakers


class Who:
    """Whose words are said when. Empty where nobody told the speakers of the asset apart."""

    def __init__(self, indexing: Indexing | None) -> None:
        self.indexing = indexing
        rows = SpeakerTurn.objects.filter(indexing=indexing).select_related("reads__speaker")
        self.turns = list(rows.order_by("start_s", "pk")) if indexing else []
        self._ends = [turn.end_s for turn in self.turns]  # turns do not overlap

    @classmethod
    def of(cls, asset: Asset | int) -> Who:
        """By the newest version that is done."""
        done = Indexing.objects.succeeded().filter(asset=asset, step=Indexing.Step.SPEAKERS)
        return cls(done.order_by("-version").first())

    def within(self, window: tuple[float, float] | None) -> list[SpeakerTurn]:
        """The turns that reach into a stretch; all without one."""
        start_s, end_s = window or (float("-inf"), float("inf"))
        return [turn for turn in self.turns if turn.start_s < end_s and turn.end_s > start_s]

    def between(self, start_s: float, end_s: float) -> Voice | None:
        """Who speaks most of the time between two moments; None where nobody was heard."""
        sums: dict[Voice, float] = {}
        at = bisect_left(self._ends, start_s)
        for turn in self.turns[at:]:
            if turn.start_s >= end_s:
                break
            common_s = min(turn.end_s, end_s) - max(turn.start_s, start_s)
            sums[turn.reads] = sums.get(turn.reads, 0.0) + max(common_s, 0.0)
        return max(sums, key=lambda voice: sums[voice], default=None)

    def named(self, start_s: float, end_s: float) -> str:
        """What they are called; "" for nobody."""
        voice = self.between(start_s, end_s)
        return str(voice) if voice else ""

    def json(self, start_s: float, end_s: float) -> dict[str, Any] | None:
        """For the lines of the transcript."""
        voice = self.between(start_s, end_s)
        if voice is None:
            return None
        about = {"number": voice.number, "colour": colour(voice)}
        return {"id": voice.pk, "name": str(voice), **about}


def colour(voice: Voice) -> int:
    """Its place in the palette: 1 to 8."""
    return (voice.number - 1) % _COLOURS + 1


@dataclass(frozen=True, slots=True)
class OnScreen:
    """A name that stands on the picture while somebody speaks."""

    name: str
    time_s: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """A speaker of an asset. likely: whom the voice is like, where that is no more than likely;
    recognised: that it is called so by its voice, and by no person."""

    voice: Voice
    turns: list[SpeakerTurn]
    spoken_s: float
    share: float
    on_screen: OnScreen | None
    likely: remembering.Likely | None
    recognised: bool

    @property
    def colour(self) -> int:
        return colour(self.voice)

    @property
    def longest(self) -> SpeakerTurn:
        return max(self.turns, key=lambda turn: turn.end_s - turn.start_s)


def speakers(asset: Asset, who: Who) -> list[Spoken]:
    """Those who speak in an asset, who speaks most first."""
    if who.indexing is None:
        return []
    by_voice: dict[Voice, list[SpeakerTurn]] = {}
    for turn in who.turns:
        by_voice.setdefault(turn.reads, []).append(turn)
    total_s = sum(turn.end_s - turn.start_s for turn in who.turns)
    named = set(
        SpeakerEdit.objects.standing()
        .filter(indexing=who.indexing, kind=SpeakerEdit.Kind.NAME)
        .values_list("voice", flat=True)
    )
    on_screen = _on_screen(asset, who)
    found = []
    for voice, turns in by_voice.items():
        spoken_s = sum(turn.end_s - turn.start_s for turn in turns)
        is_free = voice.speaker is None
        likely = None
        if is_free and voice.pk not in named:
            digest = who.indexing.engine_digest
            likely = remembering.likely(asset.workspace, voice, digest)
        found.append(
            Spoken(
                voice,
                turns,
                spoken_s,
                spoken_s / total_s if total_s else 0.0,
                on_screen.get(voice) if is_free else None,
                likely,
                voice.speaker is not None and voice.pk not in named,
            )
        )
    return sorted(found, key=lambda one: -one.spoken_s)


def _on_screen(asset: Asset, who: Who) -> dict[Voice, OnScreen]:
    """For each voice the name that stands longest on the picture while it speaks."""
    read = shown(asset, Indexing.Step.TEXT)
    if read is None:
        return {}
    sums: dict[Voice, dict[str, tuple[float, float]]] = {}
    brands = _brand_names(asset)
    rows = read.text_regions.as_it_reads().exclude(kind=TextRegion.Kind.SCENE)
    rows = rows.order_by("start_s", "pk")
    for start_s, end_s, text in rows.values_list("start_s", "end_s", "reads"):
        name = person_in(text)
        is_brand = "".join(tokens(name)) in brands
        voice = who.between(start_s, end_s) if name and not is_brand else None
        if voice is None:
            continue
        names = sums.setdefault(voice, {})
        before_s, first_s = names.get(name, (0.0, start_s))
        names[name] = before_s + end_s - start_s, first_s
    best = {voice: max(names, key=lambda n: names[n][0]) for voice, names in sums.items()}
    return {
        voice: OnScreen(name, sums[voice][name][1])
        for voice, name in best.items()
        if sums[voice][name][0] >= _TOGETHER_S
    }


def _brand_names(asset: Asset) -> set[str]:
    """What no person is called: the names of what the workspace looks for, however written."""
    labels = Label.objects.filter(project__workspace=asset.workspace_id)
    names = labels.values_list("name", "aliases")
    return {"".join(tokens(one)) for name, aliases in names for one in (name, *aliases)}


@dataclass(frozen=True, slots=True)
class SpeakersPanel:
    """What the asset page shows of its speakers. `latest`: the newest version, where that one is
    not done; `why_not`: why it cannot be asked for, "" where it can."""

    who: Who
    rows: list[Spoken]
    latest: Indexing | None
    why_not: str
    engine: str
    known: list[str]

    @classmethod
    def of(cls, asset: Asset) -> SpeakersPanel:
        from webapp.indexing.refusals import tracks_of, voice_engine, why_not

        if not tracks_of(asset):
            return cls(Who(None), [], None, "It has no sound.", "", [])
        step = Indexing.Step.SPEAKERS
        newest = Indexing.objects.filter(asset=asset, step=step).order_by("-version").first()
        if newest is not None:
            newest.asset = asset
        who, engine = Who.of(asset), voice_engine()
        names = Speaker.objects.filter(workspace=asset.workspace_id)
        return cls(
            who,
            speakers(asset, who),
            newest if newest is not None and newest.status != Status.DONE else None,
            why_not(asset, step, engine=engine),
            engine,
            list(names.values_list("name", flat=True)[:200]),
        )

    @property
    def lane(self) -> dict[str, Any]:
        """The turns for the timeline, as columns."""
        turns = self.who.turns
        return {
            "start": [round(turn.start_s, 2) for turn in turns],
            "end": [round(turn.end_s, 2) for turn in turns],
            "voice": [turn.reads_id for turn in turns],
            "voices": {
                one.voice.pk: [str(one.voice), one.colour, one.voice.number] for one in self.rows
            },
        }

    @property
    def files(self) -> list[tuple[str, str]]:
        from webapp.indexing.files import SPEAKER_FILES

        return [(kind, title) for kind, (title, _, _) in SPEAKER_FILES.items()]
