"""Cut a film at a prompt."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.cutting.clips import Clip, Rules, Source, Span, clips_of
from analysis.cutting.edit_lists import clips_csv, edl, otio
from analysis.errors import AnalysisError
from analysis.media.probe import examine

if TYPE_CHECKING:
    from analysis.cutting.render import Chapter

_SOUND = (".m4a", ".mp3")
_LISTS = {".edl": edl, ".otio": otio, ".csv": clips_csv}


def source_of(path: Path) -> Source:
    """A film or a sound as clips are taken from it. Raises UnreadableMedia, RefusedMedia."""
    info, table = examine(path)
    if info.kind == "image":
        raise AnalysisError(f"“{path.name}” is a picture: cuts are made of films and sound.")
    return Source.of(
        path.name,
        info.duration_s,
        table.times_s,
        is_variable=info.is_variable_rate,
        size=(info.width, info.height),
        has_sound=bool(info.audio),
        path=path,
    )


def command(argv: Sequence[str]) -> int:
    """python -m analysis cut FILE --span 12.5-20 -o reel.mp4: put stretches one after the other.

    Each --span is of FILE, or of the --next file before it. What is written goes by the ending
    of -o: .mp4 with a chapter for each, the sound alone so as .m4a or .mp3, or a list for an
    editing program: .edl, .otio, .csv.
    """
    parser = argparse.ArgumentParser(
        prog="python -m analysis cut",
        description=command.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="python -m analysis cut FILE --span FROM-TO[=TITLE] … [--next FILE --span …] -o OUT",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--span", dest="parts", action="append", default=[], metavar="FROM-TO[=TITLE]",
        help="seconds or h:mm:ss, as 12.5-20 or 1:05:00-1:05:12=Goal",
    )  # fmt: skip
    parser.add_argument(
        "--next", dest="parts", action=_Next, type=Path, metavar="FILE",
        help="the spans behind it are of this file",
    )  # fmt: skip
    parser.add_argument("--handles", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--join", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--title", default="")
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args(argv)
    if options.out.suffix not in {".mp4", *_SOUND, *_LISTS}:
        parser.error(f"-o ends in {', '.join(['.mp4', *_SOUND, *_LISTS])}")
    try:
        rules = Rules(handles_s=options.handles, join_s=options.join)
        clips = _clips(options.file, options.parts, rules)
    except ValueError as error:
        parser.error(str(error))
    return _write(clips, options.out, options.title or options.out.stem)


class _Next(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None) -> None:  # type: ignore[no-untyped-def]
        namespace.parts = [*namespace.parts, values]


def _clips(first: Path, parts: Sequence[str | Path], rules: Rules) -> list[Clip]:
    by_file: list[tuple[Path, list[Span]]] = [(first, [])]
    for part in parts:
        if isinstance(part, Path):
            by_file.append((part, []))
        else:
            by_file[-1][1].append(span_of(part))
    clips = [clip for path, spans in by_file for clip in clips_of(source_of(path), spans, rules)]
    if not clips:
        raise AnalysisError("None of these spans lies in its file.")
    return clips


def span_of(text: str) -> Span:
    """What FROM-TO[=TITLE] says. Raises ValueError.

    >>> span_of("1:05-1:07.5=Goal")
    Span(start_s=65.0, end_s=67.5, title='Goal')
    """
    times, _, title = text.partition("=")
    start, dash, end = times.partition("-")
    if not dash:
        raise ValueError(f"“{text}” is no span: write it as 12.5-20")
    span = Span(_seconds(start), _seconds(end), title.strip())
    if span.end_s <= span.start_s:
        raise ValueError(f"“{times}” ends before it begins")
    return span


def _seconds(text: str) -> float:
    seconds = 0.0
    for part in text.split(":"):
        if not re.fullmatch(r"\d+(\.\d*)?", part):
            raise ValueError(f"“{text}” is no time: write seconds or h:mm:ss")
        seconds = seconds * 60 + float(part)
    return seconds


def _write(clips: Sequence[Clip], out: Path, title: str) -> int:
    if out.suffix in _LISTS:
        out.write_text(_LISTS[out.suffix](title, clips), newline="")
        print(f"{out}: {len(clips)} clips, {sum(clip.seconds for clip in clips):.3f} s")
        return 0
    if out.suffix in _SOUND:
        from analysis.cutting.render_sound import render_sound

        sound = render_sound(clips, out, title=title)
        _say_chapters(sound.chapters)
        print(f"{out}: {sound.seconds:.3f} s")
        return 0
    from analysis.cutting.render import render

    made = render(clips, out, title=title)
    _say_chapters(made.chapters)
    width, height = made.size
    rate = float(made.rate.exact)
    print(f"{out}: {made.n_frames} frames, {made.seconds:.3f} s, {width}×{height}, {rate:.3f} fps")
    return 0


def _say_chapters(chapters: Sequence[Chapter]) -> None:
    for number, chapter in enumerate(chapters, start=1):
        print(f"{number:3}  {chapter.start_s:9.3f}  {chapter.end_s:9.3f}  {chapter.title}")
