#!/usr/bin/env bash
# Package: xisf==0.9.7 (reads and writes XISF, the format of PixInsight).
#
# Situation: an exposure in XISF whose pixels lie with the most significant byte first. The format
# allows it: `byteOrder="big"` on the Image element says so (XISF 1.0, attributes of data blocks);
# without the attribute the order is little-endian.
# A good guess: whoever reads it gets the numbers that were written. The package writes the
# attribute itself on machines of that order, so it knows of it.
# What happens: `read_image` and `read` look at the sample format alone and take the bytes in the
# order of this machine. 300 comes back as 11265. There is no error and no warning; the attribute
# stands in the metadata that the same package returns.
# Why it matters: a picture of 16 bits still looks like one, with stars where they are, so that
# brightness, noise and every detection limit are wrong without a word; floats become noise.
# Where it bears on us: analysis/sky/xisf_file.py turns the bytes where the attribute says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check xisf==0.9.7 2>/dev/null
env/bin/pip list 2>/dev/null | grep -E '^(xisf|numpy) '
env/bin/python - <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
from xisf import XISF

pixels = (np.arange(12, dtype=np.uint16) * 300).reshape(3, 4, 1)
XISF.write("little.xisf", pixels)
assert np.array_equal(XISF.read("little.xisf"), pixels)


def other_order(data: bytes) -> bytes:
    """The same picture with its bytes the other way round, and the attribute that says so."""
    length = int.from_bytes(data[8:12], "little")
    header = data[16 : 16 + length].replace(b'sampleFormat="UInt16"', b'sampleFormat="UInt16" byteOrder="big"')
    place = header.index(b"attachment:") + len(b"attachment:")
    at, size = (int(n) for n in header[place : header.index(b'"', place)].split(b":"))
    assert 16 + len(header) <= at
    block = np.frombuffer(data[at : at + size], "<u2").astype(">u2").tobytes()
    start = data[:8] + len(header).to_bytes(4, "little") + data[12:16] + header
    return start.ljust(at, b"\0") + block


Path("big.xisf").write_bytes(other_order(Path("little.xisf").read_bytes()))
file = XISF("big.xisf")
about = file.get_images_metadata()[0]
found = file.read_image(0)
print("says of itself:", about["byteOrder"], "· read as:", found.dtype, found.ravel()[:4].tolist())
if sys.byteorder != "little" or about["byteOrder"] != "big":
    sys.exit("this is no machine, or no file, to show it with")
if np.array_equal(found, pixels):
    sys.exit("the bytes are turned now: the finding is out of date")
assert np.array_equal(found.view(">u2"), pixels), "neither the numbers nor their turned bytes"
print("the bytes were taken in the order of this machine")
PYTHON
