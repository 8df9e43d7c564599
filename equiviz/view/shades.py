"""Numbers as CSS colours, for viewers that know no scales of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from equiviz.view.arrays import numbers
from equiviz.view.palette import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from equiviz.view.colours import Scale


def shades(values: ArrayLike, low: float, high: float, scale: Scale) -> list[str]:
    """One "#rrggbb" per value ``[N]``, from one end of a scale to the other; grey for what is not finite."""
    known = numbers(values)
    places = [place for place, _ in scale]
    parts = np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for _, colour in scale])  # [n, 3]
    share = np.clip((np.nan_to_num(known) - low) / ((high - low) or 1.0), 0, 1)
    mixed = np.stack([np.interp(share, places, part) for part in parts.T], axis=1).astype(int)  # [N, 3]
    finite = np.isfinite(known)
    return [f"#{r:02x}{g:02x}{b:02x}" if ok else UNKNOWN for ok, (r, g, b) in zip(finite, mixed.tolist(), strict=True)]
