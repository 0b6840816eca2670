"""How sure a model is of what is truly there: the labelled half of the thresholds."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from analysis.boxes import ious
from analysis.measuring.curves import match
from analysis.measuring.predictions import Predictions, by_label

SAME = 0.5  # overlap from which a box is the true one


def scores_of_truth(predictions: Predictions) -> dict[str, list[float]]:
    """Of each label the confidence of each true example that was found, in the order of pictures.

    predictions: as in `analysis.measuring.predictions`, on pictures that the model did not learn
    from."""
    scores: dict[str, list[float]] = defaultdict(list)
    for picture in predictions["pictures"]:
        for label, truth, found in by_label(picture, predictions["task"]):
            if predictions["task"] == "concept":
                scores[label] += [f["confidence"] for f in found[: len(truth)]]
            elif truth and found:
                overlaps = ious([f["box"] for f in found], [t["box"] for t in truth])
                taken = match(np.asarray(overlaps, np.float64), SAME)
                scores[label] += [
                    f["confidence"] for f, t in zip(found, taken, strict=True) if t >= 0
                ]
    return {label: found for label, found in scores.items() if found}
