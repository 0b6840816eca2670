"""Nights that are gone on with: what failed tried again, exposures added, verdicts taken back."""

from __future__ import annotations

import pytest
from django.urls import reverse

from analysis.errors import Stopped
from tests.night_sky import bare_exposure, searched_night
from webapp.leases import Status
from webapp.nights.candidates import CandidatePoint
from webapp.nights.deciding import decide
from webapp.nights.night import Night
from webapp.nights.showing import plane_of
from workers.nights.storing import Found, store


@pytest.fixture
def night(workspace, owner) -> Night:
    return searched_night(workspace, by=owner)


def stands(night: Night) -> tuple[str, str]:
    night.refresh_from_db()
    return night.stage, night.status


def failed(night: Night, n: int, *, can_retry: bool = True) -> None:
    some = night.exposures.all()[:n].values_list("pk", flat=True)
    night.exposures.filter(pk__in=list(some)).update(
        status=Status.FAILED, error="It was lost.", can_retry=can_retry
    )


def test_what_failed_of_a_searched_night_is_tried_again(night, analyst, client_for):
    failed(night, 1)
    assert "Retry" in client_for(analyst).get(f"/nights/{night.pk}").content.decode()
    assert night.retry()
    assert stands(night) == ("exposures", "working")
    assert list(night.exposures.values_list("status", flat=True)) == ["waiting", "done", "done"]


@pytest.mark.parametrize("n", [0, 1])
def test_a_searched_night_in_which_nothing_can_be_tried_again_stays_as_it_is(
    night, analyst, client_for, n
):
    failed(night, n, can_retry=False)
    assert "Retry" not in client_for(analyst).get(f"/nights/{night.pk}").content.decode()
    assert not night.retry()
    assert stands(night) == ("finish", "done")
    assert not night.exposures.filter(status=Status.WAITING).exists(), "nobody would search it"


def test_a_night_that_failed_as_nothing_could_be_searched_searches_again(night):
    failed(night, 3)
    Night.objects.filter(pk=night.pk).update(status=Status.FAILED)
    night.refresh_from_db()
    assert night.retry()
    assert stands(night) == ("exposures", "working")
    assert night.exposures.filter(status=Status.WAITING).count() == 3


def test_a_finish_that_failed_is_only_finished_again(night):
    Night.objects.filter(pk=night.pk).update(status=Status.FAILED)
    night.refresh_from_db()
    assert night.retry()
    assert stands(night) == ("finish", "waiting")


def test_a_reference_is_not_searched_by_itself(night):
    assert night.add([night.reference]) == 0
    assert stands(night) == ("finish", "done")
    assert night.add([night.reference, bare_exposure(night.workspace, 3)]) == 1


def test_a_night_that_could_not_be_planned_is_planned_when_exposures_are_added(night):
    Night.objects.filter(pk=night.pk).update(status=Status.FAILED, stage=Night.Stage.PLAN)
    night.refresh_from_db()
    assert night.add([bare_exposure(night.workspace, 3)]) == 1
    assert stands(night) == ("plan", "waiting")


class Deciding(list):
    """What was found, while a person decides."""

    def __init__(self, found, decides):
        super().__init__(found)
        self.decides = decides

    def __iter__(self):
        self.decides()
        return super().__iter__()


def finishing(night: Night) -> Night:
    Night.objects.filter(pk=night.pk).update(status=Status.WORKING, lease_token="mine")
    night.refresh_from_db()
    return night


def found_again(night: Night, number: int) -> Found:
    points = CandidatePoint.objects.filter(candidate__night=night, candidate__number=number)
    place = {"x": 1.0, "y": 1.0}
    return Found({"score": 9.0}, [(one.exposure, one.row, place) for one in points])


def test_a_verdict_that_is_given_while_candidates_are_stored_stands(night, reviewer):
    def decides():
        for number in (1, 3):
            decide(night.candidates.get(number=number), "accepted", by=reviewer)

    store(finishing(night), Deciding([found_again(night, 1)], decides))
    kept = {one.number: (one.verdict, one.is_gone) for one in night.candidates.all()}
    assert kept == {1: ("accepted", False), 3: ("accepted", True)}


def test_a_verdict_that_others_overruled_is_not_said_to_be_taken_back(
    night, analyst, reviewer, client_for
):
    one, other = night.candidates.get(number=1), night.candidates.get(number=2)
    decide(one, "accepted", by=analyst)
    decide(one, "rejected", by=reviewer)
    client = client_for(analyst)
    undo = reverse("night-take-back", args=[night.pk, other.number])
    assert "There is no verdict of yours" in client.post(undo, follow=True).content.decode()
    decide(other, "unsure", by=analyst)
    decide(one, "accepted", by=analyst)
    decide(one, "rejected", by=reviewer)
    undo = reverse("night-take-back", args=[night.pk, 3])
    assert "Candidate 2: taken back" in client.post(undo, follow=True).content.decode()
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.verdict, other.verdict) == ("rejected", "")


def test_candidates_on_both_sides_of_the_first_meridian_are_drawn_side_by_side(night):
    for point in CandidatePoint.objects.filter(candidate__night=night):
        point.ra = (point.ra - 149.98) % 360
        point.save()
    plot, _ = plane_of(night, night.candidates.all())
    assert len({dot.x for dot in plot.dots}) > 5
    ends = [float(tick.text.replace("−", "-")) for tick in plot.x_ticks]
    assert max(ends) - min(ends) < 1, "not the whole sky"


def test_the_page_of_versions_asks_no_more_for_more_nights(
    night, analyst, owner, client_for, django_assert_max_num_queries
):
    for n in range(8):
        Night.objects.create(
            workspace=night.workspace, name=str(n), status=Status.DONE, options=night.options
        )
    decide(night.candidates.get(number=1), "accepted", by=owner)
    client = client_for(analyst)
    client.get(reverse("sky-teachings"))
    with django_assert_max_num_queries(18):
        html = client.get(reverse("sky-teachings")).content.decode()
    assert "1 accepted" in html


def test_what_lies_on_no_line_any_more_has_no_rate(night):
    store(finishing(night), [found_again(night, 1), found_again(night, 3)])
    kept = night.candidates.order_by("number").values_list("rate", "chance", "known_as")
    assert list(kept) == [(None, None, "")] * 2


def test_candidates_are_stored_by_the_worker_that_holds_the_night_alone(night):
    late = finishing(night)
    Night.objects.filter(pk=night.pk).update(lease_token="another's")
    with pytest.raises(Stopped):
        store(late, [])
    assert night.candidates.count() == 3
