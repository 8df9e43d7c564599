"""From values and labels to colours, on a light or a dark page. Colours are red, green, blue from 0 to 255.

Capitals: N objects, T colours of a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import ImageColor

from equiviz.view.colour_scale import ColourScale
from equiviz.view.colours import DIVERGING, DIVERGING_ON_DARK, SEQUENTIAL, SEQUENTIAL_ON_DARK
from equiviz.view.errors import ViewError
from equiviz.view.layers import Atoms, Layer
from equiviz.view.palette import UNKNOWN, label_colours
from equiviz.view.shared_ranges import coloured
from equiviz.view.template import DARK, LIGHT, Theme

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS = 256


@dataclass(frozen=True, eq=False)
class Colouring:
    """What colours mean in one picture. Scales that are equal have one range, that of all data drawn on them.

    Attributes:
        dark: whether the page is dark.
        limits: the two ends of each scale.
    """

    dark: bool
    limits: dict[ColourScale, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, layers: Sequence[Layer], dark: bool) -> Colouring:
        """The colouring of all layers of a picture."""
        found: dict[ColourScale, list[NDArray[np.float64]]] = {}
        for layer in layers:
            told = coloured(layer)
            if told is not None and len(told[1]):
                found.setdefault(told[0], []).append(told[1])
        return cls(dark, {scale: scale.limits(np.concatenate(values)) for scale, values in found.items()})

    @property
    def theme(self) -> Theme:
        """The colours of the page."""
        return DARK if self.dark else LIGHT

    def table(self, scale: ColourScale) -> NDArray[np.float64]:
        """The colours of a scale from low to high, and last that of what has no value: ``[T, 3]``."""
        on_light, on_dark = (
            (DIVERGING, DIVERGING_ON_DARK) if scale.kind == "diverging" else (SEQUENTIAL, SEQUENTIAL_ON_DARK)
        )
        stops = on_dark if self.dark else on_light
        places = np.linspace(0, 1, STEPS)
        colours = np.array([rgb(colour) for _, colour in stops])
        columns = [np.interp(places, [place for place, _ in stops], column) for column in colours.T]
        return np.concatenate([np.stack(columns, axis=1), [rgb(UNKNOWN)]])

    def rows(self, scale: ColourScale, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where values ``[...]`` stand in the table of their scale; NaN at its end."""
        low, high = self.limits.get(scale, (0.0, 1.0))
        place = np.clip((values / 2 - low / 2) / (high / 2 - low / 2), 0, 1) * (STEPS - 1)  # halves cannot overflow
        return np.where(np.isnan(place), float(STEPS), place)

    def of_values(self, scale: ColourScale, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """A colour for each value, ``[N, 3]``."""
        return self.table(scale)[np.rint(self.rows(scale, values)).astype(np.intp)]

    def of_atoms(self, atoms: Atoms) -> NDArray[np.float64]:
        """A colour for each atom, ``[N, 3]``: one for all, or by value, or by species."""
        count = len(atoms.positions)
        if atoms.colour:
            return np.tile(rgb(atoms.colour), (count, 1))
        if atoms.values is not None:
            return self.of_values(atoms.scale, atoms.values)
        if not atoms.labels:
            return np.tile(rgb(UNKNOWN), (count, 1))
        known = label_colours(atoms.labels)
        places = {label: place for place, label in enumerate(known)}
        return np.array([rgb(colour) for colour in known.values()])[[places[label] for label in atoms.labels]]


def rgb(colour: str) -> NDArray[np.float64]:
    """A CSS colour as three numbers from 0 to 255; a share of transparency is ignored.

    Raises:
        ViewError: what is no colour.
    """
    try:
        return np.array(ImageColor.getrgb(colour)[:3], dtype=np.float64)
    except ValueError as reason:
        raise ViewError(f"Expected a CSS colour such as '#4477AA' or 'teal', got {colour[:40]!r}.") from reason


def mixed(first: str, second: str, share: float) -> NDArray[np.float64]:
    """``share`` of the second colour in the first."""
    return (1 - share) * rgb(first) + share * rgb(second)
