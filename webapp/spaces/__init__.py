"""Spaces in which pictures, sound and words lie together, their codes, and where items are found."""
