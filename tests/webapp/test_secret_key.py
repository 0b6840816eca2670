"""The key that signs sessions, made when nobody names one: one for all processes of a site."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SITES, PROCESSES = 200, 4
# Each is at a first start as often as there are sites, at the same time as the others.
ASK = f"""
import sys, time
from pathlib import Path
from webapp import environment
print("ready", flush=True)
sys.stdin.read()
for number in range({SITES}):
    site = Path(sys.argv[1]) / str(number)
    print(environment.secret("SIGHTLINE_NONE", kept=site / "secret.key"))
"""


def test_processes_that_start_first_together_have_one_key(tmp_path):
    for number in range(SITES):
        (tmp_path / str(number)).mkdir()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    command = [sys.executable, "-c", ASK, str(tmp_path)]
    processes = [subprocess.Popen(command, **pipes) for _ in range(PROCESSES)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.close()
    asked = [process.stdout.read().splitlines() for process in processes]
    assert all(process.wait() == 0 for process in processes)
    assert len(asked[0]) == SITES
    for number, keys in enumerate(zip(*asked, strict=True)):
        kept = tmp_path / str(number) / "secret.key"
        assert set(keys) == {kept.read_text()}
        assert len(keys[0]) >= 50
        assert [path.name for path in kept.parent.iterdir()] == [kept.name]
        assert kept.stat().st_mode & 0o077 == 0, "nobody else may read it"
