from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from webapp.accounts.models import Key, User, hashed


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer sl_…`. The key is then `request.auth`."""

    def authenticate(self, request: Request) -> tuple[User, Key] | None:
        parts = get_authorization_header(request).decode("latin-1").split()
        if len(parts) != 2 or parts[0].lower() != "bearer":
            return None
        key = (
            Key.objects.filter(key_hash=hashed(parts[1]), revoked=None, user__is_active=True)
            .select_related("user", "workspace")
            .first()
        )
        if key is None:
            raise AuthenticationFailed("This API key is unknown or was revoked.")
        minute_ago = timezone.now() - timedelta(minutes=1)
        Key.objects.filter(Q(last_used=None) | Q(last_used__lt=minute_ago), pk=key.pk).update(
            last_used=timezone.now()
        )
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
