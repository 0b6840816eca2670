"""What was linked leaves with a name, and with a magnitude only where a catalogue gave one."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.sky.exports import Site, ades_psv, mpc80, observations_csv, read_ades_psv
from analysis.sky.known import Named
from analysis.sky.linking import link
from analysis.sky.measured import observations_of
from analysis.sky.photometry import ZeroPoint
from tests.analysis.sky.test_linking import night


def test_tracklets_become_observations_with_errors_and_names():
    sources, *_ = night(31, noise=0)
    tracklets = link(sources)
    known = [Named("(433) Eros", 0.5, 0.1), Named("2026 WB12", 0.5, 0.1), Named("a comet", 1, 1)]
    found = observations_of(
        tracklets,
        sources,
        fwhm_arcsec=2.355,
        solution_arcsec=0.1,
        zero=ZeroPoint(25.0, 0.03, 0.0, 40, "r"),
        known=[*known, None, None],
    )
    assert len(found) == 20
    names = [str(one.name) for one in found[::4]]
    assert names[:2] == ["433", "2026 WB12"]
    assert len(set(names)) == 5
    assert found[8].known_as == "a comet"
    assert found[8].name.temporary
    first = found[0]
    assert first.mag == pytest.approx(25 - 2.5 * np.log10(sources.flux[tracklets[0].rows[0]]))
    assert first.mag_error > 0.03
    site = Site("XXX")
    assert mpc80(found, site).count("\n") > 20
    assert len(read_ades_psv(ades_psv(found, site))) == 20
    assert observations_csv(found).count("\r\n") == 21


def test_instrumental_magnitudes_are_not_sent():
    sources, *_ = night(32, noise=0)
    found = observations_of(link(sources), sources, fwhm_arcsec=2.0)
    assert all(np.isnan(one.mag) for one in found)
    assert "|mag" not in ades_psv(found, Site("XXX"))


def test_names_that_are_given_are_used_or_refused():
    sources, *_ = night(33, noise=0)
    tracklets = link(sources)
    found = observations_of(tracklets, sources, fwhm_arcsec=2.0, names=["X1", "", "", "", ""])
    assert found[0].name.temporary == "X1"
    with pytest.raises(AnalysisError, match="is no name"):
        observations_of(tracklets, sources, fwhm_arcsec=2.0, names=["no name"] * 5)
