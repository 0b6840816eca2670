import os
import socket
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.runs.workers import Worker


class Command(BaseCommand):
    help = "Exit with 0 when this machine's worker said lately that it lives (for containers)."

    def handle(self, *args: Any, **options: Any) -> None:
        host = os.environ.get("HOSTNAME") or socket.gethostname()
        if not Worker.objects.alive().filter(name__startswith=f"{host}:").exists():
            raise CommandError(f"No worker of {host} was heard of in the last 30 seconds.")
