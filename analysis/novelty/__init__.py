"""What belongs to no known label, and what of it is alike.

A run keeps a small number of regions beside its boxes (`keeping`): the frames of each track that
show it best and worst, and places that look like a logo and are none that is known (`proposals`),
each with what the learnt embedding makes of it (`regions`). Everything else is arithmetic on these,
without decoding anything again: `energy` says which are of no known label, `grouping` puts those
together that are alike, `likeness` finds what looks like a label, or like another region.
"""
