"""ultralytics, fenced in: all who need it ask here for it first."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import Any

from analysis.torch_here import require_torch


def ultralytics() -> Any:
    """The ultralytics package, kept from the user's home folder, the network and pip.

    Importing it writes a settings file, may ask the internet, caps OpenMP at one thread for the
    whole process, and puts its own function, which fetches plug-ins, in the place of
    `PIL.Image.open`: the first goes to a private folder that is removed at exit, the others are
    undone.
    """
    require_torch()
    if "YOLO_CONFIG_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="sightline-ultralytics-")
        os.environ["YOLO_CONFIG_DIR"] = folder
        atexit.register(_remove_if_ours, folder, os.getpid())
    for name in ("YOLO_OFFLINE", "ULTRALYTICS_SAFE_LOAD"):
        os.environ[name] = "true"
    for name in ("YOLO_AUTOINSTALL", "YOLO_VERBOSE"):
        os.environ.setdefault(name, "false")

    threads = os.environ.get("OMP_NUM_THREADS")
    import torch  # noqa: F401  first, so that it keeps its own number of threads
    import ultralytics as package
    from PIL import Image
    from ultralytics.utils import patches

    Image.open = patches._image_open
    if threads is None:
        os.environ.pop("OMP_NUM_THREADS", None)
    if package.settings.get("sync"):
        package.settings.update(sync=False)
    return package


def _remove_if_ours(folder: str, pid: int) -> None:
    if os.getpid() == pid:  # not in a forked worker: its parent still uses the folder
        shutil.rmtree(folder, ignore_errors=True)
