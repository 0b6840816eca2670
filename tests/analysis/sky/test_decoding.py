"""What the guarded child does with a file, done here so that its memory can be seen."""

from __future__ import annotations

import os
import tracemalloc

import numpy as np
import pytest

from analysis.errors import RefusedMedia
from analysis.media.decoding.line import Line
from analysis.sky.decoding import _through
from analysis.sky.exposures import opened
from analysis.sky.overview import survey
from tests.sky_exposures import stars, written

pytest.importorskip("astropy", reason="requirements-sky.txt is not installed")


def test_a_tall_picture_is_gone_through_with_a_few_bands_in_memory(tmp_path):
    tall = np.random.default_rng(0).normal(1000, 5, (6000, 2000)).astype(np.float32)
    path = written(tmp_path / "tall.fits", tall, {})
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        with opened(path) as exposure:
            tracemalloc.start()
            sample, n_bad, _ = _through(exposure, Line(nowhere))
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    finally:
        os.close(nowhere)
    assert n_bad == 0
    assert 10_000 < sample.size < 40_000
    assert peak < 0.6 * tall.nbytes


def test_a_picture_beyond_the_limits_is_refused_with_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.sky.overview.MOST_PIXELS", 100_000)
    with pytest.raises(RefusedMedia, match="400 × 300 pixels; the limit is"):
        survey(written(tmp_path / "large.fits", stars()))
