"""Pairs that people bring: checked before anything of them is stored."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from webapp.spaces.importing import PairsRefused, take_in
from webapp.spaces.pair_sets import PairSet

HEAD = "asset,time_s,text\n"


def sent(content: str | bytes, name: str = "pairs.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def zipped(**files: bytes | str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        for name, content in files.items():
            packed.writestr(name.replace("__", "."), content)
    return data.getvalue()


def a_picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(data, "PNG")
    return data.getvalue()


def lines_of(found: PairSet) -> list[dict]:
    with default_storage.open(found.file) as file, zipfile.ZipFile(file) as packed:
        return [json.loads(line) for line in packed.read("pairs.jsonl").splitlines()]


def refused(workspace, file, **how) -> list[str]:
    with pytest.raises(PairsRefused) as error:
        take_in(workspace, file, by=None, **how)
    assert not PairSet.objects.exists()
    assert not default_storage.exists("pair-sets") or not default_storage.listdir("pair-sets")[1]
    return error.value.problems


def test_a_table_names_moments_by_the_asset_and_the_time(workspace, asset):
    table = f"{HEAD}matchday.mp4,12.5,a yacht turns\n{asset.pk},0:01:05,the crowd cheers\n"
    found = take_in(workspace, sent("\ufeff" + table), by=None)
    assert (found.name, found.n_pairs) == ("pairs", 2)
    assert lines_of(found) == [
        {"asset": asset.pk, "time_s": 12.5, "text": "a yacht turns"},
        {"asset": asset.pk, "time_s": 65.0, "text": "the crowd cheers"},
    ]
    german = sent("asset;time_s;text\nmatchday;1,5;ein Boot\n")
    assert lines_of(take_in(workspace, german, by=None))[0]["time_s"] == 1.5
    rows = '{"asset": "matchday.mp4", "time_s": 3, "text": "a start"}\n'
    assert take_in(workspace, sent(rows, "x.jsonl"), by=None).n_pairs == 1


def test_each_wrong_line_is_named_and_nothing_is_stored(workspace, asset, asset_in):
    for _ in range(2):
        asset_in(workspace, "twice.mp4", sha256=f"{_:064d}")
    table = HEAD + "".join(
        f"{line}\n"
        for line in (
            "matchday.mp4,1,right",
            "nowhere.mp4,1,x y",
            "matchday.mp4,500,too late",
            "matchday.mp4,soon,when",
            "matchday.mp4,1,...",
            "twice.mp4,1,which",
            ",1,of nothing",
        )
    )
    problems = refused(workspace, sent(table))
    assert [one.partition(":")[0] for one in problems] == [f"Line {n}" for n in range(3, 9)]
    assert problems[0] == "Line 3: there is no asset called nowhere.mp4."
    assert "lasts 120.0 s, and time_s is 500" in problems[1]
    assert "2 assets are called twice.mp4: name one by number" in problems[4]
    found = take_in(workspace, sent(table), leave_out_wrong=True, by=None)
    assert found.n_pairs == 1
    assert found.notes[0] == "6 lines left out."


def test_pictures_come_in_a_zip_with_their_texts(workspace):
    table = "picture,text\nred.png,a red square\nred.png,all of it is red\n"
    found = take_in(
        workspace, sent(zipped(pairs__csv=table, red__png=a_picture()), "a.zip"), by=None
    )
    assert (found.n_pairs, found.n_pictures) == (2, 1)
    problems = refused_again(workspace, zipped(pairs__csv=table, blue__png=a_picture()))
    assert problems[0] == "Line 2: there is no picture red.png in the zip."
    problems = refused_again(workspace, zipped(pairs__csv=table, red__png=b"no picture"))
    assert problems[0] == "Line 2: This is not a PNG, JPEG or WebP picture."
    assert "0 lists" in refused_again(workspace, zipped(red__png=a_picture()))[0]
    assert "damaged" in refused_again(workspace, b"PK\x03\x04" + b"x" * 90)[0]


def refused_again(workspace, data: bytes) -> list[str]:
    PairSet.objects.all().delete()
    with pytest.raises(PairsRefused) as error:
        take_in(workspace, sent(data, "a.zip"), by=None)
    assert not PairSet.objects.exists()
    return error.value.problems


def test_what_is_no_list_of_pairs_is_said_in_a_sentence(workspace, asset):
    assert refused(workspace, sent("")) == [
        "Line 1: the head has to name the columns: text, and asset with time_s, or picture."
    ]
    assert "UTF-8" in refused(workspace, sent(b"asset,text\n\xff\xfe,x"))[0]
    assert refused(workspace, sent(HEAD)) == ["There are no pairs in this file."]
    assert refused(workspace, sent('{"asset": \n', "x.jsonl")) == ["Line 1: is no JSON."]
    assert "no list of pairs" in refused(workspace, sent(b"\0\0\0 text,asset", "x.bin"))[0]
    many = refused(workspace, sent(HEAD + "gone.mp4,1,x y\n" * 100))
    assert len(many) == 100
    assert str(PairsRefused(many)).endswith("And 80 more.")


def test_an_asset_of_somebody_else_is_not_there(workspace, other_asset):
    problem = f"Line 2: there is no asset called {other_asset.pk}."
    assert refused(workspace, sent(f"{HEAD}{other_asset.pk},1,theirs\n")) == [problem]


def test_a_zip_damaged_inside_and_json_without_an_end_are_told(workspace):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("list.csv", HEAD + "matchday.mp4,1,a start\n" * 50)
    damaged = bytearray(data.getvalue())
    at = damaged.index(b"list.csv") + len("list.csv")
    damaged[at : at + 8] = b"\xff" * 8
    (problem,) = refused(workspace, sent(bytes(damaged), "x.zip"))
    assert problem == "list.csv in this zip is damaged, or locked."
    (problem,) = refused(workspace, sent("[" * 200_000, "x.json"))
    assert "nested too deeply" in problem
    (problem,) = refused(workspace, sent('{"a":' * 200_000, "x.jsonl"))
    assert problem == "Line 1: is no JSON."
