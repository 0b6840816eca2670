"""A night whose workers die: what it finds is the same as if none had."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.night_sky import exposure_in
from webapp.leases import Status
from webapp.nights.night import Night

pytestmark = pytest.mark.services
pytest.importorskip("astropy", reason="requirements-sky.txt is not installed")

N = 4


def found(night: Night) -> dict[str, Any]:
    """Everything it found, without the numbers that rows and files happen to get."""
    exposures = night.exposures.order_by("number")
    return {
        "exposures": list(exposures.values_list("number", "status", "n_found", "n_stars")),
        "tables": [bytes(one.found) for one in exposures],
        "candidates": list(night.candidates.values_list("number", "score", "rate", "n_points")),
        "points": list(
            night.candidates.order_by("number", "points__mjd").values_list(
                "points__exposure__number", "points__row", "points__x", "points__y"
            )
        ),
    }


def over(night: Night) -> bool:
    night.refresh_from_db()
    assert night.status != Status.FAILED, night.error
    return night.status == Status.DONE


def asked(workspace: Any, assets: list[Any], reference: Any) -> Night:
    options = {"injected": 0}
    return Night.objects.request(
        workspace, assets, reference=reference, name="Killed", options=options, by=None
    )


def test_a_night_killed_again_and_again_finds_the_same(site):
    from tests.services.conftest import _workspace

    workspace = _workspace()
    assets = [exposure_in(workspace, n) for n in range(N)]
    reference = exposure_in(workspace, -1)

    undisturbed = asked(workspace, assets, reference)
    worker = site.start_worker()
    site.wait(lambda: over(undisturbed), "the undisturbed night")
    site.kill(worker)
    assert undisturbed.candidates.filter(is_still=False).count() == 1

    night = asked(workspace, assets, reference)
    working = night.exposures.filter(status=Status.WORKING)
    for delay_s in (0.0, 0.15, 0.4):
        worker = site.start_worker()
        site.wait(lambda: over(night) or working.exists(), "the worker to take up an exposure")
        time.sleep(delay_s)
        site.kill(worker)
    site.start_worker()
    site.start_worker()
    site.wait(lambda: over(night), "the night to end")
    assert found(night) == found(undisturbed)
    pictures = {name for name in night.candidates.values_list("points__cutout", flat=True) if name}
    kept = (site.folder / "media" / "nights" / str(night.pk)).iterdir()
    names = {f"nights/{night.pk}/{path.name}" for path in kept}
    assert pictures <= names
    cuts = set(night.exposures.values_list("cuts", flat=True))
    assert cuts <= names
