"""What a bench and all that it started has used of the processor."""

from __future__ import annotations

import resource

from analysis.media import forkserver


def processor_s() -> float:
    """Processor seconds of this process, of all it waited for, and of its decoders."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, kinds))
    return used + forkserver.used().processor_s
