r"""Behler and Parrinello's radial symmetry functions G2: how many neighbours of each species stand at each distance.

    G2_{s, eta, r_s}(i) = sum over neighbours j of species s of exp(-eta (r_ij - r_s)^2) f_c(r_ij)

Symbols: r_ij distance, r_s centre of the shell, r_c cutoff [length unit of the structure]; eta sharpness of the shell
[1/length^2]; f_c the taper, (cos(pi r / r_c) + 1) / 2 for r < r_c. G2 has no unit. With eta = 0 it is G1, a smooth
coordination number.

Sources: Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007), equations 4 and 5; names as in Behler, J. Chem.
Phys. 134, 074106 (2011), equation 6.

Relation to an equivariant layer: G2 is the l = 0 component of the density with the window Gaussian(r_s, 1 / sqrt(2
eta)), so a linear function of the layer's invariants where the layer has that window.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.descriptors.errors import DescriptorError
from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.descriptors.registry import DescriptorFamily
from equiviz.descriptors.symmetry_functions import SymmetryFunctions, SymmetryFunctionsConfig
from equiviz.descriptors.windows import taper_window


@dataclass(frozen=True, kw_only=True)
class RadialSymmetryFunctionsConfig(SymmetryFunctionsConfig):
    """Options of `RadialSymmetryFunctions`, besides those of `SymmetryFunctionsConfig`.

    Attributes:
        functions: pairs (eta [1/length^2], r_s [length]), distinct, at least one.
    """

    functions: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.functions or any(eta < 0 for eta, _ in self.functions):
            raise DescriptorError(f"functions must be pairs (eta >= 0, r_s), at least one; got {list(self.functions)}")

    @classmethod
    def customary(cls, cutoff: float) -> tuple[tuple[float, float], ...]:
        """Return eight shells, centres evenly spaced up to the cutoff, standard deviations equal to the spacing."""
        spacing = cutoff / 8
        return tuple((1 / (2 * spacing**2), spacing * (shell + 1)) for shell in range(8))


class RadialSymmetryFunctions(SymmetryFunctions[RadialSymmetryFunctionsConfig]):
    """G2 of each point: see the head of the file for the formula. Columns: species of the neighbour, then function."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names such as "G2(A, eta=4, r_s=1.2)"."""
        return tuple(
            f"G2({channel}, eta={eta:g}, r_s={centre:g})"
            for channel in self.config.channels
            for eta, centre in self.config.functions
        )

    def evaluate(self, around: Neighbourhood) -> Tensor:
        """Return [N, D]."""
        r = around.distances[:, None]  # [E, 1]
        eta, centres = torch.tensor(self.config.functions, dtype=r.dtype, device=r.device).T  # [F], [F]
        taper = taper_window(self.config.taper, self.config.cutoff)
        shells = torch.exp(-eta * (r - centres) ** 2) * taper(r)  # [E, F]
        return around.sum_products(around.species_channels(self.config.species), shells).flatten(1)


FAMILY = DescriptorFamily(
    name="radial_symmetry_functions",
    config_class=RadialSymmetryFunctionsConfig,
    descriptor_class=RadialSymmetryFunctions,
    source="Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007)",
    summary="how many neighbours of each species stand at each distance",
)
