from django.core import checks
from django.db import DatabaseError, connection
from django.urls import reverse
from django.utils import timezone

from webapp.datasets.transfers import Transfer
from webapp.runs.workers import Worker


def test_all_is_well_with_a_worker(db, client):
    Worker.beat("cpu", queues="analysis,ingest")
    answer = client.get(reverse("health"))
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert set(answer.json()["parts"]) == {"database", "broker", "worker", "disk"}


def test_without_a_worker_it_is_degraded_but_up(db, client):
    Worker.objects.create(name="old", queues="analysis", seen=timezone.now().replace(year=2020))
    answer = client.get(reverse("health"))
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert "No worker" in answer.json()["parts"]["worker"]["why"]


def test_work_that_no_worker_takes_is_named(client, owner, workspace, client_for, pictures):
    Worker.beat("cpu", queues="analysis,ingest,soon")
    row = Transfer.objects.request(pictures(1), "export", options={"format": "yolo"}, by=owner)
    answer = client.get(reverse("health")).json()
    assert answer["status"] == "degraded"
    assert "the queue batch" in answer["parts"]["worker"]["why"]
    page = client_for(owner).get(reverse("dataset", args=[row.dataset_id])).content.decode()
    assert "no worker serves the queue batch" in page
    rows = client_for(owner).get(reverse("system")).context["now"]["queues"]
    assert {q["name"]: (q["waiting"], q["workers"]) for q in rows} == {
        "soon": (1, 1),  # the project's logo picture, which nobody has looked at
        "ingest": (0, 1),
        "analysis": (0, 1),
        "batch": (1, 0),
        "train": (0, 0),
    }
    Worker.beat("own", queues="batch")
    assert client.get(reverse("health")).json()["status"] == "ok"
    page = client_for(owner).get(reverse("dataset", args=[row.dataset_id])).content.decode()
    assert "waits for its turn" in page


def test_asked_again_at_once_it_looks_at_nothing(
    db, client, settings, django_assert_num_queries, monkeypatch
):
    monkeypatch.setattr("webapp.home.health._last", None)
    settings.HEALTH_SECONDS = 60
    Worker.beat("cpu", queues="analysis,ingest")
    first = client.get(reverse("health")).json()
    with django_assert_num_queries(0):
        assert client.get(reverse("health")).json() == first
    settings.HEALTH_SECONDS = 0
    Worker.objects.all().delete()
    assert client.get(reverse("health")).json()["status"] == "degraded"


def test_a_full_disk_takes_it_down(db, client, settings):
    settings.MIN_FREE_BYTES = 10**18
    answer = client.get(reverse("health"))
    assert answer.status_code == 503
    assert "free" in answer.json()["parts"]["disk"]["why"]


def test_a_media_folder_that_is_gone_takes_it_down(db, client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "gone"
    answer = client.get(reverse("health"))
    assert answer.status_code == 503
    assert answer.json()["parts"]["disk"]["why"]


def test_a_database_that_does_not_answer_takes_it_down(db, client):
    def away(execute, sql, params, many, context):
        raise DatabaseError("connection refused")

    with connection.execute_wrapper(away):
        answer = client.get(reverse("health"))
    assert answer.status_code == 503
    assert answer.json()["status"] == "down"
    assert "connection refused" in answer.json()["parts"]["database"]["why"]


def test_the_system_page_names_the_workers(owner, workspace, client_for):
    Worker.beat("gpu@studio", queues="analysis", holding=["Boards v1"], memory_bytes=812_000_000)
    page = client_for(owner).get(reverse("system")).content.decode()
    assert "gpu@studio" in page
    assert "Boards v1" in page
    assert "812" in page


# --- manage.py check ------------------------------------------------------------------------


def found(settings) -> set[str]:
    return {message.id for message in checks.run_checks() if message.id.startswith("sightline")}


def test_the_embedded_default_passes_its_checks(settings):
    assert found(settings) == set()


def test_a_site_address_without_a_scheme_is_an_error(settings):
    settings.SITE_URL = "sightline.example.org"
    assert "sightline.E001" in found(settings)


def test_plain_http_across_a_network_is_warned_of(settings):
    settings.SITE_URL = "http://sightline.example.org"
    assert "sightline.W001" in found(settings)


def test_a_short_secret_is_an_error(settings):
    settings.SECRET_KEY = "hunter2"
    assert "sightline.E002" in found(settings)


def test_a_folder_that_cannot_be_written_is_an_error_with_its_name(settings, tmp_path):
    settings.UPLOAD_DIR = tmp_path / "missing" / "folder"
    messages = [m for m in checks.run_checks() if m.id == "sightline.E003"]
    assert "SIGHTLINE_UPLOADS" in messages[0].msg
    assert messages[0].hint
