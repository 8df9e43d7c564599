"""ColourScale: what a colour means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ColourScale:
    """What a colour means: the quantity, its unit, and the range. ``diverging`` is centred at zero.

    Without ``low`` and ``high`` the range is that of the data, but for the one percent at each end: outliers would
    bleach the rest.
    """

    title: str = ""
    unit: str = ""
    kind: Literal["sequential", "diverging"] = "sequential"
    low: float | None = None
    high: float | None = None

    @property
    def heading(self) -> str:
        """The title with its unit, as it stands on a colour bar."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def limits(self, values: NDArray[np.float64]) -> tuple[float, float]:
        """The two ends of the scale for these data, ``[n]``; never equal."""
        known = values[np.isfinite(values)]
        low, high = np.quantile(known, [0.01, 0.99]) if len(known) else (0.0, 1.0)
        if self.kind == "diverging":
            low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
        low, high = (low if self.low is None else self.low), (high if self.high is None else self.high)
        return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)
