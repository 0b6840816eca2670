"""How the small networks that the product ships were taught: marks, scenes, training.

Nothing here is needed to use them; `detectors.reference` runs what comes out.
"""
