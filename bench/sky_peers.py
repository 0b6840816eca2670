"""Other programs that subtract exposures, run by a Python that has them: never by ours.

    PYTHON bench/sky_peers.py NAME NEW.fits REFERENCE.fits OUT.npy

NEW and REFERENCE are without sky and without NaN, and beside each NEW.masked.fits may be the same
with 0 where a pixel of either is bad, to fit by. OUT is the difference. The last line printed is
the seconds that the subtraction alone took, after what it compiles was compiled. One thread.

sfft          Hu et al. 2022, PASP 134, 044501: `Customized_Packet.CP` on its Numpy backend, kernel
              of 8 pixels half-width, kernel and background of second order.
properimage   ZOGY by its authors' neighbours: `operations.subtract` with its defaults.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np  # noqa: E402  (after what it reads)


def sfft(new: str, reference: str) -> tuple[np.ndarray, float]:
    from astropy.io import fits
    from sfft.CustomizedPacket import Customized_Packet

    def masked(path: str) -> str:
        other = Path(path).with_suffix(".masked.fits")
        return str(other) if other.exists() else path

    def once(out: str) -> float:
        start = time.perf_counter()
        Customized_Packet.CP(
            FITS_REF=reference,
            FITS_SCI=new,
            FITS_mREF=masked(reference),
            FITS_mSCI=masked(new),
            ForceConv="REF",
            GKerHW=8,
            FITS_DIFF=out,
            BACKEND_4SUBTRACT="Numpy",
            NUM_CPU_THREADS_4SUBTRACT=1,
            VERBOSE_LEVEL=0,
        )
        return time.perf_counter() - start

    out = new + ".difference.fits"
    seconds = min(once(out), once(out))
    return np.asarray(fits.getdata(out), np.float32), seconds


def properimage(new: str, reference: str) -> tuple[np.ndarray, float]:
    from properimage.operations import subtract
    from properimage.single_image import SingleImage

    start = time.perf_counter()
    difference, *_ = subtract(
        ref=SingleImage(reference, smooth_psf=False),
        new=SingleImage(new, smooth_psf=False),
        align=False,
    )
    return np.asarray(difference.real, np.float32), time.perf_counter() - start


if __name__ == "__main__":
    which, new_path, reference_path, out_path = sys.argv[1:]
    found, took = {"sfft": sfft, "properimage": properimage}[which](new_path, reference_path)
    np.save(out_path, found)
    print(took)
