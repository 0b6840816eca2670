"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.reviewing.changes import Changes
from webapp.reviewing.corrections import Correction
from webapp.reviewing.verdicts import Verdict

__all__ = ["Changes", "Correction", "Verdict"]
