"""Rows put straight into a site's database, by one process beside it for all tests.

`python -m tests.browser.rows` with the site's environment answers each line of its input, the name
of a module in this folder, with a line of JSON: what the module's `make()` says it made, or why it
made nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import traceback


def serve() -> None:
    for line in sys.stdin:
        try:
            with contextlib.redirect_stdout(sys.stderr):  # whatever else it says
                made = importlib.import_module(f"tests.browser.{line.strip()}").make()
            print(json.dumps({"made": made}), flush=True)
        except Exception:  # the test that asked fails by it, and those after it are served
            print(json.dumps({"error": traceback.format_exc()}), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
    import django

    django.setup()
    serve()
