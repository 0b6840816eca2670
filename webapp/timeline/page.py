"""What the asset page shows when it opens: the asset, the run looked at, and how that stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from webapp.assets.links import media_link
from webapp.assets.models import Asset, Rendition
from webapp.ids import is_id
from webapp.leases import Status
from webapp.runs.answers import Answer, answers_of
from webapp.runs.offering import offered
from webapp.runs.run import Run
from webapp.timeline.frames import segments_json, shots_json
from webapp.timeline.labels import labels_of
from webapp.timeline.mentions import others

_SAMPLING = {"every": "every frame", "key": "key frames", "adaptive": "changed frames"}


def answers_for(asset: Asset) -> list[Answer]:
    """What is known of it, project by project; worked out once for a page."""
    return answers_of([asset]).get(asset.pk, [])


def run_to_show(asset: Asset, number: str, answers: Sequence[Answer]) -> Run | None:
    """The run that was asked for, else the answer one expects: the first of these."""
    runs = asset.runs(manager="living").select_related("project", "asset", "parent", "requested_by")
    if number:
        return runs.filter(pk=number).first() if is_id(number) else None
    return runs.get(pk=answers[0].shown.pk) if answers else None


@dataclass(frozen=True, slots=True)
class Way:
    """To another project's answer, or to what will be one: one click."""

    run: Run
    says: str
    dot: str
    is_here: bool


def ways(answers: Sequence[Answer], run: Run | None) -> list[Way]:
    """Between all that is known of the asset; none where there is but one thing to see."""
    found: list[Way] = []
    for answer in answers:
        here = run is not None and run.project_id == answer.project.pk
        if answer.run:
            n = len(answer.brands)
            says = f"{n} brand{'' if n == 1 else 's'}" if n else "no brand found"
            is_here = here and run is not None and run != answer.later
            found.append(Way(answer.run, says, "ok" if n else "", is_here))
        if answer.later and answer.standing:
            standing = answer.standing
            found.append(Way(answer.later, standing.said, standing.dot, run == answer.later))
    return found if len(found) > 1 else []


def ways_context(answers: Sequence[Answer], run: Run | None) -> dict[str, Any]:
    found = ways(answers, run)
    return {"ways": found, "ways_change": any(not way.run.is_over for way in found)}


def sampling_words(run: Run) -> str:
    """How often it looked, as a person says it: "5 frames a second"."""
    mode = run.options.get("mode", "interval")
    if mode in _SAMPLING and mode != "adaptive":
        return _SAMPLING[mode]
    interval_s = run.options.get("interval_s") or 0.2
    if interval_s <= 1:
        n = f"{1 / interval_s:.3g}"
        words = f"{n} frame{'' if n == '1' else 's'} a second"
    else:
        words = f"a frame every {interval_s:g} s"
    return f"{_SAMPLING[mode]}, up to {words}" if mode == "adaptive" else words


@dataclass(frozen=True, slots=True)
class Media:
    """What the player plays, and the small pictures beside it.

    `url` is empty while a copy that browsers can play is made: the original would only fail.
    """

    url: str
    poster: str
    strip: dict[str, Any] | None
    peaks: list[float]
    is_copy: bool
    proxy: Rendition | None

    @classmethod
    def of(cls, asset: Asset) -> Media:
        made = {r.recipe: r for r in _small_renditions(asset)}
        done = {recipe: r for recipe, r in made.items() if r.status == Status.DONE}
        poster, strip, sound = (done.get(name) for name in ("poster", "strip", "waveform"))
        proxy = made.get(Rendition.PROXY)
        played = done[Rendition.PROXY].file if Rendition.PROXY in done else asset.file
        return cls(
            url="" if proxy and proxy.is_going_on else media_link(played),
            poster=media_link(poster.file) if poster else "",
            strip=strip.data | {"url": media_link(strip.file)} if strip else None,
            peaks=sound.data.get("peaks", []) if sound else [],
            is_copy=Rendition.PROXY in done,
            proxy=proxy,
        )


def _small_renditions(asset: Asset) -> Any:
    recipes = ("poster", "strip", "waveform", Rendition.PROXY)
    return asset.renditions.filter(recipe__in=recipes).select_related("asset")


def facts(asset: Asset) -> str:
    """ "6:24 · 1080p · 25 fps", as far as it is known."""
    from webapp.templatetags.show import clock

    parts = []
    if asset.duration_s:
        parts.append(clock(asset.duration_s, 0))
    if asset.kind == Asset.Kind.IMAGE:
        parts.append(f"{asset.width} × {asset.height}")
    elif asset.height:
        parts.append(f"{min(asset.width, asset.height)}p")
    if rate := asset.probe.get("frame_rate"):
        parts.append(f"{'about ' if asset.probe.get('is_variable_rate') else ''}{rate:.3g} fps")
    return " · ".join(parts)


def state_of(asset: Asset, run: Run | None) -> str:
    """The one word that decides what the page shows around the player."""
    if asset.status != Status.DONE:
        return "asset-failed" if asset.status == Status.FAILED else "ingesting"
    if asset.kind == Asset.Kind.AUDIO:
        return "sound-only"
    return run.status if run else "no-run"


def for_scripts(asset: Asset, run: Run | None, media: Media) -> dict[str, Any]:
    """Everything the modules of the page need to know, for its JSON block."""
    return {
        "asset": asset.pk,
        "kind": asset.kind,
        "duration": asset.duration_s,
        "size": [asset.width, asset.height],
        "rate": asset.probe.get("frame_rate") or 25,
        "strip": media.strip,
        "peaks": media.peaks,
        "link": reverse("asset-link", args=[asset.pk]),
        "run": _run_for_scripts(run) if run else None,
    }


def _run_for_scripts(run: Run) -> dict[str, Any]:
    def url(name: str, *args: int) -> str:
        return reverse(name, args=[run.pk, *args])

    return {
        "id": run.pk,
        "over": run.is_over,
        "sampled": run.is_sampled,
        "labels": [
            {
                "id": label.pk,
                "name": label.name,
                "colour": label.colour,
                "threshold": label.threshold,
            }
            for label in labels_of(run)
        ],
        "others": [
            {"id": label.pk, "name": label.name, "colour": label.colour} for label in others(run)
        ],
        "segments": segments_json(run),
        "shots": shots_json(run),
        "urls": {
            "view": url("run-view"),
            "boxes": url("run-boxes", 0),
            "episodes": url("run-episodes"),
            "minutes": url("run-minutes"),
            "mentions": url("run-mentions"),
            "correct": url("run-correct"),
            "deny": url("mention-deny"),
            "undeny": reverse("mention-deny-undo", args=[0]),
            "picture": url("run-frame-picture"),
            "analysis": url("run-frame-analysis"),
            "notThis": url("run-not-this"),
            "why": url("run-why", 0),
            "judge": url("run-judge"),
        },
    }


def picture_tracks(asset: Asset) -> list[dict[str, Any]]:
    """The picture tracks of a file that has several, for a person to choose from."""
    tracks = asset.probe.get("pictures") or []
    return tracks if len(tracks) > 1 else []


def context(asset: Asset, run: Run | None, answers: Sequence[Answer]) -> dict[str, Any]:
    """For the header and the page alike."""
    return {
        "asset": asset,
        "run": run,
        **ways_context(answers, run),
        "state": state_of(asset, run),
        "facts": facts(asset),
        "sampling": sampling_words(run) if run and asset.kind == Asset.Kind.VIDEO else "",
        "runs": list(asset.runs.select_related("project")[:30]),
        "projects": offered(asset.workspace, asset.collection),
        "warnings": asset.probe.get("warnings") or [],
        "tracks": picture_tracks(asset),
    }
