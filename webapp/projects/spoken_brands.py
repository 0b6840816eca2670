"""Labels as what is looked for in words."""

from __future__ import annotations

from analysis.text import Brand
from webapp.projects.models import Label


def brand_of(label: Label) -> Brand:
    return Brand(label.pk, (label.name, *label.aliases), tuple(label.not_in), label.is_ordinary)
