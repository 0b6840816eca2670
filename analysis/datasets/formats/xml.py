"""XML that came from somewhere else: entities, DTDs and broken files are refused in a sentence."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, ParseError, SubElement, indent

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import parse as _parse

from analysis.errors import AnalysisError


def load(path: Path) -> Element:
    """The root element. Raises AnalysisError for what is no XML, or is more than plain XML."""
    try:
        root = _parse(path, forbid_dtd=True).getroot()
    except DefusedXmlException as error:
        raise AnalysisError(
            f"{path.name} defines entities or a document type, which can hide harm. "
            "Save it as plain XML."
        ) from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise AnalysisError(f"{path.name} is not XML that can be read ({error}).") from error
    assert root is not None
    return root


def save(root: Element, path: Path) -> None:
    """Write the tree, a line for each element. Raises AnalysisError for what XML cannot hold."""
    indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def add(parent: Element, tag: str, text: object = None, **attributes: object) -> Element:
    """A child with this text and these attributes, each as a string."""
    child = SubElement(parent, tag, {key: _plain(value) for key, value in attributes.items()})
    if text is not None:
        child.text = _plain(text)
    return child


def _plain(value: object) -> str:
    """As text without the control characters that XML has no way to write."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return "".join(c for c in str(value) if c >= " " or c in "\t\n\r")


def text(parent: Element, path: str, default: str = "") -> str:
    """The text of a descendant, without blanks around it."""
    return (parent.findtext(path) or default).strip()


def number(value: str | None) -> float | None:
    """A finite number, or None for what is none."""
    try:
        found = float(value or "")
    except ValueError:
        return None
    return found if isfinite(found) else None
