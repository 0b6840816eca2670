"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.spaces.codes import Code
from webapp.spaces.indexes import IndexPart, SpaceIndex
from webapp.spaces.space import Space

__all__ = ["Code", "IndexPart", "Space", "SpaceIndex"]
