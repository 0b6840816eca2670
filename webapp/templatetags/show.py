"""How values read on pages."""

from django import template

register = template.Library()


@register.filter
def clock(seconds: float | None, decimals: int = 1) -> str:
    """h:mm:ss.f, without leading zero hours: 0:07.5, 2:41.4, 1:02:03.0."""
    if seconds is None:
        return ""
    ticks = round(max(float(seconds), 0.0) * 10**decimals)
    whole, fraction = divmod(ticks, 10**decimals)
    minutes, s = divmod(whole, 60)
    hours, m = divmod(minutes, 60)
    text = f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"
    return f"{text}.{fraction:0{decimals}}" if decimals else text


@register.filter
def percent(share: float | None, decimals: int = 0) -> str:
    """0.4567 → "46 %", with a thin gap before the sign."""
    return "" if share is None else f"{share * 100:.{decimals}f}\u202f%"


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
