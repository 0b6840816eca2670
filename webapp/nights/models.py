"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.nights.candidates import Candidate, CandidatePoint
from webapp.nights.deciding import CandidateDecision
from webapp.nights.exposures import NightExposure
from webapp.nights.night import Night
from webapp.nights.notices import NightNotice
from webapp.nights.teaching import SkyTeaching
from webapp.nights.watching import Watch, WatchedFile

__all__ = [
    "Candidate",
    "CandidateDecision",
    "CandidatePoint",
    "Night",
    "NightExposure",
    "NightNotice",
    "SkyTeaching",
    "Watch",
    "WatchedFile",
]
