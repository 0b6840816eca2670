"""Why a detector says what it says: which part of the picture, and what it takes it for.

`occlusion` covers parts of a box and looks how much less sure the detector is, of whatever kind;
`matches` pairs the logo pictures with the frame, point by point; `alike` finds the pictures that
look most like what is in the box.
"""

from analysis.explaining.alike import Alike, most_alike
from analysis.explaining.matches import Matched, matched_points
from analysis.explaining.occlusion import Heat, occlusion

__all__ = ["Alike", "Heat", "Matched", "matched_points", "most_alike", "occlusion"]
