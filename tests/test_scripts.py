"""Benches and scripts, which no other test runs, still find what they import of ours."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"analysis", "webapp", "workers", "bench", "demo", "tests"}
SCRIPTS = sorted(
    path for folder in ("bench", "demo", "docs") for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_script_finds_what_it_imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in OURS:
            for name in node.names:
                assert is_there(str(node.module), name.name), f"{node.module}.{name.name}"


def is_there(module: str, name: str) -> bool:
    if hasattr(importlib.import_module(module), name):
        return True
    return importlib.util.find_spec(f"{module}.{name}") is not None
