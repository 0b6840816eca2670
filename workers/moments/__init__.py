"""Outlines and moments of assets."""
