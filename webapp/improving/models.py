"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.improving.comparisons import Comparison
from webapp.improving.loops import Loop
from webapp.improving.rounds import Round

__all__ = ["Comparison", "Loop", "Round"]
