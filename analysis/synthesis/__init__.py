"""Training pictures made from logo files, each with the exact boxes of what can be seen.

`logo_files` reads what people have; `printing` makes of one logo the ways it is printed;
`backdrops` are grounds made from numbers, where there are no pictures; a `canvas` knows which logo
each of its pixels shows; `pictures` puts all of it together, seeded, so that a set can be made
again.
"""
