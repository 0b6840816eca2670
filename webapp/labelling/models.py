"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.labelling.chores import Chore
from webapp.labelling.guidelines import Guideline, GuidePicture
from webapp.labelling.items import Item
from webapp.labelling.jobs import Assignment, LabelingJob
from webapp.labelling.notices import LabellingNotice
from webapp.labelling.parts import TrackJoin
from webapp.labelling.predictions import Prediction
from webapp.labelling.remarks import Remark
from webapp.labelling.reviews import Review
from webapp.labelling.works import Operation, Work

__all__ = [
    "Assignment",
    "Chore",
    "GuidePicture",
    "Guideline",
    "Item",
    "LabelingJob",
    "LabellingNotice",
    "Operation",
    "Prediction",
    "Remark",
    "Review",
    "TrackJoin",
    "Work",
]
