"""Render the sound of a cut alone: M4A or MP3 with a chapter for each clip, as podcasts are.

Each clip is cut at the sample where it begins, so nothing drifts however many there are. Players
read the chapters of MP4 (M4A) and the chapter frames of ID3v2 (MP3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import av
import numpy as np

from analysis.cutting.clip_sound import SOUND_RATE, ClipSound, Samples, as_frame
from analysis.cutting.clips import Clip
from analysis.cutting.render import Chapter, named, numbered
from analysis.errors import AnalysisError, Stopped

_AT_ONCE = SOUND_RATE // 2  # samples
_FADE = SOUND_RATE // 200  # 5 ms at each joint, so that none clicks
_CODECS = {".m4a": ("ipod", "aac", 160_000), ".mp3": ("mp3", "libmp3lame", 192_000)}


@dataclass(frozen=True, slots=True)
class RenderedSound:
    """What came of it."""

    seconds: float
    chapters: tuple[Chapter, ...]


def render_sound(
    clips: Sequence[Clip],
    out: Path | str,
    *,
    title: str = "",
    on_progress: Callable[[float], None] = lambda share: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> RenderedSound:
    """Write the sound of the clips, in this order, to `out`, in stereo at 48 kHz.

    The ending of `out` says as what: .m4a (AAC) or .mp3. A clip of a film without sound is silent.
    Clips' sources need their `path`. Written aside and renamed when complete. Raises AnalysisError
    where there is no sound at all, UnreadableMedia for sound that cannot be decoded, Stopped;
    ValueError for another ending.
    """
    if Path(out).suffix not in _CODECS:
        raise ValueError(f"sound is written as {' or '.join(_CODECS)}, not as {Path(out).name}")
    if not clips:
        raise AnalysisError("There is nothing to render: this cut has no clips.")
    if not any(clip.source.has_sound for clip in clips):
        raise AnalysisError("There is no sound in this cut.")
    chapters = _chapters(clips)
    total_s = chapters[-1].end_s
    aside = Path(out).with_name(f".{Path(out).name}.part")
    try:
        with _Writer(aside, Path(out).suffix, title, chapters) as written:
            for clip, chapter in zip(clips, chapters, strict=True):
                ends = round(chapter.end_s * SOUND_RATE)
                for samples in _pieces(clip, ends - written.n_samples, should_stop):
                    if should_stop():
                        raise Stopped
                    written.add(samples)
                    on_progress(min(written.n_samples / SOUND_RATE / total_s, 1.0))
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    on_progress(1.0)
    return RenderedSound(total_s, chapters)


def _chapters(clips: Sequence[Clip]) -> tuple[Chapter, ...]:
    ends = np.cumsum([clip.seconds for clip in clips]).tolist()
    starts = [0.0, *ends[:-1]]
    names = [clip.title or clip.source.name for clip in clips]
    return tuple(Chapter(*of) for of in zip(names, starts, ends, strict=True))


def _pieces(clip: Clip, n: int, should_stop: Callable[[], bool]) -> Iterator[Samples]:
    """The `n` samples of a clip, its ends faded."""
    sound = ClipSound(clip, n / SOUND_RATE, should_stop, must=True)
    fade = min(_FADE, n // 2)
    with named(clip), closing(sound):
        for begins in range(0, n, _AT_ONCE):
            samples = sound.take(min(_AT_ONCE, n - begins))
            at = np.arange(begins, begins + len(samples))
            near = np.minimum(at, n - 1 - at) + 0.5  # samples from the nearer end
            yield samples * np.minimum(near / max(fade, 1), 1).astype(np.float32)[:, None]


class _Writer:
    """The file while it is written. A context manager: left in peace, it is complete."""

    def __init__(self, path: Path, ending: str, title: str, chapters: Sequence[Chapter]) -> None:
        form, codec, bit_rate = _CODECS[ending]
        options = {"movflags": "+faststart"} if ending == ".m4a" else {"id3v2_version": "3"}
        self.n_samples = 0
        self._out = av.open(str(path), "w", format=form, options=options)
        self._out.metadata.update({"title": title} if title else {})
        self._out.set_chapters(numbered(chapters))
        self._sound = cast(Any, self._out.add_stream(codec, rate=SOUND_RATE))
        self._sound.layout, self._sound.bit_rate = "stereo", bit_rate

    def add(self, samples: Samples) -> None:
        self._out.mux(self._sound.encode(as_frame(samples, self.n_samples)))
        self.n_samples += len(samples)

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            with suppress(av.error.FFmpegError, OSError):
                self._out.close()
            return
        self._out.mux(self._sound.encode(None))
        self._out.close()
