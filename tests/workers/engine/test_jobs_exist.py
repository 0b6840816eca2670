import subprocess
import sys
from functools import partial

import pytest
from django.db.models import Q

from tests.trained import model_version
from webapp import jobs
from webapp.assets.models import Rendition
from webapp.celery import app
from webapp.datasets.transfers import Transfer
from webapp.datasets.versions import DatasetVersion
from webapp.leases import pieces
from webapp.processes import EMBEDDED
from webapp.registry.exports import ModelExport


def test_every_job_that_the_web_asks_for_is_known_to_the_workers():
    import workers.app  # noqa: F401  registers the tasks

    in_words = {"work", "check_reference", "thumbs", "erase", "host"}
    assert all(callable(getattr(jobs, name)) for name in in_words)
    assert in_words <= set(app.tasks)
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)


def test_every_kind_of_long_work_says_its_task_and_queue_and_has_a_worker(settings):
    import workers.app  # noqa: F401  registers the tasks

    kinds = pieces()
    assert {"Asset", "Segment", "TrainingRun", "Chore"} <= {model.__name__ for model in kinds}
    for model in kinds:
        kind = model.PIECE
        assert kind.task in app.tasks, model
        assert kind.queue in settings.QUEUES, model
        assert kind.what, model
        assert (kind.soon is None) == (not kind.what_soon), model
        few = Q(status__in=["waiting", "working"])
        kept = [one.fields[0] for one in model._meta.indexes if one.condition == few]
        assert "status" in kept, "the sweep looks for what is open: few, however many are done"
    assert len({model.PIECE.task for model in kinds}) == len(kinds)


def test_every_queue_has_a_worker_of_its_own_on_one_machine(settings):
    """So that neither a long batch nor a training delays an upload."""
    commands = [command() for name, command in EMBEDDED.items() if name.endswith("worker")]
    served = [command[command.index("--queues") + 1] for command in commands]
    assert sorted(served) == sorted(settings.QUEUES)


@pytest.fixture
def rung(django_capture_on_commit_callbacks):
    """rung(do): the queues in which there is a message after `do`."""
    from django.conf import settings

    def waiting(queue: str) -> int:
        with app.connection_for_read() as connection, connection.SimpleQueue(queue) as messages:
            n = messages.qsize()
            messages.clear()
            return n

    def ring(do) -> list[str]:
        with django_capture_on_commit_callbacks(execute=True):
            do()
        return [queue for queue in settings.QUEUES if waiting(queue)]

    ring(lambda: None)
    return ring


@pytest.mark.parametrize(
    ("kind", "options", "queue"),
    [
        ("synthesis", {"count": 20_000}, "batch"),
        ("import", {"step": "check", "preview": True}, "batch"),
        ("synthesis", {"count": 6, "preview": True}, "soon"),
    ],
)
def test_long_work_has_a_queue_of_its_own_and_a_glance_does_not_wait_in_it(
    pictures, owner, rung, kind, options, queue
):
    ask = partial(Transfer.objects.request, pictures(0), kind, options=options, by=owner)
    assert rung(ask) == [queue]


def test_a_version_and_an_export_are_long_work(pictures, owner, workspace, rung):
    dataset = pictures(1)
    dataset.samples.update(state="labelled")
    assert rung(lambda: DatasetVersion.objects.request(dataset, by=owner)) == ["batch"]
    version = model_version(workspace)
    assert rung(lambda: ModelExport.objects.request(version, "onnx", by=owner)) == ["batch"]


def test_nobody_who_waits_for_a_frame_waits_for_a_proxy(asset, rung):
    assert rung(lambda: Rendition.ask_for_proxy(asset)) == ["batch"]
    frame = Rendition.objects.create(asset=asset, recipe="frame@1.000000")
    assert rung(lambda: jobs.ring(frame)) == ["soon"]


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
        jobs.ring(asset)


def test_the_web_process_loads_no_model_library():
    code = (
        "import sys, webapp.wsgi, django.urls\n"
        "django.urls.get_resolver().url_patterns\n"
        "heavy = {'torch', 'ultralytics', 'whisper', 'cv2', 'openvino', 'av', 'scipy', 'spacy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "[]"
