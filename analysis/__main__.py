"""python -m analysis STEP …: every step of the pipeline at a prompt."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from analysis.errors import AnalysisError

# By room, in the order of the flow.
ROOMS = {
    "media": {
        "probe": "analysis.media.probe:command",
        "thumbnails": "analysis.media.thumbnails:command",
        "waveform": "analysis.media.audio:command",
        "proxy": "analysis.media.renditions:command",
    },
    "speech": {"transcribe": "analysis.speech.command:command"},
    "speakers": {"speakers": "analysis.speakers.command:command"},
    "reading": {"read": "analysis.reading.command:command"},
    "text": {
        "mentions": "analysis.text.command:command",
        "topics": "analysis.text.topics_command:command",
    },
    "retrieval": {"search": "analysis.retrieval.command:command"},
    "weights": {"fetch": "analysis.weights.command:command"},
    "models": {"export": "analysis.models.command:command"},
    "detectors": {
        "detect": "analysis.detectors.yolo:command",
        "reference": "analysis.detectors.reference.detector:command",
    },
    "film": {
        "frames": "analysis.film.command:command",
        "shots": "analysis.film.shots:command",
        "track": "analysis.film.tracking:command",
    },
    "exposure": {"exposure": "analysis.exposure.command:command"},
    "graph": {"graph": "analysis.graph.command:command"},
    "cutting": {"cut": "analysis.cutting.command:command"},
    "datasets": {"dataset": "analysis.datasets.command:command"},
    "synthesis": {"synthesise": "analysis.synthesis.command:command"},
    "learning": {"train-marks": "analysis.learning.command:command"},
    "training": {"train": "analysis.training.command:command"},
    "measuring": {"evaluate": "analysis.measuring.command:command"},
}
COMMANDS = {step: place for steps in ROOMS.values() for step, place in steps.items()}


def main(argv: Sequence[str]) -> int:
    """Run the step named first. Without one, list them. Returns the exit status."""
    step = argv[0] if argv else ""
    if step not in COMMANDS:
        print("usage: python -m analysis STEP …\n\nsteps:")
        for room, steps in ROOMS.items():
            print(f"  {room:<10}", *steps)
        return 0 if step in ("", "-h", "--help") else 2
    module, _, name = COMMANDS[step].partition(":")
    try:
        return getattr(importlib.import_module(module), name)(argv[1:])
    except AnalysisError as e:
        print(e.message, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
