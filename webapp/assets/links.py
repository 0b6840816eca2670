"""Signed, expiring links to media. A link says which file, and is worth nothing after its time."""

from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.signing import BadSignature, TimestampSigner
from django.urls import reverse
from django.utils import timezone

_signer = TimestampSigner(salt="sightline.media")


def media_link(name: str, *, download_as: str = "") -> str:
    """A link to a file of the media storage, good for MEDIA_LINK_SECONDS.

    The stamp is rounded to a quarter of that time, so a page that is loaded again gets the same
    link and the browser's cache is of use.
    """
    if settings.S3_BUCKET:
        return default_storage.url(name)
    token = _RoundedSigner(salt="sightline.media").sign(name)
    link = reverse("media", args=[token])
    return f"{link}?{urlencode({'as': download_as})}" if download_as else link


def file_of(token: str) -> str:
    """The file a link names. Raises BadSignature when it is forged or too old."""
    return _signer.unsign(token, max_age=settings.MEDIA_LINK_SECONDS)


def media_origin() -> str:
    """The other origin that media comes from, for the content policy; "" when it is this site."""
    if not settings.S3_BUCKET:
        return ""
    parts = urlsplit(default_storage.url("x"))
    return f"{parts.scheme}://{parts.netloc}"


class _RoundedSigner(TimestampSigner):
    def timestamp(self) -> str:
        from django.core.signing import b62_encode

        step = settings.MEDIA_LINK_SECONDS // 4
        now = int(timezone.now().timestamp())
        return b62_encode(now - now % step)


__all__ = ["BadSignature", "file_of", "media_link", "media_origin"]
