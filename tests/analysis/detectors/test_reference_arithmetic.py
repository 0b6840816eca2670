"""The steps behind a sighting: features, places, likeness, confidence."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analysis.detectors.reference.appearance import likeness
from analysis.detectors.reference.features import (
    Features,
    Index,
    Reference,
    common_features,
    find_features,
    make_reference,
)
from analysis.detectors.reference.geometry import (
    find_agreement,
    find_hypotheses,
    fit,
    is_plausible,
    scale_of,
    turn_of,
)
from analysis.detectors.reference.pictures import pictures_of
from analysis.detectors.reference.score import Evidence, confidence

COMMON = common_features(200)


def drawing(text: str = "Kvarn 7") -> NDArray[np.uint8]:
    image = np.full((140, 260, 3), 230, np.uint8)
    cv2.putText(image, text, (14, 90), cv2.FONT_HERSHEY_COMPLEX, 1.7, (160, 40, 30), 4)
    cv2.circle(image, (225, 32), 20, (20, 20, 200), -1, cv2.LINE_AA)
    return image


def reference() -> Reference:
    (picture,) = pictures_of(drawing())
    return make_reference(0, picture, 150)


REFERENCE = reference()
INDEX = Index([REFERENCE], COMMON)


def moved(scale: float, turn: float, x: float, y: float) -> tuple[Features, NDArray]:
    """The reference's features as a frame would show them, and the place they came from."""
    linear = scale * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    place = np.c_[linear, (x, y)]
    own = REFERENCE.features
    xy = (own.xy @ linear.T + (x, y)).astype(np.float32)
    size, angle = own.size * np.float32(scale), own.angle + np.float32(turn)
    return Features(xy, size, angle, own.descriptors), place


def test_exchanged_features_are_those_of_the_negative() -> None:
    grey = cv2.cvtColor(drawing(), cv2.COLOR_BGR2GRAY)
    ours, truth = find_features(grey, 300).exchanged(), find_features(255 - grey, 300)
    apart = np.linalg.norm(ours.xy[:, None] - truth.xy, axis=2)
    turned = np.abs((ours.angle[:, None] - truth.angle + np.pi) % (2 * np.pi) - np.pi)
    resized = np.abs(np.log(ours.size[:, None] / truth.size))
    same = (apart < 0.5) & (turned < 0.05) & (resized < 0.05)
    assert same.any(1).mean() > 0.9
    alike = (ours.descriptors @ truth.descriptors.T)[same]
    assert np.median(alike) > 0.98


@settings(max_examples=25)
@given(st.floats(0.3, 3), st.floats(-3.1, 3.1), st.floats(-300, 900), st.floats(-300, 900))
def test_a_place_is_recovered_whatever_it_is(scale: float, turn: float, x: float, y: float) -> None:
    features, truth = moved(scale, turn, x, y)
    best = find_hypotheses(INDEX, features, INDEX.pair(features), 5)[0]
    place, found = fit(INDEX, features, best)
    corners = REFERENCE.corners
    off = (corners @ place[:, :2].T + place[:, 2]) - (corners @ truth[:, :2].T + truth[:, 2])
    assert np.abs(off).max() < 0.02 * REFERENCE.unit * scale
    assert scale_of(place) == pytest.approx(scale, rel=0.02)
    assert math.cos(turn_of(place) - turn) > 0.999
    assert len(found.frame) > 0.9 * len(REFERENCE.features)


def test_each_feature_agrees_once_at_most() -> None:
    features, truth = moved(1, 0, 0, 0)
    twice = Features(
        *(np.concatenate([v, v]) for v in (features.xy, features.size)),
        np.concatenate([features.angle] * 2),
        np.concatenate([features.descriptors] * 2),
    )
    found = find_agreement(INDEX, twice, 0, truth, 0.06)
    assert len(set(found.frame.tolist())) == len(found.frame) <= len(REFERENCE.features)
    assert len(set(found.inner.tolist())) == len(found.inner)


def test_mirrored_and_squashed_places_are_refused() -> None:
    assert is_plausible(np.array([[1.0, 0, 5], [0, 1, 5]]), REFERENCE)
    assert not is_plausible(np.array([[-1.0, 0, 5], [0, 1, 5]]), REFERENCE)
    assert not is_plausible(np.array([[1.0, 0, 5], [0, 0.1, 5]]), REFERENCE)
    assert not is_plausible(np.array([[0.0, 0, 5], [0, 0, 5]]), REFERENCE)


def test_a_reference_looks_like_itself_in_any_light_and_unlike_another() -> None:
    picture, look = pictures_of(drawing())[0], REFERENCE.look
    here = np.array([[1.0, 0, 0], [0, 1, 0]])
    dim = (picture.grey // 3 + 20).astype(np.uint8)
    assert likeness(look, picture.grey, here, False) > 0.99
    assert likeness(look, dim, here, False) > 0.9
    assert likeness(look, 255 - picture.grey, here, True) > 0.95
    assert likeness(look, 255 - picture.grey, here, False) < 0.3
    other = pictures_of(drawing("Zoxim"))[0]
    assert likeness(look, other.grey, here, False) < likeness(look, dim, here, False) - 0.2
    assert likeness(look, np.full_like(dim, 90), here, False) == pytest.approx(0, abs=0.01)


def test_kin_labels_do_not_silence_each_other() -> None:
    (picture,) = pictures_of(drawing("Borg"))
    twins = [REFERENCE, make_reference(1, pictures_of(drawing())[0], 150)]
    index = Index([*twins, make_reference(2, picture, 150)], COMMON)
    pairs = index.pair(REFERENCE.features)
    telling = pairs.distance < 0.5 * pairs.rival
    assert telling[:, 0].mean() > 0.8
    assert telling[:, 2].mean() > 0.8


evidence = st.builds(Evidence, *(st.floats(-1, 12) for _ in Evidence._fields))


@settings(deadline=None)
@given(evidence)
def test_confidence_is_a_share_whatever_was_measured(measured: Evidence) -> None:
    assert 0 <= confidence(measured) <= 1


@settings(deadline=None)
@given(evidence, st.floats(0.01, 1))
def test_looking_more_alike_never_lowers_confidence(measured: Evidence, more: float) -> None:
    better = measured._replace(looks=measured.looks + more)
    assert confidence(better) >= confidence(measured)
