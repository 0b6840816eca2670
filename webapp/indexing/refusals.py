"""Why a step cannot be asked for: looked at before it is offered, and again before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps

from analysis.speech.languages import LANGUAGES
from webapp.assets.models import Asset
from webapp.leases import UNFINISHED
from webapp.runs.workers import Worker

if TYPE_CHECKING:
    from webapp.indexing.indexing import Indexing

NO_ENGINE = (
    "No worker here has a speech engine. Run `manage.py doctor`: it says which there are and how "
    "to get one."
)


_KNOW = "Those of the workers know {}."
_NAMED = 6  # languages at once


class IndexingRefused(Exception):
    """Why this cannot be indexed, in a sentence for the person who asked."""


def speech_engine() -> str:
    """What the engine is called that would listen; "" where no worker has one."""
    return Worker.objects.speaking().values_list("speech", flat=True).first() or ""


def languages() -> list[str]:
    """The codes of those that some worker's engine knows."""
    known = Worker.objects.speaking().values_list("speech_languages", flat=True)
    return list(dict.fromkeys(code for codes in known for code in codes.split(",") if code))


def tracks_of(asset: Asset) -> list[dict[str, Any]]:
    """The sound tracks of a file."""
    return asset.probe.get("audio") or []


def why_not(asset: Asset, step: str, *, engine: str | None = None) -> str:
    """Why a step cannot be asked for, or "". `engine`: where the caller knows it already."""
    if not asset.is_ready:
        return f"{asset.name} is not ready yet: wait until its upload is prepared."
    if not tracks_of(asset):
        return f"{asset.name} has no sound, so nothing can be heard in it."
    if not (speech_engine() if engine is None else engine):
        return NO_ENGINE
    if going_on(asset, step):
        return f"{asset.name} is being indexed already."
    return ""


def going_on(asset: Asset, step: str) -> Indexing | None:
    rows = apps.get_model("indexing.Indexing").objects
    return rows.filter(asset=asset, step=step, status__in=UNFINISHED).first()


def _named(codes: list[str]) -> str:
    names = [LANGUAGES.get(code, code) for code in codes[:_NAMED]]
    more = len(codes) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def refuse(asset: Asset, step: str, options: dict[str, Any], *, is_there: bool) -> None:
    """Raise IndexingRefused where it cannot be done."""
    if not is_there:
        raise IndexingRefused(f"{asset.name} was deleted meanwhile.")
    if sentence := why_not(asset, step):
        raise IndexingRefused(sentence)
    known, language = languages(), options["language"]
    if language and known and language not in known:
        name = LANGUAGES.get(language, language)
        raise IndexingRefused(f"No speech engine here knows {name}. {_KNOW.format(_named(known))}")
    if options["task"] == "translate" and known == ["en"]:
        raise IndexingRefused(f"Nothing here can translate. {_KNOW.format('English only')}")
    n, track = len(tracks_of(asset)), options["track"]
    if not 0 <= track < n:
        there = "track 0" if n == 1 else f"tracks 0 to {n - 1}"
        raise IndexingRefused(f"{asset.name} has no sound track {track}; it has {there}.")
