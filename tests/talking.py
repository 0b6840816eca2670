"""A film in which somebody speaks: said by espeak-ng, which may be missing, as may the weights."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SENTENCES = [
    "Welcome to the harbour race on this fine evening.",
    "The leader takes the inside line into the first turn.",
    "There are three boats side by side in the middle of the river.",
    "The wind is picking up from the west.",
    "And we will be back after a short break.",
]


def needs_a_voice_and_an_engine() -> None:
    """Skip where nothing can speak or listen here."""
    from analysis.speech.engines import engines

    if shutil.which("espeak-ng") is None:
        pytest.skip("needs espeak-ng: apt install espeak-ng")
    if not engines(None):
        pytest.skip("needs a speech engine: see `manage.py doctor`")


LONGER = [
    *SENTENCES,
    "Welcome back to the second race of the day.",
    "The crew in the yellow boat is new this year.",
    "They have won two races in the north already.",
    "Look at the water near the old bridge.",
    "It is hard to see who is in front now.",
    "The green boat goes to the left of the island.",
    "Only a few minutes are left before the finish.",
    "What a fine day this has been for everybody here.",
    "Thank you for listening and good night.",
]


def talk(path: Path, sentences: list[str] = SENTENCES, *, with_picture: bool = True) -> Path:
    """Sentences with a pause after each; a film of a test picture, or sound alone."""
    from analysis.media.ffmpeg import program

    said = path.with_suffix(".wav")
    marks = " <break time='900ms'/> ".join(sentences)
    voice = ["espeak-ng", "-m", "-v", "en-gb", "-s", "150", "-w", str(said)]
    subprocess.run([*voice, f"<speak>{marks}</speak>"], check=True)
    picture = ["-f", "lavfi", "-i", "smptebars=size=320x180:rate=25"] if with_picture else []
    how = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-shortest"]
    subprocess.run(
        [
            *(program(), "-v", "error", "-y", *picture, "-i", str(said)),
            *(how if with_picture else []),
            *("-af", "adelay=1500|1500", "-c:a", "aac", str(path)),
        ],
        check=True,
    )
    return path
