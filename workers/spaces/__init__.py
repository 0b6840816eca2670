"""Spaces: made of encodings, taught from pairs, and their codes named."""
