#!/usr/bin/env bash
# Packages: astroalign==2.6.2 and reproject==0.21.0 (both bring an exposure onto the grid of another).
#
# Situation: an exposure that covers a part of the reference is resampled to it. Both give back the
# picture and a "footprint", which says where it is.
# A good guess: a footprint is where the foot stood: 1, or True, where there is data. Whoever changes
# from one package to the other keeps the line that masks the rest.
# What happens: reproject's footprint is 1 where there is data and 0 elsewhere; astroalign's is True
# where there is *none*. And both keep the brightness of a surface: onto pixels of half the size a
# star comes out with four times its flux, in reproject's "exact" too, whose documentation calls the
# method flux-conserving.
# Why it matters: with the mask turned round everything that is known is thrown away and the empty
# border is searched; and magnitudes are 1.5 off without a word.
# Where it bears on us: analysis/sky/alignment.py does this itself; True is bad everywhere here, and
# values are multiplied by the area of a pixel, so that a star keeps its flux.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check astroalign==2.6.2 reproject==0.21.0 2>/dev/null
env/bin/pip list 2>/dev/null | grep -E '^(astroalign|reproject|numpy) '
env/bin/python - <<'PYTHON'
import sys

import astroalign
import numpy as np
import reproject
from astropy.wcs import WCS

rows, columns = np.mgrid[:41, :41]
star = np.exp(-((columns - 19) ** 2 + (rows - 19) ** 2) / 8)
grid = WCS(naxis=2)
grid.wcs.ctype = "RA---TAN", "DEC--TAN"
grid.wcs.crval, grid.wcs.crpix, grid.wcs.cdelt = (10, 10), (20, 20), (-0.001, 0.001)
beside, finer = grid.deepcopy(), grid.deepcopy()
beside.wcs.crpix = 40, 20
finer.wcs.cdelt = -0.0005, 0.0005

made, foot = reproject.reproject_interp((star, grid), beside, shape_out=star.shape)
there, elsewhere = foot[np.isfinite(made)], foot[~np.isfinite(made)]
print("reproject:  ", there.mean(), "where there is data,", elsewhere.mean(), "elsewhere")
made, _ = reproject.reproject_exact((star, grid), finer, shape_out=(82, 82))
ratio = np.nansum(made) / star.sum()
print(f"reproject:   a star has {ratio:.2f} x its flux on pixels of half the size")

draw = np.random.default_rng(0)
stars, fluxes = draw.uniform(20, 180, (30, 2)), draw.uniform(50, 500, 30)
rows, columns = np.mgrid[:200, :200]


def sky(moved):
    light = sum(
        flux * np.exp(-((columns - x - moved) ** 2 + (rows - y) ** 2) / 8)
        for (x, y), flux in zip(stars, fluxes)
    )
    return light + draw.normal(0, 1, rows.shape)


_, empty = astroalign.register(sky(15), sky(0))
print("astroalign: ", empty[:, 100].mean(), "where there is data,", empty[:, -5:].mean(), "elsewhere")
is_so = there.min() == 1 and elsewhere.max() == 0 and empty[:, -5:].all() and not empty[:, 100].any()
sys.exit(0 if is_so and abs(ratio - 4) < 0.01 else 1)
PYTHON
