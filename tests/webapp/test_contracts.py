"""Contracts: what was promised beside what was delivered, told in time, sent on, changed."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from analysis.exposure.measure import DEFAULT
from tests.webapp.test_report_audits import answer
from webapp import removal
from webapp.accounts.models import Event, Refused
from webapp.assets.models import Asset, Collection
from webapp.auditing import rounds
from webapp.contracts.delivered import check, figures
from webapp.contracts.models import Contract, ContractNotice
from webapp.reviewing.corrections import Correction
from webapp.runs.run import Run
from workers.contracts.check import check_contracts

STARTS, ENDS = date(2026, 8, 1), date(2026, 8, 30)
LATER = date(2026, 10, 1)


@pytest.fixture
def events(workspace, project, asset_in, run_of):
    """events(3): so many matches, two days apart, with 12 s of Kestrel and 25 of Norra Bank."""

    def make(n: int, *, analysed: bool = True, after: int = 0) -> list[Asset]:
        made = []
        for number in range(after, after + n):
            film = asset_in(workspace, f"match {number}.mp4")
            at = timezone.make_aware(timezone.datetime(2026, 8, 2 + 2 * number, 12))
            Asset.objects.filter(pk=film.pk).update(created=at)
            film.refresh_from_db()
            if analysed:
                run_of(film, project)
            made.append(film)
        return made

    return make


@pytest.fixture
def contract(workspace, kestrel, analyst):
    """contract(seconds=300): that much of Kestrel in August."""

    def make(planned: int | None = 10, collection=None, **promises) -> Contract:
        return Contract.objects.make(
            workspace,
            by=analyst,
            name="Kestrel, August",
            sponsor="Kestrel Sports",
            label=kestrel,
            collection=collection,
            starts=STARTS,
            ends=ENDS,
            planned=planned,
            promises=promises or {"seconds": 100.0},
        )

    return make


def promise(of: Contract, kind: str = "seconds", today: date = date(2026, 8, 15)) -> dict:
    return next(one for one in figures(of, today)["promises"] if one["kind"] == kind)


def wish(brand, **other) -> dict:
    """What the form sends."""
    fields = {"name": "Kestrel, August", "sponsor": "", "label": brand.pk, "method": DEFAULT}
    fields |= {"starts": "2026-08-01", "ends": "2026-08-30", "seconds": "100"}
    return fields | other


# --- what was delivered ---------------------------------------------------------------------------


def test_every_promise_stands_beside_what_its_events_delivered(events, contract):
    events(4)
    of = {"seconds_each": 12.0, "share": 0.4, "middle": 0.1, "place": 1, "mentions": 3}
    made = contract(seconds=100.0, **of)
    assert promise(made)["delivered"] == pytest.approx(48)
    assert promise(made)["due"] == pytest.approx(40)  # 4 of 10 events
    assert promise(made)["status"] == "on course"
    each = promise(made, "seconds_each")
    assert (each["delivered"], each["events"], each["status"]) == (4, 4, "on course")
    assert promise(made, "share")["delivered"] == pytest.approx(12 / 37, abs=1e-5)
    assert promise(made, "share")["status"] == "behind"
    assert promise(made, "place")["delivered"] == 2
    assert promise(made, "mentions")["status"] == "no figures yet"  # nobody listened
    assert figures(made, date(2026, 8, 15))["status"] == "behind"


def test_the_forecast_goes_on_from_three_events(events, contract):
    events(2)
    made = contract()
    assert promise(made)["why_no_forecast"] == "fewer than 3 events"
    events(1, after=2)
    assert promise(made)["forecast"]["value"] == pytest.approx(120)


def test_the_middle_is_that_of_nine_fields(events, contract, project, workspace, asset_in, run_of):
    (film,) = events(1, analysed=False)
    middle, corner = (0.45, 0.45, 0.55, 0.55), (0.0, 0.0, 0.1, 0.1)
    run_of(film, project, found=[("Kestrel", 0, 5, middle, 0.9), ("Kestrel", 10, 25, corner, 0.9)])
    assert promise(contract(middle=0.3), "middle")["delivered"] == pytest.approx(0.25)


def test_only_films_of_the_period_and_the_collection_count(events, contract, workspace):
    first, second, _ = events(3)
    cup = Collection.objects.create(workspace=workspace, name="Cup")
    Asset.objects.filter(pk__in=[first.pk, second.pk]).update(collection=cup)
    made = contract(collection=cup)
    assert promise(made)["delivered"] == pytest.approx(24)
    Asset.objects.filter(pk=first.pk).update(created=timezone.now() - timedelta(days=4000))
    assert promise(made)["delivered"] == pytest.approx(12)
    cup.delete()
    made = Contract.objects.get(pk=made.pk)
    assert promise(made)["delivered"] is None, "not suddenly all films of the project"
    assert "The collection “Cup” was deleted" in figures(made)["notes"][0]


def test_a_correction_counts(events, contract, kestrel, analyst):
    film, *_ = events(1)
    made = contract()
    Correction.objects.correct(film, kestrel, by=analyst, start_s=10.0, end_s=15.0)
    assert promise(made)["delivered"] == pytest.approx(7)


def test_what_has_no_figures_says_why(events, contract, project, run_of, workspace):
    cup = Collection.objects.create(workspace=workspace, name="Cup")
    films = events(3, analysed=False)
    Asset.objects.update(collection=cup)
    half = run_of(films[1], project)
    Run.objects.filter(pk=half.pk).update(status=Run.Status.RUNNING)
    blind = run_of(films[2], project)
    inputs = blind.inputs | {
        "labels": [one for one in blind.inputs["labels"] if one["name"] != "Kestrel"]
    }
    Run.objects.filter(pk=blind.pk).update(inputs=inputs)
    numbers = figures(contract(collection=cup))
    assert [film["why"] for film in numbers["missing"]] == [
        *("not analysed yet", "being analysed"),
        "Kestrel was not looked for when it was analysed",
    ]
    assert numbers["status"] == "no figures yet"


def test_audits_give_limits_and_say_how_much_they_are_of(events, contract, kestrel, analyst):
    films = events(2)
    made = contract()
    assert promise(made)["audited"] is None
    (audited,) = rounds.start(films[0].runs.get(), [kestrel.pk], 30, by=analyst)
    answer(audited, analyst)
    found = promise(made)
    assert found["audited_events"] == 1
    assert found["audited"]["low"] < found["audited"]["value"] < found["audited"]["high"]
    event = figures(made)["events"][0]["audit"]
    width = found["audited"]["high"] - found["audited"]["low"]
    assert width == pytest.approx(event["high_s"] - event["low_s"], abs=1e-4)


# --- what became of it ----------------------------------------------------------------------------


def test_a_brand_that_is_renamed_or_removed_keeps_its_name_and_its_figures(
    events, contract, kestrel, analyst
):
    events(2)
    made = contract()
    kestrel.name = "Kestrel Pro"
    kestrel.save()
    kestrel.archive(by=analyst)
    numbers = figures(Contract.objects.get(pk=made.pk))
    assert numbers["brand"]["name"] == "Kestrel"
    assert "Kestrel is called Kestrel Pro in the project now." in numbers["notes"]
    assert any("was removed from the project" in note for note in numbers["notes"])
    assert numbers["promises"][0]["delivered"] == pytest.approx(24)


def test_what_is_erased_with_its_project_leaves_what_was_known(
    events, contract, project, client_for, viewer
):
    events(2)
    made = contract()
    check(made)
    removal.delete_project(project, by=None)
    assert removal.erase(20)
    page = client_for(viewer).get(reverse("contract", args=[made.pk])).content.decode()
    assert "The project of this contract was deleted" in page
    assert "0:24.0" in page
    blank = Contract.objects.get(pk=made.pk)
    assert blank.label is None
    blank.figures = {}
    assert figures(blank)["status"] == "no figures yet"


def test_a_deleted_project_leaves_what_was_known(events, contract, project, analyst):
    events(1)
    made = contract()
    check(made)
    project.remove(by=analyst)
    numbers = figures(Contract.objects.get(pk=made.pk))
    assert numbers["notes"][0].startswith("The project of this contract was deleted")
    assert numbers["promises"][0]["delivered"] == pytest.approx(12)


def test_a_deleted_film_counts_no_more_and_is_named(events, contract, analyst):
    film, _ = events(2)
    made = contract()
    check(made)
    film.remove(by=analyst)
    numbers = check(made)
    assert numbers["promises"][0]["delivered"] == pytest.approx(12)
    assert "“match 0.mp4” counted for 12.0 s and was deleted since" in numbers["notes"][-1]
    assert check(made)["gone"], "it is not forgotten the next time"
    film.restore(by=analyst)
    assert check(made)["gone"] == []


def test_a_period_that_ended_or_held_nothing_says_so(events, contract):
    made = contract()
    assert figures(made, LATER)["status"] == "failed"
    assert any("No film of" in note for note in figures(made, LATER)["notes"])
    events(1)
    late = figures(made, LATER)
    assert late["promises"][0]["status"] == "failed"
    assert "The period is over." in late["notes"]
    assert "Of 10 planned events 1 took place." in late["notes"]
    assert "The period has not begun." in figures(made, date(2026, 7, 1))["notes"]


# --- being told -----------------------------------------------------------------------------------


def test_its_maker_is_told_once_when_it_falls_behind_and_once_when_it_comes_back(
    events, contract, analyst, viewer, client_for, workspace
):
    events(1)
    made = contract(planned=None, seconds=30.0)  # of 30 days: a second a day
    check(made, date(2026, 8, 3))
    assert not ContractNotice.objects.exists()
    check(made, date(2026, 8, 25))
    check(made, date(2026, 8, 26))
    notice = ContractNotice.objects.get()
    assert (notice.user, notice.said) == (analyst, "has fallen behind")
    client = client_for(analyst)
    assert "has fallen behind" in client.get(reverse("inbox")).content.decode()
    assert "has fallen behind" not in client_for(viewer).get(reverse("inbox")).content.decode()
    events(1, after=1)
    check(made, date(2026, 8, 20))
    assert [one.said for one in ContractNotice.objects.all()] == [
        *("is on course again", "has fallen behind")
    ]
    client.post(reverse("inbox-seen"))
    assert not ContractNotice.objects.of(analyst, workspace).unseen().exists()


def test_home_names_what_is_behind_until_it_is_put_away(events, contract, analyst, client_for):
    events(1)
    made = contract(planned=2, seconds=300.0)
    check(made, date(2026, 8, 15))
    client = client_for(analyst)
    page = client.get(reverse("home")).content.decode()
    assert "Kestrel, August is behind" in page
    assert "0 of 1 promises fulfilled; behind: seconds on screen in all." in page
    key = re.search(r'name="key" value="(contract-[^"]+)"', page)[1]
    client.post(reverse("dismiss"), {"key": key})
    assert "Kestrel, August is behind</a>" not in client.get(reverse("home")).content.decode()


def test_what_was_analysed_and_each_day_make_it_due_again(events, contract, project):
    made = contract()
    Contract.objects.update(ends=timezone.now().date())
    check_contracts()
    assert not Contract.objects.due().exists()
    events(1)
    assert Contract.objects.figures_changed(project.pk) == 1
    check_contracts()
    made.refresh_from_db()
    assert made.figures["promises"][0]["delivered"] == pytest.approx(12)
    assert not Contract.objects.due().exists()
    yesterday = timezone.now() - timedelta(hours=25)
    Contract.objects.update(checked=yesterday)
    assert Contract.objects.due().exists()
    check_contracts()
    made.refresh_from_db()
    assert made.checked > yesterday
    Contract.objects.update(checked=yesterday, ends=date(2020, 1, 1), starts=date(2020, 1, 1))
    assert not Contract.objects.due().exists(), "one that ended long ago rests"


# --- pages and files ------------------------------------------------------------------------------


def test_the_page_shows_each_promise_the_events_and_the_line(
    events, contract, client_for, viewer, analyst
):
    events(3)
    made = contract(seconds=100.0, share=0.2)
    client = client_for(viewer)
    page = client.get(reverse("contract", args=[made.pk])).content.decode()
    assert "at least 1:40.0" in page
    assert "0:36.0" in page
    assert page.count('class="line"') == 2
    assert "match 2.mp4" in page
    assert "not checked by a person" in page
    assert reverse("contract-edit", args=[made.pk]) not in page
    assert client.get(reverse("contract-edit", args=[made.pk])).status_code == 403
    assert "Kestrel, August" in client.get(reverse("contracts")).content.decode()
    assert "Edit" in client_for(analyst).get(reverse("contract", args=[made.pk])).content.decode()


def test_nothing_there_yet_says_what_to_do(client_for, analyst, project):
    page = client_for(analyst).get(reverse("contracts")).content.decode()
    assert "No contracts yet" in page
    assert reverse("contract-new") in page


def test_files_say_what_the_page_says(events, contract, client_for, viewer):
    events(3)
    made = contract()
    client = client_for(viewer)

    def get(kind: str) -> bytes:
        answer = client.get(reverse("contract-file", args=[made.pk, kind]))
        assert answer.status_code == 200
        return answer.content

    rows = list(csv.DictReader(io.StringIO(get("promises").decode("utf-8-sig"))))
    assert (rows[0]["promise"], float(rows[0]["delivered"])) == ("seconds", 36)
    rows = list(csv.DictReader(io.StringIO(get("events").decode("utf-8-sig"))))
    assert [row["name"] for row in rows] == ["match 0.mp4", "match 1.mp4", "match 2.mp4"]
    assert json.loads(get("json"))["promises"][0]["delivered"] == pytest.approx(36)
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(get("pdf"))).pages)
    for said in ("Kestrel Sports", "at least 1:40.0", "0:36.0", "match 2.mp4", "SHA-256"):
        assert said in text
    assert "Issued by" not in text  # nobody did


def test_a_contract_without_any_event_has_a_page_and_paper(contract, client_for, viewer):
    made = contract(seconds=1.0, share=0.1, place=1, mentions=2, middle=0.5, seconds_each=3.0)
    client = client_for(viewer)
    assert client.get(reverse("contract", args=[made.pk])).status_code == 200
    pdf = client.get(reverse("contract-file", args=[made.pk, "pdf"]))
    assert pdf.content.startswith(b"%PDF")


# --- making and changing --------------------------------------------------------------------------


def test_the_form_makes_one_and_the_log_has_what_was_changed(client_for, analyst, kestrel):
    client = client_for(analyst)
    answered = client.post(reverse("contract-new"), wish(kestrel, share="25", sponsor="Kestrel"))
    made = Contract.objects.get()
    assert answered.url == reverse("contract", args=[made.pk])
    assert made.promises == {"seconds": 100.0, "share": 0.25}
    assert made.method == DEFAULT
    edit = reverse("contract-edit", args=[made.pk])
    assert 'value="25.0"' in client.get(edit).content.decode()
    client.post(edit, wish(kestrel, share="30", sponsor="Kestrel"))
    event = Event.objects.get(what="changed a contract")
    assert list(event.data["changes"]) == ["promises"]
    assert event.data["changes"]["promises"][1]["share"] == pytest.approx(0.3)
    page = client.get(reverse("contract", args=[made.pk])).content.decode()
    assert "by Ana: promises" in " ".join(page.split())


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"starts": "2026-09-01"}, "The period ends before it begins"),
        ({"seconds": ""}, "A contract promises something"),
        ({"seconds": "0"}, "A contract promises something"),
        ({"seconds": "-3"}, "greater than or equal to 0"),
        ({"share": "130"}, "less than or equal to 100"),
        ({"place": "1.5"}, "Place among the brands: a whole number."),
        ({"starts": "soon"}, "This is no day."),
        ({"label": ""}, "This field is required"),
        ({"method": "guess"}, "Select a valid choice"),
        ({"threshold": "7"}, "less than or equal to 1"),
        ({"name": " "}, "This field is required"),
    ],
)
def test_what_cannot_be_agreed_is_said(client_for, analyst, kestrel, wrong, sentence):
    answered = client_for(analyst).post(reverse("contract-new"), wish(kestrel, **wrong))
    assert answered.status_code == 422
    assert sentence in answered.content.decode()
    assert not Contract.objects.exists()


def test_brands_of_others_and_removed_ones_are_refused(contract, kestrel, other_workspace, analyst):
    about = {"name": "x", "starts": STARTS, "ends": ENDS, "promises": {"seconds": 1.0}}
    with pytest.raises(Refused, match="another workspace"):
        Contract.objects.make(other_workspace, by=None, label=kestrel, **about)
    made = contract()
    kestrel.archive(by=analyst)
    made.change(by=analyst, name="It stays about it")
    with pytest.raises(Refused, match="was removed from"):
        Contract.objects.make(made.workspace, by=None, label=kestrel, **about)
    with pytest.raises(Refused, match="Nothing called"):
        made.change(by=analyst, promises={"applause": 3})


def test_deleting_is_undone(contract, client_for, analyst):
    made = contract()
    client = client_for(analyst)
    client.post(reverse("contract-remove", args=[made.pk]))
    assert client.get(reverse("contract", args=[made.pk])).status_code == 404
    client.post(reverse("contract-restore", args=[made.pk]))
    assert client.get(reverse("contract", args=[made.pk])).status_code == 200


def test_programs_make_read_change_and_delete_one(
    events, client_for, key_for, analyst, viewer, kestrel, client
):
    events(3)
    key, reads = key_for(analyst), key_for(viewer)
    about = {"name": "By a program", "label": kestrel.pk, "planned": 6}
    about |= {"starts": str(STARTS), "ends": str(ENDS), "promises": {"seconds": 60}}

    def send(method: str, path: str, body: dict | None = None, headers=key):
        call = getattr(client, method)
        return call(path, json.dumps(body or {}), content_type="application/json", **headers)

    made = send("post", "/api/v1/contracts/", about)
    assert made.status_code == 201
    one = f"/api/v1/contracts/{made.json()['id']}/"
    assert made.json()["standing"]["promises"][0]["delivered"] == pytest.approx(36)
    assert send("post", "/api/v1/contracts/", about, reads).status_code == 403
    assert client.get(one, **reads).json()["standing"]["status"] in ("on course", "failed")
    changed = send("patch", one, {"promises": {"share": 0.3}, "planned": None})
    assert changed.json()["promises"] == {"share": 0.3}
    wrong = send("patch", one, {"ends": "2026-07-01"})
    assert (wrong.status_code, wrong.json()["detail"]) == (
        422,
        "The period ends before it begins: its last day comes first.",
    )
    assert send("patch", one, {"promises": {"share": 3}}).status_code == 422
    status = changed.json()["status"]
    assert status in ("on course", "fulfilled"), "it is known at once"
    (listed,) = client.get(f"/api/v1/contracts/?status={status}", **reads).json()["results"]
    assert listed["name"] == "By a program"
    assert client.get("/api/v1/contracts/?status=failed", **reads).json()["results"] == []
    assert send("delete", one).status_code == 204
    assert client.get(one, **key).status_code == 404


def test_who_deletes_the_project_is_told_that_its_contract_stands_still(
    contract, client_for, owner, project
):
    contract()
    page = client_for(owner).get(reverse("project-delete", args=[project.pk])).content.decode()
    assert "1 contract keeps its figures as they are now" in page
