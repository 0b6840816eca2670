"""Answers of an audit that hold for the analysis which looked again."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.conftest import FOUND
from webapp.auditing import rounds
from webapp.auditing.answering import give
from webapp.auditing.audits import Audit
from webapp.auditing.carrying import carry_over
from webapp.auditing.items import AuditItem
from webapp.auditing.readings import readings, standings

pytestmark = pytest.mark.django_db


@pytest.fixture
def answered(run, kestrel, analyst):
    """Kestrel checked in 30 frames: it is there from 10 to 20 s and from 80 to 82 s."""
    (audited,) = rounds.start(run, [kestrel.pk], 30, by=analyst)
    while item := audited.items.open().first():
        is_there = 10 <= item.time_s < 20 or 80 <= item.time_s < 82
        give(item, "there" if is_there else "not_there", by=analyst)
    return audited


def looked_again(run, run_of, kestrel, found=FOUND):
    made = run_of(run.asset, run.project, found=found)
    made.parent, made.inputs = run, made.inputs | {"again": {"label": kestrel.pk, "boxes": []}}
    made.save()
    return made


def test_where_nothing_changed_every_answer_holds_and_the_page_says_so(
    run, run_of, kestrel, answered, analyst, client_for
):
    made = looked_again(run, run_of, kestrel)
    assert carry_over(made) == 30
    assert readings(made)[kestrel.pk].n_answers == 30
    assert readings(made)[kestrel.pk].people == ["Ana"]
    page = client_for(analyst).get(reverse("run-audit", args=[made.pk])).content.decode()
    assert "30 answers of the analysis that this one looked again in hold here" in page
    assert "overlap by 0.5 or more" in page
    panel = client_for(analyst).get(reverse("run-view", args=[made.pk])).json()["panel"]
    assert "Checked by people: 30 answers of an audit" in panel
    assert carry_over(made) == 0, "once is enough"


def test_where_a_box_is_elsewhere_now_it_is_asked_again(run, run_of, kestrel, answered):
    def moved(one):
        label, start_s, end_s, box, *more = one
        return (label, start_s, end_s, tuple(side / 3 + 0.6 for side in box), *more)

    made = looked_again(run, run_of, kestrel, [moved(one) for one in FOUND])
    n = carry_over(made)
    (standing,) = standings(made)
    assert 0 < n < 30
    assert standing.is_open
    again = set(standing.audited.items.open().values_list("time_s", flat=True))
    before = set(
        answered.items.filter(answer=AuditItem.Answer.THERE).values_list("time_s", flat=True)
    )
    assert before & again == before


def test_an_analysis_of_its_own_or_without_an_audit_before_begins_none(run, run_of, kestrel):
    made = looked_again(run, run_of, kestrel)
    assert carry_over(made) == 0
    assert not Audit.objects.filter(run=made).exists()
