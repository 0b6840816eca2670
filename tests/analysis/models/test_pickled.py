"""Checkpoints are opened, and nothing in them is ever run."""

import os
import pickle

import pytest
import torch

from analysis.errors import UnusableModel
from analysis.models.describe import describe
from analysis.models.network import load_model
from analysis.models.onnx_graph import export_onnx
from analysis.models.pickled import Saved, read_pickled
from tests.analysis.models.conftest import LABELS


class Evil:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("place", ["model", "train_args", "date"])
def test_it_refuses_a_malicious_checkpoint_and_runs_nothing(tmp_path, place):
    trap, path = tmp_path / "ran", tmp_path / "best.pt"
    torch.save({"model": torch.nn.Linear(1, 1), place: Evil(trap)}, path)

    with pytest.raises(UnusableModel, match=r"was not opened: it asks to run posix\.system"):
        describe(path)
    with pytest.raises(UnusableModel):
        load_model(path)
    with pytest.raises(UnusableModel):
        export_onnx(path, tmp_path)
    assert not trap.exists()


def test_it_refuses_a_bare_pickle_whatever_its_name(tmp_path):
    trap = tmp_path / "ran"
    for name in ("best.pt", "model.onnx", "model.safetensors"):
        (tmp_path / name).write_bytes(pickle.dumps(Evil(trap)))
        with pytest.raises(UnusableModel, match="can run any code"):
            describe(tmp_path / name)
    assert not trap.exists()


def test_the_trap_itself_works(tmp_path):
    """Otherwise the two tests above would prove nothing."""
    pickle.loads(pickle.dumps(Evil(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()


def test_it_never_runs_an_allowed_class_of_a_checkpoint(tmp_path):
    """The network builder evaluates an `activation`, so calling it on a pickle's word is unsafe."""

    class Calls:
        def __reduce__(self):
            from ultralytics.nn.tasks import DetectionModel

            activation = f"open({str(tmp_path / 'ran')!r}, 'w')"
            return DetectionModel, (
                {"activation": activation, "nc": 1, "backbone": [], "head": []},
            )

    torch.save({"model": Calls()}, tmp_path / "best.pt")

    with pytest.raises(UnusableModel):
        load_model(tmp_path / "best.pt")
    assert not (tmp_path / "ran").exists()


def test_what_ultralytics_trusts_does_not_widen_what_we_open(checkpoint):
    """Its own safe loader registers the real classes with torch, for the whole process."""
    from ultralytics import YOLO

    YOLO(checkpoint)
    trusted = set(torch.serialization.get_safe_globals())

    assert isinstance(read_pickled(checkpoint), Saved)
    assert describe(checkpoint).labels == LABELS
    assert set(torch.serialization.get_safe_globals()) == trusted  # left as it was


def test_it_says_what_to_do_with_weights_that_are_no_detection_model(tmp_path):
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "weights.pt")

    with pytest.raises(UnusableModel, match="Export it as ONNX"):
        describe(tmp_path / "weights.pt")
