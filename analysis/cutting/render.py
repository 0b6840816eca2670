"""Render a cut: one film of many, every frame the one that was asked for.

Each clip's frames and sound come from the guarded decoder, upright and with square pixels, at
their presentation times; this process only encodes. A frame of the new film shows what was on
screen in the middle of its time, its first and its last those of the clip: where the rates are the
same, that is each frame of the clip once. Sound is cut at the sample where the frame begins, so
nothing drifts however many clips there are.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from analysis.cutting.clip_sound import SOUND_RATE, ClipSound, Samples, as_frame, path_of
from analysis.cutting.clips import Clip
from analysis.cutting.edit_lists import rate_of
from analysis.cutting.rates import Rate
from analysis.errors import AnalysisError, Stopped, UnreadableMedia
from analysis.media.frames import Frame, FrameReader

Pixels = NDArray[np.uint8]  # (height, width, 3), BGR

MOST_SIDE = 1920  # pixels of the longer side, unless another size is asked for
_NO_PICTURE = (1280, 720)
_INSIDE_S = 2e-3  # before a clip ends, so that its last frame is meant and not the next
_TELL_EVERY = 12  # frames
_DARK = (24, 20, 18)  # BGR, behind sound that has no picture
_BT709 = 1  # as ffmpeg numbers the matrix, the primaries and the transfer


@dataclass(frozen=True, slots=True)
class Chapter:
    """Where a clip is in what was rendered, seconds."""

    title: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Rendered:
    """What came of it."""

    n_frames: int
    rate: Rate
    size: tuple[int, int]
    chapters: tuple[Chapter, ...]

    @property
    def seconds(self) -> float:
        return float(self.n_frames / self.rate.exact)


def render(
    clips: Sequence[Clip],
    out: Path | str,
    *,
    title: str = "",
    rate: Rate | None = None,
    size: tuple[int, int] | None = None,
    on_progress: Callable[[float], None] = lambda share: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Rendered:
    """Write the clips, in this order, to `out`: MP4, H.264 and AAC, a chapter for each, playable
    while it loads.

    rate: of the new film; by default the clips' own, or the commonest. size: width and height; by
    default of the largest clip, at most 1,920 pixels long; others are fitted in with black beside
    them. Sound alone is shown as its title. Clips' sources need their `path`. Written aside and
    renamed when complete. Raises AnalysisError, UnreadableMedia for a file that cannot be decoded,
    Stopped.
    """
    if not clips:
        raise AnalysisError("There is nothing to render: this cut has no clips.")
    rate = Rate((rate or rate_of(clips)).exact)
    width, height = size or common_size(clips)
    plan = _planned(clips, rate)
    aside = Path(out).with_name(f".{Path(out).name}.part")
    has_sound = any(clip.source.has_sound for clip in clips)
    chapters = tuple(part.chapter(rate) for part in plan)
    try:
        with (
            closing(_frames(plan, (width, height), rate, should_stop)) as frames,
            _Writer(aside, (width, height), rate, title, chapters, has_sound=has_sound) as film,
        ):
            for part, frame in frames:
                film.add_picture(frame)
                if has_sound:
                    film.add_sound(part.sound(film.sound_due()))
                if film.n_frames % _TELL_EVERY == 0:
                    on_progress(film.n_frames / plan[-1].end)
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    on_progress(1.0)
    return Rendered(plan[-1].end, rate, (width, height), chapters)


def common_size(clips: Iterable[Clip], most_side: int = MOST_SIDE) -> tuple[int, int]:
    """Width and height for a film made of these: of the largest, shrunk to `most_side`, even."""
    sizes = [clip.source.size for clip in clips if min(clip.source.size) > 0]
    width, height = max(sizes, key=lambda size: size[0] * size[1], default=_NO_PICTURE)
    scale = min(most_side / max(width, height), 1.0)
    return _even(width * scale), _even(height * scale)


def _even(side: float) -> int:
    return max(round(side / 2) * 2, 2)


# --- what is shown when ---------------------------------------------------------------------------


class _Part:
    """A clip with its place in the new film: frames `first` to `end`, counted from 0."""

    def __init__(self, clip: Clip, first: int, end: int) -> None:
        self.clip, self.first, self.end = clip, first, end
        self._sound: ClipSound | None = None

    def chapter(self, rate: Rate) -> Chapter:
        title = self.clip.title or self.clip.source.name
        return Chapter(title, float(self.first / rate.exact), float(self.end / rate.exact))

    def times(self, rate: Rate) -> NDArray[np.float64]:
        """When in the source each frame's picture is on screen: float64 (end - first,)."""
        middles = np.arange(self.end - self.first, dtype=np.float64) + 0.5
        times: NDArray[np.float64] = self.clip.start_s + middles / float(rate.exact)
        times[-1] = max(self.clip.end_s - _INSIDE_S, self.clip.start_s)
        times[0] = self.clip.start_s
        return times

    def open_sound(self, rate: Rate, should_stop: Callable[[], bool]) -> ClipSound:
        seconds = float((self.end - self.first) / rate.exact)
        self._sound = ClipSound(self.clip, seconds, should_stop)
        return self._sound

    def sound(self, n: int) -> Samples:
        assert self._sound is not None
        return self._sound.take(n)

    def close_sound(self) -> None:
        if self._sound is not None:
            self._sound.close()
        self._sound = None


def _planned(clips: Sequence[Clip], rate: Rate) -> list[_Part]:
    plan, first = [], 0
    for clip in clips:
        end = first + rate.count(clip.seconds)
        plan.append(_Part(clip, first, end))
        first = end
    return plan


def _frames(
    plan: Sequence[_Part], size: tuple[int, int], rate: Rate, should_stop: Callable[[], bool]
) -> Generator[tuple[_Part, Pixels]]:
    """Every frame of the new film with the part it is of; the next decoders start meanwhile."""
    readers: dict[int, FrameReader] = {}  # of this part and the next: each holds megabytes

    def open_part(at: int) -> None:
        if at < len(plan):
            plan[at].open_sound(rate, should_stop)
            if plan[at].clip.source.rate:
                readers[at] = _reader(plan[at], rate, should_stop)

    try:
        open_part(0)
        for at, part in enumerate(plan):
            open_part(at + 1)
            with named(part.clip):
                for picture in _pictures(part, readers.get(at), size):
                    if should_stop():
                        raise Stopped
                    yield part, picture
            part.close_sound()
            if at in readers:
                readers.pop(at).close()
    finally:
        for reader in readers.values():
            reader.close()
        for part in plan:
            part.close_sound()


@contextmanager
def named(clip: Clip) -> Iterator[None]:
    """What cannot be decoded is said with where it is."""
    try:
        yield
    except UnreadableMedia as error:
        where = f"“{clip.source.name}” at {clip.start_s:.1f} s"
        raise UnreadableMedia(f"{where}: {error.message}", permanent=error.permanent) from error


def _reader(part: _Part, rate: Rate, should_stop: Callable[[], bool]) -> FrameReader:
    source = part.clip.source
    return FrameReader(
        path_of(part.clip),
        part.times(rate),
        shown=True,
        hop=True,
        track=source.track,
        should_stop=should_stop,
    )


def _pictures(part: _Part, reader: FrameReader | None, size: tuple[int, int]) -> Iterator[Pixels]:
    """As many as the part has frames; where the film breaks off, its last one stays."""
    n = part.end - part.first
    if reader is None:
        card = _card(part.clip, size)
        yield from (card for _ in range(n))
        return
    picture: Pixels | None = None
    n_shown = 0
    for frame in reader:
        picture = fitted(frame, size)
        n_shown += 1
        yield picture
    if picture is None:
        raise UnreadableMedia("No frame of this clip can be decoded.")
    yield from (picture for _ in range(n - n_shown))


def fitted(frame: Frame, size: tuple[int, int]) -> Pixels:
    """The frame as large as it fits into `size`, black beside it or above and below."""
    width, height = size
    scale = min(width / frame.width, height / frame.height)
    inner = min(_even(frame.width * scale), width), min(_even(frame.height * scale), height)
    picture = frame.bgr(inner)
    if inner == size:
        return picture
    canvas = np.zeros((height, width, 3), np.uint8)
    x, y = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas[y : y + inner[1], x : x + inner[0]] = picture
    return canvas


def _card(clip: Clip, size: tuple[int, int]) -> Pixels:
    """What is shown while there is only sound: its title and its file on a dark ground."""
    image = Image.new("RGB", size, _DARK[::-1])
    draw = ImageDraw.Draw(image)
    lines = [(clip.title, size[1] / 12), (clip.source.name, size[1] / 24)]
    y = size[1] * 0.4
    for text, points in lines:
        font = ImageFont.load_default(max(points, 8))
        draw.text(
            (size[0] / 2, y), _shortened(draw, text, font, size[0] * 0.9), "#e8e8e8", font, "ma"
        )
        y += points * 1.6
    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])


def _shortened(draw: ImageDraw.ImageDraw, text: str, font: Any, width: float) -> str:
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(f"{text}…", font) > width:
        text = text[:-1]
    return f"{text}…"


# --- writing --------------------------------------------------------------------------------------


class _Writer:
    """The new film while it is written. A context manager: left in peace, it is complete."""

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        rate: Rate,
        title: str,
        chapters: Sequence[Chapter],
        *,
        has_sound: bool,
    ) -> None:
        self.rate, self.n_frames, self.n_samples = rate, 0, 0
        self._out = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        self._out.metadata.update({"title": title} if title else {})
        self._out.set_chapters(numbered(chapters))
        self._picture = self._add_picture(size)
        self._sound = self._add_sound() if has_sound else None

    def _add_picture(self, size: tuple[int, int]) -> av.VideoStream:
        stream = self._out.add_stream("libx264", rate=self.rate.exact)
        stream.options = {"crf": "20", "preset": "veryfast"}
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        context = stream.codec_context
        context.time_base = 1 / self.rate.exact
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = 1  # 16 to 235
        return stream

    def _add_sound(self) -> av.AudioStream:
        stream = self._out.add_stream("aac", rate=SOUND_RATE)
        stream.layout, stream.bit_rate = "stereo", 160_000
        return stream

    def add_picture(self, picture: Pixels) -> None:
        frame = av.VideoFrame.from_ndarray(picture, "bgr24")
        coded = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        coded.pts, coded.time_base = self.n_frames, 1 / self.rate.exact
        self._out.mux(self._picture.encode(coded))
        self.n_frames += 1

    def sound_due(self) -> int:
        """How many samples are missing up to where the picture is."""
        return round(self.n_frames / self.rate.exact * SOUND_RATE) - self.n_samples

    def add_sound(self, samples: Samples) -> None:
        assert self._sound is not None
        self._out.mux(self._sound.encode(as_frame(samples, self.n_samples)))
        self.n_samples += len(samples)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            with suppress(av.error.FFmpegError, OSError):
                self._out.close()
            return
        self._out.mux(self._picture.encode(None))
        if self._sound is not None:
            self._out.mux(self._sound.encode(None))
        self._out.close()


def numbered(chapters: Sequence[Chapter]) -> list[Any]:
    """As PyAV has chapters, in milliseconds as MP4 keeps them."""
    return [
        {
            "id": number,
            "start": round(chapter.start_s * 1000),
            "end": round(chapter.end_s * 1000),
            "time_base": Fraction(1, 1000),
            "metadata": {"title": chapter.title},
        }
        for number, chapter in enumerate(chapters, start=1)
    ]
