"""Spaces in which pictures, sound and words lie together: their codes, and how items are found."""
