"""One analysis of one asset: its segments and what they found."""
