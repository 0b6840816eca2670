from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.accounts.invitations import link_url
from webapp.accounts.models import SignInLink, User


class Command(BaseCommand):
    help = "Print a link that signs a person in once: for a lost password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = User.objects.filter(email=email.lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"Nobody here has the address {email}. See manage.py createadmin.")
        self.stdout.write(link_url(SignInLink.make(user)))
        self.stderr.write("The link works once, for seven days.")
