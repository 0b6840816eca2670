"""What moved or changed between two exposures of the sky.

`exposures` reads FITS by tiles; `background` says how bright the empty sky is and how noisy;
`psf` measures what a star looks like; `subtraction` takes a reference from an exposure so that
what is left is noise of known size, and scores it; `detection` finds what stands out of that.

Positions are (x, y) in pixels from the centre of the first pixel, which is 0: FITS headers and DS9
count it as 1. Arrays are indexed [y, x]. True in a mask means bad.
"""
