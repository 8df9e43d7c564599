"""Colours that colour-blind readers can tell apart, in light and in dark, and the scales that data are drawn with."""

from __future__ import annotations

# Paul Tol, "Colour schemes", SRON/EPS/TN/09-002 (2021): "bright", in an order where neighbours differ in lightness too.
# All have a contrast of at least 3:1 on both page backgrounds, but for the yellow, which comes late.
SERIES = ("#4477AA", "#EE6677", "#228833", "#AA3377", "#66CCEE", "#CCBB44", "#8C8C8C")
PREDICTED = SERIES[1]
QUIET = "rgba(128,128,128,0.18)"  # bands and guides: grey that shows on white and on black
GUIDE = "rgba(128,128,128,0.75)"

SEQUENTIAL = "Viridis"  # perceptually uniform, monotone in lightness: also readable in greyscale
ERRORS = "Cividis"  # the same, and its darkest end means "smallest"
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


def with_alpha(colour: str, alpha: float) -> str:
    """``#RRGGBB`` as ``rgba(r,g,b,alpha)``."""
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
