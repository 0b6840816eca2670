"""What `make` installs is what was tested."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def lines(name: str) -> list[str]:
    rows = (row.split("#")[0].strip() for row in (ROOT / name).read_text().splitlines())
    return [row for row in rows if row and not row.startswith("-r ")]


@pytest.mark.parametrize(
    "name",
    [
        f"requirements{of}.txt"
        for of in (
            "-web",
            "-analysis",
            "-speech",
            "-meaning",
            "-reading",
            "-voices",
            "-sky",
            "",
            "-dev",
        )
    ],
)
def test_everything_required_has_one_exact_version_that_fits(name):
    exact = dict(row.split("==") for row in lines("constraints.txt"))
    exact = {canonicalize_name(package): version for package, version in exact.items()}
    for row in lines(name):
        required = Requirement(row)
        version = exact[canonicalize_name(required.name)]
        assert required.specifier.contains(version, prereleases=True), row


def test_no_exact_version_is_tied_to_one_machine():
    """A local build ("+cpu") or an address could not be installed elsewhere."""
    for row in lines("constraints.txt"):
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9A-Za-z.]+", row), row
