"""Do confidences mean what they say? Of what is said at 0.8, eight in ten should be right.

Reliability in equal bins, the expected calibration error, and one temperature fitted on the
logits of the confidences: Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10
FEWEST = 10  # answers from which a temperature is fitted; with fewer it would fit their noise
COLDEST, HOTTEST = 0.05, 20.0
_EDGE = 1e-6  # a confidence of exactly 0 or 1 has no logit

Floats = NDArray[np.float64]


def calibrate(confidences: ArrayLike, right: ArrayLike) -> dict[str, Any]:
    """The reliability of some answers, before and after a fitted temperature, ready for JSON.

    Args:
        confidences: (n,), 0 to 1.
        right: (n,), whether each answer was.

    The errors are None without answers. The temperature minimises the log loss, so the error
    after it is nearly always the smaller one, but need not be.
    """
    confidences, right = np.asarray(confidences, np.float64), np.asarray(right, bool)
    temperature = fit_temperature(confidences, right)
    return {
        "temperature": temperature,
        "error_before": calibration_error(confidences, right),
        "error_after": calibration_error(tempered(confidences, temperature), right),
        "bins": reliability(confidences, right),
    }


def reliability(
    confidences: ArrayLike, right: ArrayLike, bins: int = BINS
) -> list[dict[str, float | int | None]]:
    """What was said and what was right in each of `bins` equal ranges of confidence."""
    confidences, right = np.asarray(confidences, np.float64), np.asarray(right, bool)
    places = np.clip((confidences * bins).astype(int), 0, bins - 1)
    rows: list[dict[str, float | int | None]] = []
    for place in range(bins):
        here = places == place
        n = int(here.sum())
        rows.append(
            {
                "from": place / bins,
                "to": (place + 1) / bins,
                "confidence": float(confidences[here].mean()) if n else None,
                "accuracy": float(right[here].mean()) if n else None,
                "n": n,
            }
        )
    return rows


def calibration_error(confidences: ArrayLike, right: ArrayLike, bins: int = BINS) -> float | None:
    """Expected calibration error: the mean distance of said from right, 0 to 1."""
    rows = [row for row in reliability(confidences, right, bins) if row["n"]]
    total = sum(row["n"] or 0 for row in rows)
    if not total:
        return None
    gaps = (
        (row["n"] or 0) * abs((row["confidence"] or 0) - (row["accuracy"] or 0)) for row in rows
    )
    return sum(gaps) / total


def tempered(confidences: ArrayLike, temperature: float) -> Floats:
    """Confidences with their logits divided by `temperature`: above 1 is less sure."""
    return _sigmoid(_logits(np.asarray(confidences, np.float64)) / temperature)


def fit_temperature(confidences: ArrayLike, right: ArrayLike) -> float:
    """The temperature at which the answers are likeliest; 1 where they cannot say."""
    from scipy.optimize import minimize_scalar

    right = np.asarray(right, bool)
    if len(right) < FEWEST or right.all() or not right.any():
        return 1.0
    logits = _logits(np.asarray(confidences, np.float64))
    limits = np.log(COLDEST), np.log(HOTTEST)
    found = minimize_scalar(
        lambda t: log_loss(logits / np.exp(t), right), bounds=limits, method="bounded"
    )
    is_better = found.fun < log_loss(logits, right)
    return round(float(np.exp(found.x)), 4) if is_better else 1.0


def log_loss(logits: Floats, right: NDArray[np.bool_]) -> float:
    """Mean negative logarithm of the probability given to what happened."""
    return float(np.logaddexp(0, np.where(right, -logits, logits)).mean())


def _logits(confidences: Floats) -> Floats:
    kept = np.clip(confidences, _EDGE, 1 - _EDGE)
    return np.log(kept) - np.log1p(-kept)


def _sigmoid(logits: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(logits / 2))
