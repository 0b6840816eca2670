"""The score that Sightline comes with tells points from hits and badly subtracted stars."""

from __future__ import annotations

import numpy as np

from analysis.sky.first import FIRST_CUT, first_score
from analysis.sky.realbogus import area_under_curve
from analysis.sky.triplets import stretched, unstretched
from tests.analysis.sky.test_realbogus import triplets


def test_points_score_above_what_is_none() -> None:
    made = [unstretched(stretched(triplets(60, real, 5))) for real in (True, False)]
    real, bogus = (first_score().score(one) for one in made)
    assert area_under_curve(np.r_[real, bogus], np.arange(120) < 60) > 0.95
    assert (real < FIRST_CUT).mean() <= 0.02, "what is real is not looked at last"
    assert (bogus < FIRST_CUT).mean() > 0.3
