"""Why a step cannot be asked for: looked at before it is offered, and again before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps

from analysis.reading.languages import LANGUAGES as READ_LANGUAGES
from analysis.reading.languages import pack_of
from analysis.speech.languages import LANGUAGES
from webapp.assets.models import Asset
from webapp.indexing import encoders
from webapp.leases import UNFINISHED
from webapp.runs.workers import Worker

if TYPE_CHECKING:
    from webapp.indexing.indexing import Indexing

NO_ENGINE = (
    "No worker here has a speech engine. Run `manage.py doctor`: it says which there are and how "
    "to get one."
)
NO_READER = (
    "No worker here can read what is written on a picture. Run `manage.py doctor`: it says what is "
    "missing and how to get it."
)
NO_VOICES = (
    "No worker here can tell speakers apart. Run `manage.py doctor`: it says what is missing and "
    "how to get it."
)
NO_EYES = (
    "No worker here can encode pictures. Start one with `make serve`; `manage.py doctor` says what "
    "it lacks."
)
NO_EARS = (
    "No worker here can encode sound: that takes a speech engine. Run `manage.py doctor`: it says "
    "which there are and how to get one."
)
_NO_ENGINE = {"text": NO_READER, "speakers": NO_VOICES, "pictures": NO_EYES, "sound": NO_EARS}
_LOOKS = ("text", "pictures")  # steps that need a picture; the others need sound
_NOTHING = {
    "text": "has no picture, so nothing can be read on it",
    "pictures": "has no picture that could be compared",
    "sound": "has no sound that could be compared",
}

_KNOW = "Those of the workers know {}."
_NAMED = 6  # languages at once


class IndexingRefused(Exception):
    """Why this cannot be indexed, in a sentence for the person who asked."""


def engine_for(step: str) -> str:
    """What the engine is called that would do a step; "" where no worker has one."""
    return {
        "text": reading_engine,
        "speakers": voice_engine,
        "pictures": lambda: next(iter(encoders.picture_encoders().values()), ""),
        "sound": lambda: next(iter(encoders.sound_encoders().values()), ""),
    }.get(step, speech_engine)()


def looking_engines() -> dict[str, str]:
    """`engine_for` the steps that look at pictures, and of sound that is compared, in one query."""
    rows = Worker.objects.indexing().values_list("reading", "picture_encoders", "sound_encoders")
    found = {"text": "", "pictures": "", "sound": ""}
    for reading, eyes, ears in rows:
        found["text"] = found["text"] or reading
        found["pictures"] = found["pictures"] or next(iter(eyes.values()), "")
        found["sound"] = found["sound"] or next(iter(ears.values()), "")
    return found


def no_engine_for(step: str) -> str:
    """What is said where no worker can do a step."""
    return _NO_ENGINE.get(step, NO_ENGINE)


def speech_engine() -> str:
    """What the engine is called that would listen; "" where no worker has one."""
    return Worker.objects.speaking().values_list("speech", flat=True).first() or ""


def speech_engines() -> dict[str, str]:
    """Titles by key of the engines that some worker could listen with, the best first."""
    found: dict[str, str] = {}
    for titles in Worker.objects.speaking().values_list("speech_engines", flat=True):
        found = titles | found
    return found


def reading_engine() -> str:
    """What the engine is called that would read; "" where no worker has one."""
    return Worker.objects.reading().values_list("reading", flat=True).first() or ""


def voice_engine() -> str:
    """What the engine is called that would tell speakers apart; "" where no worker has one."""
    return Worker.objects.telling_voices().values_list("voices", flat=True).first() or ""


def languages() -> list[str]:
    """The codes of those that some worker's speech engine knows."""
    return _codes(Worker.objects.speaking().values_list("speech_languages", flat=True))


def reading_languages() -> list[str]:
    """The keys of those that some worker can read, what is read by default first."""
    return _codes(Worker.objects.reading().values_list("reading_languages", flat=True))


def _codes(known: Any) -> list[str]:
    return list(dict.fromkeys(code for codes in known for code in codes.split(",") if code))


def tracks_of(asset: Asset) -> list[dict[str, Any]]:
    """The sound tracks of a file."""
    return asset.probe.get("audio") or []


def has_what_it_needs(asset: Asset, step: str) -> bool:
    """Whether there is something in the asset that a step looks for: sound, or a picture."""
    return asset.has_frames if step in _LOOKS else bool(tracks_of(asset))


def why_not(
    asset: Asset, step: str, *, engine: str | None = None, is_going_on: bool | None = None
) -> str:
    """Why a step cannot be asked for, or "". `engine`, and whether one is going on: where the
    caller knows it already."""
    if not asset.is_ready:
        return f"{asset.name} is not ready yet: wait until its upload is prepared."
    if not has_what_it_needs(asset, step):
        if asset.kind == Asset.Kind.SKY:
            return f"{asset.name} is an exposure of the sky: nothing is read or heard in it."
        what = _NOTHING.get(step, "has no sound, so nothing can be heard in it")
        return f"{asset.name} {what}."
    if not (engine_for(step) if engine is None else engine):
        return no_engine_for(step)
    if is_going_on if is_going_on is not None else going_on(asset, step):
        return f"{asset.name} is being indexed already."
    return ""


def going_on(asset: Asset, step: str) -> Indexing | None:
    rows = apps.get_model("indexing.Indexing").objects
    return rows.filter(asset=asset, step=step, status__in=UNFINISHED).first()


def _named(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def refuse(asset: Asset, step: str, options: dict[str, Any], *, is_there: bool) -> None:
    """Raise IndexingRefused where it cannot be done."""
    if not is_there:
        raise IndexingRefused(f"{asset.name} was deleted meanwhile.")
    if sentence := why_not(asset, step):
        raise IndexingRefused(sentence)
    if step == "text":
        _refuse_reading(options)
    elif step == "speakers":
        _refuse_a_track(asset, options)
    elif step == "pictures":
        _refuse_in(encoders.why_not_pictures(options["encoder"], asset.workspace))
    elif step == "sound":
        _refuse_in(encoders.why_not_sound(options["encoder"]))
        _refuse_a_track(asset, options)
    else:
        _refuse_listening(asset, options)


def _refuse_in(sentence: str) -> None:
    if sentence:
        raise IndexingRefused(sentence)


def _refuse_reading(options: dict[str, Any]) -> None:
    known, language = reading_languages(), options["language"]
    if language and known and language not in known:
        name = READ_LANGUAGES.get(language, language)
        names = _named([READ_LANGUAGES.get(code, code) for code in known])
        raise IndexingRefused(
            f"No worker here can read {name}; they read {names}. Run `manage.py fetch "
            f"{pack_of(language)}` on a worker's machine, and ask again a minute later."
        )


def _refuse_listening(asset: Asset, options: dict[str, Any]) -> None:
    wanted, engines = options["engine"], speech_engines()
    if wanted and wanted not in engines:
        named = ", ".join(engines) or "none that says its name"
        raise IndexingRefused(
            f"No worker here has the speech engine {wanted}; there is {named}. `manage.py fetch`, "
            "on a worker's machine, lists those that can be added."
        )
    known, language = languages(), options["language"]
    names = [LANGUAGES.get(code, code) for code in known]
    if language and known and language not in known:
        name = LANGUAGES.get(language, language)
        raise IndexingRefused(f"No speech engine here knows {name}. {_KNOW.format(_named(names))}")
    if options["task"] == "translate" and known == ["en"]:
        raise IndexingRefused(f"Nothing here can translate. {_KNOW.format('English only')}")
    _refuse_a_track(asset, options)


def _refuse_a_track(asset: Asset, options: dict[str, Any]) -> None:
    n, track = len(tracks_of(asset)), options["track"]
    if not 0 <= track < n:
        there = "track 0" if n == 1 else f"tracks 0 to {n - 1}"
        raise IndexingRefused(f"{asset.name} has no sound track {track}; it has {there}.")
