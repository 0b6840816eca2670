"""Processes that are forked from one which has loaded the libraries: a start costs a third.

Each gets its environment before anything of it is read, and is then what `python …` starts: a
process of its own, in a session of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import time
from functools import cache
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from multiprocessing.process import BaseProcess

import pytest

_START_S = 60


def start(arguments: list[str], environment: dict[str, str]) -> BaseProcess:
    """`python …` in this folder, once it leads its session: `kill -9` takes all of it along."""
    process = _forking().Process(target=_run, args=(arguments, environment), daemon=True)
    process.start()
    deadline = time.monotonic() + _START_S
    while process.is_alive() and os.getpgid(process.pid or 0) != process.pid:
        assert time.monotonic() < deadline, "the process was not started"
        time.sleep(0.001)
    return process


def run(arguments: list[str], environment: dict[str, str]) -> None:
    """`python …` to its end, which must be a good one."""
    process = start(arguments, environment)
    process.join()
    assert process.exitcode == 0, f"{arguments} ended with {process.exitcode}"


@cache
def _forking() -> ForkServerContext:
    """Python's own server of forks. Libraries read some of the environment when they are loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.services.libraries"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("DJANGO_SETTINGS_MODULE", raising=False)  # none can be read by mistake
        ensure_running()
    return context


def _run(arguments: list[str], environment: dict[str, str]) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(sys.argv[0], run_name="__main__")
