"""Knowing an SVG drawing when one sees it. Light enough for the web; `logo_files` paints."""

MOST_BYTES = 5 << 20


def looks_like_drawing(head: bytes) -> bool:
    """Whether what begins with `head` is SVG."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<?xml", b"<svg", b"<!doctype svg", b"<!--")) and b"<svg" in start
