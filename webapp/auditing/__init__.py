"""Checking the seconds of a run: people answer for a few frames drawn by lot, and each figure gets
its limits."""
