"""A set of pairs out of a file that somebody brings: all of it is checked before any is stored.

CSV with a head line, or JSON lines, or a zip with one of them and the pictures that it names.
Columns: `asset` (a name, or a number), `time_s` (seconds, or h:mm:ss), `picture` (a file of the
zip) and `text`. A line names an asset or a picture.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import PurePosixPath
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from webapp import erasing
from webapp.accounts.models import Event, Refused, User, Workspace
from webapp.assets.models import Asset
from webapp.pictures import PictureRefused, decoded
from webapp.spaces.pair_sets import PairSet
from webapp.storage import keep_once

MAX_BYTES = 100 * 10**6  # it is checked while whoever sent it waits
MAX_LINES = 50_000
MAX_PICTURES = 1_000
MAX_UNPACKED = 300 * 10**6
LONGEST_TEXT = 1_000
COLUMNS = ("asset", "time_s", "picture", "text")
_LISTS = (".csv", ".jsonl", ".ndjson", ".json")
_SHOWN = 20  # problems
_FOLDERS_OF_MACS = "__MACOSX"


class PairsRefused(Refused):
    """problems: sentences, each with the number of its line where it has one."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        more = len(problems) - _SHOWN
        shown = problems[:_SHOWN] + ([f"And {more} more."] if more > 0 else [])
        super().__init__(" ".join(shown))


@dataclass
class _Checked:
    """What a file holds, as far as it is right."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    pictures: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


_NO_LIST = (
    "This is no list in UTF-8. A CSV or JSON lines file is needed, or a zip that holds one beside "
    "its pictures."
)


def take_in(
    workspace: Workspace,
    file: UploadedFile,
    *,
    name: str = "",
    leave_out_wrong: bool = False,
    by: User | None,
) -> PairSet:
    """Check a file and store it. leave_out_wrong: lines that are wrong are left out, and told of.

    Raises PairsRefused, of which nothing is stored."""
    if (file.size or 0) > MAX_BYTES:
        raise PairsRefused([f"The file is too large: {MAX_BYTES // 10**6} MB at most."])
    called = " ".join(name.split()) or PurePosixPath(file.name or "Pairs").stem
    with _Opened(file) as (list_name, data, pictures):
        checked = _check(workspace, _rows(list_name, data), pictures)
        if checked.problems and not (leave_out_wrong and checked.lines):
            raise PairsRefused(checked.problems)
        if not checked.lines:
            raise PairsRefused(["There are no pairs in this file."])
        packed = _pack(checked, pictures)
    notes = []
    if n := len(checked.problems):
        notes = [f"{n} line{'s' if n > 1 else ''} left out.", *checked.problems[:_SHOWN]]
    stored = f"pair-sets/{hashlib.sha256(packed).hexdigest()}.zip"
    with erasing.held(stored):  # the last set of the same pairs may be deleted just now
        keep_once(stored, packed)
        found = PairSet.objects.create(
            workspace=workspace,
            name=called[:120],
            file=stored,
            n_pairs=len(checked.lines),
            n_pictures=len(checked.pictures),
            notes=notes,
            created_by=by,
        )
        Event.record(workspace, by, "brought pairs", found.name, pairs=found.n_pairs)
    return found


class _Opened:
    """The list of a file and its pictures by name: of a zip, or of a list alone."""

    def __init__(self, file: UploadedFile) -> None:
        self.file = file
        self.zip: zipfile.ZipFile | None = None

    def __enter__(self) -> tuple[str, bytes, Mapping[str, Any]]:
        head = self.file.read(4)
        self.file.seek(0)
        if head[:2] != b"PK":
            return (self.file.name or "").lower(), self.file.read(), {}
        try:
            self.zip = zipfile.ZipFile(self.file)
            entries = [one for one in self.zip.infolist() if not one.is_dir()]
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise PairsRefused(["This zip file is damaged."]) from error
        entries = [one for one in entries if not one.filename.startswith(_FOLDERS_OF_MACS)]
        if sum(one.file_size for one in entries) > MAX_UNPACKED:
            raise PairsRefused([f"It unpacks to more than {MAX_UNPACKED // 10**6} MB."])
        lists = [one for one in entries if one.filename.lower().endswith(_LISTS)]
        if len(lists) != 1:
            raise PairsRefused(
                [
                    f"There are {len(lists)} lists in this zip: one .csv or .jsonl file is needed, "
                    "which says what belongs to which picture."
                ]
            )
        return (
            lists[0].filename.lower(),
            self.read(lists[0].filename),
            {one.filename: self for one in entries if one is not lists[0]},
        )

    def read(self, name: str) -> bytes:
        assert self.zip is not None
        try:
            return self.zip.read(name)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            raise PairsRefused([f"{name} in this zip is damaged, or locked."]) from error

    def __exit__(self, *_: object) -> None:
        if self.zip is not None:
            self.zip.close()


# --- lines ----------------------------------------------------------------------------------------


def _rows(name: str, data: bytes) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Line numbers with what stands there, or with why it cannot be read."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PairsRefused([_NO_LIST]) from None
    if "\0" in text:
        raise PairsRefused(["This is no list of pairs: give a CSV file or JSON lines."])
    if name.endswith(".csv") or not text.lstrip().startswith(("{", "[")):
        yield from _of_csv(text)
    else:
        yield from _of_json(text)


def _of_csv(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    dialect: Any = csv.excel
    head = text.partition("\n")[0]
    for mark in (";", "\t"):
        if mark in head and "," not in head:
            dialect = type("_Marked", (csv.excel,), {"delimiter": mark})
    reader = csv.DictReader(io.StringIO(text), dialect=dialect, restkey="", restval="")
    names = [(name or "").strip().lower() for name in reader.fieldnames or []]
    if "text" not in names or not {"asset", "picture"} & set(names):
        raise PairsRefused(
            ["Line 1: the head has to name the columns: text, and asset with time_s, or picture."]
        )
    reader.fieldnames = names
    try:
        for row in reader:
            yield reader.line_num, {k: v for k, v in row.items() if k in COLUMNS}
    except csv.Error as error:
        yield reader.line_num, f"cannot be read: {error}."


def _of_json(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    if text.lstrip().startswith("["):
        try:
            rows: Any = json.loads(text)
        except RecursionError:
            raise PairsRefused(["This JSON is nested too deeply for a list of pairs."]) from None
        except ValueError as error:
            raise PairsRefused([f"This is no JSON: {error}."]) from None
        lines: Iterable[tuple[int, Any]] = enumerate(rows, start=1)
    else:
        lines = ((n, line) for n, line in enumerate(text.splitlines(), start=1) if line.strip())
    for n, line in lines:
        try:
            row = json.loads(line) if isinstance(line, str) else line
        except (ValueError, RecursionError):
            yield n, "is no JSON."
            continue
        yield n, row if isinstance(row, dict) else "is no object with names and values."


def _check(
    workspace: Workspace,
    rows: Iterable[tuple[int, dict[str, Any] | str]],
    pictures: Mapping[str, Any],
) -> _Checked:
    found = _Checked()
    assets = _Assets(workspace)
    looked_at: dict[str, str] = {}  # pictures, and what is wrong with them
    for count, (n, row) in enumerate(rows, start=1):
        if count > MAX_LINES:
            raise PairsRefused([f"There are more than {MAX_LINES} lines. Part the file."])
        problem = row if isinstance(row, str) else ""
        line: dict[str, Any] = {}
        if isinstance(row, dict):
            line, problem = _line(row, assets, pictures, looked_at)
        if problem:
            found.problems.append(f"Line {n}: {problem}")
            continue
        found.lines.append(line)
        if "picture" in line:
            found.pictures.add(line["picture"])
    if len(found.pictures) > MAX_PICTURES:
        raise PairsRefused([f"There are more than {MAX_PICTURES} pictures. Part the file."])
    return found


def _line(
    row: Mapping[str, Any],
    assets: _Assets,
    pictures: Mapping[str, Any],
    looked_at: dict[str, str],
) -> tuple[dict[str, Any], str]:
    """What is kept of a line, or why it is wrong."""
    text = " ".join(str(row.get("text") or "").split())
    if not any(c.isalnum() for c in text):
        return {}, "there is no text."
    if len(text) > LONGEST_TEXT:
        return {}, f"the text has more than {LONGEST_TEXT} characters."
    picture = str(row.get("picture") or "").strip()
    named = str(row.get("asset") or "").strip()
    if bool(picture) == bool(named):
        return {}, "it has to name either an asset or a picture."
    if picture:
        name = _entry(picture, pictures)
        if name is None:
            where = "in the zip" if pictures else "here: pictures come in a zip with the list"
            return {}, f"there is no picture {picture} {where}."
        if name not in looked_at:
            looked_at[name] = _problem_of(pictures[name].read(name))
        return {"picture": name, "text": text}, looked_at[name]
    asset, problem = assets.named(named)
    if asset is None:
        return {}, problem
    if asset.kind == Asset.Kind.SKY:
        return {}, f"{asset.name} is an exposure of the sky, of which no space is taught."
    time_s = _seconds(row.get("time_s"))
    if asset.kind == Asset.Kind.IMAGE:
        time_s = 0.0 if time_s is None else time_s
    if time_s is None:
        return {}, "time_s is a number of seconds, or h:mm:ss."
    length_s = asset.duration_s or 0.0
    if not 0 <= time_s <= length_s + 0.5 and asset.kind != Asset.Kind.IMAGE:
        return {}, f"{asset.name} lasts {length_s:.1f} s, and time_s is {time_s:g}."
    return {"asset": asset.pk, "time_s": time_s, "text": text}, ""


def _entry(picture: str, pictures: Mapping[str, Any]) -> str | None:
    """The file of the zip that a line means: by its whole name, or the end of it."""
    if picture in pictures:
        return picture
    found = [name for name in pictures if name.endswith(f"/{picture}")]
    return found[0] if len(found) == 1 else None


def _problem_of(data: bytes) -> str:
    try:
        decoded(io.BytesIO(data))
    except PictureRefused as refused:
        return str(refused)
    return ""


_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")


def _seconds(value: Any) -> float | None:
    said = str("" if value is None else value).strip().replace(",", ".")
    if clock := _CLOCK.fullmatch(said):
        hours, minutes, seconds = clock.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
    try:
        time_s = float(said)
    except ValueError:
        return None
    return time_s if isfinite(time_s) else None


class _Assets:
    """The assets of a workspace by name and by number."""

    def __init__(self, workspace: Workspace) -> None:
        rows = Asset.objects.filter(workspace=workspace).only("name", "kind", "duration_s")
        self.by_number = {row.pk: row for row in rows}
        self.by_name: dict[str, list[Asset]] = {}
        for row in self.by_number.values():
            for name in dict.fromkeys((row.name.casefold(), row.stem.casefold())):
                self.by_name.setdefault(name, []).append(row)

    def named(self, said: str) -> tuple[Asset | None, str]:
        """The asset that is meant, or why none is."""
        there = self.by_name.get(said.casefold(), [])
        if len(there) == 1:
            return there[0], ""
        if there:
            numbers = ", ".join(str(row.pk) for row in there)
            return None, f"{len(there)} assets are called {said}: name one by number ({numbers})."
        if said.isdecimal() and len(said) < 19 and int(said) in self.by_number:
            return self.by_number[int(said)], ""
        return None, f"there is no asset called {said}."


def _pack(checked: _Checked, pictures: Mapping[str, Any]) -> bytes:
    """One zip, the same for the same pairs."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
        lines = "\n".join(json.dumps(line, sort_keys=True) for line in checked.lines)
        packed.writestr(zipfile.ZipInfo("pairs.jsonl"), lines)
        for name in sorted(checked.pictures):
            packed.writestr(zipfile.ZipInfo(name), pictures[name].read(name))
    return file.getvalue()
