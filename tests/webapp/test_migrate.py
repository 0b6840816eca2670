"""An empty database gets its tables at once, and they are those of all steps one by one."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEP_BY_STEP = """
import django
django.setup()
from django.core.management import call_command
from django.core.management.commands.migrate import Command
call_command(Command(), verbosity=0, interactive=False)
"""


def run(folder: Path, *how: str) -> Path:
    """The database that this leaves in an empty folder."""
    folder.mkdir(exist_ok=True)
    about = {"SIGHTLINE_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "webapp.settings"}
    environment = os.environ | about | {"DATABASE_URL": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *how], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder / "sightline.sqlite3"


def asked(database: Path, question: str) -> list[tuple]:
    connection = sqlite3.connect(database)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


def clauses(sql: str) -> frozenset[str]:
    """What a statement says between its outer brackets, in whatever order."""
    depth, parts = 0, [""]
    for sign in sql.partition("(")[2].rpartition(")")[0]:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return frozenset(" ".join(part.split()) for part in parts)


def schema(database: Path) -> dict[tuple[str, str], frozenset[str]]:
    rows = asked(database, "SELECT type, name, coalesce(sql, '') FROM sqlite_master")
    return {(kind, named(name, sql)): clauses(sql) for kind, name, sql in rows}


def named(name: str, sql: str) -> str:
    """Its name; of an index that Django named, what it is of: a table that was renamed since keeps
    the names of its indexes."""
    return sql.partition(" ON ")[2] if re.search(r"_[0-9a-f]{8}$", name) else name


@pytest.fixture(scope="module")
def at_once(tmp_path_factory) -> Path:
    return run(tmp_path_factory.mktemp("at_once"), "manage.py", "migrate", "--verbosity", "0")


def test_the_tables_made_at_once_are_those_of_all_steps(at_once, tmp_path):
    step_by_step = run(tmp_path, "-c", STEP_BY_STEP)
    ours, theirs = schema(at_once), schema(step_by_step)
    assert ours.keys() == theirs.keys()
    assert {key for key in ours if ours[key] != theirs[key]} == set()
    steps = "SELECT app, name FROM django_migrations ORDER BY 1, 2"
    assert asked(at_once, steps) == asked(step_by_step, steps)
    for table in ("django_content_type", "auth_permission"):
        count = f"SELECT count(*) FROM {table}"
        assert asked(at_once, count) == asked(step_by_step, count)


def test_a_database_that_is_not_empty_goes_through_the_steps(at_once):
    before = schema(at_once)
    connection = sqlite3.connect(at_once)
    with connection:
        connection.execute("DELETE FROM django_migrations WHERE app = 'comments'")
        for _, name in [key for key in before if key[0] == "table" and "comments_" in key[1]]:
            connection.execute(f'DROP TABLE "{name}"')
    connection.close()
    assert schema(at_once) != before
    run(at_once.parent, "manage.py", "migrate", "--verbosity", "0")
    assert schema(at_once) == before
