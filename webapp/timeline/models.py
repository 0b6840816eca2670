"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.timeline.denied import DeniedMention

__all__ = ["DeniedMention"]
