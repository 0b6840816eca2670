from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction
from django.forms import ValidationError

from webapp.accounts.invitations import link_url
from webapp.accounts.models import Role, SignInLink, User, Workspace


class Command(BaseCommand):
    help = "Make the first administrator and print a link that signs them in once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--workspace", default="My workspace", help="Made if there is none.")

    @transaction.atomic
    def handle(self, *args: Any, email: str, workspace: str, **options: Any) -> None:
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f"{email!r} is not an e-mail address.") from None
        user = User.objects.filter(email=email.lower()).first()
        user = user or User.objects.create_superuser(email)
        if not user.is_superuser or not user.is_staff:
            user.is_superuser = user.is_staff = True
            user.save(update_fields=["is_superuser", "is_staff"])
            user.end_links()  # made by others, for less
        _administers(user, workspace)
        self.stdout.write(link_url(SignInLink.make(user)))
        self.stderr.write("The link works once, for seven days.")


def _administers(user: User, name: str) -> None:
    """An administrator of the workspace of this name, which is made where it is missing."""
    place = Workspace.objects.filter(name=name).order_by("pk").first()
    if place is None:
        Workspace.found(name, by=user)
        return
    place.memberships.update_or_create(user=user, defaults={"role": Role.ADMINISTRATOR})
