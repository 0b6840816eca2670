"""Exposures that are too large to be held are the same panel by panel."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from analysis.sky.alignment import NoCommonStars
from analysis.sky.detection import detect
from analysis.sky.exposures import opened
from analysis.sky.matching import subtract_pair
from analysis.sky.pairs import pair_of
from analysis.sky.panels import panels_of
from analysis.sky.streaming import once
from tests.analysis.sky.made import add, sky_of_stars
from tests.analysis.sky.test_subtraction import one_thread  # noqa: F401

pytest.importorskip("torch", reason="requirements.txt is not installed")

SHAPE = (260, 420)
MOST = 260 * 310  # pixels: two panels
NEW = [(60.3, 50.0), (209.6, 90.4), (210.2, 200.7), (350.0, 61.5), (120.0, 190.0)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A reference, and an exposure of it with new points, some at the border of the panels."""
    folder = tmp_path_factory.mktemp("mosaic")
    reference = sky_of_stars(SHAPE, 170, 300, 6, 3.2, gain=1.5, seed=3, noise_seed=1)
    new = sky_of_stars(SHAPE, 170, 320, 6, 3.2, gain=1.5, seed=3, noise_seed=2)
    for x, y in NEW:
        add(new.pixels, x, y, 1500, 3.2)
    paths = folder / "new.fits", folder / "reference.fits"
    for path, one in zip(paths, (new, reference), strict=True):
        fits.writeto(path, one.pixels, fits.Header({"GAIN": 1.5}))
    return paths


def test_panels_answer_for_each_pixel_once_and_hold_no_more_than_they_may(files):
    with opened(files[0]) as new, opened(files[1]) as reference:
        panels = panels_of(new, reference, MOST)
        assert len(panels) == 2
        y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
        owned = sum(panel.owns(x, y).astype(int) for panel in panels)
        assert (owned == 1).all()
        for panel in panels:
            assert np.prod(panel.reference.shape) <= MOST
            part = panel.reference.whole().pixels
            height, width = part.shape
            whole = reference.whole().pixels
            there = whole[panel.top : panel.top + height, panel.left : panel.left + width]
            np.testing.assert_array_equal(part, there)


def test_what_fits_is_one_panel_of_which_nothing_is_cut(files):
    with opened(files[0]) as new, opened(files[1]) as reference:
        (panel,) = panels_of(new, reference, SHAPE[0] * SHAPE[1])
        assert panel.new is new
        assert panel.reference is reference


def test_new_points_are_those_of_the_whole_also_at_the_border(files):
    with opened(files[0]) as new, opened(files[1]) as reference:
        whole = detect(subtract_pair(pair_of(new, reference)), 8.0)
        found = []
        for panel in panels_of(new, reference, MOST):
            points = detect(subtract_pair(panel.pair()), 8.0)
            x, y = points.x + panel.left, points.y + panel.top
            owned = panel.owns(x, y, 1.5)
            found.append(np.stack([x, y, points.score, points.flux])[:, owned])
    x, y, score, flux = np.concatenate(found, axis=1)
    rows = once(x, y, score)
    assert len(rows) == len(whole) == len(NEW)
    for at_x, at_y in NEW:
        here = rows[np.hypot(x[rows] - at_x, y[rows] - at_y) < 0.5]
        there = np.hypot(whole.x - at_x, whole.y - at_y) < 0.5
        assert len(here) == there.sum() == 1, "each of them once"
        assert flux[here[0]] == pytest.approx(whole.flux[there][0], rel=0.05)
        # how sure it is says each panel by its own stars, which here are few
        assert score[here[0]] > 0.8 * whole.score[there][0]


def test_what_is_turned_and_moved_lies_on_its_panels(tmp_path, files):
    """The exposure upside down, and moved: which part lies on a panel its stars say."""
    with fits.open(files[0]) as file:
        turned = np.roll(file[0].data[::-1, ::-1], 9, axis=1)
    fits.writeto(tmp_path / "turned.fits", turned, fits.Header({"GAIN": 1.5}))
    with opened(tmp_path / "turned.fits") as new, opened(files[1]) as reference:
        panels = panels_of(new, reference, MOST)
        assert len(panels) > 1
        at_x, at_y = NEW[0]
        (panel,) = (one for one in panels if one.owns(np.array([at_x]), np.array([at_y]))[0])
        pair = panel.pair()
        assert pair.alignment.residual < 0.2
        points = detect(subtract_pair(pair), 8.0)
        away = np.hypot(points.x + panel.left - at_x, points.y + panel.top - at_y)
        assert away.min() < 0.5


def test_two_that_share_no_stars_are_told_at_once(tmp_path, files):
    other = sky_of_stars(SHAPE, 170, 300, 6, 3.2, seed=77).pixels
    fits.writeto(tmp_path / "other.fits", other)
    with (
        opened(tmp_path / "other.fits") as new,
        opened(files[1]) as reference,
        pytest.raises(NoCommonStars),
    ):
        panels_of(new, reference, MOST)
