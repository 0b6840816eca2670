"""The tables of this app, for Django to find; each lives in the module of its own thought."""

from webapp.encodings.kept import EncodedInPassing, Encodings

__all__ = ["EncodedInPassing", "Encodings"]
