#!/usr/bin/env bash
# Packages: numkong==7.8.6 (SimSIMD's new name), numpy==2.3.5.
#
# Situation: two frames of 640 × 480, grey, are compared as they are: their bytes in a row, by the
# angle between them or by their inner product.
# A good guess: as its description says of accumulators, that bytes are added up in something wider
# and that the results stay in range, as `norm`, `sum` and `moments` of the same bytes do.
# What happens: products are added up in 32 bits and wrap around without a word. 66,052 white pixels
# are enough. The inner product of a frame with its noisy copy is 1,442,917,210 instead of
# 5,737,884,506; from it the angle is computed: 0.0068 instead of 0.0017, and 0 (the same) between
# the frame and an even grey, whose true distance is 0.069. A white frame with itself gives NaN.
# Why it matters: each number is a plausible one, and what is alike comes out further apart than what
# is not. Nothing tells short vectors, where all is right, from long ones.
# Where it bears on us: usearch brings numkong along for vectors of some hundred numbers, which are
# far from the border. No picture is compared by it here.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check numkong==7.8.6 numpy==2.3.5 2>/dev/null
env/bin/pip list 2>/dev/null | grep -iE "^numkong|^numpy"
env/bin/python - <<'PYTHON'
import numkong
import numpy as np

rows, columns = np.mgrid[:480, :640]
frame = (128 + 100 * np.sin(columns / 17) * np.cos(rows / 11)).astype(np.uint8)
noise = np.random.default_rng(0).normal(0, 8, frame.shape)
noisy = np.clip(frame + noise, 0, 255).astype(np.uint8)
even = np.full_like(frame, 20)


def angle(a: np.ndarray, b: np.ndarray) -> float:
    x, y = a.ravel().astype(float), b.ravel().astype(float)
    return 1 - x @ y / np.sqrt((x @ x) * (y @ y))


for name, other in (("its noisy copy", noisy), ("an even grey", even)):
    a, b = frame.ravel(), other.ravel()
    true = int(a.astype(np.int64) @ b)
    print(f"{name}: inner product {numkong.dot(a, b):,} (true: {true:,}),", end=" ")
    print(f"angle {numkong.angular(a, b):.4f} (true: {angle(frame, other):.4f})")
    assert numkong.dot(a, b) == true % 2**32, "it no longer wraps at 32 bits"
assert numkong.angular(frame.ravel(), noisy.ravel()) > 2 * angle(frame, noisy), "it is right now"
assert numkong.angular(frame.ravel(), even.ravel()) < 0.1 * angle(frame, even), "it is right now"

white = np.full(66_052, 255, np.uint8)
print("66,052 white pixels:", numkong.dot(white, white), "and by their norm", numkong.norm(white) ** 2)
assert numkong.dot(white, white) == 64_004
assert round(numkong.norm(white) ** 2) == 66_052 * 255**2, "norm was right"
assert numkong.dot(white[:66_048], white[:66_048]) == 66_048 * 255**2, "a little shorter it is right"
print("As described.")
PYTHON
