"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.search.passages import Embedding, Passage, PassageSet, Term
from webapp.search.saved import SavedFind, SavedSearch
from webapp.search.standing import SearchIndex

__all__ = [
    "Embedding",
    "Passage",
    "PassageSet",
    "SavedFind",
    "SavedSearch",
    "SearchIndex",
    "Term",
]
