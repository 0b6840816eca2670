"""Who speaks when in a film, at a prompt."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.errors import NoSound
from analysis.speakers.exports import FORMATS, spoken_s
from analysis.speakers.listening import Listener
from analysis.speakers.turns import turns_of
from analysis.speakers.types import MOST_SPEAKERS, SpeakerOptions
from analysis.speech.planning import plan_speech


def command(argv: Sequence[str]) -> int:
    """python -m analysis speakers FILE: who speaks when in it, by the sound of their voices."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis speakers", description=command.__doc__
    )
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--speakers",
        type=int,
        default=0,
        metavar="N",
        choices=range(MOST_SPEAKERS + 1),
        help="how many there are; else found out",
    )
    parser.add_argument("--track", type=int, default=1, help="sound track, from 1")
    parser.add_argument("--format", choices=tuple(FORMATS), default="txt")
    chosen = parser.parse_args(argv)
    options = SpeakerOptions(chosen.speakers, max(chosen.track - 1, 0))
    listener = Listener()
    stretches = plan_speech(chosen.file, track=options.track)
    if not stretches:
        raise NoSound(f"There is no sound in {chosen.file.name}.")
    parts = [listener.listen(chosen.file, *part, track=options.track) for part in stretches]
    turns = turns_of(parts, options).turns
    sys.stdout.write(FORMATS[chosen.format](turns, chosen.file.name))
    n = len(spoken_s(turns))
    said = f"{n} speaker{'s' * (n != 1)}" if n else "Nobody speaks"
    print(f"{said}. {listener.engine.title} told them apart.", file=sys.stderr)
    return 0
