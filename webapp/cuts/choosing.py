"""Which stretches of films go into a cut: chosen by hand, found by a search, or a brand's best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from analysis.cutting import Clip, Rules, Shown, Source, Span, clips_of, highlights, limited
from analysis.cutting.clips import LONGEST_TITLE
from webapp.accounts.models import Refused, Workspace
from webapp.assets.models import Asset
from webapp.cuts.cut import MOST_CLIPS, one_line
from webapp.cuts.sources import source_of, sources_of
from webapp.ids import is_id
from webapp.projects.models import Label
from webapp.runs.run import Run
from webapp.search.searching import search
from webapp.search.shown import shown
from webapp.timeline.choices import Choices
from webapp.timeline.exposure import Looked

SEARCH_MOST = 60  # moments of a search in a cut
SEARCH_RULES = Rules(handles_s=1.0, join_s=1.0, least_s=0.2)
MOST_FILMS = 60  # of a project in a reel, the newest


@dataclass(frozen=True, slots=True)
class Wish:
    """A stretch of an asset as an address or a form says it: ASSET:FROM:TO:TITLE."""

    asset: int
    span: Span

    @classmethod
    def read(cls, text: str) -> Wish:
        """Raises Refused."""
        asset, start, end, title = [*text.split(":", 3), "", "", ""][:4]
        try:
            times = float(start), float(end)
        except ValueError:
            raise Refused("A part of a film is given as its number, from and to.") from None
        if not is_id(asset) or not all(map(isfinite, times)):
            raise Refused("A part of a film is given as its number, from and to.")
        return cls(int(asset), Span(*times, one_line(title)[:LONGEST_TITLE]))


def clips_wished(workspace: Workspace, wishes: Sequence[Wish]) -> list[Clip]:
    """In the order given. Raises Refused for what cannot be cut, and where nothing is left."""
    if not wishes:
        raise Refused("Choose at least one part of a film first.")
    if len(wishes) > MOST_CLIPS:
        raise Refused(f"A cut has at most {MOST_CLIPS} clips; these are {len(wishes)}.")
    assets = Asset.objects.filter(workspace=workspace).in_bulk({wish.asset for wish in wishes})
    sources: dict[int, Source] = {}
    clips: list[Clip] = []
    for wish in wishes:
        asset = assets.get(wish.asset)
        if asset is None:
            raise Refused("One of these films is not there any more.")
        source = sources.get(asset.pk) or sources.setdefault(asset.pk, source_of(asset))
        clips += clips_of(source, [wish.span])
    if not clips:
        raise Refused("None of these parts lies within its film.")
    return clips


def clips_found(workspace: Workspace, query: str, most: int = SEARCH_MOST) -> list[Clip]:
    """What a search finds, the best first, with a second around it. Raises Refused."""
    found = search(workspace, query)
    if found.query.problem:
        raise Refused(found.query.problem)
    moments = shown(found, found.spans[:most])
    sources = sources_of(moment.asset for moment in moments)
    clips: list[Clip] = []
    for moment in moments:
        if moment.asset.pk not in sources:
            continue  # a picture, or a film that is not ready
        words = one_line("".join(part for part, _ in moment.parts))
        span = Span(moment.start_s, moment.end_s, words[:LONGEST_TITLE] or moment.asset.stem)
        for clip in clips_of(sources[moment.asset.pk], [span], SEARCH_RULES):
            if not any(_is_over(clip, other) for other in clips):
                clips.append(clip)
    if not clips:
        raise Refused("This search finds no part of a film.")
    return clips


def _is_over(one: Clip, other: Clip) -> bool:
    is_same = one.source.about == other.source.about
    return is_same and one.start_s < other.end_s and other.start_s < one.end_s


@dataclass(frozen=True, slots=True)
class ReelWish:
    """How a brand's reel is to be."""

    most_s: float = 60.0
    longest_s: float = 8.0
    handles_s: float = 0.5
    best_first: bool = False


def reel(label: Label, wish: ReelWish, run: Run | None = None) -> list[Clip]:
    """A brand's best exposures: of one analysis, or of the newest of each film of its project.

    Raises Refused where it was not seen.
    """
    runs = [run] if run is not None else _newest_runs(label)
    return best_of([one for each in runs for one in _exposures(each, label)], wish, label.name)


def best_of(seen: Sequence[Shown], wish: ReelWish, name: str) -> list[Clip]:
    """The best of a brand's exposures. Raises Refused where there is none."""
    rules = Rules(handles_s=wish.handles_s)
    clips = highlights(
        seen, wish.most_s, longest_s=wish.longest_s, rules=rules, best_first=wish.best_first
    )
    if not clips and seen:  # each is longer than all there is room for
        best = highlights(seen, 1e9, longest_s=wish.most_s, rules=Rules(), best_first=True)[:1]
        clips = limited(best, wish.most_s, least_s=0.0)
    if not clips:
        raise Refused(f"{name} was not seen long enough anywhere to be shown.")
    return clips


def _newest_runs(label: Label) -> Iterable[Run]:
    films = {"asset__kind": Asset.Kind.VIDEO, "asset__removed": None}
    rows = Run.objects.finished().filter(project=label.project_id, **films)
    newest: dict[int, Run] = {}
    for run in rows.select_related("asset", "project").order_by("-pk")[: 4 * MOST_FILMS]:
        newest.setdefault(run.asset_id, run)
    return list(newest.values())[:MOST_FILMS]


def _exposures(run: Run, label: Label) -> list[Shown]:
    if not run.duration_s:
        return []
    source = source_of(run.asset)
    return [
        Shown(
            source,
            episode.start_s,
            episode.end_s,
            episode.mean_size,
            episode.peak_confidence,
            label.name,
        )
        for brand in Looked.at(run, Choices()).exposure().brands
        if brand.label == label.pk
        for episode in brand.episodes
    ]
