"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.runs.found import Shot, Track
from webapp.runs.run import Run, RunReference
from webapp.runs.segments import Segment, SegmentRegions, SegmentResult
from webapp.runs.workers import Worker

__all__ = [
    "Run",
    "RunReference",
    "Segment",
    "SegmentRegions",
    "SegmentResult",
    "Shot",
    "Track",
    "Worker",
]
