r"""The power spectrum of a point's neighbour density: SOAP, with a choice of radial functions.

    c_{s n l m}(i) = sum over neighbours j of species s of R_nl(r_ij) Y_lm(r_ij / r_ij)
    p_{s n, s' n', l}(i) = pi sqrt(8 / (2l+1)) sum_m c_{s n l m} c_{s' n' l m}

Symbols: Y_lm real harmonics of unit integral; R_nl radial functions (`radial_bases.py`), n counted from 1; s species;
l degree. The unit of p is the square of that of R: none for windows.

Source: Bartok, Kondor and Csanyi, Phys. Rev. B 87, 184115 (2013), equations 30-36 (there the factor makes the dot
product of two power spectra the rotation-averaged overlap of the densities). With `GaussianTypeOrbitals` and
`include_centre=True` it is SOAP as dscribe computes it, column by column in dscribe's order; with `Windows` the
neighbours are points, not smeared.

Relation to an equivariant layer: with `Windows`, c is the output of a layer with these radial functions, so p is a
linear function of the layer's power spectrum, and with `cross=False` of its squared norms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.descriptors.density import density
from equiviz.descriptors.descriptor import Descriptor, DescriptorConfig
from equiviz.descriptors.errors import DescriptorError
from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.descriptors.radial_bases import RadialBasis, gaussian_shells
from equiviz.descriptors.registry import DescriptorFamily
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure

MAX_DEGREE = 20


@dataclass(frozen=True, kw_only=True)
class PowerSpectrumConfig(DescriptorConfig):
    """Options of `PowerSpectrum`.

    Attributes:
        radial: the radial functions; they also set the cutoff.
        lmax: largest degree, 0 to 20.
        cross: whether pairs of different radial functions and species are columns too, not only squares.
        include_centre: whether the point itself is part of its density (it adds to l = 0 only), as in SOAP.
    """

    radial: RadialBasis
    lmax: int = 6
    cross: bool = True
    include_centre: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.lmax <= MAX_DEGREE:
            raise DescriptorError(f"lmax must be from 0 to {MAX_DEGREE}, got {self.lmax}")

    @classmethod
    def standard(
        cls, cutoff: float, species: tuple[int, ...] = (), species_names: tuple[str, ...] = ()
    ) -> PowerSpectrumConfig:
        """Return eight Gaussian shells, l = 0 ... 6, squares only."""
        return cls(radial=gaussian_shells(8, cutoff), cross=False, species=species, species_names=species_names)

    @property
    def products(self) -> tuple[tuple[int, int, int, int, int], ...]:
        """(s, s', l, n, n') of each column, in order; symmetric products occur once."""
        species, size = range(len(self.channels)), self.radial.size
        return tuple(
            (a, b, degree, n, k)
            for a in species
            for b in species[a:]
            for degree in range(self.lmax + 1)
            for n in range(size)
            for k in range(n if a == b else 0, size)
            if self.cross or (a, n) == (b, k)
        )


class PowerSpectrum(Descriptor[PowerSpectrumConfig]):
    """p of each point: see the head of the file. Columns: pair of species, degree, pair of radial functions."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names such as "p_3(A 1, B 2)": degree 3, first radial function of A, second of B."""
        channels = self.config.channels
        return tuple(
            f"p_{degree}({channels[a]} {n + 1}, {channels[b]} {k + 1})" for a, b, degree, n, k in self.config.products
        )

    def neighbourhood(self, system: Structure | Graph) -> Neighbourhood:
        """Return the bonds within the cutoff of the radial functions."""
        return Neighbourhood.within(system, self.config.radial.cutoff)

    def evaluate(self, around: Neighbourhood) -> Tensor:
        """Return [N, D]."""
        size, rows, products = self.config.radial.size, [], torch.tensor(self.config.products)  # [D, 5]
        left = products[:, 0] * size + products[:, 3]  # [D] channel (s, n)
        right = products[:, 1] * size + products[:, 4]
        for degree, c in self._density(around).items():
            here = (products[:, 2] == degree).to(c.device)
            scale = math.sqrt((2 * degree + 1) / 2)  # pi sqrt(8 / (2l+1)) (2l+1) / (4 pi): c has sum_m Y^2 = 1
            rows.append(scale * self._products(c, left.to(c.device)[here], right.to(c.device)[here]))
        by_degree = torch.argsort(products[:, 2], stable=True)
        return torch.cat(rows, dim=-1)[:, torch.argsort(by_degree).to(rows[0].device)]

    def _products(self, c: Tensor, left: Tensor, right: Tensor) -> Tensor:
        if self.config.cross:
            return (c @ c.transpose(1, 2))[:, left, right]
        return c.square().sum(-1)[:, left]

    def _density(self, around: Neighbourhood) -> dict[int, Tensor]:
        """Return l -> c [N, S * n, 2l+1]."""
        degrees = tuple(range(self.config.lmax + 1))
        together = [degrees] if self.config.radial.same_for_all_degrees else [(degree,) for degree in degrees]
        species = around.species_channels(self.config.species)  # [E, S]
        projected: dict[int, Tensor] = {}
        for group in together:
            radial = self.config.radial.functions(around.distances, group[0])  # [E, n]
            weights = (species[:, :, None] * radial[:, None, :]).flatten(1)  # [E, S * n]
            projected.update(density(around, weights, group))
        if self.config.include_centre:
            projected[0] = projected[0] + self._centre(around)
        return projected

    def _centre(self, around: Neighbourhood) -> Tensor:
        """Return what the point itself adds to l = 0: [N, S * n, 1]."""
        at_zero = self.config.radial.functions(around.vectors.new_zeros(1), 0)  # [1, n]
        own = around.own_species(self.config.species)  # [N, S]
        return (own[:, :, None] * at_zero).flatten(1)[..., None]


FAMILY = DescriptorFamily(
    name="power_spectrum",
    config_class=PowerSpectrumConfig,
    descriptor_class=PowerSpectrum,
    source="Bartok, Kondor and Csanyi, Phys. Rev. B 87, 184115 (2013)",
    summary="how the density of neighbours of each species varies with distance and angle",
)
