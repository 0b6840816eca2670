"""Accepting a round shows labels from what suits the new version; rolling back brings the old back,
and neither takes from a person what they set by hand."""

from __future__ import annotations

import json

import pytest
from django.db import transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.improved import boards, round_at_the_gate
from tests.trained import model_version
from webapp.accounts.models import Event, Refused
from webapp.improving.loops import Loop
from webapp.improving.rounds import Round
from webapp.projects.models import Label, Project

pytestmark = pytest.mark.django_db
BEST = {"kestrel": 0.6204, "VTL": 0.31, "Nobody's": 0.9}


@pytest.fixture
def passed(workspace, project, owner):
    """Kestrel would be shown from 0.62, and Vitalo, by its alias, from 0.31."""
    old = model_version(workspace)
    old.model.promote(old, "production", by=None)
    Project.objects.filter(pk=project.pk).update(model_version=old)
    project.labels.filter(name="Vitalo").update(aliases=["vtl"])
    loop = Loop.make(old.model, boards(project, n=2, n_golden=2), by=owner)
    return round_at_the_gate(loop, model_version(workspace), BEST)


@pytest.fixture
def at(analyst, client_for):
    return client_for(analyst)


def shown_from(project: Project) -> dict[str, float]:
    return dict(project.labels.values_list("name", "threshold"))


def edit(project: Project, name: str, threshold: float) -> None:
    """As a person does on the page of the project."""
    project.refresh_from_db()
    label = project.labels.get(name=name)
    assert label.edit(seen=project.version, by=None, name=name, threshold=threshold)


def shown(client, row: Round) -> str:
    return " ".join(client.get(reverse("round", args=[row.pk])).content.decode().split())


def test_it_is_said_before_taken_over_and_brought_back(at, passed, project):
    before = shown_from(project)
    page = shown(at, passed)
    assert 'td class="num">0.500</td><td class="num">0.620</td>' in page
    assert "in past analyses too" in page
    passed.accept(by=None)
    assert shown_from(project) == before | {"Kestrel": 0.62, "Vitalo": 0.31}
    assert Event.objects.get(what__startswith="took over").data["labels"] == "Kestrel, Vitalo"
    assert "Rolling back brings the old ones back" in shown(at, passed)
    passed.roll_back(by=None)
    assert shown_from(project) == before
    assert "the old confidences came back" in shown(at, passed)


def test_what_was_set_by_hand_is_kept_unless_ticked(at, passed, project):
    edit(project, "Kestrel", 0.7)
    edit(project, "Vitalo", 0.5)  # the form sends what nobody changed
    kestrel, vitalo = (project.labels.get(name=name) for name in ("Kestrel", "Vitalo"))
    assert (kestrel.threshold_by_hand, vitalo.threshold_by_hand) == (True, False)
    page = shown(at, passed)
    assert f'value="{kestrel.pk}"> <span>Kestrel' in page
    assert f'value="{vitalo.pk}" checked> <span>Vitalo' in page
    passed.accept(by=None)
    assert (shown_from(project)["Kestrel"], shown_from(project)["Vitalo"]) == (0.7, 0.31)


def test_only_what_is_ticked_and_by_hand_again_after(at, passed, project):
    edit(project, "Kestrel", 0.7)
    project.refresh_from_db()
    kestrel = project.labels.get(name="Kestrel")
    form = {"seen": f"{project.pk}:{project.version}", "labels": [kestrel.pk, "x", "9" * 5000]}
    at.post(reverse("round-accept", args=[passed.pk]), form)
    assert (shown_from(project)["Kestrel"], shown_from(project)["Vitalo"]) == (0.62, 0.5)
    passed.refresh_from_db()
    passed.roll_back(by=None)
    kestrel.refresh_from_db()
    assert (kestrel.threshold, kestrel.threshold_by_hand) == (0.7, True)


def test_a_page_that_is_out_of_date_decides_nothing(at, passed, project):
    stale = f"{project.pk}:{project.version}"
    edit(project, "Kestrel", 0.7)
    form = {"seen": stale, "labels": [project.labels.get(name="Kestrel").pk]}
    at.post(reverse("round-accept", args=[passed.pk]), form)
    assert "was changed meanwhile. Look once more." in shown(at, passed)
    assert shown_from(project)["Kestrel"] == 0.7


def test_what_a_person_changed_since_stays_and_that_is_said(at, passed, project):
    passed.accept(by=None)
    edit(project, "Kestrel", 0.8)
    assert "would stay at 0.800: changed since" in shown(at, passed)
    passed.roll_back(by=None)
    assert (shown_from(project)["Kestrel"], shown_from(project)["Vitalo"]) == (0.8, 0.5)
    assert "stayed: changed since" in shown(at, passed)


def test_where_the_project_chose_another_version_since_all_stay(passed, project, workspace):
    passed.accept(by=None)
    Project.objects.filter(pk=project.pk).update(model_version=model_version(workspace))
    passed.roll_back(by=None)
    assert shown_from(project)["Kestrel"] == 0.62
    assert {one["stays"] for one in passed.confidences} == {
        "its project looks with another version"
    }


def test_a_round_from_before_measured_no_confidence(at, passed, project):
    rows = [{"label": "Kestrel", "n_truth": 4, "new": 0.9, "old": 0.8, "holds": True}]
    Round.objects.update(verdict=passed.verdict | {"rows": rows})
    before = shown_from(project)
    assert "No confidence changes" in shown(at, passed)
    passed.accept(by=None)
    assert shown_from(project) == before


def test_programs_choose_too(client, key_for, analyst, passed, project):
    def ask(method: str, path: str = "", body: dict | None = None):
        data = {} if body is None else {"data": json.dumps(body)}
        about = data | {"content_type": "application/json"} if method == "post" else {}
        address = f"/api/v1/rounds/{passed.pk}/{path}"
        return getattr(client, method)(address, **about, **key_for(analyst))

    (one, two) = ask("get").json()["confidences"]
    assert (one["name"], one["before"], one["after"], one["by_hand"]) == (
        "Kestrel",
        0.5,
        0.62,
        False,
    )
    wrong = ask("post", "accept/", {"labels": [10**9]})
    assert wrong.status_code == 422
    assert "changes the confidence of no label 1000000000" in wrong.json()["detail"]
    assert ask("post", "accept/", {"labels": ["1"]}).status_code == 400
    taken = ask("post", "accept/", {"labels": [two["label"]]}).json()
    assert [c["name"] for c in taken["confidences"]] == ["Vitalo"]
    assert shown_from(project)["Kestrel"] == 0.5
    edit(project, "Vitalo", 0.44)
    assert ask("get").json()["confidences"][0]["stays"] == "changed since"


_threshold = st.floats(0.05, 1)


@given(
    before=st.lists(st.tuples(_threshold, st.booleans()), min_size=3, max_size=3),
    best=st.tuples(_threshold, _threshold, _threshold),
    ticks=st.none() | st.sets(st.integers(0, 2)),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_accepting_and_rolling_back_is_as_if_nothing_was(passed, project, before, best, ticks):
    """Whatever labels were shown from, by whomever, and whatever is ticked: to the last bit."""
    pks = list(project.labels.order_by("pk").values_list("pk", flat=True))[:3]

    def now() -> list[tuple]:
        rows = Label.objects.filter(pk__in=pks).order_by("pk")
        return [*rows.values_list("threshold", "threshold_by_hand")]

    with transaction.atomic():
        rows = []
        for pk, (threshold, by_hand), most in zip(pks, before, best, strict=True):
            label = Label.objects.filter(pk=pk)
            label.update(threshold=threshold, threshold_by_hand=by_hand)
            rows.append({"label": label.get().name, "threshold": most, "n_right": 1})
        Round.objects.update(verdict=passed.verdict | {"rows": rows})
        row = Round.objects.get()
        try:
            row.accept(by=None, labels=None if ticks is None else [pks[n] for n in ticks])
        except Refused:  # what is ticked is at its best already
            row.accept(by=None)
        assert {c["label"] for c in row.confidences} <= set(pks)
        if ticks is None:
            kept = [b for b, n in zip(before, now(), strict=True) if b[1] and b != n]
            assert not kept, "set by hand"
        row.roll_back(by=None)
        assert now() == before
        transaction.set_rollback(True)
