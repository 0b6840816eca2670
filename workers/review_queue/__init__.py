"""Analyses gone through with the review rules of their projects."""
