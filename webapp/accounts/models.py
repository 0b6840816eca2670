from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Self, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models, transaction
from django.utils import timezone
from django.utils.text import slugify

from webapp.erasing import hold, let_go
from webapp.storage import keep_once
from webapp.stored_files import StoredFile


def hashed(secret: str) -> str:
    """Keys and link tokens are long and random, so a plain SHA-256 is enough to store them by."""
    return hashlib.sha256(secret.encode()).hexdigest()


T = TypeVar("T")


class Refused(Exception):
    """Why not, in a sentence for the person who asked."""


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
    time_zone = models.CharField(max_length=64, blank=True)  # "": not known yet
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    objects = UserManager()

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def has_password(self) -> bool:
        """Else links are their only way in."""
        return bool(self.password) and self.has_usable_password()

    def end_links(self) -> None:
        """Links made for what this person could see before open nothing any more."""
        self.sign_in_links.filter(used=None).update(used=timezone.now())

    def keeps_alone(self) -> Workspace | None:
        """A workspace that nobody could change any more if this account were closed."""
        theirs = self.memberships.filter(role=Role.ADMINISTRATOR).select_related("workspace")
        return next((m.workspace for m in theirs if m.is_last_administrator()), None)


class Action(models.TextChoices):
    """What a role may do. Views ask for one of these and never for a role."""

    VIEW = "view"
    COMMENT = "comment"  # talk about what one sees
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
    Role.ANALYST: {Action.VIEW, Action.COMMENT, Action.ANALYSE, Action.LABEL, Action.REVIEW},
    Role.REVIEWER: {Action.VIEW, Action.COMMENT, Action.LABEL, Action.REVIEW},
    Role.LABELLER: {Action.LABEL},  # sees the jobs given to them, and nothing else
    Role.VIEWER: {Action.VIEW, Action.COMMENT},
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
    logo = StoredFile(is_shared=True, blank=True)  # on the cover of its reports
    indexes_uploads = models.BooleanField(default=True)  # where a worker can
    remembers_voices = models.BooleanField(default=True)  # of speakers whom somebody named
    # for which on-screen text is read where nobody says another; a key of `analysis.reading`
    text_language = models.CharField(max_length=16, blank=True)
    # by which pictures are compared; a key of `webapp.indexing.encoders`, "" for our own
    picture_encoder = models.CharField(max_length=80, blank=True)
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

    def rename(self, name: str, *, by: User) -> None:
        Event.record(self, by, "renamed the workspace", name, before=self.name)
        self.name = name
        self.save(update_fields=["name"])

    def index_uploads(self, on: bool, *, by: User) -> None:
        """Whether what is uploaded from now on is indexed without being asked for."""
        if on != self.indexes_uploads:
            self.indexes_uploads = on
            self.save(update_fields=["indexes_uploads"])
            what = "let uploads be indexed" if on else "stopped indexing uploads"
            Event.record(self, by, what, self.name)

    def read_text_for(self, language: str, *, by: User) -> None:
        """For which language on-screen text is read from now on where nobody says another."""
        if language != self.text_language:
            Event.record(
                self,
                by,
                "chose the language of on-screen text",
                self.name,
                before=self.text_language,
                after=language,
            )
            self.text_language = language
            self.save(update_fields=["text_language"])

    def encode_pictures_with(self, encoder: str, *, by: User) -> None:
        """By which encoder pictures are compared from now on."""
        if encoder != (self.picture_encoder or "logos"):
            about = {"before": self.picture_encoder, "after": encoder}
            Event.record(self, by, "chose how pictures are encoded", self.name, **about)
            self.picture_encoder = encoder
            self.save(update_fields=["picture_encoder"])

    def remember_voices(self, on: bool, *, by: User) -> None:
        """Whether speakers who are named are known again by their voice."""
        if on != self.remembers_voices:
            self.remembers_voices = on
            self.save(update_fields=["remembers_voices"])
            what = "let voices be remembered" if on else "stopped remembering voices"
            Event.record(self, by, what, self.name)

    @transaction.atomic
    def show_logo(self, file: str, data: bytes, *, by: User) -> None:
        """Reports issued from now on carry this logo; `file` is called by what is in it."""
        hold(file)
        keep_once(file, data)
        self._change_logo(file)
        Event.record(self, by, "changed the logo", self.name)

    @transaction.atomic
    def remove_logo(self, *, by: User) -> None:
        if self.logo:
            self._change_logo("")
            Event.record(self, by, "removed the logo", self.name)

    def _change_logo(self, file: str) -> None:
        before, self.logo = self.logo, file
        self.save(update_fields=["logo"])
        if before and before != file:  # reports issued with it may name it still
            transaction.on_commit(lambda: let_go(before))

    @transaction.atomic
    def invite(self, email: str, role: str, *, by: User) -> tuple[Membership, str]:
        """The new member, and the token of a sign-in link for a person who belongs nowhere yet.

        A link opens all that its person belongs to, and whoever makes one could use it. So
        somebody with a password gets none, and their open links end, as they were made for less.
        Somebody without a password has no other way in than the links of the one workspace they
        are in: they cannot join a second before they set one.
        """
        email = email.strip().lower()
        user, is_new = User.objects.get_or_create(email=email)
        # Invitations and links for one person wait for each other here.
        user = User.objects.select_for_update().get(pk=user.pk)
        if is_new:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        self._refuse_to_invite(user)
        membership = self.memberships.create(user=user, role=role)
        Event.record(self, by, "invited", email, role=role)
        user.end_links()
        return membership, "" if user.has_password else SignInLink.make(user)

    def _refuse_to_invite(self, user: User) -> None:
        if self.memberships.filter(user=user).exists():
            raise Refused(f"{user.email} is a member already.")
        if not user.is_active:
            raise Refused(f"The account of {user.email} is closed.")
        belongs = user.is_staff or user.is_superuser or user.memberships.exists()
        if belongs and not user.has_password:
            raise Refused(
                f"{user.email} has an account but no password yet. Once they have signed in with "
                "the link they were sent and set one, you can invite them."
            )


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
        others = self.workspace.memberships.filter(
            role=Role.ADMINISTRATOR, user__is_active=True
        ).exclude(pk=self.pk)
        return self.role == Role.ADMINISTRATOR and not others.exists()

    def _keep_one_administrator(self) -> None:
        # One row that both of two leaving administrators must lock first.
        Workspace.objects.select_for_update().get(pk=self.workspace_id)
        self.refresh_from_db(fields=["role"])
        if self.is_last_administrator():
            raise Refused(
                f"{self.user} is the last administrator. Make somebody else one first, or nobody "
                "could change this workspace any more."
            )

    @transaction.atomic
    def change_role(self, role: str, *, by: User) -> None:
        if role != Role.ADMINISTRATOR:
            self._keep_one_administrator()
        Event.record(
            self.workspace, by, "changed a role", self.user.email, before=self.role, after=role
        )
        self.role = role
        self.save(update_fields=["role"])

    @transaction.atomic
    def remove(self, *, by: User) -> None:
        """The person leaves the workspace, and their keys to it stop working."""
        self._keep_one_administrator()
        self.workspace.keys.filter(user=self.user, revoked=None).update(revoked=timezone.now())
        Event.record(self.workspace, by, "removed a member", self.user.email, role=self.role)
        self.delete()

    def may_get_link(self) -> bool:
        """A link signs in as the person, so it may not open more than this workspace."""
        elsewhere = self.user.memberships.exclude(pk=self.pk).exists()
        return not elsewhere and not self.user.is_superuser and not self.user.is_staff

    @transaction.atomic
    def new_link(self, *, by: User) -> str:
        """A sign-in link for somebody who lost their password."""
        User.objects.select_for_update().get(pk=self.user_id)
        if not self.may_get_link():
            raise Refused(
                f"{self.user} has access to more than this workspace, so only the operator of "
                "the server can make a link: manage.py signinlink."
            )
        Event.record(self.workspace, by, "made a sign-in link", self.user.email)
        return SignInLink.make(self.user)


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
    def _fresh(cls, token: str) -> models.QuerySet[SignInLink]:
        return cls.objects.filter(
            token_hash=hashed(token),
            used=None,
            expires__gt=timezone.now(),
            user__is_active=True,
        )

    @classmethod
    def whose(cls, token: str) -> User | None:
        """Whom the link would sign in, without using it up."""
        link = cls._fresh(token).select_related("user").first()
        return link.user if link else None

    @classmethod
    def redeem(cls, token: str) -> User | None:
        """The person, once; None for a link that is used up, expired or unknown."""
        user = cls.whose(token)
        if user is None or not cls._fresh(token).update(used=timezone.now()):
            return None
        return user


class SignInTry(models.Model):
    """A wrong password. Kept in the database, so that several web processes count together."""

    WINDOW = timedelta(minutes=15)
    PER_ADDRESS = 8  # for one e-mail address from one place
    PER_PLACE = 60  # from one place for whatever address

    email = models.CharField(max_length=254)
    ip = models.CharField(max_length=45)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        # how often did this place try lately
        indexes = [models.Index(fields=["ip", "-at"], name="try_latest")]

    def __str__(self) -> str:
        return f"{self.email} from {self.ip}"

    @classmethod
    def too_many(cls, email: str, ip: str) -> bool:
        lately = cls.objects.filter(ip=ip, at__gt=timezone.now() - cls.WINDOW)
        return (
            lately.filter(email=email).count() >= cls.PER_ADDRESS or lately.count() >= cls.PER_PLACE
        )

    @classmethod
    def guarded(cls, email: str, ip: str, check: Callable[[], T | None]) -> T | None:
        """What `check` finds; None where the password is wrong. Raises Refused after too many."""
        if cls.too_many(email, ip):
            raise Refused("Too many tries. Wait a quarter of an hour, then try again.")
        found = check()
        if found:
            cls.forget(email, ip)
        else:
            cls.record(email, ip)
        return found

    @classmethod
    def record(cls, email: str, ip: str) -> None:
        cls.objects.filter(at__lt=timezone.now() - timedelta(days=1)).delete()
        cls.objects.create(email=email[:254], ip=ip[:45])

    @classmethod
    def forget(cls, email: str, ip: str) -> None:
        cls.objects.filter(email=email, ip=ip).delete()


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
        Event.record(workspace, user, "made an API key", name, can_write=can_write)
        return key, secret

    def revoke(self, *, by: User) -> None:
        if Key.objects.filter(pk=self.pk, revoked=None).update(revoked=timezone.now()):
            Event.record(self.workspace, by, "revoked an API key", self.name)


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

    @property
    def details(self) -> list[tuple[str, Any]]:
        """`data` in words. To templates `data.items` would be what is called “items” in it."""
        return [(name.replace("_", " "), _in_words(value)) for name, value in self.data.items()]

    @classmethod
    def record(
        cls, workspace: Workspace, user: User | None, what: str, subject: str = "", **data: Any
    ) -> None:
        cls.objects.create(
            workspace=workspace, user=user, what=what, subject=subject[:255], data=data
        )

    @staticmethod
    def matching(events: models.QuerySet[Event], words: str, email: str) -> models.QuerySet[Event]:
        """The events whose text has these words, by this person."""
        if words:
            events = events.filter(
                models.Q(what__icontains=words) | models.Q(subject__icontains=words)
            )
        return events.filter(user__email=email) if email else events


def _in_words(value: Any) -> Any:
    """A detail as people say it: yes, no, nothing, one after the other."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(_in_words(one)) for one in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{k} {_in_words(one)}".replace("_", " ") for k, one in value.items())
    return value
