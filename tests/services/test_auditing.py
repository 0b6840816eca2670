"""However many answer at once, each frame is given to one of them, and a round ends whole."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from webapp.auditing import rounds
from webapp.auditing.answering import Taken, give
from webapp.auditing.items import AuditItem

pytestmark = pytest.mark.services

AHEAD, WANTED = 4, 40
THERE, UNSURE = AuditItem.Answer.THERE, AuditItem.Answer.UNSURE


def test_each_frame_is_answered_for_once(site, run_of, asset_in, project, person, workspace):
    label = project.labels.first()
    found = [(label.name, 10.0, 20.0, (0.1, 0.1, 0.3, 0.2), 0.9)]
    run = run_of(asset_in(workspace), project, found=found)
    people = [person(f"p{n}", "reviewer", workspace) for n in range(4)]
    (audited,) = rounds.start(run, [label.pk], WANTED, by=people[0])
    answered, refused = [], []

    def answer_all(by) -> None:
        while lent := AuditItem.objects.lend(audited.audit, by, AHEAD):
            for item in lent:
                try:  # every fifth cannot be told: another frame is asked in its place
                    word = UNSURE if item.place % 5 == 0 else THERE
                    give(item, word, by=by, spent_s=0.1)
                    answered.append(item.pk)
                except Taken as taken:
                    refused.append(str(taken))
        connection.close()

    threads = [threading.Thread(target=answer_all, args=(by,)) for by in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    items = list(audited.items.all())
    assert refused == []
    assert len(answered) == len(set(answered)) == len(items)
    told = [item for item in items if item.answer == THERE]
    assert len(told) == WANTED
    assert sorted(item.place for item in items) == list(range(len(items)))
