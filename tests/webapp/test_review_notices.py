"""Word that all is decided: once for a batch, to those who asked."""

from __future__ import annotations

import pytest
from django.urls import reverse

from webapp.review_queue.choosing import choose
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.notices import QueueNotice
from webapp.review_queue.rules import ReviewRule

pytestmark = pytest.mark.django_db


@pytest.fixture
def items(run, project, analyst):
    """The first sight of each of four tracks, for a rule that an analyst made."""
    conditions = [{"ConditionType": "FirstAppearance", "ConditionParameters": {}}]
    rule = ReviewRule.objects.make(project, "New", {"Conditions": conditions}, by=analyst)
    ReviewItem.objects.bulk_create(choose(run, [rule]).items)
    return list(ReviewItem.objects.order_by("time_s"))


def decide(browser, item, verb="decide"):
    body = {"boxes": [], "unsure": True} if verb == "decide" else {}
    address = reverse(f"api-review-item-{verb}", args=[item.pk])
    return browser.post(address, body, "application/json")


def test_who_made_the_rule_is_told_once_when_all_is_decided(
    items,
    owner,
    analyst,
    reviewer,
    client_for,
    django_capture_on_commit_callbacks,
    settings,
    mailoutbox,
):
    settings.EMAIL_HOST = "mail.test"
    browser = client_for(reviewer)
    with django_capture_on_commit_callbacks(execute=True):
        for item in items[:-1]:
            decide(browser, item)
    assert not QueueNotice.objects.filter(user=analyst).exists()
    with django_capture_on_commit_callbacks(execute=True):
        decide(browser, items[-1])
    (notice,) = QueueNotice.objects.filter(user=analyst)
    assert notice.emptied.n_items == len(items)
    assert [letter.to for letter in mailoutbox] == [[analyst.email]]
    with django_capture_on_commit_callbacks(execute=True):
        decide(browser, items[-1], "undo")
        decide(browser, items[-1])
    assert QueueNotice.objects.count() == 1, "taken back and decided again is no new batch"
    theirs = client_for(analyst)
    assert "Nothing waits any more in" in theirs.get(reverse("inbox")).content.decode()
    theirs.post(reverse("inbox-seen"))
    assert not QueueNotice.objects.unseen().exists()
    events = client_for(owner).get("/api/v1/events/").json()["results"]
    assert any(event["what"] == "nothing waits for review any more" for event in events)


def test_a_later_batch_is_told_of_again(
    items, analyst, reviewer, client_for, django_capture_on_commit_callbacks
):
    browser = client_for(reviewer)
    with django_capture_on_commit_callbacks(execute=True):
        for item in items:
            decide(browser, item)
    old = items[0]
    later = ReviewItem(run=old.run, project=old.project, workspace=old.workspace, rule=old.rule)
    later.frame, later.time_s = 77, 38.5
    later.save()
    with django_capture_on_commit_callbacks(execute=True):
        decide(browser, later)
    told = QueueNotice.objects.filter(user=analyst).order_by("pk")
    assert [notice.emptied.n_items for notice in told] == [len(items), 1]
