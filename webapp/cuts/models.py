from webapp.cuts.cut import Cut, CutClip
from webapp.cuts.links import CutLink
from webapp.cuts.renderings import Rendering

__all__ = ["Cut", "CutClip", "CutLink", "Rendering"]
