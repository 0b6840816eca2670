"""Typed values from the environment. A malformed one stops the start and names itself."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    value = text(name).lower()
    if value in ("", "1", "0", "true", "false", "yes", "no", "on", "off"):
        return value in ("1", "true", "yes", "on") if value else default
    raise ImproperlyConfigured(f"{name} must be 1 or 0, got {value!r}.")


def number(name: str, default: int) -> int:
    value = text(name)
    try:
        return int(value) if value else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, got {value!r}.") from None


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def folder(name: str, default: Path) -> Path:
    path = Path(text(name, str(default))).expanduser().resolve()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name} names {path}, which cannot be made: {error.strerror}."
        ) from error
    return path


def secret(name: str, kept: Path) -> str:
    """A secret from the environment, or one made on first start and kept in a file.

    However many processes start first at the same time, all have the same one: the file appears
    whole, and whoever comes second takes it.
    """
    if given := text(name):
        return given
    if not kept.exists():
        aside = kept.with_name(f".{secrets.token_hex(8)}.part")
        aside.touch(mode=0o600)
        aside.write_text(secrets.token_urlsafe(50))
        try:
            os.link(aside, kept)
        except FileExistsError:
            pass
        except OSError:  # a disk that knows no links
            os.replace(aside, kept)
        aside.unlink(missing_ok=True)
    return kept.read_text().strip()
