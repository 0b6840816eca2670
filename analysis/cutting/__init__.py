"""Stretches of films put one after the other: a cut, a reel, a clip.

`rates` counts frames exactly. `clips` makes clips of spans: padded, joined, kept within the film,
laid on its frames. `highlights` chooses the best of many. What came of it is written by
`edit_lists` for who edits on (EDL, OpenTimelineIO, CSV), or by `render` as a film with chapters.
All but `render` and `command` need nothing but numpy.
"""

from analysis.cutting.clips import Clip, Rules, Source, Span, clips_of, in_all, limited
from analysis.cutting.highlights import Shown, highlights
from analysis.cutting.rates import Rate, common_rate, timecode

__all__ = [
    "Clip",
    "Rate",
    "Rules",
    "Shown",
    "Source",
    "Span",
    "clips_of",
    "common_rate",
    "highlights",
    "in_all",
    "limited",
    "timecode",
]
