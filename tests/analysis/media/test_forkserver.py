"""Decoders are forked from one process: they hold no more than they need, and outlive nobody."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.media import forkserver
from analysis.media.guard import Child
from analysis.media.probe import probe
from tests.analysis.clips import constant, write_clip
from tests.analysis.media.steps import LINGERS, TELLS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "a.mp4", constant(5))


def server_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def is_gone_soon(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_child_holds_its_pipes_and_its_file_and_nothing_else(clip: Path) -> None:
    with clip.open("rb") as media, clip.open("rb") as secret, Child("examine", clip):
        os.set_inheritable(secret.fileno(), True)
        process = forkserver.start([media.fileno()])
        wanted = {0, 1, 2, media.fileno()}
        deadline = time.monotonic() + 20
        while (others := held_by(process.pid) - wanted) - {3}:  # 3: its own copy of 1
            assert time.monotonic() < deadline, others
        process.stdin.close()  # type: ignore[union-attr]  now it ends
    assert process.wait() == 1


def held_by(pid: int) -> set[int]:
    return {int(name) for name in os.listdir(f"/proc/{pid}/fd")}


def test_children_have_one_server_and_what_they_used_is_known(clip: Path) -> None:
    before = forkserver.used().processor_s
    with Child(LINGERS, clip) as one, Child(LINGERS, clip) as other:
        servers = {server_of(child._process.pid) for child in (one, other)}
        assert servers.isdisjoint({os.getpid()})
        assert len(servers) == 1
    with Child("examine", clip) as third:
        while third.receive() is not None:
            pass
    assert forkserver.used().processor_s > before
    assert forkserver.used().memory_bytes > 10e6


def test_what_another_room_needs_is_loaded_once_for_all_its_children(clip: Path) -> None:
    with Child(TELLS, clip) as child:
        told = child.receive()
    assert told is not None
    assert told.fields["loaded_before"]


def test_a_module_that_cannot_be_loaded_is_told_by_the_child_and_the_next_one_works(clip) -> None:
    with Child("analysis.no_such_room:step", clip) as child, pytest.raises(RuntimeError) as told:
        child.receive()
    assert "no_such_room" in str(told.value)
    assert probe(clip).frame_count == 5


def test_a_server_that_is_killed_is_said_of_its_children_and_replaced(clip: Path) -> None:
    with Child(LINGERS, clip) as child:
        pid = child._process.pid
        os.kill(server_of(pid), signal.SIGKILL)
        child.close()
        with pytest.raises(AnalysisError, match="killed"):
            raise child._ended()
    assert is_gone_soon(pid)
    assert probe(clip).frame_count == 5


def test_a_forked_process_has_a_server_of_its_own(clip: Path) -> None:
    assert probe(clip).frame_count == 5
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(probe, (clip,)).frame_count == 5
    assert probe(clip).frame_count == 5


def test_server_and_children_end_with_a_caller_that_is_killed(clip: Path) -> None:
    code = (
        "import sys, time; from analysis.media.guard import Child\n"
        "child = Child(sys.argv[1], sys.argv[2])\n"
        "print(child._process.pid, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, LINGERS, clip]
    caller = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    pid = int(caller.stdout.readline())
    server = server_of(pid)
    caller.kill()
    caller.wait()
    assert is_gone_soon(pid)
    assert is_gone_soon(server)


def test_a_child_goes_behind_others_where_its_caller_does(clip: Path) -> None:
    """Linux shares the processor among sessions before it asks how nice each process is."""
    with Child(LINGERS, clip) as child:
        pid = child._process.pid
        assert os.getsid(pid) == os.getsid(0)
        assert os.getpgid(pid) == pid, "it is killed with all that it started"
