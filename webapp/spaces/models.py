"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.spaces.codes import Code
from webapp.spaces.indexes import IndexPart, SpaceIndex
from webapp.spaces.making import SpaceMaking
from webapp.spaces.pair_sets import PairSet
from webapp.spaces.space import Space
from webapp.spaces.training import SpaceTraining

__all__ = ["Code", "IndexPart", "PairSet", "Space", "SpaceIndex", "SpaceMaking", "SpaceTraining"]
