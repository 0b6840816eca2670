"""A database of its own for a bench, and a process that uses it."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit


@contextmanager
def postgres() -> Iterator[str | None]:
    """The address of a new database, dropped afterwards; None where no server answers.

    BENCH_POSTGRES names another server than the one of this machine.
    """
    import psycopg2

    server = os.environ.get("BENCH_POSTGRES", f"postgres://{getpass.getuser()}@127.0.0.1/postgres")
    try:
        connection = psycopg2.connect(server, connect_timeout=3)
    except psycopg2.OperationalError as error:
        print(f"PostgreSQL skipped: {str(error).strip().splitlines()[0]}", flush=True)
        yield None
        return
    connection.autocommit = True
    name = f"sightline_bench_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def child(module: str, database: str, folder: str, *arguments: str) -> dict[str, Any]:
    """What `module --child …` prints as its last line, from a process with settings of its own."""
    env = os.environ | {
        "DATABASE_URL": database,
        "SIGHTLINE_DATA": folder,
        "DJANGO_SETTINGS_MODULE": "webapp.settings",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", module, "--child", *arguments]
    done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])
