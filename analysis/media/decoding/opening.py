"""Open a media file by what is in it, with every door to other files and the network closed."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from analysis.errors import RefusedMedia, UnreadableMedia

VIDEO_FORMATS = (
    "mov,matroska,webm,avi,mpeg,mpegts,mpegvideo,m4v,h264,hevc,vvc,obu,av1,ivf,vc1,flv,asf,ogg,"
    "mxf,gxf,nut,dv,rm,wtv,gif,apng,mjpeg,yuv4mpegpipe,jpegxl_anim"
)
PICTURE_FORMATS = (
    "png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,gif_pipe,j2k_pipe,jpegxl_pipe,ppm_pipe,"
    "pgm_pipe,pbm_pipe,pam_pipe,pfm_pipe,qoi_pipe,exr_pipe,webp"
)
SOUND_FORMATS = "mp3,aac,flac,wav,w64,aiff,au,caf,amr,ac3,eac3,dts,wv,ape,tta,mpc,mpc8"
_WHITELIST = ",".join((VIDEO_FORMATS, PICTURE_FORMATS, SOUND_FORMATS))
_HEIF = (b"heic", b"heix", b"mif1")
_NOT_A_FILM = Disposition.attached_pic | Disposition.timed_thumbnails
_PLAYLISTS = (
    b"#EXTM3U", b"#EXTINF", b"ffconcat", b"v=0", b"[playlist]", b"[Reference]", b"RTSPtext",
    b"<MPD", b"<SmoothStreamingMedia", b"<asx", b"<smil", b"http://", b"https://", b"rtsp://",
)  # fmt: skip


def open_media(media: int, request: dict) -> InputContainer:
    """The container behind the descriptor `media`, recognised by content.

    Only the `fd` protocol is allowed, so nothing that the file points at can be opened. Raises
    RefusedMedia for a playlist, UnreadableMedia for what is not media.
    """
    head = os.pread(media, 4096, 0)
    os.lseek(media, 0, os.SEEK_SET)
    if _is_playlist(head):
        raise RefusedMedia("This is a playlist that points at other files; give the film itself.")
    limits = request["limits"]
    options = {
        "fd": str(media),
        "protocol_whitelist": "fd",
        "format_whitelist": _WHITELIST,
        "max_pixels": str(max(limits["max_picture_pixels"], limits["max_video_side"] ** 2)),
        "max_streams": "1000" if head[8:12] in _HEIF else "64",  # each tile is one
    }
    try:
        container = av.open("fd:", options=options)
    except (av.error.FFmpegError, ValueError) as e:
        raise UnreadableMedia(_why_unreadable(media, head)) from e
    assert isinstance(container, InputContainer)
    return container


def film(container: InputContainer, track: int | None = None) -> VideoStream | None:
    """The picture track `track`, by default the one that players show; None where there is none.

    Raises UnreadableMedia for a track that the file does not have.
    """
    if track is not None:
        for stream in picture_tracks(container):
            if stream.index == track:
                return stream
        raise UnreadableMedia(f"This file has no picture track {track}.")
    best = container.streams.best("video")
    if best is None or best.disposition & _NOT_A_FILM:
        return None
    assert isinstance(best, VideoStream)
    return best


def picture_tracks(container: InputContainer) -> list[VideoStream]:
    """Every track that is a film: the cover of a song is not one, nor are a film's thumbnails."""
    return [s for s in container.streams.video if not s.disposition & _NOT_A_FILM]


def demuxed(container: InputContainer, streams: Sequence[Stream]) -> Iterator[av.Packet]:
    """The packets of `streams` in file order. Raises what the demuxer raises.

    A track that nobody knew of may begin midway (in transport streams and FLV). PyAV has no
    stream for its packets and stops; reading goes on with the packet after.
    """
    while True:
        try:
            yield from container.demux(*streams)
            return
        except IndexError:
            continue


def origin(container: InputContainer) -> Fraction:
    """Where the asset's time starts, seconds on the container's clock.

    The earliest start of picture or sound if that is positive, else 0: what browsers show as
    `currentTime` 0. Picture frames never get a negative time.
    """
    starts = {
        stream.index: stream.start_time * stream.time_base
        for stream in container.streams
        if stream.type in ("video", "audio")
        if stream.start_time is not None and stream.time_base is not None
    }
    first = min((starts.get(s.index, 0) for s in picture_tracks(container)), default=0)
    if first < 0:
        return Fraction(first)
    return max(Fraction(min(starts.values(), default=0)), Fraction(0))


def is_picture(container: InputContainer) -> bool:
    """Whether the file is a still picture by its format; AVIF and HEIC look like an MP4."""
    if _brand(container) == b"avif" or is_heif(container):
        return True
    return any(name in PICTURE_FORMATS.split(",") for name in container.format.name.split(","))


def is_heif(container: InputContainer) -> bool:
    """Whether it is what phones store photographs as; `mif1` may hold AVIF, too."""
    return _brand(container) in _HEIF


def _brand(container: InputContainer) -> bytes:
    return container.metadata.get("major_brand", "").strip().encode()


def _is_playlist(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<?xml"):
        return any(mark in head for mark in _PLAYLISTS if mark.startswith(b"<"))
    return text.startswith(_PLAYLISTS)


def _why_unreadable(media: int, head: bytes) -> str:
    """A sentence for a file that no demuxer opened."""
    if head[4:8] == b"ftyp" and head[8:12] in (*_HEIF, b"avif"):
        return "This photograph is damaged: it cannot be decoded. It may have been cut short."
    if head[4:8] in (b"ftyp", b"mdat", b"wide", b"free", b"moov"):
        boxes = dict(_boxes(media))
        if b"moov" not in boxes:
            return (
                "This MP4 is incomplete: it breaks off before its index (“moov”), so nothing in it "
                "can be found. The upload or the recording was cut short."
            )
        return "This MP4 is damaged: its index (“moov”) cannot be read."
    if b"<svg" in head:
        return "This is a drawing (SVG). Export it as PNG first."
    if not any(byte < 9 for byte in head):
        return "This is a text file, whatever its name says; it holds no picture or sound."
    return "This is not a video, picture or sound file in a format we read, or it is damaged."


def _boxes(media: int) -> Iterator[tuple[bytes, int]]:
    """The top-level boxes of an MP4: name and where it starts."""
    size_bytes = os.fstat(media).st_size
    at = 0
    while at + 8 <= size_bytes:
        length, name = struct.unpack(">I4s", os.pread(media, 8, at))
        if length == 1:
            (length,) = struct.unpack(">Q", os.pread(media, 8, at + 8).rjust(8, b"\0"))
        yield name, at
        if length < 8:
            return
        at += length
