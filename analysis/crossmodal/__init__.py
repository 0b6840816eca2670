"""One space for pictures, sound and words: what matches, and why.

After Liu, Jin, Lai, Rouditchenko, Oliva and Glass, "Cross-Modal Discrete Representation Learning"
(ACL 2022, arXiv 2106.05438): frozen encoders, small heads, and one codebook that all modalities
share. Training needs torch (`training`); searching and explaining need nothing but numpy (`space`).
`docs/one_space.md` has the method and the figures.
"""
