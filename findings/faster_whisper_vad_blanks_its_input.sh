#!/usr/bin/env bash
# Packages: faster-whisper==1.2.1, numpy==2.3.5.
#
# Situation: a recording of hours is judged piece by piece with the voice activity model that
# faster-whisper carries (get_vad_model), and the same pieces go to the recogniser afterwards.
# A good guess: a model that is called with samples returns probabilities and leaves the samples.
# What happens: the context of each window is a view of the caller's array, and its last row is set to
# 0 before it is rolled: the last 64 samples (4 ms at 16 kHz) of every array that was judged are gone,
# in the caller's own memory. The probabilities are right.
# Why it matters: each piece that is recognised, stored or played after it was judged ends in a gap of
# 4 ms: a click 30 times a minute with pieces of 2 s, and another sound than the one that was measured.
# Judging a copy costs nothing beside the network.
# Where it bears on us: analysis/speech/voice.py runs the ONNX file itself and never writes to sound.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check faster-whisper==1.2.1 numpy==2.3.5 2>/dev/null
env/bin/pip list 2>/dev/null | grep -iE "faster-whisper|^numpy"
env/bin/python - <<'PYTHON'
import numpy as np
from faster_whisper.vad import get_vad_model

time = np.arange(512 * 60) / 16_000
sound = (0.3 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)
before = sound.copy()
get_vad_model()(sound)
changed = np.flatnonzero(sound != before)
print("samples changed:", len(changed), "from", changed.min(), "of", len(sound))
print("what is left of them:", float(np.abs(sound[-64:]).max()))
assert changed.min() >= len(sound) - 64 and len(changed) >= 60, "it no longer writes there"
assert not sound[-64:].any(), "it writes something else"
copy = before.copy()
get_vad_model()(copy[: 512 * 30])
assert not copy[512 * 30 - 64 : 512 * 30].any(), "a part of a larger array is left alone now"
print("As described.")
PYTHON
