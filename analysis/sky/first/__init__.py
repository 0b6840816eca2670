"""How likely a candidate is real before anybody taught: the model that Sightline comes with.

`making` says how it was made, and `docs/sky.md` how good it is. What a workspace is taught takes
its place.
"""

from __future__ import annotations

from pathlib import Path

from analysis.sky.realbogus import RealBogus

FIRST_CUT = 0.02  # of what is less likely real it is looked at last
FILE = Path(__file__).with_name("score.onnx")


def first_score() -> RealBogus:
    """Raises UnusableModel where its file is damaged."""
    return RealBogus.load(FILE)
