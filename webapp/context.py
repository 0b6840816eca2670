from typing import Any

from django.conf import settings
from django.http import HttpRequest

from webapp.accounts.models import Action


def shell(request: HttpRequest) -> dict[str, Any]:
    """What the frame around every page shows."""
    membership = getattr(request, "membership", None)
    return {
        "membership": membership,
        "workspace": membership.workspace if membership else None,
        "may": {action.value: membership.can(action) for action in Action} if membership else {},
        "version": settings.VERSION,
    }
