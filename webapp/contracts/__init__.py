"""Contracts with sponsors: what was promised beside what was delivered."""
