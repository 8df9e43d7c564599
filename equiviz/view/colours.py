"""Colours that colour-blind readers can tell apart, in light and in dark, and the scales that data are drawn with."""

from __future__ import annotations

from typing import TypeAlias

# Paul Tol, "Colour schemes", SRON/EPS/TN/09-002 (2021): "bright", in an order where neighbours differ in lightness too.
# All have a contrast of at least 3:1 on both page backgrounds, but for the yellow, which comes late.
SERIES = ("#4477AA", "#EE6677", "#228833", "#AA3377", "#66CCEE", "#CCBB44", "#8C8C8C")
PREDICTED = SERIES[1]
QUIET = "rgba(128,128,128,0.18)"  # bands and guides: grey that shows on white and on black
GUIDE = "rgba(128,128,128,0.75)"

Scale: TypeAlias = "tuple[tuple[float, str], ...]"


def _even(*colours: str) -> Scale:
    return tuple((place / (len(colours) - 1), colour) for place, colour in enumerate(colours))


# Viridis and Cividis: perceptually uniform, monotone in lightness, so also readable in greyscale. Their dark ends
# vanish on a dark page (contrast 1.2:1), which therefore draws the same hues from 3:1 upwards.
SEQUENTIAL = _even(
    "#440154", "#482878", "#3E4989", "#31688E", "#26828E", "#1F9E89", "#35B779", "#6ECE58", "#B5DE2B", "#FDE725"
)
SEQUENTIAL_ON_DARK = _even("#4071B4", "#3189A6", "#25A193", "#4ABD72", "#9AD43C", "#FDE725")
ERRORS = _even(
    "#00224E", "#123570", "#3B496C", "#575D6D", "#707173", "#8A8678", "#A59C74", "#C3B369", "#E1CC55", "#FEE838"
)  # its darkest end means "smallest"
ERRORS_ON_DARK = _even("#5B7096", "#7F8491", "#B8A96A", "#FEE838")
# Crameri's "vik", sampled, for signed data: zero is light, both ends are dark and differ for the colour-blind too.
# Crameri, F. (2018), Scientific colour maps, Zenodo, doi:10.5281/zenodo.1243862
DIVERGING = (
    (0.0, "#001261"),
    (0.125, "#033E7D"),
    (0.25, "#1E6F9D"),
    (0.375, "#71A8C4"),
    (0.5, "#ECE5E0"),
    (0.625, "#D29A7B"),
    (0.75, "#B8602F"),
    (0.875, "#8B2706"),
    (1.0, "#590008"),
)
DIVERGING_ON_DARK = _even("#3E7FD0", "#6FA9DC", "#ECE5E0", "#DDA07A", "#C9572B")
ON_DARK = ((SEQUENTIAL, SEQUENTIAL_ON_DARK), (ERRORS, ERRORS_ON_DARK), (DIVERGING, DIVERGING_ON_DARK))
"""What a dark page draws in place of which scale."""


def with_alpha(colour: str, alpha: float) -> str:
    """``#RRGGBB`` as ``rgba(r,g,b,alpha)``."""
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
