"""Logos followed through time: what is sure in one frame is looked for in its neighbours.

A detector looks at key samples only, closely at about one in two dozen, and briefly where
the picture changes. What it finds is followed to the samples between, forwards and backwards, by
its own pixels (`patches`), from where the camera's motion puts it (`views`), until something
disproves it: a cut, another picture at that place, the edge of the frame, or somebody who covers
more of it than may be covered. So a logo that the detector knows in one frame of a bad recording
is counted in all frames that show it, and its first and last moment are those of its pixels, not
of a detector's luck. Nothing is decoded twice: the last half minute of views is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from analysis.boxes import overlap
from analysis.film import patches
from analysis.film.denied import corners_of
from analysis.film.patches import Fit, Patch
from analysis.film.registration import Artwork, Pixels, Seen, artworks_of
from analysis.film.resemblance import DENIED, Likeness, confidence, is_rather, resemblance
from analysis.film.views import Map, View, camera_motion
from analysis.media.clarity import clarity
from analysis.types import Box, Detection, Known

_BEST = 0.4  # share of the looks at a logo by which a detector without pictures is believed
_OUTDONE, _SURER = 0.4, 0.1  # what is left of a confidence, where another's is so much higher
_BACK = 8  # pixels of a canvas: how far a detector's box may be off
_LIES = 0.95  # correlation from which it lies just where it was expected
_ENOUGH, _SOME = 20, 4  # samples of a logo, from which one in so many is added to their mean
_ASTRAY = 0.3  # of its shorter side: what is further from where it was expected is not quite there
_INSIDE, _MUCH_MORE = 0.85, 1.5  # of a box: it is part of another, which is so much larger
_SURE = 0.5  # confidence
_CLEAR = 0.8  # share of its detail from which no better place is looked for
_ANOTHER = 3.0  # a logo is not so many times as large as itself, though a part of it be hidden
_THERE = 0.3  # shared: two boxes are of one logo
_AFAR = 1.5, 64  # of its longer side, and pixels of a canvas: how far what is gone may have moved


class Look(NamedTuple):
    """How a detector should look at a sample."""

    is_close: bool
    parts: tuple[Box, ...] = ()  # where; empty: everywhere


_CLOSE = Look(is_close=True)


@dataclass(frozen=True, slots=True)
class FollowingOptions:
    """How far a logo is followed, and how sure that has to be."""

    key_s: float = 4.8  # a detector looks closely at least this often,
    sudden: float = 0.1  # and at once when the picture changes this much, 0 to 1,
    unrest_s: float = 0.5  # but while it goes on changing, so far apart, and when it rests;
    soon_s: float = 0.8  # it looks briefly this long after a look …
    changed: float = 0.08  # … since which some part of the picture has changed this much,
    sparse_s: float = 0.45  # and at all samples so far apart: half a second, less a frame
    floor: float = 0.15  # what is less sure is left in its own frame,
    unlike: float = 0.05  # and so is what its pictures contradict so much, of a confidence
    at_most: int = 24  # logos followed at once; the surest
    shown: float = 0.5  # share of its detail that has to be there
    alike: float = 0.4  # and how alike it has to be in all, -1 to 1
    surely: float = 0.65  # both, where it comes back or is not quite where it was expected
    lost_s: float = 1.0  # it is looked for this long once it is out of sight
    blurred_s: float = 0.5  # a gap no longer than this is a blur, if something like it is there
    blurred: float = 0.2  # how alike
    kept_bytes: int = 160_000_000  # of views: how far back a logo can be followed


@dataclass(frozen=True, slots=True)
class _Spot:
    """A logo in one sample."""

    box: Box
    known: Known
    clarity: float
    fit: Fit


@dataclass(slots=True, eq=False)
class _Where:
    """Where a logo is while it is followed in one direction."""

    place: Map
    at: int  # the sample in which it was last there
    canvas: patches.Floats | None = None  # its pixels then
    drift: tuple[float, float] = (0.0, 0.0)  # its own motion in a sample, pixels of the view
    missed: list[tuple[int, Map, Fit]] = field(default_factory=list)  # since then


@dataclass(slots=True, eq=False)
class Followed:
    """One logo through time."""

    label: str
    patch: Patch
    where: _Where
    first: Detection
    spots: dict[int, _Spot] = field(default_factory=dict)
    seen: dict[int, Detection] = field(default_factory=dict)  # by the detector, by sample
    looked: int = 0  # key samples in which it is
    ratio: float = 1.0  # clarity at full size, to that in a view
    is_over: bool = False
    pixels: Seen | None = None  # the mean of all samples it was seen in
    alike: list[Likeness] = field(default_factory=list)  # with each picture of its label …
    compared: int = 0  # … when it had been seen in so many samples
    confidence: float = 0.0  # of all of it, once it is judged

    def add(self, sample: int, view: View, place: Map) -> None:
        """Its pixels in one more sample; once there are many, of some."""
        if self.pixels is None:
            self.pixels = Seen(self.patch.size, place)
        if self.pixels.n < _ENOUGH or sample % _SOME == 0:
            self.pixels.add(view, place)

    def judge(
        self,
        artworks: Sequence[Artwork],
        pictures: Sequence[Pixels] = (),
        not_this: Sequence[Pixels] = (),
    ) -> None:
        """How sure it is that this is the logo that the pictures show, as if it were alone.

        A detector that knows no pictures has only its word: what it sees once in six looks is
        less sure than what it sees each time. Pictures can only speak for what a network found,
        which may know the logo in ways that they do not show. But what rather shows a picture of
        which a person said that it is not the logo is hardly believed, whoever found it;
        and what a person saw is not doubted.
        """
        if any(d.source == "person" for d in self.seen.values()):
            self.confidence = 1.0
            return
        alike = self._resemblance(artworks)
        if not alike:
            self.confidence = self._word()
        else:
            self.confidence = confidence(max(d.confidence for d in self.seen.values()), alike)
            if self.first.source != "reference":
                self.confidence = max(self.confidence, self._word())
        if self.pixels and not_this:
            canvas = self.pixels.boxed(self.patch.size)
            if is_rather(not_this, pictures, canvas):
                self.confidence *= DENIED

    def _resemblance(self, artworks: Sequence[Artwork]) -> list[Likeness]:
        """With each picture; most of what is found is given up at once, and compared only then."""
        if self.pixels is None:
            return []
        if self.compared != self.pixels.n:
            self.alike, self.compared = resemblance(artworks, self.pixels), self.pixels.n
        return self.alike

    def _word(self) -> float:
        """The mean of the surest two fifths of the looks at it."""
        words = sorted((d.confidence for d in self.seen.values()), reverse=True)
        n = math.ceil(_BEST * max(self.looked, len(words)))
        return sum(words[:n]) / n

    def is_outdone_by(self, other: Followed) -> bool:
        """Whether another label is clearly surer of these pixels, for most of the time.

        Two labels may share a picture, and one logo may be part of another: such are as sure as
        each other, or not of one size.
        """
        if other.label == self.label or other.confidence < self.confidence + _SURER:
            return False
        both = self.spots.keys() & other.spots.keys()
        same = sum(overlap(self.spots[n].box, other.spots[n].box) > 0.4 for n in both)
        return same > 0.5 * len(self.spots)


class Follower:
    """Follows what a detector finds. Views come in time order, detections for some of them.

    `see` each view; `find` with what the detector found in a key view, in order; then `boxes`.
    """

    def __init__(
        self,
        options: FollowingOptions | None = None,
        artwork: Callable[[str], Sequence[Pixels]] = lambda label: (),
        not_this: Callable[[str], Sequence[Pixels]] = lambda label: (),
    ) -> None:
        self.options = options or FollowingOptions()
        self._artwork, self._not_this = artwork, not_this
        self._artworks: dict[str, list[Artwork]] = {}
        self.tracks: list[Followed] = []
        self._views: dict[int, View] = {}
        self._motions: dict[int, Map | None] = {}  # from a view to the next
        self._loose: dict[int, list[Detection]] = {}
        self._n = 0
        self._keys: list[int] = []  # that a detector has looked at
        self._done = 0  # samples that every logo was followed through
        self._bytes = 0
        self._looked: Pixels | None = None  # what was seen where it was looked at last, small
        self._last_look_s = self._last_close_s = 0.0
        self._is_owed = False  # a look at what suddenly changed, once it rests

    # --- what comes in ----------------------------------------------------------------------

    def see(self, view: View) -> Look | None:
        """Take the next sample in. How a detector should look at it, if it should."""
        before = self._views.get(self._n - 1)
        self._views[self._n] = view
        self._n += 1
        self._bytes += view.n_bytes
        look = _CLOSE if before is None else self._look_at(view, before)
        if look is None:
            return None
        self._last_look_s = view.time_s
        if look.is_close:
            self._last_close_s = view.time_s
        if look.parts and self._looked is not None:
            for part in look.parts:
                self._looked[view.cells(part)] = view.small[view.cells(part)]
        else:
            self._looked = view.small.copy()
        return look

    def _look_at(self, view: View, before: View) -> Look | None:
        asked = self.options
        since_s = view.time_s - self._last_close_s + 1e-3
        is_sudden = view.difference(before) > asked.sudden
        if is_sudden and since_s < asked.unrest_s:
            self._is_owed = True
            return None
        if (
            is_sudden
            or self._is_owed
            or self._looked is None
            or not view.is_as_large_as(before)
            or since_s > asked.key_s
        ):
            self._is_owed = False
            return _CLOSE
        if view.time_s - before.time_s + 1e-3 > asked.sparse_s:
            return Look(is_close=False)
        if view.time_s - self._last_look_s + 1e-3 > asked.soon_s:
            parts = view.stirred(self._looked, asked.changed)
            return Look(is_close=False, parts=parts) if parts else None
        return None

    def find(self, sample: int, detections: Sequence[Detection]) -> None:
        """Take in what the detector found in key sample number `sample`, with its clarity."""
        self._follow_to(sample)
        free = sorted(detections, key=lambda d: -d.confidence)
        self._keys.append(sample)
        free = self._recognise(sample, free)
        for detection in free:
            self._begin(sample, detection)
        self._forget_views()

    def finish(self) -> None:
        """Follow what is left to the last sample, and judge all of it."""
        self._follow_to(self._n - 1)
        for track in self.tracks:
            track.looked = sum(key in track.spots for key in self._keys)
            label = track.label
            track.judge(self._prepared(label), self._artwork(label), self._not_this(label))
        outdone = [t for t in self.tracks if any(map(t.is_outdone_by, self.tracks))]
        for track in outdone:
            track.confidence *= _OUTDONE

    def boxes(self, sample: int) -> list[Detection]:
        """What is known of a sample once all is done, surest first."""
        found = list(self._loose.get(sample, ()))
        for track in self.tracks:
            if (spot := track.spots.get(sample)) is None:
                continue
            first = track.seen.get(sample, track.first)
            found.append(
                replace(
                    first,
                    box=spot.box,
                    confidence=track.confidence,
                    clarity=spot.clarity,
                    known=spot.known,
                )
            )
        return sorted(found, key=lambda d: -d.confidence)

    # --- forwards -----------------------------------------------------------------------------

    def _follow_to(self, sample: int) -> None:
        for now in range(self._done, sample + 1):
            if now and not self._views[now].is_as_large_as(self._views[now - 1]):
                for track in self.tracks:
                    track.is_over = True
            for track in self.tracks:
                if not track.is_over and track.where.at < now:
                    self._step(track, track.where, now - 1, now)
            self._end_the_lost(now)
        self._done = max(self._done, sample + 1)

    def _end_the_lost(self, now: int) -> None:
        for track in self.tracks:
            if not track.is_over and self._is_lost(track.where, now):
                track.is_over = True

    def _is_lost(self, where: _Where, now: int) -> bool:
        if where.at == now or where.at not in self._views:
            return where.at != now
        out_s = abs(self._views[now].time_s - self._views[where.at].time_s)
        return out_s > self.options.lost_s and len(where.missed) > 1

    # --- what the detector says ---------------------------------------------------------------

    def _recognise(self, sample: int, detections: Sequence[Detection]) -> list[Detection]:
        """Give each track its detection; what no track is at is left."""
        left = []
        for detection in detections:
            if part := self._part_of(sample, detection):
                self._widen(part, sample, detection)
                continue
            track = self._track_at(sample, detection)
            if track is None:
                left.append(detection)
            elif sample not in track.seen:
                track.seen[sample] = detection
                if sample in track.spots:
                    self._confirm(track, sample, detection)
                else:
                    self._resume(track, sample, detection)
        return left

    def _track_at(self, sample: int, detection: Detection) -> Followed | None:
        """The track of the same label that is at this place, or should be and looks like this."""
        best, best_shared = None, 0.25
        for track in self.tracks:
            if track.is_over or track.label != detection.label:
                continue
            spot = track.spots.get(sample)
            box = spot.box if spot else self._expected(track)
            shared = _shared(box, detection.box)
            if shared > best_shared and (spot or self._is_back(track, detection)):
                best, best_shared = track, shared
        return best

    def _is_back(self, track: Followed, detection: Detection) -> bool:
        """Whether what the detector sees now has the pixels of a track that was out of sight.

        Else another thing at its place, after a cut, would have all of its certainty.
        """
        view, patch = self._views[self._done - 1], track.patch
        place = patches.place_of(corners_of(detection, view), patch.size)
        place = patches.search(patch, view, place, _BACK)
        place, canvas = patches.refine(patch, view, place)
        return self._is_there(self._fit(patch, view, place, canvas))

    def _expected(self, track: Followed) -> Box:
        where = track.where
        place = where.missed[-1][1] if where.missed else where.place
        return self._box(place, track.patch, self._views[self._done - 1])

    def _part_of(self, sample: int, detection: Detection) -> Followed | None:
        """The track that follows a part of what a detector sees now, surer than ever.

        Something hid the rest when it was first seen. A box around two boards is neither of them,
        and what was doubtful and far smaller was something else.
        """
        inside = [
            (track, track.spots[sample].box)
            for track in self.tracks
            if not track.is_over
            and track.label == detection.label
            and sample in track.spots
            and _within(track.spots[sample].box, detection.box) > _INSIDE
        ]
        if len(inside) != 1:
            return None
        [(track, box)] = inside
        before = max(seen.confidence for seen in track.seen.values())
        is_surer = sample not in track.seen and detection.confidence >= before
        times_as_large = detection.box.area / max(box.area, 1e-12)
        most = _ANOTHER if before < _SURE else math.inf
        return track if is_surer and _MUCH_MORE < times_as_large <= most else None

    def _widen(self, track: Followed, sample: int, detection: Detection) -> None:
        """All of it is followed from here, and backwards as far as all of it fits."""
        track.seen[sample] = detection
        patch, where = self._at(sample, detection)
        if patch.is_plain:
            self._confirm(track, sample, detection)
            return
        part, track.spots = track.spots, {}
        track.patch, track.where, track.pixels = patch, where, None
        self._mark(track, sample, detection)
        self._backwards(track, sample)
        track.spots = part | track.spots

    def _confirm(self, track: Followed, sample: int, detection: Detection) -> None:
        """It is where it was followed to: its pixels of now are what it is known by."""
        spot = track.spots[sample]
        box = detection.box if detection.source == "person" else spot.box
        clear = detection.clarity or 0.0
        track.spots[sample] = replace(spot, box=box, known="detected", clarity=clear)
        self._note_clarity(track, sample, detection)
        if spot.fit.shown > 0.8 and overlap(spot.box, detection.box) > 0.5:
            fresh = patches.patch_at(self._views[sample], track.where.place, track.patch.size)
            if not fresh.is_plain:
                track.patch = fresh

    def _resume(self, track: Followed, sample: int, detection: Detection) -> None:
        """It was out of sight and is seen again: from here backwards to where it came back."""
        self._anchor(track, sample, detection)
        self._backwards(track, sample)

    def _begin(self, sample: int, detection: Detection) -> None:
        open_ = sum(not track.is_over for track in self.tracks)
        if detection.confidence < self.options.floor or open_ >= self.options.at_most:
            self._loose.setdefault(sample, []).append(detection)
            return
        patch, where = self._at(sample, detection)
        track = Followed(detection.label, patch, where, detection)
        track.seen[sample] = detection
        self._mark(track, sample, detection)
        self.tracks.append(track)
        if patch.is_plain or self._is_unlike(track):
            track.is_over = True  # nothing to follow, or nothing to follow it by
            return
        self._backwards(track, sample)

    def _is_unlike(self, track: Followed) -> bool:
        """Whether its first sample alone makes it as good as certain that it is something else."""
        if track.first.source != "reference":
            return False
        track.judge(self._prepared(track.label))
        return track.confidence < self.options.unlike

    def _prepared(self, label: str) -> list[Artwork]:
        """The label's pictures as they are laid over what was seen; made once."""
        if label not in self._artworks:
            self._artworks[label] = artworks_of(self._artwork(label))
        return self._artworks[label]

    def _at(
        self, sample: int, detection: Detection, size: tuple[int, int] | None = None
    ) -> tuple[Patch, _Where]:
        """What is where the detector says, on a canvas of `size` or of one that suits it."""
        view = self._views[sample]
        corners = corners_of(detection, view)
        size = size or patches.canvas_size(corners)
        place = patches.place_of(corners, size)
        patch = patches.patch_at(view, place, size)
        return patch, _Where(place, sample, patch.canvas)

    def _anchor(self, track: Followed, sample: int, detection: Detection) -> None:
        """The track is where the detector says, and looks as it does there."""
        patch, track.where = self._at(sample, detection, track.patch.size)
        if not patch.is_plain:
            track.patch = patch
        self._mark(track, sample, detection)

    def _mark(self, track: Followed, sample: int, detection: Detection) -> None:
        """It is in this sample because a detector saw it."""
        track.add(sample, self._views[sample], track.where.place)
        track.spots[sample] = _Spot(
            detection.box, "detected", detection.clarity or 0.0, Fit(1.0, 1.0)
        )
        self._note_clarity(track, sample, detection)

    def _note_clarity(self, track: Followed, sample: int, detection: Detection) -> None:
        here = clarity(self._views[sample].planes[0], detection.box)
        if detection.clarity is not None and here > 0.02:
            track.ratio = detection.clarity / here

    # --- backwards ----------------------------------------------------------------------------

    def _backwards(self, track: Followed, sample: int) -> None:
        """Follow it to where it came into sight, or to where it is known already."""
        ahead = track.where
        where = _Where(ahead.place, sample, ahead.canvas)
        for now in self._earlier(sample):
            if now in track.spots or self._is_known(track, now, where):
                break
            self._step(track, where, now + 1, now)
            if self._is_lost(where, now):
                break

    def _earlier(self, sample: int) -> Iterator[int]:
        now = sample - 1
        while now in self._views and self._views[now].is_as_large_as(self._views[now + 1]):
            yield now
            now -= 1

    def _is_known(self, track: Followed, now: int, where: _Where) -> bool:
        """Whether another track of the label is at this place."""
        box = self._box(where.place, track.patch, self._views[now])
        return any(
            other is not track
            and other.label == track.label
            and now in other.spots
            and _shared(other.spots[now].box, box) > _THERE
            for other in self.tracks
        )

    # --- from one sample to the next ----------------------------------------------------------

    def _step(self, track: Followed, where: _Where, before: int, now: int) -> None:
        """Look for it in a sample beside the one before, and note what was found."""
        place, canvas, fit = self._look(track, where, before, now)
        if not self._is_there(fit) and (moved := self._look_afar(track, where, before, now)):
            place, canvas, fit = moved
        if not self._is_there(fit) or self._is_another(track, where, place, fit, before, now):
            where.missed.append((now, place, fit))
            return
        self._bridge(track, where, now)
        view = self._views[now]
        if where.at == before:
            guess = self._moved(where.place, before, now)
            step = place[:, 2] - guess[:, 2]
            where.drift = (float(step[0]), float(step[1]))
        where.place, where.at, where.canvas = place, now, canvas
        track.add(now, view, place)
        where.missed.clear()
        track.spots[now] = self._spot(track, view, place, "followed", fit)

    def _is_there(self, fit: Fit) -> bool:
        return fit.shown >= self.options.shown and fit.alike >= self.options.alike

    def _is_another(
        self, track: Followed, where: _Where, place: Map, fit: Fit, before: int, now: int
    ) -> bool:
        """Whether what fits in part is something else that looks a little like it.

        What is half hidden by a passer-by stays where it was expected, and what comes back into
        sight soon shows most of itself. A board that shows another brand now, and whatever else is
        as far from fitting, does neither. After a cut anything may be there; and where another
        board of its label hangs, that one is there.
        """
        if self._is_the_others(track, where, place, before, now):
            return True
        if min(fit.shown, fit.alike) >= self.options.surely:
            return False
        if where.missed:
            return True
        if self._motion(before, now) is None:  # nobody knows where to expect it
            return self._views[now].difference(self._views[before]) > self.options.sudden
        expected = self._guesses(where, before, now)
        middle = np.array([*(side / 2 for side in track.patch.size), 1.0])
        away = min(float(np.hypot(*((place - guess) @ middle))) for guess in expected)
        low = min(float(np.linalg.norm(place[:, i])) * track.patch.size[i] for i in (0, 1))
        return away > _ASTRAY * low

    def _is_the_others(
        self, track: Followed, where: _Where, place: Map, before: int, now: int
    ) -> bool:
        """Whether another of its label, which was elsewhere when it was last seen, is there."""
        mine, box = track.spots[where.at].box, self._box(place, track.patch, self._views[now])
        samples = (now,) if self._motion(before, now) is None else (now, before)
        return any(
            _shared(other.spots[sample].box, box) > _THERE
            and _shared(other.spots[where.at].box, mine) <= _THERE
            for other in self.tracks
            if other is not track and other.label == track.label and where.at in other.spots
            for sample in samples
            if sample in other.spots
        )

    def _look(
        self, track: Followed, where: _Where, before: int, now: int
    ) -> tuple[Map, patches.Floats, Fit]:
        """The likeliest place in a sample, its pixels, and how they fit."""
        view, patch = self._views[now], track.patch
        best: tuple[Map, patches.Floats, Fit] | None = None
        for guess in self._guesses(where, before, now):
            canvas = patches.draw(view, guess, patch.size)
            if where.canvas is not None and not where.missed and _is_same(canvas, where.canvas):
                return guess, where.canvas, self._fit(patch, view, guess, canvas)
            fit = self._fit(patch, view, guess, canvas)
            if fit.alike > _LIES:
                return guess, canvas, fit
            place = patches.search(patch, view, guess, self._reach(patch, where, before, now))
            place, canvas = patches.refine(patch, view, place)
            fit = self._fit(patch, view, place, canvas)
            if best is None or fit.alike > best[2].alike:
                best = place, canvas, fit
            if fit.shown > _CLEAR:
                break
        assert best is not None
        return best

    def _look_afar(
        self, track: Followed, where: _Where, before: int, now: int
    ) -> tuple[Map, patches.Floats, Fit] | None:
        """Where it surely is now, if it was there a sample ago and moves by itself: a graphic."""
        if where.at != before or self._motion(before, now) is None:
            return None
        view, patch = self._views[now], track.patch
        share, most = _AFAR
        reach = min(most, round(share * max(patch.size)))
        guess = self._moved(where.place, before, now)
        place, canvas = patches.refine(patch, view, patches.search(patch, view, guess, reach))
        fit = self._fit(patch, view, place, canvas)
        return (place, canvas, fit) if min(fit.shown, fit.alike) >= self.options.surely else None

    def _guesses(self, where: _Where, before: int, now: int) -> list[Map]:
        """Where it may be: carried along by the camera and its own motion, or where it was.

        What moves most in a picture may be a crowd or a river, and not the camera.
        """
        last = where.missed[-1][1] if where.missed else where.place
        carried = self._moved(last, before, now)
        if not where.missed:
            carried = patches.shifted(carried, np.array(where.drift))
        apart = float(np.hypot(*(carried[:, 2] - last[:, 2])))
        return [carried] if apart < 2 else [carried, last]

    def _fit(self, patch: Patch, view: View, place: Map, canvas: patches.Floats) -> Fit:
        within = patches.inside(patch, view, place)
        fit = patches.compare(patch, canvas, within)
        share = float((patch.detail * within).sum()) / max(float(patch.detail.sum()), 1e-6)
        return fit if share > 0.33 else Fit(0.0, fit.alike)  # the rest is outside the frame

    def _reach(self, patch: Patch, where: _Where, before: int, now: int) -> int:
        """How far around the expected place to look, pixels of the canvas."""
        apart_s = abs(self._views[now].time_s - self._views[before].time_s)
        share = min(1.0, apart_s / 0.2) * (1 + 0.5 * min(len(where.missed), 3))
        unknown = 1.5 if self._motion(before, now) is None else 1.0
        return int(np.clip(4 + 0.35 * min(patch.size) * share * unknown, 4, 40))

    def _bridge(self, track: Followed, where: _Where, now: int) -> None:
        """It is there again: what lay between was a blur, where something like it was there."""
        if not where.missed:
            return
        gap_s = abs(self._views[now].time_s - self._views[where.at].time_s)
        steps = len(where.missed) + 1
        if steps > 2 and gap_s > self.options.blurred_s:
            return
        for sample, place, fit in where.missed:
            if fit.alike >= self.options.blurred and sample not in track.spots:
                view = self._views[sample]
                track.spots[sample] = self._spot(track, view, place, "interpolated", fit)

    def _spot(self, track: Followed, view: View, place: Map, known: Known, fit: Fit) -> _Spot:
        box = self._box(place, track.patch, view)
        clear = min(track.ratio * clarity(view.planes[0], box), 1.0)
        return _Spot(box, known, clear, fit)

    def _box(self, place: Map, patch: Patch, view: View) -> Box:
        width, height = patch.size
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)])
        x, y = (corners @ place[:, :2].T + place[:, 2]).T
        box = (x.min() / view.width, y.min() / view.height)
        return Box(*map(float, (*box, x.max() / view.width, y.max() / view.height))).clipped()

    # --- the camera ---------------------------------------------------------------------------

    def _motion(self, before: int, now: int) -> Map | None:
        first = min(before, now)
        if first not in self._motions:
            self._motions[first] = camera_motion(self._views[first], self._views[first + 1])
        return self._motions[first]

    def _moved(self, place: Map, before: int, now: int) -> Map:
        """The place where the camera's motion puts it."""
        motion = self._motion(before, now)
        if motion is None:
            return place
        linear, shift = motion[:, :2], motion[:, 2]
        if now < before:
            linear = np.linalg.inv(linear).astype(np.float64, copy=False)
            shift = -linear @ shift
        moved = linear @ place
        moved[:, 2] += shift
        return moved

    def _forget_views(self) -> None:
        """Let go of the oldest views, but not of what is still to be compared with."""
        needed = min((t.where.at for t in self.tracks if not t.is_over), default=self._done)
        for sample in list(self._views):
            if self._bytes <= self.options.kept_bytes or sample >= min(needed, self._done - 1):
                return
            self._bytes -= self._views.pop(sample).n_bytes
            self._motions.pop(sample, None)


def _is_same(canvas: patches.Floats, before: patches.Floats) -> bool:
    """Whether the pixels hardly changed."""
    return float(np.abs(canvas - before).mean()) < 1.5


def _shared(a: Box, b: Box) -> float:
    """How much of the smaller of two boxes they share, or of both together where that is more.

    Nothing, where one is many times the other: what is found inside a large doubtful sighting must
    neither make that one sure nor end where it is.
    """
    small, large = sorted((a.area, b.area))
    width, height = min(a.x2, b.x2) - max(a.x1, b.x1), min(a.y2, b.y2) - max(a.y1, b.y1)
    if width <= 0 or height <= 0 or large > _ANOTHER * small:
        return 0.0
    return max(overlap(a, b), 0.8 * width * height / max(small, 1e-12))


def _within(box: Box, other: Box) -> float:
    """How much of a box lies in another, 0 to 1."""
    width = min(box.x2, other.x2) - max(box.x1, other.x1)
    height = min(box.y2, other.y2) - max(box.y1, other.y1)
    return max(width, 0.0) * max(height, 0.0) / max(box.area, 1e-12)
