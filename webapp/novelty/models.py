"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.novelty.groups import NewBrand
from webapp.novelty.known import KnownLooks
from webapp.novelty.work import NoveltyWork

__all__ = ["KnownLooks", "NewBrand", "NoveltyWork"]
