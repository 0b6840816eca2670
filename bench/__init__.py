"""Measurements of ours beside a peer, in one run."""
