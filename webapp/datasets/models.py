"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.datasets.dataset import Dataset
from webapp.datasets.logos import LogoFile
from webapp.datasets.pseudo_pictures import PseudoPicture
from webapp.datasets.samples import Annotation, Sample
from webapp.datasets.transfers import Transfer
from webapp.datasets.versions import DatasetVersion

__all__ = [
    "Annotation",
    "Dataset",
    "DatasetVersion",
    "LogoFile",
    "PseudoPicture",
    "Sample",
    "Transfer",
]
