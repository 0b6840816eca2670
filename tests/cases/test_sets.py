"""The labelled sets of ../shared/cases, read as an import reads them."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from analysis.datasets.formats import opened, read
from analysis.datasets.types import LabelledPicture, LabelledSet, Problem
from analysis.errors import AnalysisError
from tests.workers.datasets.test_transfer_files import come
from webapp.accounts.models import User
from webapp.datasets.dataset import Dataset
from webapp.leases import Status
from webapp.projects.models import Project

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
SETS = sorted(path.parent.name for path in CASES.glob("*/in.zip"))
TWO_JOBS = CASES / "04f-cvat-two-jobs-one-name"
TOLERANCE = 2e-3  # of the picture

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="../shared is not here")


@pytest.mark.parametrize("case", SETS)
def test_a_set_is_read_as_it_was_meant(case: str) -> None:
    expected = json.loads((CASES / case / "expected.json").read_text())
    with opened(CASES / case / "in.zip") as folder:
        if words := expected.get("refusal_must_say"):
            with pytest.raises(AnalysisError) as refusal:
                read(folder)
            assert all(word in refusal.value.message for word in words)
        else:
            labelled, problems, _ = read(folder)
            compare(labelled, problems, expected)


@pytest.mark.django_db(transaction=True)
def test_two_jobs_of_one_name_are_two_films_of_one_dataset(project: Project, analyst: User) -> None:
    expected = json.loads((TWO_JOBS / "expected.json").read_text())
    dataset = Dataset.objects.begin(project, "Regatta", by=analyst)
    north, south = ((TWO_JOBS / f"{name}.zip").read_bytes() for name in ("north", "south"))
    for data, n_samples in ((north, expected["after_first"]), (south, expected["after_second"])):
        row = come(dataset, analyst, data)
        assert row.status == Status.DONE, row.error
        assert dataset.samples.count() == n_samples
    videos = dataset.samples.values_list("video", flat=True)
    assert sorted(set(videos)) == sorted(expected["videos"])
    come(dataset, analyst, north)
    assert dataset.samples.count() == expected["after_second"]


def compare(labelled: LabelledSet, problems: list[Problem], expected: dict[str, Any]) -> None:
    if "labels" in expected:
        assert list(labelled.labels) == expected["labels"]
    if "pictures" in expected and isinstance(expected["pictures"], list):
        assert len(labelled.pictures) == len(expected["pictures"])
        left = list(labelled.pictures)
        for wanted in expected["pictures"]:
            found = next(p for p in left if fnmatch(p.source, wanted["source"]))
            left.remove(found)
            compare_picture(found, wanted)
    if "state_must_not_be" in expected:
        assert not any(p.is_labelled and not p.boxes for p in labelled.pictures)
        assert problems
    for words in expected.get("problems", []):
        assert any(words in p.message for p in problems)
    if expected.get("problems") == []:
        assert not problems


def compare_picture(found: LabelledPicture, wanted: dict[str, Any]) -> None:
    assert found.file, f"{found.source} has no pixels"
    if "size" not in wanted:  # that case is about another thing, and does not say its split
        assert found.split == wanted["split"]
    assert ("labelled" if found.is_labelled else "unlabelled") == wanted["state"]
    if "size" in wanted:
        assert [found.width, found.height] == wanted["size"]
    boxes = sorted([b.label, *b.box] for b in found.boxes)
    assert len(boxes) == len(wanted["boxes"])
    for box, right in zip(boxes, sorted(wanted["boxes"]), strict=True):
        assert box[0] == right[0]
        assert box[1:] == pytest.approx(right[1:], abs=TOLERANCE)
