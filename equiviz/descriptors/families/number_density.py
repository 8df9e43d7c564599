r"""The number density around a point: neighbours per volume, as a window sees them.

    rho_s(i) = sum over neighbours j of species s of w(r_ij) / integral of w(r) over space

Symbols: w a window (`windows.py`); r_ij distance [length unit of the structure]. rho has the unit 1/length^3. The point
itself does not count, so that the mean over an ideal gas is its density.

Source: a density coarse-grained over a kernel, as in Tong and Tanaka, Phys. Rev. X 8, 011041 (2018), section III, and
in smoothed-particle hydrodynamics (Monaghan, Annu. Rev. Astron. Astrophys. 30, 543 (1992), equation 2.5), there with
the point itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from equiviz.descriptors.descriptor import Descriptor, DescriptorConfig
from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.descriptors.registry import DescriptorFamily
from equiviz.descriptors.windows import Polynomial, Window
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure

NODES = 64
"""Of the quadrature over r: exact to rounding for the windows there are, unless they are narrower than r_c / 10."""


@dataclass(frozen=True, kw_only=True)
class NumberDensityConfig(DescriptorConfig):
    """Options of `NumberDensity`.

    Attributes:
        window: weight w(r) of a neighbour.
    """

    window: Window

    @classmethod
    def standard(
        cls, cutoff: float, species: tuple[int, ...] = (), species_names: tuple[str, ...] = ()
    ) -> NumberDensityConfig:
        """Return a window that falls smoothly to zero at the cutoff."""
        return cls(window=Polynomial(cutoff), species=species, species_names=species_names)

    @property
    def volume(self) -> float:
        """The integral of w over space, in length^3."""
        points, shares = np.polynomial.legendre.leggauss(NODES)
        r = torch.from_numpy((points + 1) * self.window.cutoff / 2)
        shells = 4 * math.pi * r.square() * self.window(r)
        return float((shells * torch.from_numpy(shares)).sum()) * self.window.cutoff / 2


class NumberDensity(Descriptor[NumberDensityConfig]):
    """rho of each point: see the head of the file. Columns: species of the neighbour."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names such as "density", "density(A)"."""
        return tuple(f"density({name})" if self.config.species else "density" for name in self.config.channels)

    def neighbourhood(self, system: Structure | Graph) -> Neighbourhood:
        """Return the bonds within the window's cutoff."""
        return Neighbourhood.within(system, self.config.window.cutoff)

    def evaluate(self, around: Neighbourhood) -> Tensor:
        """Return [N, S]."""
        # A hard window has no gradient: a sum with zero times the distance has the gradient zero instead.
        weights = (self.config.window(around.distances) + 0 * around.distances) / self.config.volume  # [E]
        return around.sum_to_centres(weights[:, None] * around.species_channels(self.config.species))


FAMILY = DescriptorFamily(
    name="number_density",
    config_class=NumberDensityConfig,
    descriptor_class=NumberDensity,
    source="Tong and Tanaka, Phys. Rev. X 8, 011041 (2018)",
    summary="how many neighbours of each species there are per volume around a point",
)
