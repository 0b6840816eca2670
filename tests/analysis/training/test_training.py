"""Training really trains, goes on where it was, and says in words why it cannot."""

import json
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from analysis.datasets.types import LabelledSet
from analysis.detectors import load_detector
from analysis.errors import AnalysisError, Stopped, UnusableModel
from analysis.measuring.figures import figures
from analysis.measuring.predict import predict
from analysis.measuring.predictions import unpack
from analysis.media.frames import Frame
from analysis.models.compact import save_compact
from analysis.models.describe import describe
from analysis.models.network import load_model
from analysis.models.onnx_graph import export_onnx
from analysis.models.ultralytics_fence import ultralytics
from analysis.training import train as training
from analysis.training.child.__main__ import is_out_of_memory
from analysis.training.child.beginning import called_as_here
from analysis.training.options import TrainingOptions
from analysis.training.train import remaining_s, train
from tests.analysis.datasets.labelled_shapes import LABELS, labelled_shapes

QUICK = TrainingOptions(
    imgsz=64, epochs=2, epoch_size=0, batch=4, start="scratch", device="cpu"
)  # fmt: skip


def run(folder: Path, labelled: LabelledSet, options: TrainingOptions = QUICK, **more):
    return train(labelled, lambda p: folder / p.file, options, folder / "work", **more)


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    """A folder, its labelled set, and what training on it gave."""
    folder = tmp_path_factory.mktemp("squares")
    labelled = labelled_shapes(folder)
    return folder, labelled, run(folder, labelled)


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """The same for whole pictures, some of which bear no label."""
    folder = tmp_path_factory.mktemp("named")
    labelled = labelled_shapes(folder, "concept")
    pictures = [replace(p, labels=()) if n == 3 else p for n, p in enumerate(labelled.pictures)]
    labelled = replace(labelled, pictures=pictures)
    return folder, labelled, run(folder, labelled)


# --- what comes out ---------------------------------------------------------------------------


def test_it_makes_a_model_of_the_sets_labels(squares):
    _, _, result = squares
    about = describe(result.weights)
    assert (about.labels, about.imgsz, about.task) == (LABELS, 64, "boxes")
    assert [row["epoch"] for row in result.curves] == [1, 2]
    for row in result.curves:
        assert row["loss"] > 0
        assert row["seconds"] > 0
        assert {"box_loss", "cls_loss", "precision", "recall", "map50", "map50_95"} <= set(row)


def test_nothing_of_the_machine_is_in_the_weights(squares):
    folder, _, result = squares
    content = result.weights.read_bytes()
    assert str(folder).encode() not in content
    assert os.uname().nodename.encode() not in content


def test_its_pictures_are_left_as_they_were(squares, tmp_path):
    folder, _, _ = squares
    labelled_shapes(tmp_path)
    for path in tmp_path.glob("*.png"):
        assert (folder / path.name).read_bytes() == path.read_bytes()


def test_it_learns(tmp_path):
    labelled = labelled_shapes(tmp_path, train=24)
    options = replace(QUICK, epochs=24, augment="none", patience=0)
    result = run(tmp_path, labelled, options)
    assert max(row["map50"] for row in result.curves) > 0.5
    measured = figures(predict(labelled, lambda p: tmp_path / p.file, result.weights, device="cpu"))
    assert measured["n_pictures"] == 2
    assert measured["overall"]["ap50"] > 0.5


def test_whole_pictures_are_named(named, tmp_path):
    folder, labelled, result = named
    assert [row["accuracy"] is not None for row in result.curves] == [True, True]
    about = describe(result.weights)
    assert about.task == "concept"
    assert about.labels[:2] == LABELS
    detector = load_detector("classifier", result.weights, conf=0.001, cache=tmp_path, device="cpu")
    assert list(detector.labels) == list(LABELS)  # and not the class of pictures without a label
    [found] = detector.detect([Frame.from_file(folder / "0.png")])
    assert {d.label for d in found} == set(LABELS)
    assert all(d.box == (0, 0, 1, 1) for d in found)
    predictions = predict(labelled, lambda p: folder / p.file, result.weights, device="cpu")
    assert figures(predictions)["n_pictures"] == 2


def test_a_classifier_answers_as_its_network_does(named, tmp_path):
    folder, _, result = named
    detector = load_detector(
        "classifier", result.weights, conf=0.001, cache=tmp_path, device="cpu", exact=True
    )
    [found] = detector.detect([Frame.from_file(folder / "0.png")])
    image = cv2.cvtColor(cv2.imread(str(folder / "0.png")), cv2.COLOR_BGR2RGB)
    with torch.no_grad():
        planes = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
        shares = load_model(result.weights)(planes)[0][0].numpy()
    said = {d.label: d.confidence for d in found}
    for label, share in zip(describe(result.weights).labels[:2], shares, strict=False):
        assert said[label] == pytest.approx(float(share), abs=1e-3)


@pytest.mark.parametrize("suffix", ["safetensors", "onnx"])
def test_a_classifier_can_be_kept_in_every_form(named, tmp_path, suffix):
    _, _, result = named
    if suffix == "onnx":
        kept = export_onnx(result.weights, tmp_path)
    else:
        kept = save_compact(load_model(result.weights), tmp_path / "m.safetensors")
    about = describe(kept)
    assert about.task == "concept"
    assert about.labels == describe(result.weights).labels


def test_a_model_of_boxes_names_no_pictures(squares):
    with pytest.raises(UnusableModel, match="does not name whole pictures"):
        load_detector("classifier", squares[2].weights)


def test_a_model_of_whole_pictures_finds_no_boxes(named):
    with pytest.raises(UnusableModel, match="finds no boxes"):
        load_detector("yolo", named[2].weights)


# --- from what it starts ----------------------------------------------------------------------


def test_published_weights_are_taken_where_a_file_is_there(tmp_path):
    """Other labels than ours: the body is taken, the head is made anew."""
    ultralytics()
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(3)
    published = DetectionModel("yolo26n.yaml", nc=80, verbose=False)
    torch.save({"model": published.half(), "train_args": {}}, tmp_path / "yolo26n.pt")
    options = replace(QUICK, start="pretrained", epochs=1, learning_rate=1e-7)
    result = run(tmp_path, labelled_shapes(tmp_path), options, weights=[tmp_path])
    assert any("started from yolo26n.pt" in note for note in result.notes)
    kept = load_model(result.weights).state_dict()["model.0.conv.weight"]
    given = published.float().state_dict()["model.0.conv.weight"]
    assert torch.allclose(kept, given, atol=1e-3)
    assert describe(result.weights).labels == LABELS


def test_an_export_is_as_good_a_start(squares, tmp_path):
    """Its weights are read back, and a step that changes nothing leaves what it finds."""
    folder, _, before = squares
    exported = export_onnx(before.weights, tmp_path)
    again = labelled_shapes(tmp_path)
    options = replace(QUICK, start="version", epochs=1, learning_rate=1e-7, augment="none")
    result = run(tmp_path, again, options, base=exported)
    assert describe(result.weights).labels == LABELS
    picture = torch.from_numpy(cv2.imread(str(folder / "0.png"))).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        a, b = (load_model(r.weights)(picture)[0] for r in (before, result))
    assert torch.allclose(a, b, atol=0.05)


@pytest.mark.parametrize(
    ("known", "labels", "called"),
    [
        ({0: "Pizza", 1: "cup"}, ["pepperoni pizza slice"], ["pepperoni pizza slice", "cup"]),
        ({0: "pizza", 1: "cup"}, ["CUP", "Acme"], ["pizza", "CUP"]),
        ({0: "dog", 1: "hot dog"}, ["Ann's hot dog", "dog"], ["dog", "Ann's hot dog"]),
        ({0: "dog", 1: "hot dog"}, ["hot dog stand"], ["dog", "hot dog stand"]),
        ({0: "car", 1: "cat"}, ["card", "carpet"], ["car", "cat"]),
    ],
)
def test_a_label_starts_from_what_the_network_knows_of_it(known, labels, called):
    assert list(called_as_here(known, labels).values()) == called


def test_it_goes_on_from_a_version_to_which_labels_are_added(squares, tmp_path):
    """What it knew stays, by name and not by number: the labels stand in another order."""
    _, _, before = squares
    labelled = labelled_shapes(tmp_path)
    more = replace(labelled, labels=("Another", *LABELS[::-1]))
    options = replace(QUICK, start="version", epochs=1, learning_rate=1e-7)
    result = run(tmp_path, more, options, base=before.weights)
    a, b = (load_model(r.weights).state_dict() for r in (before, result))
    assert torch.allclose(a["model.0.conv.weight"], b["model.0.conv.weight"], atol=1e-3)
    rows = [("Another", *LABELS[::-1]).index(label) for label in LABELS]
    last = next(k for k in a if k.endswith("cv3.0.2.weight"))
    assert torch.allclose(a[last], b[last][rows], atol=1e-3)


def test_without_published_weights_a_note_says_so(tmp_path):
    start = training._start(labelled_shapes(tmp_path), TrainingOptions(), None, [tmp_path])
    assert start.file is None
    assert "no published weights of yolo26n" in start.note


class Gone(Exception):
    """Stands for the worker's death: its child is killed, nothing is tidied."""


# --- several in one ---------------------------------------------------------------------------


def test_killed_it_goes_on_after_the_last_finished_epoch_and_averages_two_trainings(
    squares, tmp_path
):
    labelled, base = labelled_shapes(tmp_path), squares[2].weights
    options = replace(QUICK, average=2, start="version", learning_rate=0.003)
    best: dict[int, Path] = {}

    def keep_each(news):
        if news.epoch in (2, 4) and news.epoch not in best:
            best[news.epoch] = tmp_path / f"{news.epoch}.pt"
            shutil.copyfile(tmp_path / "work" / "best.pt", best[news.epoch])

    def dies_in_the_second(news):
        keep_each(news)
        if news.epoch == 3:
            raise Gone

    with pytest.raises(Gone):
        run(tmp_path, labelled, options, base=base, on_news=dies_in_the_second)
    kept = json.loads((tmp_path / "work" / "curves.json").read_text())
    seen = []

    def count(news):
        seen.append(news.epoch)
        keep_each(news)

    result = run(tmp_path, labelled, options, base=base, on_news=count)
    assert seen == sorted(seen)
    assert [row["epoch"] for row in result.curves] == [1, 2, 3, 4]
    assert result.curves[:3] == kept[:3]
    states = [load_model(best[last]).float().state_dict() for last in (2, 4)]
    mean = load_model(result.weights).float().state_dict()
    assert (states[0]["model.0.conv.weight"] - states[1]["model.0.conv.weight"]).norm() > 0.01
    for key in ("model.0.conv.weight", "model.0.bn.running_var", "model.23.cv2.0.2.bias"):
        torch.testing.assert_close(mean[key], sum(s[key] for s in states) / 2, atol=1e-3, rtol=2e-3)


# --- ends and goes on -------------------------------------------------------------------------


def test_killed_after_the_last_epoch_only_the_end_is_done_again(squares, tmp_path):
    _, _, before = squares
    work = before.weights.parent
    kept = before.weights.read_bytes()
    before.weights.unlink()
    curves = (work / "curves.json").read_text()
    again = run(work.parent, squares[1])
    assert (work / "curves.json").read_text() == curves
    assert again.weights.read_bytes() == kept


def test_stopped_it_keeps_the_best_so_far(tmp_path):
    labelled = labelled_shapes(tmp_path)
    epochs = 0

    def count(news):
        nonlocal epochs
        epochs = news.epoch

    result = run(
        tmp_path,
        labelled,
        replace(QUICK, epochs=500),
        on_news=count,
        wish=lambda: "stop" if epochs else "go on",
    )
    assert 1 <= len(result.curves) < 500
    assert describe(result.weights).labels == LABELS


def test_cancelled_in_its_first_second_nothing_is_left_running(tmp_path):
    labelled = labelled_shapes(tmp_path)
    started = time.monotonic()
    with pytest.raises(Stopped):
        run(
            tmp_path,
            labelled,
            wish=lambda: "cancel" if time.monotonic() - started > 0.5 else "go on",
        )
    assert not [p for p in _commands() if str(tmp_path) in p]


def test_cancelled_before_it_began(tmp_path):
    with pytest.raises(Stopped):
        run(tmp_path, labelled_shapes(tmp_path), wish=lambda: "cancel")
    assert not (tmp_path / "work").exists()


def _commands() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


# --- what a machine runs out of ---------------------------------------------------------------

# Asks for more memory than there is whenever more than two pictures are learned from at once.
GREEDY = """
import sys, torch
from analysis.training.child import __main__ as process, loop
made = loop.make_trainer
def greedy(work, settings, **more):
    trainer = made(work, settings, **more)
    def eat(trainer):
        if trainer.batch_size > 2:
            torch.empty(10**16)
    trainer.add_callback("on_train_batch_start", eat)
    return trainer
loop.make_trainer = greedy
sys.exit(process.main(sys.argv[1:]))
"""


def test_out_of_memory_halves_the_batch_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHILD", ("-c", GREEDY))
    result = run(tmp_path, labelled_shapes(tmp_path), replace(QUICK, batch=4, epochs=1))
    assert "Memory ran out with 4 pictures at once; it went on with 2." in result.notes
    assert [row["epoch"] for row in result.curves] == [1]


def test_what_memory_errors_look_like():
    with pytest.raises(RuntimeError) as raised:
        torch.empty(10**16)
    assert is_out_of_memory(raised.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes do not match"))


def test_a_full_disk_is_said_and_emptied_it_goes_on_with_the_same_curves(squares, tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    labelled = labelled_shapes(tmp_path)
    place = tmp_path / "work" / "runs" / "main" / "weights"
    place.mkdir(parents=True)
    (place / "last.writing").symlink_to("/dev/full")
    with pytest.raises(AnalysisError, match="disk is full") as raised:
        run(tmp_path, labelled)
    assert not raised.value.permanent
    (place / "last.writing").unlink()
    losses = [[row["loss"] for row in r.curves] for r in (squares[2], run(tmp_path, labelled))]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_a_defect_is_raised_with_what_the_process_said(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHILD", ("-c", "raise ValueError('odd')"))
    with pytest.raises(RuntimeError, match="ValueError: odd"):
        run(tmp_path, labelled_shapes(tmp_path))


def test_a_process_that_is_killed_again_and_again_ends_with_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHILD", ("-c", "import os; os.kill(os.getpid(), 9)"))
    with pytest.raises(AnalysisError, match="too little memory"):
        run(tmp_path, labelled_shapes(tmp_path))


# --- searching --------------------------------------------------------------------------------


def test_a_search_chooses_among_its_trials(tmp_path):
    result = run(tmp_path, labelled_shapes(tmp_path), replace(QUICK, search=2, epochs=1))
    assert any(note.startswith("Of 2 trials the best had") for note in result.notes)
    trials = json.loads((tmp_path / "work" / "search.json").read_text())
    assert trials["best"]["augment"] in ("light", "normal", "strong")
    assert [row["epoch"] for row in result.curves] == [1]


# --- bad input --------------------------------------------------------------------------------


def keep(labelled, *splits):
    return replace(labelled, pictures=[p for p in labelled.pictures if p.split in splits])


def test_a_set_without_training_pictures_is_refused(tmp_path):
    with pytest.raises(AnalysisError, match="no picture to train on"):
        run(tmp_path, keep(labelled_shapes(tmp_path), "test"))


def test_a_set_whose_pictures_bear_nothing_is_refused(tmp_path):
    labelled = labelled_shapes(tmp_path)
    bare = replace(labelled, pictures=[replace(p, boxes=()) for p in labelled.pictures])
    with pytest.raises(AnalysisError, match="nothing to learn"):
        run(tmp_path, bare)


def test_pictures_that_were_made_can_be_left_out(tmp_path):
    labelled = labelled_shapes(tmp_path)
    made = replace(labelled, pictures=[replace(p, is_synthetic=True) for p in labelled.pictures])
    with pytest.raises(AnalysisError, match="no picture to train on"):
        run(tmp_path, made, replace(QUICK, synthetic=False))


def test_a_small_set_is_shown_several_times_an_epoch(squares, tmp_path):
    """So much oftener does it step, on the same pictures, and it measures no oftener."""
    folder, _, once = squares
    often = run(tmp_path, labelled_shapes(tmp_path), replace(QUICK, epoch_size=30))
    assert often.curves[-1]["loss"] < once.curves[-1]["loss"]
    shown, before = tmp_path / "work" / "data" / "images", folder / "work" / "data" / "images"
    assert 30 <= len(list((shown / "train").iterdir())) < 60
    assert len(list((shown / "val").iterdir())) == len(list((before / "val").iterdir()))


def test_golden_pictures_are_never_trained_on(tmp_path):
    labelled = labelled_shapes(tmp_path)
    golden = replace(labelled, pictures=[replace(p, is_golden=True) for p in labelled.pictures])
    with pytest.raises(AnalysisError, match="no picture to train on"):
        run(tmp_path, golden)


def test_what_a_set_lacks_is_left_out_counted_and_said(tmp_path):
    """Files that are gone or no pictures, labels that nothing shows, nothing to choose by."""
    labelled = labelled_shapes(tmp_path)
    (tmp_path / "0.png").unlink()
    (tmp_path / "1.png").write_bytes(b"not a picture")
    some = replace(labelled, labels=("Red", "Blue", "Green"), pictures=labelled.pictures[:3])
    result = run(tmp_path, some, replace(QUICK, epochs=1, average=3))
    assert "1 picture could not be found and went unused." in result.notes
    assert any(note.startswith("1 of 2 pictures could not be read") for note in result.notes)
    assert any("no validation pictures" in note for note in result.notes)
    assert any("No training picture shows" in note and "Green" in note for note in result.notes)
    assert training.NOTHING_IN_COMMON in result.notes  # from nothing, nothing is averaged


def test_no_file_at_all_is_refused(tmp_path):
    labelled = labelled_shapes(tmp_path / "elsewhere")
    with pytest.raises(AnalysisError, match="files can be found"):
        run(tmp_path, labelled)


@pytest.mark.parametrize(
    "wrong",
    [
        {"imgsz": 100}, {"imgsz": 32}, {"epochs": 0}, {"epochs": True}, {"batch": 0},
        {"device": "tpu"}, {"augment": "wild"}, {"architecture": "../yolo.yaml"},
        {"architecture": "yolo26n.pt"}, {"learning_rate": 0}, {"learning_rate": float("nan")},
        {"search": 99}, {"unheard": 1},
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must be|no option"):
        TrainingOptions.from_json(wrong)


def test_options_are_those_that_the_web_offers():
    from analysis.training import options
    from webapp.training.options import ARCHITECTURES, AUGMENTATIONS, DEFAULTS, DEVICES, STARTS

    assert TrainingOptions.from_json(DEFAULTS) == TrainingOptions()
    assert set(options.AUGMENTATIONS) == set(AUGMENTATIONS)
    assert set(options.STARTS) == set(STARTS)
    assert set(options.DEVICES) == set(DEVICES)
    assert all(options.ARCHITECTURE.fullmatch(name) for name in ARCHITECTURES)


# --- the estimate -----------------------------------------------------------------------------


def test_the_estimate_rests_on_measured_epochs():
    curves = [{"epoch": n, "seconds": 10.0} for n in (1, 2)]
    assert remaining_s(curves, 5, {"share": 0.5}) == pytest.approx(25)
    assert remaining_s([], 4, {"share": 0.25, "busy_s": 5}) == pytest.approx(75)
    assert remaining_s([], 4, {}) is None


# --- at a prompt ------------------------------------------------------------------------------


def test_training_and_measuring_at_a_prompt(tmp_path, capsys):
    from analysis.__main__ import main
    from analysis.datasets.version import pack

    (tmp_path / "set.json.gz").write_bytes(pack(labelled_shapes(tmp_path)))
    given = [str(tmp_path / "set.json.gz"), str(tmp_path / "m.pt")]
    small = ["--imgsz", "64", "--epochs", "1", "--batch", "4", "--device", "cpu"]
    assert main(["train", *given, *small, "--start", "scratch"]) == 0
    assert "Weights in" in capsys.readouterr().out
    stored = tmp_path / "p.gz"
    assert main(["evaluate", given[1], given[0], "--predictions", str(stored)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["n_pictures"] == 2
    assert figures(unpack(stored.read_bytes())) == shown


def test_options_are_refused_at_a_prompt(tmp_path):
    done = os.spawnv(  # a usage error exits
        os.P_WAIT,
        sys.executable,
        [sys.executable, "-m", "analysis", "train", "a", "b", "--epochs", "0"],
    )
    assert done == 2


def test_numbers_that_json_cannot_hold_become_none():
    from analysis.training.child.trainer import _number

    assert _number(np.float32("nan")) is None
    assert _number(0.123456789) == 0.12346
