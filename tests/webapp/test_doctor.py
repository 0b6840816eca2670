"""What `manage.py doctor` says about the work, for whoever looks after the machine."""

import io
import os
import subprocess
import sys
from contextlib import suppress

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from webapp.leases import Status, from_now
from webapp.management.commands.doctor import work
from webapp.projects.models import Reference
from webapp.registry.exports import ModelExport
from webapp.runs.run import Run
from webapp.runs.workers import Worker


def said() -> str:
    return "\n".join(" ".join(finding) for finding in work())


def test_it_names_the_queue_that_nobody_serves_and_what_waits_in_it(asset, project):
    Worker.beat("cpu", queues="soon,ingest,batch,train")
    Run.objects.request(asset, project, by=None)
    type(asset).objects.update(status=Status.WAITING)
    assert "✗ runs to begin (1): they wait, and no worker serves the queue analysis." in said()
    assert "`--queues analysis`" in said()
    assert "✓ uploads (1): they wait; 1 worker serves the queue ingest." in said()
    assert "nothing waits in the queue train." in said()


def test_what_keeps_people_waiting_is_told_apart(asset, project):
    asset.renditions.create(recipe="proxy")
    asset.renditions.create(recipe="frame@1.000000")
    assert Reference.objects.unchecked().exists()
    assert "copies that browsers can play (1): they wait" in said()
    found = next(line for line in said().splitlines() if "queue soon" in line)
    assert "frames at full size (1), logo pictures to look at (1)" in found


def test_it_says_what_failed_lately_and_why(asset):
    proxy = asset.renditions.create(
        recipe="proxy",
        status=Status.FAILED,
        error="ffmpeg could not convert this file.",
        can_retry=False,
        finished=timezone.now(),
    )
    told = said()
    assert "copies that browsers can play: 1 failed in the last day" in told
    assert "proxy of matchday.mp4. ffmpeg could not convert this file." in told
    assert "Trying again will not help." in told
    type(proxy).objects.update(finished=from_now(-2 * 24 * 3600))
    assert "failed" not in said()
    type(proxy).objects.update(finished=timezone.now(), error=ModelExport.CANCELLED)
    assert "failed" not in said(), "what a person cancelled is no failure"


@pytest.mark.django_db
def test_it_is_part_of_the_whole():
    out = io.StringIO()
    with suppress(SystemExit):  # this machine may lack other things
        call_command("doctor", stdout=out)
    assert "nothing waits in the queue soon." in out.getvalue()


def test_before_the_first_migration_it_says_what_to_do(tmp_path):
    asked = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"SIGHTLINE_DATA": str(tmp_path), "DATABASE_URL": ""},
        capture_output=True,
        text=True,
    )
    assert "Run `manage.py migrate`." in asked.stdout
    assert "reference logos need no weights" in asked.stdout, "and the rest is told as well"
    assert asked.stderr == ""
