"""Figures a person would act on: right against COCO's own code, and for any input at all."""

import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.measuring.curves import average_precision, best_threshold, curves, f1_score
from analysis.measuring.figures import figures, thresholds
from analysis.measuring.files import DETAILS, evaluation_manifest, summary
from analysis.measuring.gallery import outcomes
from analysis.measuring.predictions import pack, unpack
from analysis.models.ultralytics_fence import ultralytics

NEAR = [0.1, 0.1, 0.3, 0.3]
FAR = [0.6, 0.6, 0.9, 0.9]


def picture(truth=(), found=(), source="a.jpg", width=200, height=100):
    return {
        "source": source,
        "file": source,
        "width": width,
        "height": height,
        "truth": [{"label": label, "box": box} for label, box in truth],
        "found": [{"label": label, "box": box, "confidence": c} for label, box, c in found],
    }


def predictions(*pictures, labels=("cup", "sign"), task="boxes"):
    return {"task": task, "labels": list(labels), "model": "m v1", "pictures": list(pictures)}


def row(shown, label):
    return next(row for row in shown["labels"] if row["label"] == label)


# --- figures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("precision", "recall", "f1"), [(0.9, 1, 0.947), (0.3, 1, 0.46), (0.95, 0.2, 0.33)]
)
def test_f1_as_the_guide_works_it_out(precision, recall, f1):
    assert f1_score(precision, recall) == pytest.approx(f1, abs=0.005)


def test_eight_of_nine_right_is_a_precision_of_89():
    pictures = [picture([("cup", NEAR)], [("cup", NEAR, 0.9)], f"{i}.jpg") for i in range(8)]
    pictures.append(picture([("cup", FAR)], [("cup", NEAR, 0.95)]))
    shown = figures(predictions(*pictures))
    assert row(shown, "cup")["precision"] == pytest.approx(0.89, abs=0.005)


def test_the_threshold_leaves_out_what_is_mostly_wrong():
    shown = figures(
        predictions(
            picture([("cup", NEAR)], [("cup", NEAR, 0.9), ("cup", FAR, 0.3)]),
            picture([("cup", FAR)], [("cup", FAR, 0.7), ("cup", NEAR, 0.2)]),
        )
    )
    cup = row(shown, "cup")
    assert cup["threshold"] == pytest.approx(0.5)  # half-way between 0.7 and 0.3
    assert (cup["tp"], cup["fp"], cup["fn"]) == (2, 0, 0)
    assert (cup["precision"], cup["recall"], cup["f1"]) == (1, 1, 1)


def test_equal_confidences_stand_or_fall_together():
    found = [("cup", NEAR, 0.6), ("cup", FAR, 0.6)]
    shown = figures(predictions(picture([("cup", NEAR)], found)))
    assert (row(shown, "cup")["tp"], row(shown, "cup")["fp"]) == (1, 1)


def test_a_thing_found_twice_is_right_once():
    found = [("cup", NEAR, 0.9), ("cup", [0.1, 0.1, 0.31, 0.31], 0.8)]
    curve = curves(predictions(picture([("cup", NEAR)], found)))["cup"]
    assert curve.at(0.5) == (1, 1, 0)


@pytest.mark.parametrize("seed", range(8))
def test_average_precision_is_cocos(seed):
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    made = _random_predictions(np.random.default_rng(seed))
    numbers = {label: i for i, label in enumerate(made["labels"], 1)}
    images, truths, found = [], [], []
    for number, shown in enumerate(made["pictures"], 1):
        images.append({"id": number, "width": 200, "height": 100})
        for t in shown["truth"]:
            box = _coco_box(t["box"])
            row = {"category_id": numbers[t["label"]], "image_id": number, "bbox": box}
            area = {"area": box[2] * box[3], "iscrowd": 0}
            truths.append({**row, "id": len(truths) + 1, **area})
        for f in shown["found"]:
            row = {"category_id": numbers[f["label"]], "image_id": number}
            found.append({**row, "bbox": _coco_box(f["box"]), "score": f["confidence"]})
    truth = coco.COCO()
    truth.dataset = {
        "images": images,
        "annotations": truths,
        "categories": [{"id": i, "name": name} for name, i in numbers.items()],
    }
    truth.createIndex()
    peer = cocoeval.COCOeval(truth, truth.loadRes(found), "bbox")
    peer.evaluate()
    peer.accumulate()
    peer.summarize()
    overall = figures(made)["overall"]
    assert overall["ap50_95"] == pytest.approx(peer.stats[0], abs=1e-9)
    assert overall["ap50"] == pytest.approx(peer.stats[1], abs=1e-9)


def test_average_precision_is_near_ultralytics_own():
    ultralytics()
    from ultralytics.utils.metrics import compute_ap

    chance = np.random.default_rng(3)
    hits = chance.random(400) < np.linspace(0.95, 0.1, 400)
    ours = average_precision(hits, 300)
    right = np.cumsum(hits)
    theirs = compute_ap((right / 300).tolist(), (right / np.arange(1, 401)).tolist())[0]
    assert ours == pytest.approx(theirs, abs=0.01)  # it draws lines between points


def _coco_box(box):
    x1, y1, x2, y2 = np.array(box) * (200, 100, 200, 100)
    return [x1, y1, x2 - x1, y2 - y1]


def _random_predictions(chance):
    pictures = []
    for number in range(30):
        truth, found = [], []
        for _ in range(chance.integers(0, 6)):
            label, box = str(chance.choice(["cup", "sign"])), _random_box(chance)
            truth.append((label, box))
            if chance.random() < 0.8:
                moved = np.clip(np.array(box) + chance.uniform(-0.02, 0.02, 4), 0, 1)
                said = label if chance.random() < 0.9 else "sign"
                found.append((said, moved.tolist(), round(float(chance.random()), 2)))
        for _ in range(chance.integers(0, 3)):
            said = str(chance.choice(["cup", "sign"]))
            found.append((said, _random_box(chance), float(chance.random() * 0.6)))
        pictures.append(picture(truth, found, f"{number}.jpg"))
    return predictions(*pictures)


def _random_box(chance):
    x, y, w, h = chance.uniform((0, 0, 0.05, 0.05), (0.6, 0.6, 0.4, 0.4))
    return [x, y, x + w, y + h]


def test_sizes_and_mistakes_are_told_apart():
    shown = figures(
        predictions(
            picture([("cup", NEAR), ("sign", FAR)], [("cup", NEAR, 0.9), ("cup", FAR, 0.9)]),
            picture([("cup", [0, 0, 1, 1])], [], width=400, height=400),
        )
    )
    assert shown["confusion"]["labels"] == ["cup", "sign", "background"]
    assert shown["confusion"]["matrix"] == [[1, 0, 1], [1, 0, 0], [0, 0, 0]]
    sizes = {size["name"]: (size["n_truth"], size["recall"]) for size in shown["sizes"]}
    assert sizes == {"small": (1, 1.0), "medium": (1, 0.0), "large": (1, 0.0)}


def test_the_gallery_says_what_happened_to_each_box():
    first, second = outcomes(
        predictions(
            picture([("cup", NEAR), ("sign", FAR)], [("cup", NEAR, 0.9), ("cup", FAR, 0.8)]),
            picture([], [("sign", NEAR, 0.2)]),
        ),
        {"cup": 0.5, "sign": 0.5},
    )
    assert [(t["label"], t["iou"]) for t in first["true"]] == [("cup", 1.0)]
    assert [(f["label"], f["instead_of"]) for f in first["false"]] == [("cup", "sign")]
    assert [m["label"] for m in first["missed"]] == ["sign"]
    assert (second["true"], second["false"], second["missed"]) == ([], [], [])


boxes = st.tuples(*[st.floats(0, 0.5)] * 2, *[st.floats(0.01, 0.5)] * 2).map(
    lambda v: [v[0], v[1], v[0] + v[2], v[1] + v[3]]
)
words = st.sampled_from(["cup", "sign", "shoe"])
any_picture = st.builds(
    picture,
    st.lists(st.tuples(words, boxes), max_size=4),
    st.lists(st.tuples(words, boxes, st.floats(0, 1)), max_size=6),
)


@given(st.lists(any_picture, max_size=5))
def test_any_predictions_give_figures_that_add_up(pictures):
    made = predictions(*pictures)
    shown = figures(made)
    json.dumps(shown, allow_nan=False)
    truths = sum(len(p["truth"]) for p in pictures)
    assert sum(row["tp"] + row["fn"] for row in shown["labels"]) == truths
    gallery = outcomes(made, thresholds(shown))
    for name, column in (("true", "tp"), ("false", "fp"), ("missed", "fn")):
        counted = sum(len(p[name]) for p in gallery)
        assert counted == sum(row[column] for row in shown["labels"])
    matrix = np.array(shown["confusion"]["matrix"])
    assert matrix[:-1].sum() == truths
    assert matrix[-1, -1] == 0
    for row in shown["labels"]:
        for name in ("precision", "recall", "f1", "ap50", "ap50_95"):
            assert row[name] is None or 0 <= row[name] <= 1
        assert 0.05 <= row["threshold"] <= 1


@given(any_picture)
def test_no_other_threshold_has_a_better_f1(shown):
    for curve in curves(predictions(shown)).values():
        if not curve.n_truth:
            continue

        def f1(threshold, curve=curve):
            right, false, missed = curve.at(threshold)
            return 2 * right / max(2 * right + false + missed, 1)

        best = f1(best_threshold(curve))
        assert all(f1(max(c, 0.05)) <= best + 1e-9 for c in curve.confidences)


# --- bad input --------------------------------------------------------------------------------


def test_no_test_pictures_say_nothing_and_do_not_fail():
    shown = figures(predictions())
    assert shown["overall"]["f1"] is None
    assert row(shown, "cup")["recall"] is None
    assert shown["calibration"]["error_before"] is None


def test_one_label_and_one_picture():
    shown = figures(predictions(picture([("cup", NEAR)], [("cup", NEAR, 0.8)]), labels=["cup"]))
    assert shown["overall"]["ap50"] == 1
    assert row(shown, "cup")["threshold"] == pytest.approx(0.4)


def test_a_label_only_in_test_counts_as_missed():
    shown = figures(
        predictions(picture([("cup", NEAR), ("hat", FAR)], [("cup", NEAR, 0.9)]), labels=["cup"])
    )
    assert row(shown, "hat")["recall"] == 0
    assert row(shown, "hat")["f1"] == 0
    assert row(shown, "hat")["precision"] is None
    assert shown["overall"]["recall"] == 0.5


def test_a_label_only_in_training_lowers_no_mean():
    shown = figures(predictions(picture([("cup", NEAR)], [("cup", NEAR, 0.9)])))
    assert row(shown, "sign")["ap50"] is None
    assert shown["overall"]["ap50"] == 1


def test_boxes_of_no_size_match_nothing():
    flat = [0.5, 0.5, 0.5, 0.5]
    shown = figures(predictions(picture([("cup", flat)], [("cup", flat, 0.9)])))
    assert row(shown, "cup")["recall"] == 0


# --- whole pictures ---------------------------------------------------------------------------


def whole(truth, **found):
    answers = [{"label": label, "confidence": c} for label, c in found.items()]
    return {"source": "a", "file": "a", "width": 9, "height": 9, "truth": truth, "found": answers}


def test_whole_pictures_are_named_right_or_wrong():
    shown = figures(
        predictions(
            whole(["sky"], sky=0.9, sea=0.1),
            whole(["sea"], sky=0.2, sea=0.8),
            whole(["sea"], sky=0.7, sea=0.3),
            labels=["sky", "sea"],
            task="concept",
        )
    )
    assert shown["sizes"] == []
    assert row(shown, "sky")["threshold"] == pytest.approx(0.8)
    assert row(shown, "sky")["f1"] == 1
    assert row(shown, "sea")["recall"] == 1
    assert shown["confusion"]["matrix"] == [[1, 0, 0], [0, 2, 0], [0, 0, 0]]


def test_a_picture_without_labels_is_found_falsely_or_not_at_all():
    made = predictions(whole([], sky=0.9), whole(["sky"], sky=0.6), labels=["sky"], task="concept")
    shown = outcomes(made, {"sky": 0.5})
    assert [f["label"] for f in shown[0]["false"]] == ["sky"]
    assert [t["label"] for t in shown[1]["true"]] == ["sky"]


# --- files ------------------------------------------------------------------------------------


def test_the_summary_has_the_fields_of_the_peers():
    made = predictions(
        picture([("cup", NEAR), ("sign", FAR)], [("cup", NEAR, 0.9)]),
    )
    said = summary(made, figures(made), version="m v1", ended="2026-01-01T00:00:00Z", n_training=7)
    assert said["EvaluationDetails"]["NumberOfTrainingImages"] == 7
    assert said["EvaluationDetails"]["NumberOfTestingImages"] == 1
    assert said["AggregatedEvaluationResults"]["Metrics"]["F1Score"] == 0.5
    assert [r["Label"] for r in said["LabelEvaluationResults"]] == ["cup", "sign"]
    assert set(said["LabelEvaluationResults"][0]["Metrics"]) == {
        "Threshold", "Precision", "Recall", "F1Score",
    }  # fmt: skip


def test_the_manifest_marks_every_box():
    made = predictions(
        picture([("cup", NEAR), ("sign", FAR)], [("cup", NEAR, 0.9), ("cup", FAR, 0.8)])
    )
    chosen = figures(made)
    (line,) = evaluation_manifest(made, chosen, created="2026-01-01T00:00:00Z")
    read = json.loads(line)
    boxes = read["evaluation_BB"]["annotations"]
    assert boxes[0] == {"left": 20, "top": 10, "width": 40, "height": 20, "class_id": 0}
    marks = [o[DETAILS] for o in read["evaluation_BB-metadata"]["objects"]]
    assert [m["is-true-positive"] for m in marks] == [True, False][: len(marks)] + [False] * (
        len(marks) - 2
    )
    assert sum(m["is-false-negative"] for m in marks) == 1
    assert len(read["truth_BB"]["annotations"]) == 2


def test_stored_predictions_come_back_and_others_are_refused():
    made = predictions(picture([("cup", NEAR)], [("cup", NEAR, 0.9)]))
    data = pack(made)
    assert data == pack(made)
    assert unpack(data)["pictures"] == made["pictures"]
    for bad in (b"", b"x", data[:-9], gzip.compress(b'{"format": "other"}')):
        with pytest.raises(AnalysisError, match="does not hold predictions"):
            unpack(bad)
