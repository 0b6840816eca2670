#!/usr/bin/env bash
# Package: datumaro==1.13.12.
#
# Situation: a video labelled in CVAT is turned into COCO, YOLO or VOC for a training. CVAT ends a
# track with a box marked outside="1": the thing has left the picture; the numbers only repeat where
# it was last.
# A good guess: frames after the end have no box. Datumaro reads the mark (it keeps an attribute
# `outside`), and the other formats cannot hold it.
# What happens: the attribute is dropped and the box is kept: COCO, YOLO and VOC say that the thing
# is there, in a frame in which the labeller said it is not. No line is printed.
# Why it matters: every track that ends adds one false object, exactly where the picture shows an
# empty place or whatever covers it. In sets of short tracks that is a good part of all boxes.
# Where it bears on us: analysis/datasets/formats/cvat reads the mark as the end of a track.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check datumaro==1.13.12 2>/dev/null
env/bin/pip list 2>/dev/null | grep -i datumaro
env/bin/python - 2>/dev/null <<'PYTHON'
import json
import os
from pathlib import Path

import datumaro
import numpy as np
from PIL import Image

BOX = 'xtl="10.00" ytl="10.00" xbr="50.00" ybr="40.00" occluded="0" z_order="0"'
os.makedirs("cvat/images")
for number in range(2):
    Image.fromarray(np.zeros((100, 200, 3), np.uint8)).save(f"cvat/images/frame_{number:06d}.png")
Path("cvat/annotations.xml").write_text(f"""<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><name>film</name><size>2</size>
<mode>interpolation</mode><start_frame>0</start_frame><stop_frame>1</stop_frame>
<labels><label><name>Kestrel</name><attributes></attributes></label></labels>
<original_size><width>200</width><height>100</height></original_size></task></meta>
<track id="0" label="Kestrel" source="manual">
<box frame="0" outside="0" keyframe="1" {BOX}></box>
<box frame="1" outside="1" keyframe="1" {BOX}></box>
</track></annotations>""")
read = datumaro.Dataset.import_from("cvat", "cvat")
marks = {item.id: [a.attributes["outside"] for a in item.annotations] for item in read}
for name in ("coco_instances", "yolo", "voc_detection"):
    read.export(name, name, save_media=True)

coco = json.loads(next(Path("coco_instances/annotations").glob("*.json")).read_text())
last = next(i["id"] for i in coco["images"] if i["file_name"] == "frame_000001.png")
kept = {
    "COCO": sum(a["image_id"] == last for a in coco["annotations"]),
    "YOLO": len(next(Path("yolo").rglob("frame_000001.txt")).read_text().splitlines()),
    "VOC": next(Path("voc_detection").rglob("frame_000001.xml")).read_text().count("<object>"),
}
print("outside, as read:", marks)
print("boxes in the frame that the thing has left:", kept)
assert marks == {"frame_000000": [False], "frame_000001": [True]}, "reading has changed"
assert kept == {"COCO": 1, "YOLO": 1, "VOC": 1}, "writing has changed"
print("As described.")
PYTHON
