"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.spotting import SpottedTerm, Spotting
from webapp.indexing.text_regions import TextRegion
from webapp.indexing.word_edits import WordEdit

__all__ = [
    "Indexing",
    "IndexingSegment",
    "SpeechSegment",
    "SpottedTerm",
    "Spotting",
    "TextRegion",
    "WordEdit",
]
