"""Each person has a time zone: their browser's at first, theirs to change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from tests.webapp.test_labeling_jobs import wish
from webapp.accounts.models import Event
from webapp.labelling.jobs import LabelingJob

pytestmark = pytest.mark.django_db


def test_the_first_visit_takes_the_zone_of_the_browser_and_pages_are_in_it(client_for, owner):
    browser = client_for(owner)
    Event.record(owner.memberships.get().workspace, owner, "looked at the clock")
    Event.objects.update(at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    log = reverse("audit-log")
    assert "1 Jul 2026, 22:30:00" in browser.get(log).content.decode()
    browser.cookies["zone"] = "Asia%2FKolkata"
    assert "2 Jul 2026, 04:00:00" in browser.get(log).content.decode()
    owner.refresh_from_db()
    assert owner.time_zone == "Asia/Kolkata"
    browser.cookies["zone"] = "Europe%2FParis"  # on a journey: what is theirs stays
    assert "2 Jul 2026, 04:00:00" in browser.get(log).content.decode()
    browser.post(reverse("profile"), {"name": "Olga", "time_zone": "America/New_York"})
    assert "1 Jul 2026, 18:30:00" in browser.get(log).content.decode()


@pytest.mark.parametrize("zone", ["", "Mars%2FOlympus", "..%2F..%2Fetc%2Fpasswd", "x" * 4000])
def test_a_zone_that_is_none_is_no_zone(client_for, owner, zone):
    browser = client_for(owner)
    browser.cookies["zone"] = zone
    assert browser.get(reverse("profile")).status_code == 200
    owner.refresh_from_db()
    assert owner.time_zone == ""


def test_a_deadline_is_entered_in_ones_own_zone_and_told_in_that_of_its_reader(
    client_for, analyst, labeller, pictures, settings
):
    settings.EMAIL_HOST = "mail.example.org"
    analyst.time_zone, labeller.time_zone = "Asia/Tokyo", "Europe/Lisbon"
    analyst.save()
    labeller.save()
    browser, dataset = client_for(analyst), pictures(2)
    form = browser.get(reverse("labelling-make")).content.decode()
    assert "In your time zone, Asia/Tokyo." in form
    day = (timezone.now() + timedelta(days=400)).strftime("%Y-01-15")
    asked = wish(dataset, deadline=f"{day}T09:00", people=labeller.email)
    browser.post(reverse("labelling-make"), asked)
    job = LabelingJob.objects.get()
    assert job.deadline.astimezone(UTC).strftime("%Y-%m-%d %H:%M") == f"{day} 00:00"
    assert "00:00 (Europe/Lisbon)" in mail.outbox[0].body
    page = browser.get(reverse("labelling-job", args=[job.pk])).content.decode()
    assert "15 Jan, 09:00" in page
