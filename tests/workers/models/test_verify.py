"""The check of an uploaded model: what it says of it, and what it refuses."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.analysis.models.test_exported_weights import other_network
from webapp.leases import Status
from webapp.registry.versions import ModelVersion, RegisteredModel
from workers.models.verify import check_model

pytestmark = pytest.mark.django_db


def checked(workspace, name: str, data: bytes) -> ModelVersion:
    file = default_storage.save(f"models/{name}", ContentFile(data))
    model = RegisteredModel.named(workspace, "Boards")
    version = model.add_version(file=file, sha256="0" * 64, source=name, by=None)
    check_model(version.pk)
    version.refresh_from_db()
    return version


def test_a_foreign_network_can_be_used_and_not_trained_further(workspace, tmp_path):
    graph = other_network(tmp_path / "other.onnx", "Conv_7")
    version = checked(workspace, "other.onnx", graph.read_bytes())
    assert version.status == Status.DONE, version.error
    assert version.labels == ["Kestrel"]
    assert version.description["trains_further"] is False


def test_what_is_no_model_is_refused_without_the_name_that_it_is_stored_under(workspace):
    version = checked(workspace, f"{'2c' * 32}.pt", b"hello")
    assert version.status == Status.FAILED
    assert version.error.startswith("This file is not a model we can read.")
    assert not version.can_retry
