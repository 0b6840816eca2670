"""Labelled pictures: the formats they come and go in, how they are split, what they hold."""
