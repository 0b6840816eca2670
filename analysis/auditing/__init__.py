"""How far the figures of a brand can be off: a few frames, drawn by lot, that a person answered.

A detector says of every analysed frame whether a brand is there; a person says it of some dozens.
Where the detector says the same thing of many frames, the answers tell how often it is right there,
and the sum over all of them is an estimate of the true seconds that owes nothing to the detector
but its narrowness: with a useless one it is as wide as counting without any.

`strata` sorts the frames by what the detector said of them, `plan` decides how many of each are
asked, `estimate` makes the seconds and their limits, `shares` the share of voice and its limits.
`stretches` makes the number of exposures a thing that can be asked and estimated in the same way.
"""

from analysis.auditing.estimate import Answers, Estimate, outwards
from analysis.auditing.population import Population
from analysis.auditing.shares import Share, shares
from analysis.auditing.strata import STRATA
from analysis.auditing.stretches import beginnings, stretch_s

__all__ = [
    "STRATA",
    "Answers",
    "Estimate",
    "Population",
    "Share",
    "beginnings",
    "outwards",
    "shares",
    "stretch_s",
]
