"""The asset page: player, lanes, minutes and frames. No rows of its own."""
