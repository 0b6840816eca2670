"""What several files of tests of the pages start from."""

import pytest
from django.urls import reverse

from webapp.reports.models import Report


@pytest.fixture
def at_report(analyst, client_for):
    return client_for(analyst)


@pytest.fixture
def report(at_report, run):
    at_report.post(reverse("report-issue", args=[run.pk]), {"title": "Cup final"})
    return Report.objects.get()
