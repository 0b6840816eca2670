"""Checking a run's figures: what people answer, when it may be read, and whose turn it is."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from analysis.exposure.methodologies import METHODOLOGIES
from webapp.accounts.models import Event, Refused
from webapp.assets.models import Rendition
from webapp.auditing import rounds
from webapp.auditing.answering import Taken, give, undo
from webapp.auditing.audits import Audit, AuditedLabel
from webapp.auditing.items import AuditItem
from webapp.auditing.page import ASSUMED_S, Pace, whole
from webapp.auditing.readings import counts, readings, standings, to_halve
from webapp.runs.run import Run

pytestmark = pytest.mark.django_db
THERE, NOT, UNSURE = AuditItem.Answer.values
# When Kestrel is on screen in `run`: just as the detector says, so that every lot holds it.
TRUTH = [(10.0, 20.0), (80.0, 82.0)]


def is_there(item: AuditItem) -> bool:
    return any(start <= item.time_s < end for start, end in TRUTH)


def truth(item: AuditItem) -> str:
    return THERE if is_there(item) else NOT


@pytest.fixture
def audited(run, kestrel, analyst) -> AuditedLabel:
    return rounds.start(run, [kestrel.pk], 30, by=analyst)[0]


def answer_all(audited: AuditedLabel, by, say=truth) -> None:
    while item := audited.items.open().first():
        give(item, say(item), by=by)


# --- reading ------------------------------------------------------------------------------------


def test_the_seconds_have_limits_once_every_frame_of_the_round_is_answered(audited, run, analyst):
    items = list(audited.items.all())
    assert len(items) == 30
    for item in items[:-1]:
        give(item, truth(item), by=analyst)
    assert readings(run) == {}, "nothing to stop at"
    give(items[-1], truth(items[-1]), by=analyst)
    reading = readings(run)[audited.label_id]
    assert (reading.n_answers, reading.round, reading.people) == (30, 1, ["Ana"])
    assert reading.estimate.model_s == reading.estimate.seconds == pytest.approx(12.0)
    assert 0 < reading.estimate.low_s < 12.0 < reading.estimate.high_s < 60
    assert reading.share is None, "Norra Bank was seen and is not checked"


def test_while_it_is_narrowed_the_reading_before_stays(audited, run, analyst):
    answer_all(audited, analyst)
    before = readings(run)[audited.label_id]
    n = to_halve(run, audited)
    assert rounds.more(audited, n, by=analyst) == n
    item = audited.items.open().first()
    give(item, truth(item), by=analyst)
    standing = standings(run)[0]
    assert standing.reading == before
    assert (standing.n_done, standing.n_of) == (1, n)
    with pytest.raises(Refused, match=f"the {n - 1} frames that are left of Kestrel"):
        rounds.more(audited, 10, by=analyst)
    answer_all(audited, analyst)
    after = readings(run)[audited.label_id]
    assert after.round == 2
    assert after.estimate.width_s < before.estimate.width_s


def test_a_brand_that_nobody_sees_has_an_upper_limit(audited, run, analyst):
    answer_all(audited, analyst, say=lambda item: NOT)
    estimate = readings(run)[audited.label_id].estimate
    assert estimate.seconds == estimate.low_s == 0
    assert 0 < estimate.high_s < 120


def test_shares_are_known_when_every_brand_that_was_seen_is_checked(audited, run, project, analyst):
    bank = project.labels.get(name="Norra Bank")
    (other,) = rounds.start(run, [bank.pk], 30, by=analyst)
    answer_all(audited, analyst)
    answer_all(other, analyst, say=lambda item: THERE if 15 <= item.time_s < 40 else NOT)
    found = readings(run)
    assert sum(reading.share.share for reading in found.values()) == pytest.approx(1)
    share = found[bank.pk].share
    assert share.low <= 25 / 37 <= share.high


# --- cannot tell --------------------------------------------------------------------------------


def test_for_a_frame_that_cannot_be_told_another_of_its_kind_is_asked(audited, run, analyst):
    item = audited.items.first()
    give(item, UNSURE, by=analyst)
    spare = audited.items.last()
    assert audited.items.count() == 31
    assert (spare.stratum, spare.round) == (item.stratum, 1)
    undo(item, by=analyst)
    assert not AuditItem.objects.filter(pk=spare.pk).exists(), "nobody had seen it"
    give(item, UNSURE, by=analyst)
    assert audited.items.last().frame == spare.frame, "the lot stays"
    answer_all(audited, analyst)
    reading = readings(run)[audited.label_id]
    assert (reading.n_answers, reading.n_unsure) == (30, 1)


def test_where_nobody_can_tell_anything_it_ends_without_a_figure(audited, run, analyst):
    """Every frame of the film is asked in the end, and no more."""
    audited.wanted = [5, 0, 0, 0, 0]
    audited.save()
    audited.items.exclude(stratum=0).delete()
    n = int((audited.population.stratum == 0).sum())
    answer_all(audited, analyst, say=lambda item: UNSURE)
    assert audited.items.count() == n
    assert readings(run) == {}
    assert not standings(run)[0].is_open


# --- whose turn it is ---------------------------------------------------------------------------


def test_two_people_are_never_asked_about_the_same_frame(audited, analyst, reviewer):
    audit = audited.audit
    mine = AuditItem.objects.lend(audit, analyst, 20)
    theirs = AuditItem.objects.lend(audit, reviewer, 20)
    assert (len(mine), len(theirs)) == (20, 10)
    assert not {item.pk for item in mine} & {item.pk for item in theirs}
    again = AuditItem.objects.lend(audit, analyst, 20)
    assert again == mine, "a page that is loaded again goes on"
    with pytest.raises(Taken, match="Ana has this frame in front of them"):
        give(mine[0], THERE, by=reviewer)
    AuditItem.objects.filter(pk=mine[0].pk).update(lease_until=timezone.now())
    assert AuditItem.objects.lend(audit, reviewer, 20)[0] == mine[0], "who left is not waited for"


def test_an_answer_is_changed_by_whoever_gave_it_and_that_is_logged(audited, analyst, reviewer):
    item = audited.items.first()
    give(item, THERE, by=analyst)
    give(item, THERE, by=analyst)
    assert not Event.objects.filter(what__startswith="changed an answer").exists()
    assert give(item, NOT, by=analyst).answer == NOT
    event = Event.objects.get(what="changed an answer of an audit")
    assert (event.data["before"], event.data["after"]) == (THERE, NOT)
    for change in (lambda: give(item, THERE, by=reviewer), lambda: undo(item, by=reviewer)):
        with pytest.raises(Taken, match="Ana answered for this frame already"):
            change()


# --- what cannot be -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"status": Run.Status.RUNNING}, "not finished"),
        ({"duration_s": 0.0}, "A picture has no seconds"),
    ],
)
def test_a_run_without_figures_is_not_checked(run, kestrel, analyst, client_for, change, sentence):
    Run.objects.filter(pk=run.pk).update(**change)
    with pytest.raises(Refused, match=sentence):
        rounds.start(Run.objects.get(pk=run.pk), [kestrel.pk], 30, by=analyst)
    page = client_for(analyst).get(reverse("run-audit", args=[run.pk]))
    assert sentence in page.content.decode()


def test_an_analysis_without_a_frame_says_so(asset_in, workspace, project, run_of, analyst):
    empty = run_of(asset_in(workspace, "empty.mp4"), project)
    empty.segments.all().delete()
    with pytest.raises(Refused, match="no frame that somebody could look at"):
        rounds.start(empty, [project.labels.first().pk], 30, by=analyst)


@pytest.mark.parametrize("n", ["", "-3", "0", "9", "1e3", "9" * 30])
def test_a_number_of_answers_that_is_none(run, kestrel, analyst, client_for, n):
    address = reverse("run-audit", args=[run.pk])
    answer = client_for(analyst).post(address, {"label": kestrel.pk, "n": n})
    assert answer.status_code == 422
    assert "Ask for" in answer.content.decode()
    assert not AuditItem.objects.exists()


def test_no_brand_a_foreign_one_and_the_same_twice(audited, run, kestrel, analyst, client_for):
    client, address = client_for(analyst), reverse("run-audit", args=[run.pk])
    for label, sentence in (
        ("", "Choose a brand"),
        (10**9, "not one that"),
        (kestrel.pk, "audited already"),
    ):
        answer = client.post(address, {"label": label, "n": 30})
        assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert AuditedLabel.objects.count() == 1


def test_a_label_that_is_deleted_takes_its_audit_with_it(run, project, analyst, client_for):
    (audited,) = rounds.start(run, [project.labels.get(name="Vitalo").pk], 10, by=analyst)
    item = audited.items.first()
    audited.label.archive(by=analyst)
    assert give(item, NOT, by=analyst).answer == NOT, "its figures stay, so their audit goes on"
    audited.label.delete()
    address = reverse("api-audit-item-answer", args=[item.pk])
    answer = client_for(analyst).post(address, {"answer": THERE}, content_type="application/json")
    assert answer.status_code == 404
    assert client_for(analyst).get(reverse("run-audit", args=[run.pk])).status_code == 200


def test_who_answers_for_a_film_that_was_deleted_is_told(audited, run, asset, analyst, client_for):
    item, client = audited.items.first(), client_for(analyst)
    asset.remove(by=analyst)
    for name, pk in (("api-run-audit-next", run.pk), ("api-audit-item-answer", item.pk)):
        body = {"answer": THERE} if "answer" in name else None
        answer = client.post(reverse(name, args=[pk]), body, content_type="application/json")
        assert answer.status_code == 404
    assert client.get(reverse("run-audit-answer", args=[run.pk])).status_code == 404


def test_it_goes_with_its_run(audited, run):
    run.remove()
    assert not Audit.objects.exists()


# --- pages and the API --------------------------------------------------------------------------


def test_a_reviewer_starts_answers_and_narrows_by_the_api(run, kestrel, reviewer, key_for, client):
    key = key_for(reviewer)

    def post(name: str, pk: int, body: dict, query: str = ""):
        url = reverse(name, args=[pk]) + query
        return client.post(url, json.dumps(body), content_type="application/json", **key)

    told = post("api-run-audit", run.pk, {"labels": [kestrel.pk], "n": 10})
    assert told.status_code == 201, told.content
    assert told.json()["brands"][0] | {"reading": None} == told.json()["brands"][0]
    lent = post("api-run-audit-next", run.pk, {}, "?n=10").json()
    assert (len(lent["items"]), lent["left"], lent["elsewhere"]) == (10, 10, 0)
    assert lent["items"][0]["picture"] is None, "a worker was asked for it"
    assert Rendition.objects.filter(recipe__startswith="frame@").count() == 10
    for item in lent["items"]:
        row = AuditItem.objects.get(pk=item["id"])
        said = post("api-audit-item-answer", item["id"], {"answer": truth(row), "seconds": 2.5})
    assert (said.json()["done"], said.json()["of"]) == (10, 10)
    assert said.json()["reading"]["answers"] == 10
    told = client.get(reverse("api-run-audit", args=[run.pk]), **key).json()
    brand = next(one for one in told["brands"] if one["label"] == kestrel.pk)
    assert brand["reading"]["low_s"] <= brand["reading"]["seconds"] <= brand["reading"]["high_s"]
    told = post("api-run-audit", run.pk, {"labels": [kestrel.pk]}).json()
    more = next(one for one in told["brands"] if one["label"] == kestrel.pk)
    assert (more["round"], more["of"]) == (2, brand["to_halve"])


def test_somebody_elses_frame_is_a_conflict(audited, analyst, reviewer, client_for):
    item = audited.items.first()
    give(item, THERE, by=analyst)
    for name in ("api-audit-item-answer", "api-audit-item-undo"):
        body = {"answer": NOT} if "answer" in name.rpartition("-")[2] else {}
        address = reverse(name, args=[item.pk])
        answer = client_for(reviewer).post(address, body, content_type="application/json")
        assert answer.status_code == 409
        assert "Ana answered for this frame already" in answer.json()["detail"]


def test_a_viewer_reads_and_answers_nothing(audited, run, viewer, client_for):
    client = client_for(viewer)
    page = client.get(reverse("run-audit", args=[run.pk])).content.decode()
    assert "0 of 30" in page
    assert '<button class="btn p"' not in page
    assert client.post(reverse("run-audit", args=[run.pk]), {"n": 30}).status_code == 403
    assert client.get(reverse("run-audit-answer", args=[run.pk])).status_code == 403
    address = reverse("api-audit-item-answer", args=[audited.items.first().pk])
    body = {"answer": THERE}
    assert client.post(address, body, content_type="application/json").status_code == 403


def test_how_long_it_takes_is_measured_once_twenty_answers_are(audited, workspace, analyst):
    assert Pace.of(workspace) == Pace(ASSUMED_S, is_measured=False)
    for number, item in enumerate(audited.items.all()[:20]):
        give(item, truth(item), by=analyst, spent_s=1.0 + number % 3)
    assert Pace.of(workspace) == Pace(2.0, is_measured=True)


# --- how often it was on screen -----------------------------------------------------------------


@pytest.fixture
def counted(run, kestrel, analyst) -> AuditedLabel:
    method = METHODOLOGIES["one-second"]
    return rounds.start(run, [kestrel.pk], 30, by=analyst, method=method)[0]


def begins(item: AuditItem) -> str:
    length_s = item.audited.stretch_s
    return THERE if any(0 <= start - item.time_s < length_s for start, _ in TRUTH) else NOT


def test_times_have_limits_beside_the_seconds_and_change_nothing_of_them(
    audited, counted, run, analyst
):
    assert (counted.stretch_s, counted.population.n) == (2.0, 60)
    answer_all(counted, analyst, say=begins)
    assert readings(run) == {}, "the seconds are not answered"
    answer_all(audited, analyst)
    assert readings(run)[audited.label_id].estimate.seconds == pytest.approx(12.0)
    of, reading = counts(run)[audited.label_id]
    assert of == counted
    low, high = whole(reading)
    assert reading.estimate.model_s == 2
    assert low <= 2 <= high < 20
    n = to_halve(run, counted)
    assert rounds.more(counted, n, by=analyst) == n
    answer_all(counted, analyst, say=begins)
    assert counts(run)[audited.label_id][1].estimate.width_s < reading.estimate.width_s


def test_what_nobody_can_tell_apart_is_not_counted(run, kestrel, analyst):
    with pytest.raises(Refused, match="cannot be told by eye"):
        rounds.start(run, [kestrel.pk], 30, by=analyst, method=METHODOLOGIES["raw"])


def test_a_film_that_browsers_cannot_play_yet_is_not_watched(run, kestrel, analyst):
    proxy = Rendition.objects.create(asset=run.asset, recipe=Rendition.PROXY)
    with pytest.raises(Refused, match="is being made"):
        rounds.start(run, [kestrel.pk], 30, by=analyst, method=METHODOLOGIES["one-second"])
    proxy.delete()


def test_stretches_are_lent_with_where_they_end_and_without_a_picture(
    counted, run, analyst, client_for
):
    client = client_for(analyst)
    lent = client.post(reverse("api-run-audit-next", args=[run.pk]) + "?n=3").json()["items"]
    assert {(one["what"], one["picture"]) for one in lent} == {("times", None)}
    assert all(one["end_s"] - one["time_s"] == pytest.approx(2.0) for one in lent)


def test_the_page_takes_an_audit_of_times_and_shows_it(run, kestrel, analyst, client_for):
    client, address = client_for(analyst), reverse("run-audit", args=[run.pk])
    asked = {"label": kestrel.pk, "n": 30, "what": "times", "method": "one-second"}
    assert client.post(address, asked).status_code == 302
    assert client.post(address, asked).status_code == 422, "it is asked once"
    assert client.post(address, asked | {"method": "nothing"}).status_code == 422
    assert client.post(address, asked | {"what": "smells"}).status_code == 422
    counted = AuditedLabel.objects.get(audit__run=run)
    answer_all(counted, analyst, say=begins)
    said = " ".join(client.get(address).content.decode().split())
    assert "2 times" in said
    note = client.get(reverse("run-audit-note", args=[run.pk])).content.decode()
    assert "<b>Kestrel</b>" in note
    assert "gaps up to 1 s bridged" in note
    told = client.get(f"/api/v1/runs/{run.pk}/audit/").json()
    (times,) = [one["times"] for one in told["brands"] if one["label"] == kestrel.pk]
    assert times["reading"]["times"] == times["model"] == 2
