"""A field in three exposures, and its reference."""

from __future__ import annotations

import pytest

from tests.night_sky import exposure_in


@pytest.fixture
def exposures(workspace):
    return [exposure_in(workspace, n) for n in range(3)]


@pytest.fixture
def reference(workspace):
    return exposure_in(workspace, -1)
