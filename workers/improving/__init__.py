"""Rounds of improvement, moved on from step to step."""
