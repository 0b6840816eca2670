import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from webapp.accounts.models import SignInLink, User, Workspace
from webapp.processes import EMBEDDED, Processes, web


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
        for name, command in EMBEDDED.items():
            processes.start(name, command())
        processes.start("web server", web(options["host"], options["port"]))
        self.stdout.write(welcome(options["host"], options["port"]))
        try:
            processes.run_until_stopped()
        finally:
            processes.stop()


def prepare() -> None:
    """Bring the database and the static files up to date."""
    call_command("migrate", verbosity=0, interactive=False)
    if not settings.DEBUG:
        call_command("collectstatic", verbosity=0, interactive=False)


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
        lines.append(f"  Sign in as {user.email}, or run `manage.py signinlink {user.email}`.")
    else:
        lines.append(f"  Sign in once with {base}/sign-in/{SignInLink.make(user)}")
        lines.append("  and choose a password there. The link works one time, for seven days.")
    return "\n".join([*lines, "  Stop with Ctrl+C.", ""])
