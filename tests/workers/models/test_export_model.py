"""Exports of the demo's model: each says the same as the model itself."""

from __future__ import annotations

import os
import signal
import zipfile
from pathlib import Path

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from analysis.errors import AnalysisError, Stopped
from analysis.models.describe import describe
from analysis.models.exports import export
from webapp.leases import Status
from webapp.registry.exports import ModelExport
from webapp.registry.versions import RegisteredModel
from workers.models.export import deliver, export_model

pytestmark = pytest.mark.django_db
MODEL = Path(__file__).resolve().parents[3] / "demo" / "model.safetensors"


def version_of(workspace, file: str, data: bytes, **said):
    name = default_storage.save(file, ContentFile(data))
    model = RegisteredModel.named(workspace, "Demo")
    about = {"labels": ["Kestrel"], "format": "compact"} | said
    return model.add_trained_version(
        file=name, sha256="0" * 64, description=about, source="the demo", by=None
    )


@pytest.fixture
def demo(workspace):
    return version_of(workspace, "models/demo.safetensors", MODEL.read_bytes())


def made(version, format: str) -> ModelExport:
    row = ModelExport.objects.request(version, format, by=None)
    export_model(row.pk)
    row.refresh_from_db()
    return row


def stored(row: ModelExport, folder: Path) -> Path:
    path = folder / Path(row.file).name
    with default_storage.open(row.file) as file:
        path.write_bytes(file.read())
    return path


@pytest.fixture
def picture():
    rng = np.random.default_rng(0)
    return rng.random((1, 3, 320, 320), np.float32)


def test_the_three_formats_answer_alike(demo, tmp_path, picture):
    import onnxruntime
    import openvino
    import torch

    rows = [made(demo, format) for format in ("onnx", "openvino", "torchscript")]
    assert [row.status for row in rows] == ["done"] * 3, [row.error for row in rows]
    assert all(row.size_bytes == default_storage.size(row.file) for row in rows)

    graph = stored(rows[0], tmp_path)
    assert describe(graph).labels == describe(MODEL).labels
    session = onnxruntime.InferenceSession(graph)
    by_onnx = session.run(None, {"images": picture})[0]

    with zipfile.ZipFile(stored(rows[1], tmp_path)) as archive:
        archive.extractall(tmp_path / "openvino")
    about = describe(tmp_path / "openvino")
    assert (about.format, about.labels) == ("openvino", describe(MODEL).labels)
    compiled = openvino.Core().compile_model(tmp_path / "openvino" / "model.xml", "CPU")
    by_openvino = compiled(picture)[0]
    assert np.abs(by_openvino - by_onnx)[:, 4:].max() < 0.05  # half precision

    extra = {"config.txt": ""}
    traced = torch.jit.load(stored(rows[2], tmp_path), _extra_files=extra)
    assert describe(MODEL).labels[0] in extra["config.txt"].decode()
    side = describe(MODEL).imgsz
    square = np.resize(picture, (1, 3, side, side))
    said = traced(torch.from_numpy(square))
    by_torch = np.asarray(said[0] if isinstance(said, tuple) else said)
    by_onnx = session.run(None, {"images": square})[0]
    assert by_torch.shape == by_onnx.shape
    assert np.abs(by_torch - by_onnx)[:, 4:].max() < 1e-3


def test_what_is_no_model_fails_with_a_sentence(workspace):
    row = made(version_of(workspace, "models/x.onnx", b"nonsense"), "onnx")
    assert row.status == Status.FAILED
    assert not row.can_retry
    assert "not a model we can read" in row.error


def test_each_step_is_told_and_the_last_leads_to_the_end(demo, tmp_path):
    told = []
    export(MODEL, "onnx", tmp_path / "x.onnx", on_progress=lambda *news: told.append(news))
    assert told == [(0.0, "starting PyTorch"), (0.3, "writing the graph")]
    row = made(demo, "onnx")
    assert (row.share, row.remaining_s) == (1.0, None)


def test_nothing_goes_on_after_it_was_stopped(tmp_path):
    target, began = tmp_path / "x.onnx", []
    with pytest.raises(Stopped):
        export(
            MODEL,
            "onnx",
            target,
            on_progress=lambda *news: began.append(news),
            should_stop=lambda: bool(began),
        )
    assert exporters() == []
    assert not target.exists()


def test_an_export_that_the_system_ends_says_so(tmp_path):
    def kill(share: float, step: str) -> None:
        for pid in exporters():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(AnalysisError, match="too little memory") as ended:
        export(MODEL, "onnx", tmp_path / "x.onnx", on_progress=kill)
    assert not ended.value.permanent


def test_what_is_made_too_late_is_thrown_away(demo, tmp_path):
    row = ModelExport.objects.request(demo, "onnx", by=None)
    held = ModelExport.objects.claim(row.pk, "w1")
    row.cancel()
    made_late = tmp_path / "late.onnx"
    made_late.write_bytes(b"graph")
    deliver(held, made_late)
    row.refresh_from_db()
    assert (row.status, row.file) == (Status.FAILED, "")
    assert default_storage.listdir("exports")[0] == [str(demo.pk)]
    assert default_storage.listdir(f"exports/{demo.pk}")[1] == []


def exporters() -> list[int]:
    """Export processes of this one that live."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [
        int(pid)
        for pid in children
        if b"analysis.models.exports" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_an_export_is_made_once(demo):
    first = ModelExport.objects.request(demo, "onnx", by=None)
    assert ModelExport.objects.request(demo, "onnx", by=None) == first
    claimed = ModelExport.objects.claim(first.pk, "w1")
    export_model(first.pk)  # the doorbell rang twice
    claimed.refresh_from_db()
    assert (claimed.status, claimed.worker) == ("working", "w1")
