"""Cuts: clips of assets in an order of one's own, previewed, rendered, taken away and shared."""
