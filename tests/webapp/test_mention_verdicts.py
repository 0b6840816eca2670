"""What people say of a mention: it is, it is none, it is of another brand."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.spoken import transcribed
from webapp.accounts.models import Refused
from webapp.indexing.mention_verdicts import MentionVerdict
from webapp.indexing.word_edits import WordEdit
from webapp.timeline.choices import Choices
from webapp.timeline.exposure import Looked
from webapp.timeline.mentions import Told

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard(run, owner):
    return transcribed(run.asset, by=owner)  # Kestrel at 2 s, Norra Bank at 12.5 s


def say(run, by, label, actually, span=(2.0, 2.5)):
    about = {"source": "said", "span": span, "text": "Kestrel", "actually": actually}
    return MentionVerdict.objects.say(run.asset, label, by=by, **about)


def counted(run, **choices) -> dict[str, int]:
    looked = Looked.at(run, Choices(**choices))
    names = {label.pk: label.name for label in looked.labels}
    return {names[b.label]: b.mentions for b in looked.exposure().brands if b.mentions}


def test_a_mention_of_another_brand_counts_there_and_the_model_alone_shows_as_found(
    run, heard, owner, project
):
    kestrel, vitalo = (project.labels.get(name=name) for name in ("Kestrel", "Vitalo"))
    assert counted(run) == {"Kestrel": 1, "Norra Bank": 1}
    say(run, owner, kestrel, vitalo)
    assert counted(run) == {"Vitalo": 1, "Norra Bank": 1}
    assert counted(run, model_only=True) == {"Kestrel": 1, "Norra Bank": 1}
    assert Told.of(run.asset, Looked.at(run, Choices()).labels).of_mentions == "mention: 1 renamed"


def test_the_last_word_counts_and_each_can_be_taken_back(run, heard, owner, project):
    kestrel = project.labels.get(name="Kestrel")
    no = say(run, owner, kestrel, None)
    yes = say(run, owner, kestrel, kestrel)
    assert counted(run)["Kestrel"] == 1
    assert yes.undo(by=owner)
    assert "Kestrel" not in counted(run)
    assert no.undo(by=owner)
    assert not no.undo(by=owner)
    assert counted(run)["Kestrel"] == 1


def test_the_same_said_twice_and_a_label_of_elsewhere_are_refused(run, heard, owner, project):
    from webapp.projects.models import Label, Project

    kestrel = project.labels.get(name="Kestrel")
    say(run, owner, kestrel, kestrel)
    with pytest.raises(Refused, match="said already"):
        say(run, owner, kestrel, kestrel)
    elsewhere = Project.objects.create(workspace=project.workspace, name="Elsewhere")
    other = Label.objects.create(project=elsewhere, name="Other", colour="#204080")
    with pytest.raises(Refused, match="not a label of"):
        say(run, owner, kestrel, other)


def test_the_report_and_the_asset_page_say_what_people_reviewed(
    run, heard, owner, project, at_report
):
    kestrel = project.labels.get(name="Kestrel")
    say(run, owner, kestrel, kestrel)
    page = at_report.get(reverse("run-report", args=[run.pk])).content.decode()
    assert "People reviewed mention: 1 confirmed." in page
    panel = at_report.get(reverse("run-view", args=[run.pk])).json()["panel"]
    assert "People reviewed mention: 1 confirmed" in panel
    alone = at_report.get(reverse("run-view", args=[run.pk]) + "?corrections=off").json()["panel"]
    assert "People reviewed" not in alone
    listed = at_report.get(reverse("run-mentions", args=[run.pk])).json()["listed"]
    assert "confirmed by" in listed


def test_the_model_alone_hears_what_was_recognised(run, heard, owner):
    line = heard.speech_segments.order_by("start_s")[0]
    WordEdit.objects.make(line, 0, "Castle", by=owner)
    assert counted(run) == {"Norra Bank": 1}
    assert counted(run, model_only=True) == {"Kestrel": 1, "Norra Bank": 1}


def test_what_is_seen_is_found_as_people_say_it_is(run, owner, project):
    """A track that is another brand is found under that one, and what was turned down is not."""
    from webapp.review_queue import deciding
    from webapp.review_queue.choosing import choose
    from webapp.review_queue.items import ReviewItem
    from webapp.review_queue.rules import ReviewRule
    from webapp.search import keeping
    from webapp.search.passages import Passage

    keeping.make_findable(run)
    first = [{"ConditionType": "FirstAppearance", "ConditionParameters": {"LabelName": "Kestrel"}}]
    rule = ReviewRule.objects.make(project, "New", {"Conditions": first}, by=None)
    ReviewItem.objects.bulk_create(choose(run, [rule]).items)
    item = ReviewItem.objects.get(time_s=10.0)
    vitalo = project.labels.get(name="Vitalo")
    box = item.boxes[0]
    said = [{"prediction": box["id"], "label": vitalo.pk, "box": box["box"]}]

    def found() -> set[str]:
        for one in keeping.missing(run.asset.workspace_id):
            keeping.make_findable(one)
        at = Passage.objects.filter(set__source="seen", start_s__lte=11, end_s__gte=11)
        return set(at.values_list("text", flat=True))

    assert found() == {"Kestrel"}
    deciding.decide(item, said, by=owner, scope="track")
    assert found() == {"Vitalo"}
    deciding.undo(item, by=owner)
    deciding.decide(item, [], by=owner, scope="track")
    assert found() == set()


def test_the_panel_says_how_much_people_checked(run, owner, project, at_report):
    from webapp.review_queue.items import ReviewItem

    def panel() -> str:
        return at_report.get(reverse("run-view", args=[run.pk])).json()["panel"]

    assert "Not checked by a person" in panel()
    about = {"workspace": run.asset.workspace, "project": project, "run": run, "state": "done"}
    ReviewItem.objects.create(frame=3, time_s=1.5, **about)
    assert "Checked by people: 1 decided in the review" in panel()
    assert "Not checked by a person" not in panel()
