"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.moments.flags import Flag
from webapp.moments.moments import Moment, MomentEdit
from webapp.moments.outlines import Outline

__all__ = ["Flag", "Moment", "MomentEdit", "Outline"]
