"""Searching by what is no text: a picture, a part of one, a moment, a sound, a spoken question."""
