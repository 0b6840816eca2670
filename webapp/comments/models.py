"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.comments.comments import Comment
from webapp.comments.notices import Notice
from webapp.comments.reactions import Reaction

__all__ = ["Comment", "Notice", "Reaction"]
