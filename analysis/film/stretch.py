"""A stretch of film → results: decoded once, and everything found in that one pass.

What a worker calls for one segment. The decoder runs ahead in its own process while the
compiled network works on the frames before; clarity is measured while their pixels are at hand,
and tracks end at the cuts that the same pass found.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.boxes import overlap
from analysis.detectors import Detector, HasArtwork, HasNotThis
from analysis.detectors.fused import Fused
from analysis.errors import Stopped
from analysis.film.denied import weighed
from analysis.film.following import Follower, FollowingOptions
from analysis.film.schedule import SamplingOptions
from analysis.film.scouting import Scouted
from analysis.film.shots import find_shots
from analysis.film.tracking import TrackingOptions, track_all
from analysis.film.views import View
from analysis.media.clarity import clarity
from analysis.media.frames import CHANGE, KEPT, Frame, FrameReader
from analysis.media.guard import Limits
from analysis.novelty.keeping import Keeper, Kept
from analysis.types import Detection, FrameResult, Sample

PROGRESS_S = 0.5  # on_progress is called no more often than this
THUMBNAIL_SIDE = 160  # pixels, the longer one
MAX_THUMBNAILS = 400  # in one stretch; a longer one keeps every second, fourth … of them
_SAME_BOX = 0.3  # intersection over union from which a person and a detector saw one logo
_NEAR = 640  # a thumbnail is averaged down from this width

Watch = Callable[[Frame], object]  # whoever wants to see what is decoded anyhow


def unwatched(frame: Frame) -> None:
    """Nobody else wants to see it."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture of what was on screen. Its shape is that of the film at that moment."""

    time_s: float
    jpeg: bytes


@dataclass(frozen=True, slots=True, eq=False)
class StretchResult:
    """What was found in a stretch of film."""

    results: list[FrameResult]  # in time order, tracks numbered from 0
    changes: NDArray[np.void]  # (time_s, score) of every decoded frame: see FrameReader
    cuts: list[float]  # when a new shot begins, inside the stretch
    n_held: int  # samples that an earlier frame's result stands for
    n_missing: int  # samples whose frame could not be decoded
    problem: str | None  # sentences, when part of the film is damaged or the picture changes size
    seconds: float  # how long it took
    thumbnails: list[Thumbnail]
    kept: Kept | None = None  # regions, where a keeper was given


def analyse_stretch(
    path: Path | str,
    samples: NDArray[np.void],
    detectors: Detector | Sequence[Detector],
    *,
    sampling: SamplingOptions | None = None,
    span_s: tuple[float, float] | None = None,
    on_progress: Callable[[int], None] = lambda frames_done: None,
    should_stop: Callable[[], bool] = lambda: False,
    thumbnails_per_s: float = 2.0,
    tracking: TrackingOptions | None = None,
    limits: Limits | None = None,
    track: int | None = None,
    follow: bool = True,
    following: FollowingOptions | None = None,
    changes: NDArray[np.void] | None = None,
    told: Mapping[float, Sequence[Detection]] | None = None,
    scouted: Scouted | None = None,
    keeper: Keeper | None = None,
    watch: Watch = unwatched,
) -> StretchResult:
    """Find logos in the sampled frames of one stretch of a film.

    Args:
        samples: rows (time_s, start_s, end_s), dtype columns.FRAME, in time order.
        detectors: one or several; several are fused.
        sampling: the options that `samples` were made with. In its adaptive mode a frame that
            hardly differs from the last one analysed is not looked at: that one's dwell is
            lengthened over it.
        span_s: the stretch, from key frame to key frame; `changes` covers it. By default it goes
            from the first sample to the end of the last one's dwell.
        on_progress: called with the number of samples done, at most twice a second and at the end.
        should_stop: asked for every frame.
        thumbnails_per_s: how many small pictures to keep; 0 for none.
        track: the picture track of the file; by default the one that players show.
        follow: look with the detector at key samples, and follow what it finds to the others;
            else each sample is looked at as if there were no others.
        changes: those of an earlier pass over the stretch: then less need be decoded.
        told: what a person saw, by the time of a sample. It is followed like what is detected.
        scouted: what was seen in key frames before: those need not be samples, and in the shots
            that they cover nothing else is looked at.
        keeper: what chooses the regions that are kept, of the frames that are looked at.
        watch: is shown every frame that is decoded for the samples, in order.

    Raises UnreadableMedia, RefusedMedia; Stopped once `should_stop()` is true.
    """
    began = time.monotonic()
    sampling, span_s = sampling or SamplingOptions(), span_s or _span(samples)
    looks = _Pass(
        _one(detectors),
        _Thumbnails(thumbnails_per_s),
        _Progress(on_progress),
        should_stop,
        keeper,
        watch,
    )
    scouted_s = _around(samples["time_s"], scouted)
    with FrameReader(
        path,
        np.union1d(samples["time_s"], scouted_s) if len(scouted_s) else samples["time_s"],
        limits=limits,
        should_stop=should_stop,
        span_s=None if scouted else span_s,
        hold_below=sampling.change if sampling.mode == "adaptive" else None,
        keys_only=sampling.mode == "key",
        track=track,
        spare=changes is not None,
    ) as reader:
        if follow:
            found = looks.follow(reader, following, told or {}, scouted)
        else:
            found = looks.at_each(reader)
    changes = reader.changes if changes is None else changes
    cuts = cuts_of(changes, span_s)
    n_held = sum(map(len, reader.held.values()))
    looks.progress.finish(len(found) + n_held)
    results = track_all(_results(samples, found, reader.held), cuts, tracking)
    return StretchResult(
        results=results,
        changes=changes,
        cuts=cuts,
        n_held=n_held,
        n_missing=reader.n_missing,
        problem=" ".join(filter(None, [reader.problem, _said_of_sizes(reader.sizes)])) or None,
        seconds=time.monotonic() - began,
        thumbnails=looks.thumbnails.kept,
        kept=keeper.finish(results) if keeper else None,
    )


def analyse_picture(
    path: Path | str,
    detectors: Detector | Sequence[Detector],
    *,
    limits: Limits | None = None,
    keeper: Keeper | None = None,
    watch: Watch = unwatched,
) -> FrameResult:
    """Find logos in a picture. Its sample is at 0 s and lasts no time.

    Raises UnreadableMedia, RefusedMedia.
    """
    frame = Frame.from_file(path, limits=limits)
    frame.is_key = True
    watch(frame)
    detector = _one(detectors)
    [detections] = detector.detect([frame])
    found = with_clarity(frame, weighed(detector, frame, detections))
    if keeper:
        keeper.see(frame, found)
    return FrameResult(Sample(0.0, 0.0, 0.0), found)


def picture_result(
    path: Path | str,
    detectors: Detector | Sequence[Detector],
    *,
    keeper: Keeper | None = None,
    watch: Watch = unwatched,
) -> StretchResult:
    """`analyse_picture` in the shape of a stretch with one result, without thumbnails."""
    began = time.monotonic()
    result = analyse_picture(path, detectors, keeper=keeper, watch=watch)
    return StretchResult(
        results=[result],
        changes=np.empty(0, CHANGE),
        cuts=[],
        n_held=0,
        n_missing=0,
        problem=None,
        seconds=time.monotonic() - began,
        thumbnails=[],
        kept=keeper.finish([result]) if keeper else None,
    )


def cuts_of(changes: NDArray[np.void], span_s: tuple[float, float]) -> list[float]:
    """When new shots begin inside a stretch, without its own beginning.

    changes: rows (time_s, score) of its frames: see `FrameReader`.
    """
    if not len(changes):
        return []
    return [shot.start_s for shot in find_shots(changes, span_s[1])[1:]]


def with_clarity(frame: Frame, detections: Sequence[Detection]) -> list[Detection]:
    """The same detections, each with the clarity of its pixels in the frame."""
    if not detections:
        return []
    luma = frame.luma
    return [replace(d, clarity=clarity(luma, d.box)) for d in detections]


def with_told(detections: Sequence[Detection], told: Sequence[Detection]) -> list[Detection]:
    """What a person saw, then what was detected elsewhere."""

    def is_told(d: Detection) -> bool:
        return any(t.label == d.label and overlap(t.box, d.box) > _SAME_BOX for t in told)

    return [*told, *(d for d in detections if not is_told(d))]


def _one(detectors: Detector | Sequence[Detector]) -> Detector:
    if isinstance(detectors, Sequence):
        return detectors[0] if len(detectors) == 1 else Fused(detectors)
    return detectors


@dataclass(frozen=True, slots=True)
class _Pass:
    """What looks at the frames of a stretch as they come by, once."""

    detector: Detector
    thumbnails: _Thumbnails
    progress: _Progress
    should_stop: Callable[[], bool]
    keeper: Keeper | None
    watch: Watch

    def at_each(self, reader: FrameReader) -> list[tuple[float, list[Detection]]]:
        """The time of each frame and what the detector found in it, which reads ahead."""
        waiting: deque[Frame] = deque()

        def frames() -> Iterator[Frame]:
            for frame in reader:
                waiting.append(frame)
                if len(waiting) > KEPT:  # the decoder is about to write over it
                    waiting[-1 - KEPT] = waiting[-1 - KEPT].copy()
                self._comes_by(frame)
                yield frame

        found: list[tuple[float, list[Detection]]] = []
        for detections in self.detector.detect(frames()):
            frame = waiting.popleft()
            detections = weighed(self.detector, frame, detections)
            found.append((frame.time_s, self._seen(frame, detections)))
            self._tell(len(found), reader)
        return found

    def follow(
        self,
        reader: FrameReader,
        options: FollowingOptions | None,
        told: Mapping[float, Sequence[Detection]],
        scouted: Scouted | None = None,
    ) -> list[tuple[float, list[Detection]]]:
        """The same, where the detector looks at key frames and the others are followed to."""
        follower = Follower(options, *_known_by(self.detector))
        times: list[float] = []
        waiting: deque[tuple[int, Frame, Sequence[Detection] | None]] = deque()

        def take_in(number: int, frame: Frame, detections: Sequence[Detection]) -> None:
            found = with_told(detections, told.get(frame.time_s, ()))
            follower.find(number, self._seen(frame, found))

        def take_in_what_is_known() -> None:
            while waiting and waiting[0][2] is not None:
                number, frame, known = waiting.popleft()
                take_in(number, frame, known or ())

        def key_frames() -> Iterator[Frame]:
            for frame in reader:
                self._comes_by(frame)
                number, time_s = len(times), frame.time_s
                times.append(time_s)
                look = follower.see(View(frame))
                if scouted and scouted.covers(time_s):
                    if time_s in scouted.found or time_s in told:
                        waiting.append((number, frame.copy(), scouted.found.get(time_s, ())))
                        take_in_what_is_known()
                elif look or time_s in told:
                    key = frame.copy()
                    if look and time_s not in told:
                        key.is_key, key.where = look.is_close, look.parts
                    else:
                        key.is_key = True
                    waiting.append((number, key, None))
                    yield key
                self._tell(len(times), reader)

        for detections in self.detector.detect(key_frames()):
            number, frame, _ = waiting.popleft()
            take_in(number, frame, detections)
            take_in_what_is_known()
        follower.finish()
        return [(time_s, follower.boxes(number)) for number, time_s in enumerate(times)]

    def _comes_by(self, frame: Frame) -> None:
        self.thumbnails.see(frame)
        self.watch(frame)

    def _seen(self, frame: Frame, detections: Sequence[Detection]) -> list[Detection]:
        found = with_clarity(frame, detections)
        if self.keeper:
            self.keeper.see(frame, found)
        return found

    def _tell(self, frames_done: int, reader: FrameReader) -> None:
        if self.should_stop():
            raise Stopped
        self.progress.tell(frames_done + sum(map(len, reader.held.values())))


def _known_by(detector: Detector) -> tuple[Callable[[str], Sequence[NDArray[np.uint8]]], ...]:
    """What gives the pictures of a label, and those of what is not it."""
    return (
        detector.artwork if isinstance(detector, HasArtwork) else lambda label: (),
        detector.not_this if isinstance(detector, HasNotThis) else lambda label: (),
    )


def _around(times_s: NDArray[np.float64], scouted: Scouted | None) -> NDArray[np.float64]:
    """When frames were scouted in the shots that have samples."""
    found = np.array(sorted(scouted.found if scouted else ()), float)
    has_samples = [
        span for span in (scouted.shots if scouted else ()) if len(_inside(times_s, span))
    ]
    return np.concatenate([np.empty(0), *(_inside(found, span) for span in has_samples)])


def _inside(times_s: NDArray[np.float64], span_s: tuple[float, float]) -> NDArray[np.float64]:
    return times_s[(times_s >= span_s[0]) & (times_s < span_s[1])]


def _results(
    samples: NDArray[np.void],
    found: Sequence[tuple[float, list[Detection]]],
    held: dict[float, list[int]],
) -> list[FrameResult]:
    """Detections with their samples; a sample that others were held for ends where they end."""
    rows = {time_s: (start_s, end_s) for time_s, start_s, end_s in samples.tolist()}
    results = []
    for time_s, detections in found:
        if time_s not in rows:  # a key frame between two samples
            continue
        start_s, end_s = rows[time_s]
        also = held.get(time_s, [])
        if also:
            end_s = max(end_s, float(samples["end_s"][also].max()))
        results.append(FrameResult(Sample(time_s, start_s, end_s), detections, len(also)))
    return results


def _said_of_sizes(sizes: Sequence[tuple[float, int, int]]) -> str:
    if len(sizes) < 2:
        return ""
    time_s, width, height = sizes[1]
    now, before = f"{width}×{height}", f"{sizes[0][1]}×{sizes[0][2]}"
    more = f", and {len(sizes) - 2} more times" if len(sizes) > 2 else ""
    return (
        f"The picture changes its size after {time_s:,.1f} s, from {before} to {now}{more}; "
        "each frame was analysed in its own."
    )


def _span(samples: NDArray[np.void]) -> tuple[float, float]:
    if not len(samples):
        return 0.0, 0.0
    return float(samples["time_s"][0]), float(samples["end_s"][-1])


class _Progress:
    """Passes the number of samples on, at most every PROGRESS_S."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._next = time.monotonic() + PROGRESS_S

    def tell(self, frames_done: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + PROGRESS_S
            self._tell(frames_done)

    def finish(self, frames_done: int) -> None:
        self._tell(frames_done)


class _Thumbnails:
    """Keeps a small picture of some of the frames that come by."""

    def __init__(self, per_s: float) -> None:
        self.kept: list[Thumbnail] = []
        self._step_s = 1 / per_s if per_s > 0 else 0.0
        self._last: int | None = None  # the step that a picture was kept for

    def see(self, frame: Frame) -> None:
        if not self._step_s:
            return
        step = math.floor((frame.time_s + 1e-6) / self._step_s)
        if step == self._last:
            return
        self._last = step
        self.kept.append(Thumbnail(frame.time_s, _small_jpeg(frame)))
        if len(self.kept) > MAX_THUMBNAILS:
            self.kept = self.kept[::2]
            self._step_s *= 2
            self._last = step // 2


def _small_jpeg(frame: Frame) -> bytes:
    """The frame with a longer side of THUMBNAIL_SIDE: quickly brought near, then averaged."""
    longer = max(frame.width, frame.height)
    near = min(_NEAR / longer, 1.0)
    size = [max(round(side * near / 2) * 2, 2) for side in (frame.width, frame.height)]
    tile = [max(round(side * THUMBNAIL_SIDE / longer), 1) for side in (frame.width, frame.height)]
    near_image = frame.bgr((size[0], size[1]))
    small = cv2.resize(near_image, (tile[0], tile[1]), interpolation=cv2.INTER_AREA)
    done, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert done
    return jpeg.tobytes()
