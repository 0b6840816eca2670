import hashlib
import os
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from webapp.accounts.models import SignInLink, User, Workspace
from webapp.processes import EMBEDDED, Processes, web

FIRST_ANSWER_S = 60  # after which the workers start all the same


class Command(BaseCommand):
    help = "Serve the site on this machine: web, workers and clock, with one command."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *args: Any, **options: Any) -> None:
        prepare()
        os.environ.setdefault("SIGHTLINE_URL", address(options["host"], options["port"]))
        processes = Processes(self.stdout.write)
        processes.stop_on_signals()
        try:
            start_site(processes, options["host"], options["port"])
            self.stdout.write(welcome(options["host"], options["port"]))
            start_workers(processes)
            processes.run_until_stopped()
        finally:
            processes.stop()


def prepare() -> None:
    """Bring the database and the static files up to date."""
    call_command("migrate", verbosity=0, interactive=False)
    if not settings.DEBUG:
        collect_static_files()


def collect_static_files() -> None:
    """Collect them where any is new: hashing and packing all of them takes seconds."""
    seen = settings.STATIC_ROOT / ".collected"
    now = _static_files()
    if seen.exists() and seen.read_text() == now:
        return
    call_command("collectstatic", verbosity=0, interactive=False)
    seen.write_text(now)


def _static_files() -> str:
    """A fingerprint of what there is to collect: each file's name, size and time."""
    found = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            stat = Path(storage.path(name)).stat()
            found.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return found.hexdigest()


def start_site(processes: Processes, host: str, port: int) -> None:
    """Start the web server alone, and come back when it answers: workers that load their libraries
    at the same time make whoever waits for the first page wait three times as long."""
    processes.start("web server", web(host, port))
    deadline = time.monotonic() + FIRST_ANSWER_S
    while not processes.ending and time.monotonic() < deadline and not _answers(host, port):
        processes.tend()
        time.sleep(0.1)


def _answers(host: str, port: int) -> bool:
    try:
        urllib.request.urlopen(  # noqa: S310 — our own address
            f"{address(host, port)}/healthz", timeout=FIRST_ANSWER_S
        ).close()
    except HTTPError:
        return True  # it has something to say about the machine, and says it
    except (URLError, OSError):
        return False
    return True


def start_workers(processes: Processes) -> None:
    for name, command in EMBEDDED.items():
        processes.start(name, command())


def first_administrator() -> User:
    """The person the first sign-in link is for, with a workspace to work in."""
    user = User.objects.filter(is_superuser=True).order_by("pk").first()
    if user is None:
        user = User.objects.create_superuser("admin@localhost", name="Administrator")
    if not Workspace.objects.of(user).exists():
        Workspace.found("My workspace", by=user)
    return user


def address(host: str, port: int) -> str:
    """Where the site is for who sits at this machine; the children put it into their links."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
    return f"http://{shown}:{port}"


def welcome(host: str, port: int) -> str:
    """Where the site is, and how the first administrator gets in."""
    base = address(host, port)
    user = first_administrator()
    lines = ["", f"  Sightline is at {base}/"]
    if user.has_usable_password():
        lines.append(f"  Sign in as {user.email}, or come by the link that is printed by")
        lines.append(f"  `manage.py signinlink --email {user.email}`.")
    else:
        lines.append(f"  Sign in once with {base}/sign-in/{SignInLink.make(user)}")
        lines.append("  and choose a password there. The link works one time, for seven days.")
    return "\n".join([*lines, "  Stop with Ctrl+C.", ""])
