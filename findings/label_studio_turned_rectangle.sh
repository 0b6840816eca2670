#!/usr/bin/env bash
# Package: label-studio-sdk==2.1.2 (its converter, which the Label Studio server exports with).
#
# Situation: a rectangle that a labeller turned, in a picture of 1000 x 500, exported to COCO.
# A good guess: the upright box around the rectangle as it is drawn. Label Studio keeps x, y, width
# and height in percent of the picture's sides and turns the drawn shape about its top left corner;
# 200 x 100 pixels at (400, 100), turned by 90 degrees, lie at x 300 to 400 and y 100 to 300.
# What happens: the box comes out as x 200 to 400 and y 100 to 200. The converter turns the numbers
# while they are still percentages, and a hundredth of the width is not a hundredth of the height.
# In a square picture the same shape comes out right, so a test with a square picture shows nothing.
# Why it matters: photographs are hardly ever square. A detector trained on such an export learns
# boxes that hold half of the thing and as much background, without a word from anyone.
# Where it bears on us: analysis/datasets/formats/label_studio turns in pixels.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check label-studio-sdk==2.1.2 2>/dev/null
env/bin/pip list 2>/dev/null | grep -i label-studio
env/bin/python - <<'PYTHON'
import json
import os

from label_studio_sdk.converter import Converter

CONFIG = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">
<Label value="Kestrel"/></RectangleLabels></View>"""


def exported(width, height):
    """The COCO box of 200 x 100 pixels at (400, 100), turned by 90 degrees."""
    value = {"x": 40000 / width, "y": 10000 / height, "width": 20000 / width,
             "height": 10000 / height, "rotation": 90, "rectanglelabels": ["Kestrel"]}
    result = {"id": "r", "type": "rectanglelabels", "from_name": "label", "to_name": "image",
              "original_width": width, "original_height": height, "image_rotation": 0,
              "value": value}
    answer = {"id": 1, "completed_by": 1, "was_cancelled": False, "result": [result]}
    with open("tasks.json", "w") as file:
        json.dump([{"id": 1, "data": {"image": "a.png"}, "annotations": [answer]}], file)
    out = f"coco-{width}x{height}"
    os.makedirs(out)
    Converter(config=CONFIG, project_dir=".", download_resources=False).convert_to_coco(
        "tasks.json", out, is_dir=False)
    with open(f"{out}/result.json") as file:
        return [round(v) for v in json.load(file)["annotations"][0]["bbox"]]


right = [300, 100, 100, 200]
square, wide = exported(1000, 1000), exported(1000, 500)
print("drawn, as x y width height:    ", right)
print("exported of a square picture:  ", square)
print("exported of one twice as wide: ", wide)
assert square == right and wide == [200, 100, 200, 100], "this has changed"
print("As described.")
PYTHON
