#!/usr/bin/env bash
# Package: av==18.1.0 (PyAV; its wheel carries FFmpeg).
#
# Situation: sound is brought to 16 kHz mono with AudioResampler, frame after frame as they are
# decoded. The recording goes on at another rate midway: two MP2 files, 44.1 kHz and 48 kHz, put
# one after the other, as radio recorders and `cat` do. Players play such a file through.
# A good guess: the resampler follows the frames, as the ffmpeg program does, which builds its filter
# anew when the format of decoded frames changes; the output format was given and stays the same.
# What happens: the first frame of the other rate raises “Frame does not match AudioResampler setup.”
# The resampler takes its input format from the first frame and keeps it for good.
# Why it matters: everything behind the change is lost, or the whole recording is refused, though
# each frame was decoded. A new resampler for each format, the old one flushed first, reads it all.
# Where it bears on us: analysis/media/decoding/sound.py makes a new one where the format changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy imageio-ffmpeg==0.8.1 2>/dev/null
env/bin/pip list 2>/dev/null | grep -E '^(av|imageio-ffmpeg) '
env/bin/python - <<'PYTHON'
import subprocess
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np


def tone(name, rate):
    """Two seconds of 440 Hz."""
    with av.open(name, "w") as out:
        stream = out.add_stream("mp2", rate=rate, layout="mono")
        wave = np.sin(np.arange(2 * rate) * 2 * np.pi * 440 / rate).astype(np.float32)
        frame = av.AudioFrame.from_ndarray((wave * 16000).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate, frame.pts = rate, 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return Path(name).read_bytes()


Path("both.mp2").write_bytes(tone("a.mp2", 44100) + tone("b.mp2", 48000))
program = imageio_ffmpeg.get_ffmpeg_exe()
raw = subprocess.run(
    [program, "-v", "error", "-i", "both.mp2", "-ac", "1", "-ar", "16000", "-f", "s16le", "-"],
    stdout=subprocess.PIPE, check=True).stdout
samples, rates, said = 0, [], ""
resampler = av.AudioResampler("s16", "mono", 16000)
with av.open("both.mp2") as recording:
    for frame in recording.decode(audio=0):
        rates.append(frame.sample_rate)
        try:
            samples += sum(part.samples for part in resampler.resample(frame))
        except ValueError as error:
            said = str(error)
            break
print(f"the ffmpeg program: {len(raw) / 2 / 16000:.2f} s")
print(f"AudioResampler:     {samples / 16000:.2f} s, then at {rates[-1]} Hz: {said}")
assert len(raw) / 2 / 16000 > 3.8, "the program no longer reads it all"
assert samples / 16000 < 2.2 and "does not match" in said, "this has changed"
print("As described.")
PYTHON
