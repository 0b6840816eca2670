"""Is what only training and reading PyTorch files need installed here?

Analysing runs compiled networks and needs none of it: `requirements-analysis.txt`.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec

from analysis.errors import NeedsTorch


def require_torch() -> None:
    """Raises NeedsTorch where torch or ultralytics is missing; asked before either is imported."""
    importlib.invalidate_caches()  # they may have been installed since this process began
    # pip installs what a package needs before the package: ultralytics comes last
    if any(find_spec(name) is None for name in ("torch", "torchvision", "ultralytics")):
        raise NeedsTorch
