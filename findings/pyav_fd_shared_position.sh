#!/usr/bin/env bash
# Package: av==18.1.0 (PyAV; its wheel carries FFmpeg).
#
# Situation: a file is opened once, outside of a sandbox, and its number is handed to code that may
# open nothing itself; FFmpeg reads it by its protocol `fd:`. Two containers are opened on the one
# number, one to look at the streams and one to decode.
# A good guess: each container has a position of its own, as two containers on one path have.
# What happens: they share the position of the open file. Once the first has read through, the
# second, opened in good order before, yields not one packet, and raises nothing.
# Why it matters: a file that is whole seems empty, only in the process that has no path to open it
# by again, and only if something else was read first. Going back with os.lseek mends it.
# Where it bears on us: analysis/media/decoding opens one container at a time on its number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy 2>/dev/null
env/bin/pip list 2>/dev/null | grep -E '^av '
env/bin/python - <<'PYTHON'
import os

import av
import numpy as np

with av.open("film.nut", "w") as out:
    stream = out.add_stream("mpeg4", rate=25)
    stream.width, stream.height = 64, 48
    for n in range(3000):
        picture = np.random.default_rng(n).integers(0, 255, (48, 64, 3), np.uint8)
        out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
    out.mux(stream.encode())


def packets(one, two):
    """How many packets the second container gives after the first was read through."""
    first = sum(packet.dts is not None for packet in one.demux())
    return first, sum(packet.dts is not None for packet in two.demux())


by_path = packets(av.open("film.nut"), av.open("film.nut"))
number = os.open("film.nut", os.O_RDONLY)


def opened():
    os.lseek(number, 0, os.SEEK_SET)
    return av.open("fd:", format="nut", options={"fd": str(number)})


by_number = packets(opened(), opened())
print("packets of the first and of the second container")
print("  two on one path:  ", by_path)
print("  two on one number:", by_number)
assert by_path == (3000, 3000), "this film is odd"
assert by_number[0] + by_number[1] < 6000, "this has changed"
print("As described.")
PYTHON
