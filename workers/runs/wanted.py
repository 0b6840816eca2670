"""Asking for the analyses of what was uploaded into a project."""

from webapp.celery import app
from webapp.runs import wanted


@app.task(name="start_wanted")
def start_wanted() -> None:
    """Of all that is ready by now. The sweep does it too, for what a crash came between."""
    wanted.start_wanted()
