"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.asking.asks import Ask
from webapp.asking.findings import Finding
from webapp.asking.judgements import Judgement

__all__ = ["Ask", "Finding", "Judgement"]
