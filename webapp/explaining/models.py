"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.explaining.explanations import Explanation

__all__ = ["Explanation"]
