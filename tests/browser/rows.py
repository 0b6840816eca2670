"""Rows put straight into a site's database, by one process beside it for all tests.

`python -m tests.browser.rows` with the site's environment answers each line of its input, the name
of a module in this folder, with a line of JSON: what the module's `make()` says it made.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys


def serve() -> None:
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):  # whatever else it says
            made = importlib.import_module(f"tests.browser.{line.strip()}").make()
        print(json.dumps(made), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    import django

    django.setup()
    serve()
