"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.indexing.indexing import Indexing
from webapp.indexing.line_edits import LineEdit
from webapp.indexing.mention_verdicts import MentionVerdict
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.speaker_edits import SpeakerEdit
from webapp.indexing.speech import SpeechSegment
from webapp.indexing.spotting import SpottedTerm, Spotting
from webapp.indexing.text_regions import TextRegion
from webapp.indexing.voices import HeardVoices, RememberedVoice, Speaker, SpeakerTurn, Voice
from webapp.indexing.word_edits import WordEdit

__all__ = [
    "HeardVoices",
    "Indexing",
    "IndexingSegment",
    "LineEdit",
    "MentionVerdict",
    "RememberedVoice",
    "Speaker",
    "SpeakerEdit",
    "SpeakerTurn",
    "SpeechSegment",
    "SpottedTerm",
    "Spotting",
    "TextRegion",
    "Voice",
    "WordEdit",
]
