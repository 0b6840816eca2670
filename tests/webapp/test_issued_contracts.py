"""Contract reports that were issued: they never change, and a link shows them to a sponsor."""

from __future__ import annotations

import io
import json

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from tests.webapp.test_contracts import contract, events  # noqa: F401
from webapp.accounts.models import Event
from webapp.contracts.delivered import figures
from webapp.contracts.models import Contract, ContractLink, IssuedContract

pytestmark = pytest.mark.django_db


@pytest.fixture
def at(analyst, client_for) -> Client:
    return client_for(analyst)


@pytest.fixture
def issued(at, events, contract) -> IssuedContract:  # noqa: F811
    events(3)
    made = contract()
    answer = at.post(reverse("contract-issue", args=[made.pk]), {"title": "August, as agreed"})
    assert answer.status_code == 302
    return IssuedContract.objects.get()


def link_to(at: Client, report: IssuedContract) -> str:
    at.post(reverse("contract-report-share", args=[report.pk]), {"days": "7"})
    page = at.get(reverse("contract-report", args=[report.pk])).content.decode()
    token = page.split("/share/contract/")[1].split("<")[0]
    assert token not in at.get(reverse("contract-report", args=[report.pk])).content.decode()
    return reverse("shared-contract", args=[token])


def test_it_never_changes_whatever_becomes_of_the_contract(at, issued, events, kestrel):  # noqa: F811
    before = issued.numbers
    contract = issued.contract  # noqa: F811
    events(2, after=3)
    contract.change(by=None, promises={"seconds": 900.0}, name="Other")
    kestrel.name = "Falcon"
    kestrel.save()
    page = at.get(reverse("contract-report", args=[issued.pk])).content.decode()
    contract.look()
    contract.note(figures(contract))
    page = at.get(reverse("contract-report", args=[issued.pk])).content.decode()
    assert "The contract stands otherwise by now" in page
    assert "Kestrel" in page
    assert "Falcon" not in page
    Contract.objects.filter(pk=contract.pk).update(label=None)  # as where its brand is deleted
    assert at.get(reverse("contract-report", args=[issued.pk])).status_code == 200
    Contract.everything.filter(pk=contract.pk).delete()
    page = at.get(reverse("contract-report", args=[issued.pk]))
    assert page.status_code == 200
    issued.refresh_from_db()
    assert issued.numbers == before
    assert issued.contract is None
    file = at.get(reverse("contract-report-file", args=[issued.pk, "json"]))
    assert json.loads(file.content)["sha256"] == before["sha256"]
    paper = at.get(reverse("contract-report-file", args=[issued.pk, "pdf"])).content
    said = " ".join(p.extract_text() for p in PdfReader(io.BytesIO(paper)).pages)
    assert "August, as agreed" in said
    assert "Issued on" in said


def test_a_sponsor_opens_it_without_an_account_and_nothing_leads_inside(at, issued):
    address = link_to(at, issued)
    sponsor = Client()
    answer = sponsor.get(address)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "August, as agreed" in page
    assert "match 1.mp4" in page
    assert "/assets/" not in page
    assert f"/contracts/{issued.contract_id}" not in page
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert sponsor.get(f"{address}/files/pdf").content.startswith(b"%PDF")
    assert sponsor.get(f"{address}/files/nothing").status_code == 404
    assert ContractLink.objects.get().views == 1
    assert sponsor.get(reverse("contract-report", args=[issued.pk])).status_code == 302


def test_a_link_ends_by_time_by_hand_and_with_its_report(at, issued):
    address, sponsor = link_to(at, issued), Client()
    at.post(reverse("contract-link-revoke", args=[ContractLink.objects.get().pk]))
    assert (
        sponsor.get(address).status_code == sponsor.get(f"{address}/files/pdf").status_code == 404
    )
    other = link_to(at, issued)
    assert sponsor.get(other).status_code == 200
    ContractLink.objects.update(expires=timezone.now())
    assert sponsor.get(other).status_code == 404
    third = link_to(at, issued)
    at.post(reverse("contract-report-withdraw", args=[issued.pk]))
    assert sponsor.get(third).status_code == 404
    said = list(Event.objects.values_list("what", flat=True))
    for what in ("issued a contract report", "shared a contract report", "revoked a share link"):
        assert what in said
    assert "withdrew a contract report" in said


def test_viewers_read_and_neither_issue_nor_share(issued, viewer, client_for):
    browser = client_for(viewer)
    assert browser.get(reverse("contract-report", args=[issued.pk])).status_code == 200
    for name in ("contract-report-share", "contract-report-withdraw"):
        assert browser.post(reverse(name, args=[issued.pk])).status_code == 403
    assert browser.post(reverse("contract-issue", args=[issued.contract_id])).status_code == 403
    assert IssuedContract.objects.count() == 1


def test_what_has_no_figures_is_not_issued(at, contract, kestrel):  # noqa: F811
    made = contract()
    kestrel.delete()
    answer = at.post(reverse("contract-issue", args=[made.pk]), follow=True)
    assert "There are no figures to issue" in answer.content.decode()
    assert not IssuedContract.objects.exists()


def test_over_the_api(at, events, contract, key_for, analyst):  # noqa: F811
    events(3)
    made, key = contract(), key_for(analyst)
    answer = Client().post(
        f"/api/v1/contracts/{made.pk}/issue/", {}, content_type="application/json", **key
    )
    assert answer.status_code == 201
    one = answer.json()
    assert one["title"] == "Kestrel, August"
    assert one["numbers"]["sha256"]
    listed = Client().get("/api/v1/contract-reports/", **key).json()["results"]
    assert [row["id"] for row in listed] == [one["id"]]
    assert Client().delete(f"/api/v1/contract-reports/{one['id']}/", **key).status_code == 204


def test_programs_share_it_and_end_the_link(issued, analyst, viewer, client, key_for):
    url, head = f"/api/v1/contract-reports/{issued.pk}/links/", key_for(analyst)
    send = {"content_type": "application/json", **head}
    made = client.post(url, {"days": 7}, **send)
    assert made.status_code == 201
    address = made.json()["url"]
    assert client.get(address).status_code == 200
    (kept,) = client.get(url, **key_for(viewer)).json()
    assert (kept["id"], kept["url"], kept["views"]) == (made.json()["id"], None, 1)
    assert client.post(url, {"days": 3}, **send).status_code == 400
    link = f"/api/v1/contract-links/{kept['id']}/"
    assert client.delete(link, **key_for(viewer)).status_code == 403
    assert client.delete(link, **head).status_code == 204
    assert client.get(address).status_code == 404
