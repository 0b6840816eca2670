"""What `manage.py check` says about the settings, each with what to do about it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

LOCAL = ("127.0.0.1", "localhost", "::1")


@register()
def site_address(app_configs: Any, **kwargs: Any) -> Iterable[CheckMessage]:
    """Links in mails and the https cookies follow SIGHTLINE_URL."""
    parts = urlsplit(settings.SITE_URL)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        yield Error(
            f"SIGHTLINE_URL is {settings.SITE_URL!r}, which is not a web address.",
            hint="Set it to what people type, such as https://sightline.example.org",
            id="sightline.E001",
        )
    elif parts.scheme == "http" and parts.hostname not in LOCAL:
        yield Warning(
            f"SIGHTLINE_URL is {settings.SITE_URL}: passwords cross the network in the open.",
            hint="Put an https proxy in front and set SIGHTLINE_URL=https://…",
            id="sightline.W001",
        )
    elif parts.hostname not in settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS:
        yield Warning(
            f"SIGHTLINE_HOSTS does not name {parts.hostname}, so its own links are refused.",
            hint=f"Set SIGHTLINE_HOSTS={parts.hostname}",
            id="sightline.W002",
        )


@register()
def secret(app_configs: Any, **kwargs: Any) -> Iterable[CheckMessage]:
    if len(settings.SECRET_KEY) < 40:
        yield Error(
            "SIGHTLINE_SECRET_KEY is shorter than 40 letters, so it could be guessed.",
            hint="Unset it to have one made, or set 50 random letters.",
            id="sightline.E002",
        )


@register()
def folders(app_configs: Any, **kwargs: Any) -> Iterable[CheckMessage]:
    for name, variable in [
        ("DATA_DIR", "SIGHTLINE_DATA"),
        ("MEDIA_ROOT", "SIGHTLINE_MEDIA"),
        ("UPLOAD_DIR", "SIGHTLINE_UPLOADS"),
        ("CACHE_DIR", "SIGHTLINE_CACHE"),
    ]:
        folder = Path(getattr(settings, name))
        if problem := _cannot_write(folder):
            yield Error(
                f"{variable} names {folder}, which cannot be written: {problem}.",
                hint="Give the folder to the user that runs Sightline, or name another one.",
                id="sightline.E003",
            )


def _cannot_write(folder: Path) -> str:
    probe = folder / ".write-check"
    try:
        probe.write_bytes(b"")
        probe.unlink(missing_ok=True)
    except OSError as error:
        return error.strerror or str(error)
    return ""


@register(deploy=True)
def debugging(app_configs: Any, **kwargs: Any) -> Iterable[CheckMessage]:
    if settings.DEBUG:
        yield Warning(
            "SIGHTLINE_DEBUG is on: errors show settings and code to whoever meets them.",
            hint="Unset SIGHTLINE_DEBUG.",
            id="sightline.W003",
        )
