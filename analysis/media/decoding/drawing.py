"""Paint an SVG drawing, in the guarded child and with no way to open another file.

resvg follows every `href` that is a path, and nesting without end breaks its stack: this is why
it runs here, with the number of files it may open set to those that are open already.
"""

from __future__ import annotations

import os
import re
import resource
import struct
from typing import Any
from xml.etree import ElementTree

from analysis.errors import UnreadableMedia
from analysis.media.decoding.line import Line
from analysis.media.svg import MOST_BYTES

_INSIDE = re.compile(r"#|data:image/(png|jpe?g|gif|webp)[;,]", re.IGNORECASE)
CSS_DPI = 96.0  # without it resvg-py knows no mm, cm, in or pt: what is told in these is not there


def draw(request: dict[str, Any], payload: bytes, line: Line) -> None:
    """Answer with the drawing as PNG, its longer side `request["side"]` pixels."""
    import resvg_py

    data = _whole(request["media"])
    _close_the_doors()
    text = data.decode("utf-8", "replace")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314  limits of time and memory are in force
    except (ElementTree.ParseError, ValueError) as error:
        raise UnreadableMedia(f"This SVG drawing is damaged: {error}.") from error
    _refuse_what_is_missing(root)
    try:
        png = resvg_py.svg_to_bytes(
            svg_string=text,
            width=request["side"],  # what fits into both, in its own proportions
            height=request["side"],
            dpi=CSS_DPI,
            skip_system_fonts=True,
        )
    except ValueError as error:
        raise UnreadableMedia(f"This SVG drawing cannot be painted: {error}.") from error
    _refuse_a_line(*struct.unpack(">II", bytes(png[16:24])))
    line.send({}, bytes(png))


def _whole(media: int) -> bytes:
    data = os.pread(media, MOST_BYTES + 1, 0)
    if len(data) > MOST_BYTES:
        raise UnreadableMedia(f"This SVG drawing is larger than {MOST_BYTES >> 20} MB.")
    return data


def _close_the_doors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _refuse_what_is_missing(root: ElementTree.Element) -> None:
    """What could not be painted is said, rather than left out in silence."""
    if _name(root.tag) != "svg":
        raise UnreadableMedia("This is not an SVG drawing.")
    for element in root.iter():
        name = _name(element.tag)
        if name in ("text", "tspan"):
            raise UnreadableMedia(
                "This drawing has letters that need a font. Turn its text into paths, or save it "
                "as PNG with transparency."
            )
        links = [v for k, v in element.attrib.items() if _name(k) == "href"]
        if name in ("image", "feImage", "use") and not all(map(_INSIDE.match, links)):
            raise UnreadableMedia(
                "This drawing takes in another file, which is not followed. Embed its pictures, "
                "or save it as PNG with transparency."
            )


def _name(tag: Any) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _refuse_a_line(width: int, height: int) -> None:
    if max(width, height) > 100 * min(width, height):
        raise UnreadableMedia("This drawing is a hundred times as long as it is wide.")
