"""The page of an exposure says which nights rest on it, and marks what they found in it."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse

from tests.night_sky import exposure_in, searched_night
from webapp.assets.models import Asset
from webapp.nights.candidates import Candidate, CandidatePoint, Verdict
from webapp.nights.night import Night
from webapp.nights.showing import about

TRAIL = {"x0": 20.0, "y0": 30.0, "x1": 170.0, "y1": 60.0, "length": 153.0, "width": 3.0}
PLACES = {"ra0": 150.02, "dec0": 11.98, "ra1": 149.98, "dec1": 11.99}


@pytest.fixture
def browser(client_for, owner):
    return client_for(owner)


@pytest.fixture
def night(workspace, owner):
    night = searched_night(workspace, by=owner)
    Asset.objects.filter(workspace=workspace).update(width=200, height=200)
    one = Candidate.objects.create(night=night, number=9, n_points=1, is_trail=True, score=90.0)
    CandidatePoint.objects.create(
        candidate=one, exposure=night.exposures.first(), row=9, x=95.0, y=45.0, flux=1.0,
        flux_error=1.0, score=90.0, trail=TRAIL | PLACES,
    )  # fmt: skip
    return night


def opened(browser, asset, query: str = "") -> tuple[str, list[dict]]:
    text = browser.get(reverse("asset", args=[asset.pk]) + query).content.decode()
    data = json.loads(re.search(r'id="sky-data"[^>]*>(.*?)</script>', text, re.S)[1])
    return text, data.get("marks", [])


def test_an_exposure_leads_to_its_night_and_its_candidates_and_marks_them(browser, night):
    text, marks = opened(browser, night.exposures.first().asset)
    assert reverse("night", args=[night.pk]) in text
    assert "4</span> candidates in it" in text
    for number in (1, 2, 3, 9):
        assert reverse("night-candidate", args=[night.pk, number]) in text
    assert {mark["label"] for mark in marks} == {"1", "2", "3", "9"}
    trail = next(mark for mark in marks if mark["label"] == "9")
    assert [trail[name] for name in ("x", "y", "x2", "y2")] == [20.0, 30.0, 170.0, 60.0]
    assert [trail[name] for name in ("ra", "dec2")] == [150.02, 11.99]
    assert trail["href"] == reverse("night-candidate", args=[night.pk, 9])


def test_what_is_an_artefact_is_listed_and_not_marked(browser, night):
    night.candidates.filter(number=2).update(verdict=Verdict.ARTEFACT)
    text, marks = opened(browser, night.exposures.first().asset)
    assert "2" not in {mark["label"] for mark in marks}
    assert "Artefact" in text


def test_a_reference_leads_to_its_night_without_marks(browser, night):
    text, marks = opened(browser, night.reference)
    assert "the reference" in text
    assert not marks


def test_the_candidates_of_an_older_night_are_marked_on_demand(browser, night, owner):
    exposure = night.exposures.first()
    newer = type(night).objects.request(
        night.workspace,
        [one.asset for one in night.exposures.all()],
        reference=night.reference,
        name="Again",
        by=owner,
    )
    one = Candidate.objects.create(night=newer, number=77, n_points=1, is_single=True)
    CandidatePoint.objects.create(
        candidate=one, exposure=newer.exposures.first(), row=0, x=1, y=1, flux=1, flux_error=1,
        score=6,
    )  # fmt: skip
    text, marks = opened(browser, exposure.asset)
    assert [mark["label"] for mark in marks] == ["77"]
    assert f"?night={night.pk}" in text
    _, marks = opened(browser, exposure.asset, f"?night={night.pk}")
    assert {mark["label"] for mark in marks} == {"1", "2", "3", "9"}


def test_an_exposure_of_no_night_says_nothing_of_nights(browser, workspace):
    text, marks = opened(browser, exposure_in(workspace, 0), "?night=1")
    assert "In nights" not in text
    assert not marks


@pytest.mark.parametrize("coordinates", [True, False])
def test_limits_have_their_unit_before_anything_is_linked(workspace, owner, coordinates):
    """A night at work, which stacks its own reference, is not said to search by pixels an hour."""
    assets = [exposure_in(workspace, n, coordinates=coordinates) for n in range(3)]
    night = Night.objects.request(workspace, assets, name="At work", by=owner)
    unit = "″/h" if coordinates else "px/h"
    assert dict(about(night))["Fastest"].endswith(unit)
