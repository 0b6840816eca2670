#!/usr/bin/env bash
# Packages: resvg-py==0.5.0, pillow==12.0.0.
#
# Situation: a logo is drawn in print units: width="40mm" height="20mm", as Inkscape and Illustrator
# save it, or a rectangle of an inch inside a drawing that is measured in pixels. It is painted by
# `svg_to_bytes` with all but the drawing left as it is.
# A good guess: as the parameter is documented ("0 = SVG default") and the `resvg` command does it,
# lengths are turned into pixels at 96 to an inch.
# What happens: the default of 0 is used as it is: an inch is 0 pixels. A drawing whose size is in mm,
# cm, in, pt or pc is refused ("SVG has an invalid size"), with a `width` asked for too; inside of one
# that is measured in pixels, what has such lengths is not there, strokes included, without a word.
# With `dpi=96` all is right.
# Why it matters: logos saved by the usual drawing programs are refused as damaged, and of some that
# are not a part is missing, which nobody sees who does not know the logo.
# Where it bears on us: analysis/media/decoding/drawing.py asks for 96; tests/analysis/synthesis/
# test_logo_files.py paints both kinds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check resvg-py==0.5.0 pillow==12.0.0 2>/dev/null
env/bin/pip list 2>/dev/null | grep -iE "^resvg|^pillow"
env/bin/python - <<'PYTHON'
import io

import resvg_py
from PIL import Image

SVG = '<svg xmlns="http://www.w3.org/2000/svg" {}>{}</svg>'


def painted(head: str, inside: str, **options: int) -> Image.Image | str:
    try:
        png = resvg_py.svg_to_bytes(svg_string=SVG.format(head, inside), **options)
    except ValueError as error:
        return str(error)
    return Image.open(io.BytesIO(bytes(png)))


red = '<rect width="100" height="50" fill="red"/>'
for size in ("40mm", "4cm", "1in", "72pt", "6pc"):
    head = f'width="{size}" height="{size}" viewBox="0 0 100 100"'
    plain, wide, right = (painted(head, red, **o) for o in ({}, {"width": 400}, {"dpi": 96}))
    print(f"{size}: {plain}; with dpi=96 {right.size}")
    assert "invalid size" in plain and "invalid size" in wide, "it is painted now"
    assert right.size in ((151, 151), (96, 96))

inch = '<rect width="1in" height="24" fill="red"/>'
head = 'width="200" height="100"'
print("an inch inside of pixels:", painted(head, inch).getbbox(), painted(head, inch, dpi=96).getbbox())
assert painted(head, inch).getbbox() is None, "the shape is there now"
assert painted(head, inch, dpi=96).getbbox() == (0, 0, 96, 24)

line = '<path d="M0 50H200" stroke="red" stroke-width="2mm"/>'
assert painted(head, line).getbbox() is None, "the stroke is there now"
assert painted(head, line, dpi=96).getbbox() is not None
print("As described.")
PYTHON
