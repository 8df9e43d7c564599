"""Colours of species: the conventional ones for the elements of organic chemistry, the series' for all others."""

from __future__ import annotations

from collections.abc import Sequence

from equiviz.view.colours import SERIES

UNKNOWN = "#8C8C8C"  # of what has no value, or no species
# The Corey-Pauling-Koltun convention, with tones that show on white and on black.
_CONVENTIONAL = {
    "H": "#C9CDD4",
    "C": "#5F6570",
    "N": "#3F6FD1",
    "O": "#D64541",
    "S": "#D9B92F",
    "P": "#E08A2E",
    "F": "#5FB865",
    "Cl": "#3C9A4B",
}


def label_colours(labels: Sequence[str]) -> dict[str, str]:
    """A colour for each distinct label, in alphabetical order, so that equal systems look equal."""
    free = [label for label in sorted(set(labels)) if label not in _CONVENTIONAL]
    return {**_CONVENTIONAL, **{label: SERIES[place % len(SERIES)] for place, label in enumerate(free)}}
