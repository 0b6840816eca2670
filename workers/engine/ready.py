"""What this machine can do, asked once at start: better a sentence now than a failed run later."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def check() -> None:
    """Raise ImproperlyConfigured, in words, when work could not be done here."""
    for name, folder in (("SIGHTLINE_MEDIA", settings.MEDIA_ROOT), ("cache", settings.CACHE_DIR)):
        if not os.access(folder, os.W_OK):
            raise ImproperlyConfigured(f"The {name} folder {folder} cannot be written to.")
    free = shutil.disk_usage(settings.MEDIA_ROOT).free
    if free < settings.MIN_FREE_BYTES:
        raise ImproperlyConfigured(
            f"Only {free // 10**6} MB are free at {settings.MEDIA_ROOT}; "
            f"{settings.MIN_FREE_BYTES // 10**6} MB are needed (SIGHTLINE_MIN_FREE_MB)."
        )


@cache
def device() -> str:
    """What models run on here, as a person would name it."""
    from analysis.detectors.engine import describe_devices

    found = describe_devices()
    wanted = [d for d in found if settings.DEVICE in ("auto", d.device)]
    if not wanted:
        raise ImproperlyConfigured(
            f"SIGHTLINE_DEVICE asks for {settings.DEVICE!r}; this machine has "
            f"{', '.join(d.device for d in found)}."
        )
    return f"{wanted[0].device}: {wanted[0].name}"


def memory_bytes() -> int:
    """Resident memory of this process; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
