"""How long the candidates that wait will take is told by how long those before them took."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.night_sky import searched_night
from webapp.nights.candidates import Candidate
from webapp.nights.deciding import CandidateDecision, decide
from webapp.nights.pace import ASSUMED_S, CandidatePace


@pytest.fixture
def browser(client_for, owner):
    return client_for(owner)


@pytest.fixture
def night(workspace, owner):
    return searched_night(workspace, by=owner)


def verdicts(night, by, *, every_s: float, n: int = 22, ago_s: float = 9000.0) -> None:
    """One after the other, with a break of an hour in the middle."""
    at = timezone.now() - timedelta(seconds=ago_s)
    for number in range(n):
        one = Candidate.objects.create(night=night, number=100 + Candidate.objects.count())
        made = decide(one, "rejected", by=by)
        at += timedelta(hours=1) if number == n // 2 else timedelta(seconds=every_s)
        CandidateDecision.objects.filter(pk=made.pk).update(at=at)


def test_few_verdicts_tell_nothing(workspace, night, reviewer):
    verdicts(night, reviewer, every_s=3, n=5)
    assert CandidatePace.of(workspace) == CandidatePace(ASSUMED_S, is_measured=False)


def test_the_time_between_verdicts_of_one_person_is_the_pace_and_breaks_are_none(
    workspace, night, reviewer, analyst
):
    verdicts(night, reviewer, every_s=9)
    verdicts(night, analyst, every_s=9, ago_s=8995.5)  # at the same time, by somebody else
    pace = CandidatePace.of(workspace)
    assert pace.is_measured
    assert pace.item_s == pytest.approx(9, abs=0.1)


def test_the_review_page_says_how_long_the_candidates_take(browser, night, reviewer):
    text = browser.get(reverse("review")).content.decode()
    assert "Taken as 6 s for a candidate, until twenty are timed" in text
    verdicts(night, reviewer, every_s=40, n=30)
    text = browser.get(reverse("review")).content.decode()
    assert "40.0 s for a candidate, as measured here" in text
    assert "2 min" in text, "three wait"
