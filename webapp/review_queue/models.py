"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.review_queue.corrected_frames import CorrectedFrame
from webapp.review_queue.decisions import Decision, Skip
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.lessons import Lesson
from webapp.review_queue.notices import Emptied, QueueNotice
from webapp.review_queue.rules import ReviewRule
from webapp.review_queue.siftings import Sifting

__all__ = [
    "CorrectedFrame",
    "Decision",
    "Emptied",
    "Lesson",
    "QueueNotice",
    "ReviewItem",
    "ReviewRule",
    "Sifting",
    "Skip",
]
