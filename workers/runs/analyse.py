"""A run, piece by piece: plan it, analyse its segments, finish it.

Every doorbell does one piece, the most urgent there is, and rings for the next. The pieces are
rows, so any number of workers share a run, and one that dies costs at most the segment it was on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError, connection

from analysis.errors import AnalysisError
from analysis.film.schedule import SamplingOptions, samples, stretches
from analysis.film.stretch import (
    StretchResult,
    Watch,
    analyse_stretch,
    picture_result,
    unwatched,
)
from analysis.media.thumbnails import sprite
from analysis.novelty.keeping import Keeper
from webapp.assets.models import Asset
from webapp.celery import app
from webapp.runs.run import Run, RunQuerySet
from webapp.runs.segments import Segment, SegmentQuerySet
from webapp.runs.workers import Worker
from workers.encodings import passing
from workers.engine import bells
from workers.engine.heartbeat import Heartbeat
from workers.engine.identity import this_worker
from workers.engine.originals import full_disk_is_said, keep, local_path
from workers.engine.piece import DEFECT, carry_out
from workers.runs import again, finish, hosting, loaded, regions, store
from workers.runs.frame_tables import frame_table, track_of
from workers.runs.stint import LASTS_S, Stint

log = logging.getLogger("sightline.analyse")

TRIES = 3
SHORTEST_SEGMENT_S = 5.0  # costs a sixth more than one piece; 2 s cost half as much again and more


@app.task(name="work")
def work(*, of: str = "") -> None:
    """Do the most urgent piece of work there is, then ring for the next.

    What is analysed is finished first. Runs are planned only as far ahead as there are workers.
    """
    if of == "soon":
        _work_soon()
        return
    loaded_one = hosting.load_what_is_waited_for()
    did = finish_next() or (_should_plan() and plan_next())
    did = did or analyse_next(for_s=LASTS_S) or plan_next()
    if of and (did or loaded_one):
        bells.ring_on(of)
    elif of:
        bells.turn_to_another(of, found_none="work")


def _work_soon() -> None:
    """The same, of what somebody waits for and nothing else."""
    soon = Run.living.soon()
    if finish_next(soon) or plan_next(soon) or analyse_next(Segment.objects.soon()):
        bells.ring_on("soon")
    else:
        bells.turn_to_another("soon", found_none="work")


def _should_plan() -> bool:
    """Whether to plan a run before a segment is analysed.

    Planned runs are what everybody looks through, so there are no more than workers need; but what
    is more urgent than all that is open does not wait for it.
    """
    next_ = Run.living.waiting_for(Run.Stage.PLAN).values_list("priority", flat=True).first()
    if next_ is None:
        return False
    enough = max(Worker.objects.serving("analysis").count(), 1)
    open_ = Segment.objects.open().order_by("-priority").values_list("priority", flat=True)
    ahead = list(open_[:enough])
    return len(ahead) < enough or next_ > ahead[0]


def plan_next(runs: RunQuerySet | None = None) -> bool:
    """Plan the most urgent run, of these or of all. False: there is none."""
    run = (Run.living.all() if runs is None else runs).claim_stage(Run.Stage.PLAN, this_worker())
    if run is None:
        return False
    _whole(run, plan, step="planning")
    return True


def finish_next(runs: RunQuerySet | None = None) -> bool:
    """Finish the most urgent run that is analysed, of these or of all. False: there is none."""
    run = (Run.living.all() if runs is None else runs).claim_stage(Run.Stage.FINISH, this_worker())
    if run is None:
        return False
    _whole(run, finish.finish, step="finishing")
    return True


def _whole(run: Run, do: Callable[[Run], None], *, step: str) -> None:
    """Do a step of a run; say what went wrong when it does."""
    what = f"{step} {run}"  # now: while the database is away it could not be looked up
    bells.busy(what)
    try:
        with Heartbeat(run), full_disk_is_said():
            do(run)
    except (OperationalError, InterfaceError) as error:  # its lease runs out; it is done again
        log.warning("The database went away during %s: %s", what, error)
        connection.close()
    except AnalysisError as error:
        run.fail(error.message, step=step, can_retry=not error.permanent)
    except Exception:
        run.fail(DEFECT, step=step, can_retry=True)
        log.exception("%s failed", what)
    finally:
        bells.busy("")


# --- planning -----------------------------------------------------------------------------


def plan(run: Run) -> None:
    """Cut the run into segments on key frames and count the frames of each."""
    if run.again:
        again.plan(run)
        return
    if run.asset.kind == Asset.Kind.IMAGE:
        run.plan([Segment(run=run, index=0, start_s=0, end_s=0, frames_total=1)], **_still(run))
        return
    table = frame_table(run)
    times = samples(table, _sampling(run))["time_s"]
    segments: list[Segment] = []
    for start_s, end_s in stretches(table, _segment_s(table.end_s)):
        n_frames = int(((times >= start_s) & (times < end_s)).sum())
        if n_frames:
            index = len(segments)
            segments.append(
                Segment(run=run, index=index, start_s=start_s, end_s=end_s, frames_total=n_frames)
            )
    if not segments:
        raise AnalysisError(f"{run.asset.name} has no frame that could be analysed.")
    run.plan(segments, duration_s=table.end_s, notes=_notes(run.asset, track_of(run)))


def _segment_s(duration_s: float) -> float:
    """How long a segment is to be: a tenth of a short film, so that something is seen soon.

    Shorter ones cost more than they tell: each opens the film anew. What is found is the same.
    """
    return min(settings.SEGMENT_SECONDS, max(SHORTEST_SEGMENT_S, duration_s / 10))


def _still(run: Run) -> dict[str, Any]:
    return {"duration_s": 0.0, "notes": _notes(run.asset)}


def _notes(asset: Asset, track: int | None = None) -> list[str]:
    """What was odd about the file is beside every figure that is drawn from it."""
    odd = list(asset.probe.get("warnings", []))
    if track is None:
        return odd
    return [f"Picture track {track} was looked at; the player shows another.", *odd]


def _sampling(run: Run) -> SamplingOptions:
    return SamplingOptions(
        mode=run.options["mode"],
        interval_s=run.options["interval_s"],
        change=run.options["change"],
    )


# --- one segment --------------------------------------------------------------------------


def analyse_next(segments: SegmentQuerySet | None = None, *, for_s: float = 0.0) -> bool:
    """Analyse the most urgent segment, of these or of all, and for so long those of its run that
    come next. False: there is none."""
    some = Segment.objects.all() if segments is None else segments
    ends = time.monotonic() + for_s
    segment = some.claim_next(this_worker())
    if segment is None:
        return False
    while segment is not None:
        stint = Stint(ends)
        carry_out(segment, partial(analyse, stint=stint), tries=TRIES)
        segment = stint.following
    return True


def analyse(segment: Segment, beat: Heartbeat, stint: Stint) -> None:
    """Find the logos of one segment and store them, with its finish."""
    run = segment.run
    if run.again:
        again.analyse(segment, beat, stint)
        return
    watcher = passing.watcher(run)
    result = _look(run, segment, beat, watcher or unwatched)
    sprite = _keep_sprite(segment, result)
    sheet = regions.keep_sheet(segment, result.kept)
    encoded = passing.keep(segment, watcher)
    goes_on = stint.goes_on()
    stored = store.segment(
        segment, result, sprite=sprite, sheet=sheet, encoded=encoded, goes_on=goes_on
    )
    stint.following = stored.following
    if stored.kept:
        run.all_analysed()
    elif not Segment.objects.filter(pk=segment.pk).exists():  # the asset was deleted meanwhile
        for name in filter(None, (sprite[0], sheet.name, encoded.file if encoded else "")):
            default_storage.delete(name)


def _look(run: Run, segment: Segment, beat: Heartbeat, watch: Watch) -> StretchResult:
    """Run the detectors over the segment's frames."""
    detector = loaded.detector(run.inputs, run.options, should_stop=beat.should_stop)
    path = local_path(run.asset.file)
    started = time.monotonic()

    def on_progress(frames_done: int) -> None:
        beat.note(frames_done=frames_done, busy_s=time.monotonic() - started)

    if run.asset.kind == Asset.Kind.IMAGE:
        return picture_result(path, detector, keeper=Keeper(), watch=watch)
    chosen = samples(frame_table(run), _sampling(run))
    inside = (chosen["time_s"] >= segment.start_s) & (chosen["time_s"] < segment.end_s)
    return analyse_stretch(
        path,
        chosen[inside],
        detector,
        sampling=_sampling(run),
        span_s=(segment.start_s, segment.end_s),
        on_progress=on_progress,
        should_stop=beat.should_stop,
        track=track_of(run),
        follow=run.options.get("follow", False),  # as it was before runs said so
        keeper=Keeper(),
        watch=watch,
    )


def _keep_sprite(segment: Segment, result: StretchResult) -> tuple[str, dict[str, Any]]:
    """Store the segment's thumbnails as one sheet; its name and what is on it."""
    if not result.thumbnails:
        return "", {}
    tiles: list[Any] = [cv2.imdecode(np.frombuffer(t.jpeg, np.uint8), 1) for t in result.thumbnails]
    sheet, columns = sprite(tiles)
    height, width = tiles[0].shape[:2]
    times = [t.time_s for t in result.thumbnails]
    name = keep(f"runs/{segment.run_id}/{segment.index:05}.jpg", sheet)
    return name, {"times": times, "tile": [width, height], "columns": columns}
