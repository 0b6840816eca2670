"""The values that pass between the steps.

Times are seconds from the start of the asset, from presentation timestamps. Boxes are fractions
of the displayed frame. Pixels exist only inside detectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Source = Literal["reference", "yolo", "person"]
Known = Literal["detected", "followed", "interpolated"]
MediaKind = Literal["video", "image", "audio", "sky"]


class Box(NamedTuple):
    """A rectangle as xyxy fractions of the displayed frame, origin top left."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Share of the frame that the box covers, 0 to 1 for a box inside the frame."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    @property
    def centre(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def clipped(self) -> Box:
        """The part inside the frame."""
        x1, y1, x2, y2 = (min(max(v, 0.0), 1.0) for v in self)
        return Box(x1, y1, max(x1, x2), max(y1, y2))


@dataclass(frozen=True, slots=True)
class Detection:
    """One labelled box in one frame.

    `clarity` is 0 to 1, measured on the pixels while they were at hand (see
    `analysis.media.clarity`); None when nobody measured it. `track` numbers the logo
    instance inside one decoded stretch of video; None before tracking. `known` says how: a
    detector saw it in this frame, it was followed here by its pixels, or it lies between two such
    frames in a blur. `outline`: the corners of the logo where it lies turned or slanted in the
    box, as fractions of the frame, from its own top left and clockwise.
    """

    box: Box
    label: str
    confidence: float
    source: Source
    clarity: float | None = None
    track: int | None = None
    known: Known = "detected"
    outline: tuple[tuple[float, float], ...] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence must be 0 to 1, got {self.confidence}")


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame chosen for analysis, and the stretch of time it stands for.

    The frame shown at `time_s` answers for [start_s, end_s): its dwell. In every-frame mode that
    is until the next frame; in sampled modes it reaches half-way to both neighbours, but never
    into the time that another frame stands still.
    """

    time_s: float
    start_s: float
    end_s: float

    @property
    def dwell_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What was found in one analysed frame. No detections is a fact too."""

    sample: Sample
    detections: Sequence[Detection]
    held: int = 0  # adaptive mode: how many later samples this result was held for


@dataclass(frozen=True, slots=True)
class Shot:
    """The stretch between two cuts."""

    index: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class AudioTrack:
    index: int
    codec: str
    sample_rate: int
    channels: int
    language: str = ""


@dataclass(frozen=True, slots=True)
class PictureTrack:
    index: int
    codec: str
    width: int  # as stored
    height: int
    is_used: bool  # the one that everything else here is about


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file contains, from its headers and one pass over its packets (no full decoding)."""

    kind: MediaKind
    format: str  # container or picture format, as ffmpeg names it: "mov,mp4,m4a,3gp,3g2,mj2", "png"
    size_bytes: int
    duration_s: float  # 0 for pictures
    width: int = 0  # as displayed: after rotation and sample aspect ratio
    height: int = 0
    coded_width: int = 0
    coded_height: int = 0
    rotation: int = 0  # degrees clockwise to turn the coded picture for display: 0, 90, 180, 270
    sample_aspect: float = 1.0
    frame_rate: float = 0.0  # average: frames ÷ duration
    is_variable_rate: bool = False
    frame_count: int = 0
    start_offset_s: float = 0.0  # time of the first video frame, seconds from the asset's start
    video_codec: str = ""
    pixel_format: str = ""
    is_hdr: bool = False
    is_interlaced: bool = False
    audio: Sequence[AudioTrack] = ()
    pictures: Sequence[PictureTrack] = ()  # every picture track, the one that is used among them
    is_joined: bool = False  # the file's clock starts again or jumps; times here run on
    is_partial: bool = False  # truncated or damaged: only a part can be decoded
    is_browser_playable: bool = False
    warnings: Sequence[str] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, known: Mapping[str, Any]) -> MediaInfo:
        """What `dataclasses.asdict` made of one, after JSON has had it."""
        tracks = {
            "audio": [AudioTrack(**track) for track in known.get("audio", ())],
            "pictures": [PictureTrack(**track) for track in known.get("pictures", ())],
        }
        return cls(**{**known, **tracks})
