"""Relative errors, shares and sizes for readers."""

from __future__ import annotations

import math


def percent(value: float, endless: str = "not finite") -> str:
    """Percent where a hundredth of one or more is left, powers of ten below; `endless` for infinity."""
    if math.isinf(value):
        return endless
    if value == 0:
        return "0"
    if abs(value) >= 0.095:
        return f"{100 * value:.0f} %"
    return f"{100 * value:.2g} %" if abs(value) >= 1e-4 else f"{value:.1e}"
