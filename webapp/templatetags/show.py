"""How values read on pages."""

from typing import Any

from django import template

from analysis.exposure.columns import UNCHECKED, Column, clock, edges, figure, percent

register = template.Library()


register.filter("clock", clock)
register.filter("percent", percent)
register.filter("edges", edges)


@register.filter
def of(column: Column, brand: Any) -> str:
    """The figure of a brand in a column of exposure."""
    return figure(column, brand)


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
def about(seconds: float | None) -> str:
    """An estimate as a person would say it: "about 3 min"."""
    if seconds is None:
        return ""
    if seconds < 50:
        return f"about {max(5, round(seconds / 5) * 5)} s"
    if seconds < 50 * 60:
        return f"about {max(1, round(seconds / 60))} min"
    return f"about {seconds / 3600:.1f} h"


@register.filter
def thousands(n: int | None) -> str:
    """12345 → "12,345"."""
    return "" if n is None else f"{n:,}"
