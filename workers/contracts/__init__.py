"""Contracts: how they stand once an analysis has ended, and day by day."""
