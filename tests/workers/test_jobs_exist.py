import subprocess
import sys

import pytest

from webapp import jobs
from webapp.celery import app


def test_every_job_that_the_web_asks_for_is_known_to_the_workers():
    import workers.app  # noqa: F401  registers the tasks

    asked_for = {"ingest", "work", "frame", "check_model", "export_model", "host", "sweep"}
    asked_for |= {"transfer", "freeze", "train", "evaluate"}
    assert asked_for <= set(app.tasks)
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


@pytest.fixture
def queue_away():
    """Nobody answers there; what comes after has its own connections again."""
    app.conf.broker_url = "redis://127.0.0.1:1/0"
    app._after_fork()
    yield
    app._after_fork()


def test_asking_never_fails_a_request_when_the_queue_is_away(
    asset, queue_away, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        jobs.ingest(asset.pk)


def test_the_web_process_loads_no_model_library():
    code = (
        "import sys, webapp.wsgi, django.urls\n"
        "django.urls.get_resolver().url_patterns\n"
        "heavy = {'torch', 'ultralytics', 'whisper', 'cv2', 'openvino', 'av', 'scipy', 'spacy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "[]"
