"""The pages of a project's review rules: making, changing and trying them."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from django.urls import reverse

from analysis.rules import usual
from webapp.accounts.models import Refused
from webapp.review_queue.choosing import choose
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.rules import MOST, ReviewRule
from webapp.review_queue.siftings import Sifting

pytestmark = pytest.mark.django_db

FIRST = {"ConditionType": "FirstAppearance", "ConditionParameters": {}}
WEAK = {"ConditionType": "WorstFrame", "ConditionParameters": {"ConfidenceLessThan": 60}}


@pytest.fixture
def browser(analyst, client_for):
    return client_for(analyst)


def text(*conditions: dict) -> str:
    return json.dumps({"Conditions": list(conditions)})


def made(project, name: str = "New", *conditions: dict) -> ReviewRule:
    document = {"Conditions": list(conditions or [FIRST])}
    return ReviewRule.objects.make(project, name, document, by=None)


def address(name: str, pk: int) -> str:
    return reverse(name, args=[pk])


def said(answer) -> str:
    """The text of a page, as people read it, all spaces alike."""
    page = re.sub(
        r"<template.*?</template>|<script.*?</script>", "", answer.content.decode(), flags=re.S
    )
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def send(browser, project, **wish):
    about = {"name": "Weak ones", "people": "2", "conditions": text(WEAK)} | wish
    return browser.post(address("review-rule-new", project.pk), about)


def preview(browser, project, conditions: str, **more) -> str:
    asked = {"conditions": conditions} | more
    return said(browser.post(address("review-rule-preview", project.pk), asked))


# --- making and changing ----------------------------------------------------------------------


def test_what_is_offered_is_a_rule_with_one_click(browser, project, run):
    page = browser.get(address("review-rules", project.pk))
    assert all(" ".join(name.split()) in said(page) for name, _ in usual())
    offered = re.search(r'name="conditions"[^>]*value="([^"]*)"', page.content.decode())
    about = {"name": usual()[0].name, "people": "1", "conditions": unescape(offered[1])}
    answer = browser.post(address("review-rule-new", project.pk), about, follow=True)
    assert (
        "Sends the worst frame of each track at least 30 and below 60; and 5 % of the frames"
        in said(answer)
    )
    rule = ReviewRule.objects.get()
    assert (rule.conditions, rule.is_on) == (usual()[0].document, True)


def test_a_rule_is_made_and_changed(browser, project, analyst):
    assert send(browser, project).status_code == 302
    rule = ReviewRule.objects.get()
    assert (rule.name, rule.people, rule.created_by) == ("Weak ones", 2, analyst)
    shown = said(browser.get(address("review-rules", project.pk)))
    assert "2 people each" in shown
    form = browser.get(address("review-rule", rule.pk)).content.decode()
    assert "ConfidenceLessThan" in form
    wish = {"name": "New ones", "people": "1", "conditions": text(FIRST)}
    assert browser.post(address("review-rule", rule.pk), wish).status_code == 302
    rule.refresh_from_db()
    assert (rule.name, rule.people) == ("New ones", 1)
    assert rule.conditions == {"Conditions": [FIRST]}


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"conditions": "{"}, "This is not JSON (line 1, column 2): expecting property name"),
        ({"conditions": "[" * 9000}, "This is not JSON that can be read"),
        ({"conditions": "9" * 9000}, "This is not JSON that can be read"),
        ({"conditions": "[]"}, "A rule is an object with “Conditions”, a list."),
        (
            {"conditions": text(FIRST, {"And": [FIRST]})},
            "Conditions[1]: “And” needs a list of two conditions or more.",
        ),
        ({"conditions": text({"ConditionType": "Oddity"})}, "“Oddity” is not known"),
        ({"conditions": ""}, "This field is required."),
        ({"conditions": "x" * 20_001}, "at most 20000 characters"),
        ({"people": "4"}, "4 is not one of the available choices"),
        ({"name": " "}, "This field is required."),
        ({"name": "new"}, "There is a rule called new already."),
    ],
)
def test_what_is_no_rule_is_refused_and_stays_in_the_form(browser, project, wish, sentence):
    made(project)
    answer = send(browser, project, **wish)
    assert answer.status_code == 422
    assert sentence in said(answer)
    for value in wish.values():
        assert value.strip()[:40] in unescape(answer.content.decode())
    assert ReviewRule.objects.count() == 1


def test_a_change_that_is_refused_changes_nothing(browser, project):
    made(project, "Taken")
    rule = made(project)
    wish = {"name": "Taken", "people": "3", "conditions": text(WEAK)}
    answer = browser.post(address("review-rule", rule.pk), wish)
    assert answer.status_code == 422
    assert "There is a rule called Taken already." in said(answer)
    rule.refresh_from_db()
    assert (rule.name, rule.people, rule.conditions) == ("New", 1, {"Conditions": [FIRST]})


def test_a_project_has_twenty_at_most(browser, project):
    for n in range(MOST):
        made(project, f"Rule {n}")
    assert "A project has 20 rules at most." in said(send(browser, project))


# --- off, on, deleted and back ----------------------------------------------------------------


def test_a_rule_is_turned_off_and_on(browser, project, run):
    rule = made(project)
    switch = address("review-rule-switch", rule.pk)
    browser.post(switch, {})
    assert not ReviewRule.objects.working().exists()
    page = said(browser.get(address("review-rules", project.pk)))
    assert "No rule is on." in page
    browser.post(switch, {"is_on": "on"})
    assert ReviewRule.objects.working().get() == rule


def test_a_deleted_rule_chooses_nothing_and_comes_back_with_what_it_sent(browser, project, run):
    rule = made(project)
    ReviewItem.objects.bulk_create(choose(run, [rule]).items)
    n = ReviewItem.objects.filter(rule=rule).count()
    assert n
    answer = browser.post(address("review-rule-remove", rule.pk), follow=True)
    assert "“New” is deleted. What it sent stays in the queue. Undo" in said(answer)
    assert address("review-rule-restore", rule.pk) in answer.content.decode()
    assert not ReviewRule.objects.exists()
    assert browser.get(address("review-rule", rule.pk)).status_code == 404
    assert ReviewItem.objects.waiting().count() == n
    made(project, "New")  # its name is free
    refused = browser.post(address("review-rule-restore", rule.pk), follow=True)
    assert "There is a rule called New already." in said(refused)
    ReviewRule.objects.get().delete()
    page = said(browser.post(address("review-rule-restore", rule.pk), follow=True))
    assert f"{n} wait" in page
    assert ReviewRule.objects.get() == rule
    browser.post(address("review-rule-restore", rule.pk))  # again: nothing more
    assert project.workspace.events.filter(what="restored a review rule").count() == 1


def test_what_was_analysed_already_is_gone_through(browser, project, run):
    apply = address("review-rules-apply", project.pk)
    assert "No rule is on." in said(browser.post(apply, follow=True))
    made(project)
    assert "1 analysis is being gone through." in said(browser.post(apply, follow=True))
    assert Sifting.objects.get().run == run
    assert "They are being gone through already." in said(browser.post(apply, follow=True))


# --- what it would send -----------------------------------------------------------------------


def test_a_preview_counts_what_would_be_sent(browser, project, run):
    rule = made(project)
    n = len(choose(run, [rule]).items)
    found = preview(browser, project, text(FIRST))
    assert found.startswith(f"{n} frames of ")
    assert "in 1 analysis, about 15 s of one person’s time (4 s each, until twenty are" in found
    assert "for each of 3 people" in preview(browser, project, text(FIRST), people="3")
    assert "Sends the first frame of each track." in found
    assert "Sends" not in preview(browser, project, text(FIRST), brief="1")


def test_a_preview_warns_of_all_and_of_nothing(browser, project, run):
    assert "That is every frame." in preview(browser, project, text())
    words = {"ConditionType": "Disagreement", "ConditionParameters": {"Between": "LogoAndSpoken"}}
    found = preview(browser, project, text(words))
    assert "It sends nothing of what was analysed. What is said or written is only known" in found


def test_a_preview_says_what_is_wrong(browser, project, run):
    assert preview(browser, project, "{").startswith("This is not JSON (line 1, column 2)")
    assert preview(browser, project, text({"Or": []})).startswith("Conditions[0]: “Or” needs")
    assert preview(browser, project, " " * 20_001) == "A rule has 20,000 characters at most."


def test_a_preview_without_analyses_says_so(browser, project):
    assert "there is nothing to count" in preview(browser, project, text(FIRST))


# --- who may ----------------------------------------------------------------------------------


def test_a_viewer_reads_the_rules_and_changes_none(viewer, client_for, project, run):
    browser, rule = client_for(viewer), made(project)
    page = browser.get(address("review-rules", project.pk))
    assert "Sends the first frame of each track." in said(page)
    assert "<button" not in re.sub(r".*<main|</main.*", "", page.content.decode(), flags=re.S)
    assert "Make rule" not in said(browser.get(address("review-rule", rule.pk)))
    assert preview(browser, project, text(FIRST))
    for name in ("review-rule-new", "review-rules-apply"):
        assert browser.post(address(name, project.pk)).status_code == 403
    for name in ("", "-switch", "-remove", "-restore"):
        assert browser.post(address(f"review-rule{name}", rule.pk)).status_code == 403
    assert browser.get(address("review-rule-new", project.pk)).status_code == 403


def test_the_project_and_the_queue_lead_to_the_rules(browser, project, run):
    rules = address("review-rules", project.pk)
    assert rules in browser.get(f"/projects/{project.pk}").content.decode()
    ReviewItem.objects.bulk_create(choose(run, [made(project)]).items)
    assert rules in browser.get("/review").content.decode()


def test_a_name_is_not_taken_by_a_rule_of_another_project(project, owner):
    made(project)
    with pytest.raises(Refused, match="called NEW already"):
        made(project, "NEW")


def test_the_grammar_is_a_page_of_the_site(browser):
    page = browser.get(reverse("review-rule-grammar"))
    assert "RandomSamplingPercentage" in said(page)
    assert reverse("methodology") in page.content.decode()
