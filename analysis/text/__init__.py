"""Words that were said, and the brands that are meant by them.

A brand is looked for under each of its names: as it is written, in the plural and the genitive,
as a recogniser may have spelled a name that it never heard, and as words that only sound like it.
What is found says by what it was found and how well, so that a person can judge it.
"""

from analysis.text.mentions import Brand, Mention, find_mentions

__all__ = ["Brand", "Mention", "find_mentions"]
