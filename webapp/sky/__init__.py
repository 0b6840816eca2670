"""Exposures of the sky: what their files say, their blocks, and the page that shows them."""
