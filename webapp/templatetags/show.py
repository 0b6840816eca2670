"""How values read on pages."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from django import template
from django.utils import timezone

from analysis.exposure.columns import (
    UNCHECKED,
    Column,
    clock,
    doubts,
    edges,
    figure,
    percent,
    seconds,
    shown,
    spoken,
)

register = template.Library()


register.filter("clock", clock)
register.filter("percent", percent)
register.filter("seconds", seconds)
register.filter("spoken", spoken)
register.filter("edges", edges)
register.filter("doubts", doubts)


@register.filter
def of(column: Column, brand: Any) -> str:
    """The figure of a brand in a column of exposure."""
    return figure(column, brand)


@register.filter
def value(column: Column, number: float | None) -> str:
    """A number as it reads in a column of exposure."""
    return shown(column, number)


@register.filter
def share(part: float) -> str:
    """0.025 → "2.5 %", with as many digits as were given."""
    return f"{part * 100:.6g}\u202f%"


@register.filter
def signed(change: float, decimals: int = 1) -> str:
    """A difference: +12.0, −3.5, 0.0."""
    rounded = round(change, decimals)
    sign = {True: "+", False: "−"}[rounded > 0] if rounded else ""
    return f"{sign}{abs(rounded):,.{decimals}f}"


@register.simple_tag
def unchecked() -> str:
    return UNCHECKED


@register.filter
def size(n_bytes: int | None) -> str:
    """1234567 → "1.2 MB"."""
    amount = float(n_bytes or 0)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return (
                f"{amount:.0f}\u202f{unit}"
                if amount >= 100 or unit == "B"
                else f"{amount:.1f}\u202f{unit}"
            )
        amount /= 1000
    return f"{amount:.1f}\u202fTB"


@register.filter
def moment(iso: str) -> str:
    """A time in a manifest, in the reader's zone and with its name."""
    return f"{timezone.localtime(datetime.fromisoformat(iso)):%-d %b %Y, %H:%M %Z}"


@register.filter
def about(seconds: float | None) -> str:
    """An estimate as a person would say it: "about 3 min"."""
    if seconds is None:
        return ""
    if seconds < 50:
        return f"about {max(5, round(seconds / 5) * 5)} s"
    if seconds < 50 * 60:
        return f"about {max(1, round(seconds / 60))} min"
    hours = seconds / 3600
    if hours < 10:
        return f"about {round(hours, 1):g} h"
    return f"about {round(hours)} h" if hours < 48 else f"about {round(hours / 24)} days"


@register.filter
def named(source: str) -> str:
    """What a picture is called, where its source is an address: s3://bucket/a/b.jpg → b.jpg."""
    scheme, _, rest = source.partition("://")
    if not rest or not scheme.isalnum():
        return source
    if scheme in ("http", "https"):
        rest = unquote(re.split("[?#]", rest)[0])
    return rest.rstrip("/").rpartition("/")[2] or source


@register.filter
def measured(number: float | None, decimals: int = 2) -> str:
    """-8.4839 → "−8.48"; nothing where nothing was measured."""
    return "" if number is None else f"{number:.{decimals}f}".replace("-", "−")


@register.filter
def thousands(n: int | None) -> str:
    """12345 → "12,345"."""
    return "" if n is None else f"{n:,}"
