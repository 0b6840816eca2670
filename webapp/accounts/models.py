from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.utils import timezone
from django.utils.text import slugify


def hashed(secret: str) -> str:
    """Keys and link tokens are long and random, so a plain SHA-256 is enough to store them by."""
    return hashlib.sha256(secret.encode()).hexdigest()


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        if not email:
            raise ValueError("A person needs an e-mail address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)  # None makes the password unusable
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. The whole address is the name, so bob@a and bob@b never collide."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    objects = UserManager()

    def __str__(self) -> str:
        return self.name or self.email


class Action(models.TextChoices):
    """What a role may do. Views ask for one of these and never for a role."""

    VIEW = "view"
    ANALYSE = "analyse"  # upload, edit projects, start and stop runs, issue reports
    LABEL = "label"
    REVIEW = "review"
    ADMINISTER = "administer"


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator"
    ANALYST = "analyst"
    LABELLER = "labeller"
    REVIEWER = "reviewer"
    VIEWER = "viewer"

    def can(self, action: Action) -> bool:
        return action in MAY[self]


MAY: dict[Role, set[Action]] = {
    Role.ADMINISTRATOR: set(Action),
    Role.ANALYST: {Action.VIEW, Action.ANALYSE, Action.LABEL, Action.REVIEW},
    Role.REVIEWER: {Action.VIEW, Action.LABEL, Action.REVIEW},
    Role.LABELLER: {Action.LABEL},  # sees the jobs given to them, and nothing else
    Role.VIEWER: {Action.VIEW},
}


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def of(self, user: User) -> Self:
        return self.filter(memberships__user=user)

    def where(self, user: User, action: Action) -> Self:
        """The workspaces in which this person may do this."""
        roles = [role for role in Role if role.can(action)]
        return self.filter(memberships__user=user, memberships__role__in=roles)


class Workspace(models.Model):
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True)
    created = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @classmethod
    @transaction.atomic
    def found(cls, name: str, *, by: User) -> Workspace:
        """A new workspace with its first administrator."""
        slug = slugify(name) or "workspace"
        if cls.objects.filter(slug=slug).exists():
            slug = f"{slug[:70]}-{secrets.token_hex(3)}"
        workspace = cls.objects.create(name=name, slug=slug)
        Membership.objects.create(workspace=workspace, user=by, role=Role.ADMINISTRATOR)
        Event.record(workspace, by, "founded the workspace", name)
        return workspace


class Membership(models.Model):
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="one_membership_each")
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role} of {self.workspace}"

    def can(self, action: Action) -> bool:
        return Role(self.role).can(action)

    def is_last_administrator(self) -> bool:
        others = self.workspace.memberships.filter(role=Role.ADMINISTRATOR).exclude(pk=self.pk)
        return self.role == Role.ADMINISTRATOR and not others.exists()


class SignInLink(models.Model):
    """A link that signs one person in once. The first administrator's, and every invitation."""

    user = models.ForeignKey(User, models.CASCADE, related_name="sign_in_links")
    token_hash = models.CharField(max_length=64, unique=True)
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"sign-in link of {self.user}"

    @classmethod
    def make(cls, user: User, *, days: float = 7) -> str:
        """The token for a new link. It is shown once; only its hash is kept."""
        token = secrets.token_urlsafe(24)
        cls.objects.create(
            user=user, token_hash=hashed(token), expires=timezone.now() + timedelta(days=days)
        )
        return token

    @classmethod
    def redeem(cls, token: str) -> User | None:
        """The person, once; None for a link that is used up, expired or unknown."""
        link = cls.objects.filter(token_hash=hashed(token)).select_related("user").first()
        fresh = cls.objects.filter(
            token_hash=hashed(token),
            used=None,
            expires__gt=timezone.now(),
            user__is_active=True,
        )
        if link is None or not fresh.update(used=timezone.now()):
            return None
        return link.user


class Key(models.Model):
    """An API key: acts as its owner, in one workspace, and only as far as `can_write` allows."""

    PREFIX = "sl_"

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="keys")
    user = models.ForeignKey(User, models.CASCADE, related_name="keys")
    name = models.CharField(max_length=80)
    hint = models.CharField(max_length=8)
    key_hash = models.CharField(max_length=64, unique=True)
    can_write = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.PREFIX}{self.hint}…)"

    @classmethod
    def make(
        cls, workspace: Workspace, user: User, name: str, *, can_write: bool = False
    ) -> tuple[Key, str]:
        secret = cls.PREFIX + secrets.token_urlsafe(32)
        key = cls.objects.create(
            workspace=workspace,
            user=user,
            name=name,
            hint=secret[3:7],
            key_hash=hashed(secret),
            can_write=can_write,
        )
        return key, secret


class Event(models.Model):
    """Who did what, for the audit log. Kept when its subject is gone."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="events")
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    what = models.CharField(max_length=80)
    subject = models.CharField(max_length=255, blank=True)
    data = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        # the audit page lists a workspace's latest
        indexes = [models.Index(fields=["workspace", "-at"], name="event_latest")]

    def __str__(self) -> str:
        return f"{self.user or 'Somebody'} {self.what} {self.subject}".strip()

    @classmethod
    def record(
        cls, workspace: Workspace, user: User | None, what: str, subject: str = "", **data: Any
    ) -> None:
        cls.objects.create(
            workspace=workspace, user=user, what=what, subject=subject[:255], data=data
        )
