"""Mentions and sentences in the review queue: what an answer changes, and how it is taken back."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.captions import item, read_asset
from tests.spoken import finished, heard, planned, transcribed, utterance
from webapp.indexing.line_edits import LineEdit
from webapp.indexing.word_edits import WordEdit
from webapp.indexing.written import written_items
from webapp.review_queue.items import ReviewItem, State
from webapp.review_queue.lending import lend
from webapp.review_queue.rules import ReviewRule
from webapp.review_queue.siftings import Sifting
from workers.review_queue.sift import sift

pytestmark = pytest.mark.django_db

SAID = ["welcome to the harbour", "nora bank is close", "Kestrel wins"]
MENTION = {"ConditionType": "Mention", "ConditionParameters": {"ConfidenceLessThan": 100}}
WORD = {"ConditionType": "Word", "ConditionParameters": {"ConfidenceLessThan": 50}}


@pytest.fixture
def browser(reviewer, client_for):
    return client_for(reviewer)


def doubtful(asset, owner, sentence="welcome to the castle", at=1):
    """A transcript with one word in doubt."""
    from analysis.speech.types import Utterance, Word
    from webapp.indexing.indexing import Indexing
    from webapp.indexing.segments import IndexingSegment
    from workers.speech.segment import store

    transcribed(asset, by=owner, said=SAID)
    from tests.spoken import a_speaking_worker

    worker = a_speaking_worker()
    indexing = Indexing.objects.request(asset, "speech", by=owner)
    worker.delete()
    said = utterance(sentence, 2.0)
    words = [
        Word(w.text, w.start_s, w.end_s, 0.2 if n == len(said.words) - 1 else 0.9)
        for n, w in enumerate(said.words)
    ]
    (segment,) = planned(indexing, 0, asset.duration_s)
    mine = IndexingSegment.objects.claim(segment.pk, "desk:1:1")
    lines = heard(
        Utterance(said.start_s, said.end_s, tuple(words), "en", 0.9),
        *(utterance(text, 12 + 10 * n) for n, text in enumerate(SAID[1:])),
    )
    assert store(mine, lines, busy_s=1.0)
    return finished(indexing)


def queue(run, *conditions, people=1) -> list[ReviewItem]:
    document = {"Conditions": list(conditions)}
    ReviewRule.objects.make(run.project, "Heard", document, people=people, by=None)
    return again(run)


def again(run) -> list[ReviewItem]:
    row = Sifting.objects.request(run, by=None) or Sifting.objects.unfinished().get(run=run)
    sift(row.pk)
    return list(ReviewItem.objects.waiting().order_by("time_s"))


def send(browser, item, verb="decide", **answer):
    address = reverse(f"api-review-item-{verb}", args=[item.pk])
    body = {"answer": answer, "seconds": 2.0} if verb == "decide" else {}
    return browser.post(address, body, "application/json")


def mentions(browser, run) -> list[str]:
    found = browser.get(f"/api/v1/runs/{run.pk}/mentions/").json()["mentions"]
    names = dict(run.project.labels.values_list("pk", "name"))
    return [names[one["label"]] for one in found]


def lent(browser, **query) -> list[dict]:
    path = reverse("api-review-item-next")
    return browser.post(f"{path}?n=9&order=age", query, "application/json").json()["items"]


def test_a_mention_comes_with_its_sentence_sound_and_reason(browser, run, owner):
    transcribed(run.asset, by=owner, said=SAID)
    first, second = queue(run, MENTION)
    shown = next(one for one in lent(browser) if one["id"] == first.pk)
    told = shown["told"]
    assert (shown["kind"], told["mention"], told["source"]) == ("mention", "nora bank", "said")
    assert [w["text"] for w in told["sentence"]["words"] if w["is_marked"]] == ["nora", "bank"]
    assert told["play"][0] < 12.0 < 14.0 < told["play"][1]
    assert told["sound"]
    assert "“nora bank” said for Norra Bank" in shown["because"][0]["words"]
    assert browser.get(told["why"]).status_code == 200
    assert second.told["mention"] == "Kestrel"


@pytest.mark.parametrize(
    ("answer", "counted", "said"),
    [
        ({"verdict": "right"}, ["Norra Bank", "Kestrel"], "It is Norra Bank"),
        ({"verdict": "wrong"}, ["Kestrel"], "It is not Norra Bank"),
        ({"verdict": "other"}, ["Vitalo", "Kestrel"], "It is Vitalo"),
    ],
)
def test_what_a_mention_is_counts_at_once_and_is_not_asked_again(
    browser, run, owner, project, answer, counted, said
):
    transcribed(run.asset, by=owner, said=SAID)
    first, _ = queue(run, MENTION)
    if answer["verdict"] == "other":
        answer = answer | {"label": project.labels.get(name="Vitalo").pk}
    assert send(browser, first, **answer).json()["said"] == said
    assert mentions(browser, run) == counted
    assert [item.told["mention"] for item in again(run)] == ["Kestrel"]
    assert send(browser, first, "undo").status_code == 200
    assert mentions(browser, run) == ["Norra Bank", "Kestrel"]


def test_words_that_are_corrected_are_read_found_and_named_and_put_back(browser, run, owner):
    doubtful(run.asset, owner)
    (item,) = queue(run, WORD)
    now = next(one for one in lent(browser) if one["id"] == item.pk)["told"]["sentence"]
    assert [w["text"] for w in now["words"] if w["is_marked"]] == ["castle"]
    answer = {"verdict": "words", "line": now["line"], "text": "welcome to the Kestrel"}
    assert send(browser, item, **answer).json()["said"] == "Words corrected: it names Kestrel"
    assert mentions(browser, run) == ["Kestrel", "Norra Bank", "Kestrel"]
    found = browser.get("/api/v1/search/?q=%22the+Kestrel%22").json()["moments"]
    assert found
    assert send(browser, item, **answer).status_code == 200, "sent twice it counts once"
    assert WordEdit.objects.standing().count() == 1
    loop = browser.get(f"/api/v1/review-items/{item.pk}/human-loop/").json()
    (said,) = loop["humanAnswers"]
    assert said["answerContent"]["transcript"] == {"text": "welcome to the Kestrel"}
    assert loop["inputContent"]["text"] == "welcome to the castle"
    send(browser, item, "undo")
    assert mentions(browser, run) == ["Norra Bank", "Kestrel"]
    assert not WordEdit.objects.standing().exists()


def test_what_is_written_is_corrected_line_by_line_and_put_back(browser, run, owner):
    read_asset(run.asset, [item("NORA BANK says hi", 2, 6.5, kind="overlay")])
    (one,) = queue(run, MENTION)
    (shown,) = (row["told"] for row in lent(browser) if row["id"] == one.pk)
    now = shown["sentence"]
    assert (shown["source"], now["text"], shown["sound"]) == ("written", "NORA BANK says hi", "")
    assert [w["text"] for w in now["words"] if w["is_marked"]] == ["NORA", "BANK"]
    answer = {"verdict": "words", "line": now["line"], "text": "Kestrel says hi"}
    assert send(browser, one, **answer).json()["said"] == "Words corrected: it names Kestrel"
    assert mentions(browser, run) == ["Kestrel"]
    assert [row.text for row in written_items(run.asset)] == ["Kestrel says hi"]
    assert send(browser, one, **answer).status_code == 200, "sent twice it counts once"
    assert LineEdit.objects.standing().count() == 1
    send(browser, one, "undo")
    assert mentions(browser, run) == ["Norra Bank"]
    assert not LineEdit.objects.standing().exists()


def test_words_that_nobody_said_are_gone(browser, run, owner):
    doubtful(run.asset, owner)
    (item,) = queue(run, WORD)
    assert send(browser, item, verdict="wrong").json()["said"] == "Nobody said that"
    assert WordEdit.objects.standing().get().text == ""


def test_a_second_opinion_that_differs_is_settled_by_a_third(
    run, owner, reviewer, analyst, client_for
):
    transcribed(run.asset, by=owner, said=SAID)
    first, _ = queue(run, MENTION, people=2)
    send(client_for(reviewer), first, verdict="right")
    assert send(client_for(analyst), first, verdict="wrong").json()["state"] == State.DISPUTED
    judge = client_for(owner)
    shown = next(one for one in lent(judge) if one["id"] == first.pk)
    assert [one["answer"] for one in shown["others"]] == [
        "It is Norra Bank",
        "It is not Norra Bank",
    ]
    assert send(judge, first, verdict="wrong").json()["state"] == State.DONE
    assert mentions(judge, run) == ["Kestrel"]


def test_a_transcript_made_anew_keeps_what_is_found_again_and_withdraws_the_rest(run, owner):
    transcribed(run.asset, by=owner, said=SAID)
    first, second = queue(run, MENTION)
    assert not Sifting.objects.unfinished().exists()
    transcribed(run.asset, by=owner, said=[*SAID[:2], "nobody wins"])
    assert Sifting.objects.unfinished().filter(run=run).exists(), "asked for by the transcript"
    assert [item.pk for item in again(run)] == [first.pk]
    second.refresh_from_db()
    assert second.state == State.WITHDRAWN


def test_words_of_a_transcript_that_is_no_more_are_refused_in_words(browser, run, owner):
    doubtful(run.asset, owner)
    (item,) = queue(run, WORD)
    line = lent(browser)[0]["told"]["sentence"]["line"]
    doubtful(run.asset, owner)
    answer = send(browser, item, verdict="words", line=line, text="hello")
    assert answer.status_code == 422
    assert "made anew" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "Say what it is"),
        ({"verdict": "other"}, "none of the project"),
        ({"verdict": "words", "text": "x"}, "made anew"),
    ],
)
def test_answers_that_make_no_sense_are_refused_in_words(browser, run, owner, answer, why):
    transcribed(run.asset, by=owner, said=SAID)
    first, _ = queue(run, MENTION)
    address = reverse("api-review-item-decide", args=[first.pk])
    said = browser.post(address, {"answer": answer}, "application/json")
    assert said.status_code == 422
    assert why in said.json()["detail"]


def test_of_a_brand_that_was_deleted_nobody_is_asked(run, owner, reviewer):
    transcribed(run.asset, by=owner, said=SAID)
    first, second = queue(run, MENTION)
    ReviewItem.objects.filter(pk=first.pk).update(label=None)  # as its deletion does
    found = lend(ReviewItem.objects.filter(workspace=run.asset.workspace), reviewer, 9, "age")
    assert [item.pk for item in found] == [second.pk]


def test_the_preview_counts_mentions_and_sentences(run, owner, analyst, client_for):
    doubtful(run.asset, owner)
    wish = {"project": run.project_id, "conditions": {"Conditions": [MENTION, WORD]}}
    told = (
        client_for(analyst).post("/api/v1/review-rules/preview/", wish, "application/json").json()
    )
    assert (told["items"], told["mentions"], told["sentences"]) == (3, 2, 1)


def test_why_says_the_words_the_likeness_and_what_else_it_might_be(
    run, owner, viewer, stranger, other_workspace, client_for
):
    transcribed(run.asset, by=owner, said=SAID)
    bank = run.project.labels.get(name="Norra Bank")
    path = f"/api/v1/runs/{run.pk}/mentions/why/?source=said&label={bank.pk}&start_s=12.0"
    told = client_for(viewer).get(path).json()
    assert [part["text"] for part in told["parts"]] == ["nora", "bank"]
    assert sum(part["weight"] for part in told["parts"]) == pytest.approx(told["confidence"])
    assert told["likeness"]["form"] == "norabank"
    assert told["to_miss"]
    assert client_for(stranger).get(path).status_code == 404
    page = reverse("mention-why", args=[run.pk])
    shown = client_for(viewer).get(f"{page}?source=said&label={bank.pk}&ms=12000")
    assert "It would have been missed with" in shown.content.decode()
    assert client_for(viewer).get(f"{page}?source=said&label={bank.pk}&ms=77").status_code == 404
