"""Model files: what is accepted, what is refused, and what is written."""

import copy
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import onnx
import pytest
import torch

from analysis.errors import UnusableModel
from analysis.models.command import command
from analysis.models.compact import save_compact
from analysis.models.describe import describe
from analysis.models.network import load_model
from analysis.models.onnx_graph import export_elsewhere, export_onnx
from tests.analysis.models.conftest import LABELS


def test_a_checkpoint_that_went_on_with_fewer_labels_opens(tmp_path):
    """Ultralytics keeps the head as wide as the first training's 80 labels made it."""
    from ultralytics.nn.tasks import DetectionModel

    first = DetectionModel("yolo26n.yaml", nc=80, verbose=False)
    tuned = DetectionModel("yolo26n.yaml", nc=2, verbose=False)
    tuned.load(first, verbose=False)
    tuned.names = {0: "Aurora", 1: "Borealis"}
    torch.save({"model": tuned, "train_args": {}}, tmp_path / "tuned.pt")
    opened = load_model(tmp_path / "tuned.pt")
    assert describe(tmp_path / "tuned.pt").labels == ("Aurora", "Borealis")
    state = opened.state_dict()
    assert all(torch.equal(v, state[k]) for k, v in tuned.state_dict().items())
    kept = save_compact(opened, tmp_path / "tuned.safetensors")
    assert describe(kept).labels == ("Aurora", "Borealis")
    assert export_onnx(kept, tmp_path / "exports").is_file()


def test_it_describes_a_checkpoint_of_ultralytics(checkpoint):
    described = describe(checkpoint)

    assert described.labels == LABELS
    assert described.imgsz == 512
    assert described.format == "pytorch"
    assert 2_000_000 < described.parameters < 3_000_000
    assert len(described.sha256) == 64


def test_it_rebuilds_the_same_network_from_a_checkpoint(checkpoint, model):
    rebuilt = load_model(checkpoint)

    picture = torch.rand(1, 3, 96, 160)
    with torch.no_grad():
        expected = copy.deepcopy(model).half().float()(picture)[0]
        assert torch.allclose(rebuilt(picture)[0], expected, atol=1e-3)
    assert rebuilt.names == dict(enumerate(LABELS))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"activation": "__import__('os').system('true')"}, "activation"),
        ({"activation": "nn.SiLU() or open('x', 'w')"}, "activation"),
        ({"head": [[-1, 1, "yaml_model_load", ["x.yaml"]]]}, "a layer we do not build"),
        ({"backbone": [[-1, 10**9, "Conv", [64, 3, 2]]]}, "unreasonable size"),
        ({"backbone": 3}, "does not describe a detection network"),
        ({"scales": {"n": [0.5, 0.5, 1024]}}, "do not fit together"),
    ],
)
def test_it_refuses_a_layer_list_that_is_not_a_plain_network(model, tmp_path, change, sentence):
    evil = copy.copy(model)
    evil.yaml = {**copy.deepcopy(model.yaml), **change}
    torch.save({"model": evil}, tmp_path / "best.pt")

    with pytest.raises(UnusableModel, match=sentence):
        load_model(tmp_path / "best.pt")


def test_a_compact_model_is_small_and_nearly_as_exact(model, compact):
    assert compact.stat().st_size < 3_000_000

    again = load_model(compact).state_dict()

    for key, weight in model.state_dict().items():
        restored = again[key]
        step = weight.abs().max().clamp(min=1e-6) / 127
        assert (weight.float() - restored.float()).abs().max() <= step * 0.51, key
    assert describe(compact).labels == LABELS
    assert describe(compact).imgsz == 512


def test_a_compact_model_says_the_same_every_time_it_is_written(model, compact, tmp_path):
    again = save_compact(model, tmp_path / "again.safetensors", imgsz=512)

    assert again.read_bytes() == compact.read_bytes()


def test_it_exports_once_and_finds_the_export_again(compact, exported):
    written = exported.stat().st_mtime_ns

    assert export_onnx(compact, exported.parent) == exported
    assert exported.stat().st_mtime_ns == written
    assert not list(exported.parent.glob(".*"))  # nothing half-written stays
    assert describe(exported).labels == LABELS
    assert describe(exported).imgsz == 512
    assert not describe(exported).end_to_end


def test_it_exports_the_end_to_end_head_when_asked(compact, exported):
    graph = export_onnx(compact, exported.parent, end_to_end=True)

    assert describe(graph).end_to_end
    assert graph != exported


def test_it_refuses_onnx_that_reads_other_files(exported, tmp_path):
    graph = onnx.load(exported)
    tensor = graph.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    path = tmp_path / "outside.onnx"
    path.write_bytes(graph.SerializeToString())

    with pytest.raises(UnusableModel, match="in another file"):
        describe(path)
    with pytest.raises(UnusableModel, match="in another file"):
        export_onnx(path, tmp_path)


def test_it_refuses_onnx_without_labels(tmp_path):
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([], "g", [value], [value])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "m.onnx")

    with pytest.raises(UnusableModel, match="does not name its labels"):
        describe(tmp_path / "m.onnx")


def test_it_refuses_what_is_not_a_model(tmp_path):
    files = {
        "text.pt": b"hello",
        "empty.pt": b"",
        "short.onnx": b"\x08\x07\xff\xff\xff\xff",
        "cut.safetensors": (500).to_bytes(8, "little") + b"{" + b" " * 600,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnusableModel, match=name):
            describe(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "zip.pt", "w") as archive:
        archive.writestr("readme.txt", "not a model")
    with pytest.raises(UnusableModel, match=r"zip\.pt"):
        describe(tmp_path / "zip.pt")
    with pytest.raises(UnusableModel, match="no model file"):
        describe(tmp_path / "missing.pt")
    with pytest.raises(UnusableModel, match="does not hold one OpenVINO model"):
        describe(tmp_path)


def test_a_truncated_checkpoint_is_refused(checkpoint, compact, tmp_path):
    for source in (checkpoint, compact):
        cut = tmp_path / source.name
        cut.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
        with pytest.raises(UnusableModel):
            describe(cut)


def test_ultralytics_leaves_no_trace_in_the_home_folder(checkpoint, tmp_path):
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    script = (
        "import sys; from analysis.models.onnx_graph import export_onnx;"
        "import torch; export_onnx(sys.argv[1], sys.argv[2]);"
        "import os, ultralytics; print(ultralytics.settings['sync'], os.environ['YOLO_OFFLINE'])"
    )
    left_out = ("YOLO_", "XDG_", "ULTRALYTICS")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    ran = subprocess.run(
        [sys.executable, "-c", script, str(checkpoint), str(tmp_path / "out")],
        env={**kept, "HOME": str(home), "TMPDIR": str(temporary)},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.split() == ["False", "true"]
    assert list(home.iterdir()) == []
    assert list(temporary.iterdir()) == []


def test_a_worker_that_exports_does_not_keep_torch_in_memory(compact, exported, tmp_path):
    script = (
        "import sys; from analysis.models.onnx_graph import export_onnx;"
        "print(export_onnx(sys.argv[1], sys.argv[2])); print('torch' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(compact), str(tmp_path)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )

    graph, has_torch = ran.stdout.split()
    assert has_torch == "False"
    assert Path(graph).name == exported.name
    assert describe(graph).labels == LABELS


def test_a_refusal_elsewhere_is_the_same_sentence_here(model, tmp_path):
    evil = copy.copy(model)
    evil.yaml = {**copy.deepcopy(model.yaml), "activation": "print('x')"}
    torch.save({"model": evil}, tmp_path / "best.pt")

    with pytest.raises(UnusableModel, match="asks for an activation we do not build"):
        export_elsewhere(tmp_path / "best.pt", tmp_path / "x.onnx", None, False)


def test_the_command_describes_and_exports(compact, exported, capsys):
    code = command([str(compact), str(exported.parent)])

    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert tuple(printed["labels"]) == LABELS
    assert Path(printed["graph"]) == exported


def test_the_command_says_why_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "notes.pt").write_text("hello")

    with pytest.raises(SystemExit) as stopped:
        command([str(tmp_path / "notes.pt"), str(tmp_path)])
    assert stopped.value.code == 1
    assert "not a model we can read" in capsys.readouterr().err
