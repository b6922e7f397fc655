"""How reports write numbers: as many digits as say something, with a real minus."""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"


def number(value: float, digits: int) -> str:
    """`−0.0123`: so many digits after the point; powers of ten where these would show nothing."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
    said = f"{value:,.{digits}f}"
    if (value and not said.strip("-0.,")) or abs(value) >= 1e9:
        said = f"{value:.3g}"
    return said.replace("-", MINUS)


def short(value: float) -> str:
    """Three digits that count: `1,234`, `12.3`, `0.0123`."""
    if not math.isfinite(value) or value == 0:
        return number(value, 0)
    rounded = abs(float(f"{value:.3g}"))  # 99.96 is 100, and has no digit after the point
    return number(value, min(6, max(0, 2 - math.floor(math.log10(rounded)))))


def scaled(value: float, unit: str) -> str:
    """`12.3 MB`, `1.20 GFLOP`: decimal prefixes."""
    prefixes = ("", "k", "M", "G", "T", "P")
    place = 0
    while abs(value) >= 999.5 and place < len(prefixes) - 1:
        value, place = value / 1000, place + 1
    return f"{short(value)} {prefixes[place]}{unit}"


def duration(seconds: float) -> str:
    """`12.3 ms`, `4.00 s`, `12 min`, `3 h 25 min`."""
    if not math.isfinite(seconds):
        return number(seconds, 0)
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size and seconds < 120:
            return f"{short(seconds / size)} {unit}"
    if seconds < 120:
        return f"{short(seconds * 1e9)} ns" if seconds else "0 s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min"
