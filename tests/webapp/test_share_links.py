"""A share link shows one report to whoever has it, and nothing else, until it ends."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from webapp.accounts.models import Event
from webapp.reports.files import FILES
from webapp.reports.models import ShareLink


@pytest.fixture
def link(at_report, report) -> str:
    """The path of a fresh link, read off the page that shows it once."""
    page = at_report.post(reverse("report-share", args=[report.pk]), {"days": "7"}, follow=True)
    address = page.content.decode().split('id="new-link">')[1].split("<")[0]
    return urlsplit(address).path


def test_it_opens_for_somebody_who_is_not_signed_in(link):
    answer = Client().get(link)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Cup final" in page
    assert "0:12.0</a>" in page
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]


def test_it_shows_nothing_of_the_site(link, run):
    page = Client().get(link).content.decode()
    for inside in (
        "/assets/",
        "/reports",
        "/library",
        "/runs/",
        "/sign-in",
        "/media/",
        'class="rail',
    ):
        assert inside not in page
    assert "Revoke" not in page
    assert "Withdraw" not in page


def test_the_link_is_shown_once_and_only_its_hash_is_kept(at_report, report, link):
    token = link.rsplit("/", 1)[-1]
    assert token not in at_report.get(reverse("report", args=[report.pk])).content.decode()
    kept = ShareLink.objects.get()
    assert token not in (kept.token_hash, kept.hint)


@pytest.mark.parametrize("kind", FILES)
def test_its_files_are_those_of_the_report(link, at_report, report, kind):
    shared = Client().get(f"{link}/files/{kind}")
    inside = at_report.get(reverse("report-file", args=[report.pk, kind]))
    assert shared.status_code == inside.status_code == 200
    assert shared["Content-Type"] == inside["Content-Type"]
    if kind != "pdf":  # a PDF says when it was drawn
        assert shared.content == inside.content


def test_it_counts_how_often_it_was_opened_and_not_the_files(link, at_report, report):
    Client().get(link)
    Client().get(link)
    Client().get(f"{link}/files/json")
    assert ShareLink.objects.get().views == 2
    assert "2 times" in at_report.get(reverse("report", args=[report.pk])).content.decode()


def is_over(path: str) -> bool:
    answer = Client().get(path)
    return answer.status_code == 404 and "This link no longer works" in answer.content.decode()


def test_it_ends_on_its_day(link):
    assert timedelta(days=6) < ShareLink.objects.get().expires - timezone.now() < timedelta(days=8)
    ShareLink.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert is_over(link)
    assert is_over(f"{link}/files/pdf")
    assert ShareLink.objects.get().views == 0


def test_it_ends_when_it_is_revoked_and_that_is_written_down_once(link, at_report):
    at = reverse("share-revoke", args=[ShareLink.objects.get().pk])
    at_report.post(at)
    page = at_report.post(at, follow=True).content.decode()
    assert "revoked" in page
    assert is_over(link)
    assert is_over(f"{link}/files/json")
    assert Event.objects.filter(what="revoked a share link").count() == 1


def test_it_ends_with_its_report(link, at_report, report):
    at_report.post(reverse("report-delete", args=[report.pk]))
    assert is_over(link)


def test_it_outlives_the_asset(link, asset):
    asset.delete()
    assert "0:12.0</a>" in Client().get(link).content.decode()


def test_a_wrong_token_opens_nothing(link):
    assert is_over(link[:-1])
    assert is_over(link + "x")
    assert is_over("/share/" + "a" * 32)
    assert is_over("/share/" + "é" * 300)


def test_an_unknown_kind_of_file_is_not_found(link):
    assert Client().get(f"{link}/files/exe").status_code == 404


@pytest.mark.parametrize("days", ["9999", "-1", "", "²", "x"])
def test_a_time_that_is_not_offered_becomes_two_weeks(at_report, report, days):
    at_report.post(reverse("report-share", args=[report.pk]), {"days": days})
    left = ShareLink.objects.get().expires - timezone.now()
    assert timedelta(days=13) < left <= timedelta(days=14)


def test_only_who_may_can_revoke(link, viewer, stranger, other_workspace, client_for):
    at = reverse("share-revoke", args=[ShareLink.objects.get().pk])
    assert client_for(viewer).post(at).status_code == 403
    assert client_for(stranger).post(at).status_code == 404
    assert not is_over(link)
