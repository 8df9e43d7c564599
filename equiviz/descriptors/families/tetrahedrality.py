r"""Errington and Debenedetti's tetrahedral order: do the four nearest neighbours stand like the corners of a
tetrahedron?

    q(i) = 1 - 3/8 sum over pairs j < k of the four nearest neighbours of (cos psi_jk + 1/3)^2

Symbols: psi_jk the angle between the bonds from i to j and to k. q has no unit: 1 for a perfect tetrahedron, 0 in the
mean over an ideal gas, -3 at least.

Source: Errington and Debenedetti, Nature 409, 318 (2001), equation 1, who rescaled the orientational part of Chau and
Hardwick, Mol. Phys. 93, 511 (1998).

Departure: a neighbour at the very place of the point has no direction; its cosines count as 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.descriptors.descriptor import Descriptor, DescriptorConfig
from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.descriptors.registry import DescriptorFamily
from equiviz.descriptors.roots import ratio
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure

CORNERS = 4


@dataclass(frozen=True, kw_only=True)
class TetrahedralityConfig(DescriptorConfig):
    """There is nothing to choose: four neighbours, whatever they are."""

    @classmethod
    def standard(
        cls, cutoff: float, species: tuple[int, ...] = (), species_names: tuple[str, ...] = ()
    ) -> TetrahedralityConfig:
        """Return the one there is: neither the cutoff nor species are used."""
        return cls()


class Tetrahedrality(Descriptor[TetrahedralityConfig]):
    """q of each point: see the head of the file. Points with fewer than four neighbours are refused."""

    @property
    def names(self) -> tuple[str, ...]:
        """The one name, "tetrahedrality"."""
        return ("tetrahedrality",)

    def neighbourhood(self, system: Structure | Graph) -> Neighbourhood:
        """Return the bonds to the four nearest neighbours."""
        return Neighbourhood.nearest(system, CORNERS)

    def evaluate(self, around: Neighbourhood) -> Tensor:
        """Return [N, 1]."""
        bonds = ratio(around.vectors, around.distances[:, None]).view(-1, CORNERS, 3)  # [N, 4, 3]
        first, second = torch.triu_indices(CORNERS, CORNERS, 1, device=bonds.device)
        cosines = (bonds[:, first] * bonds[:, second]).sum(-1)  # [N, 6]
        return 1 - 3 / 8 * (cosines + 1 / 3).square().sum(1, keepdim=True)


FAMILY = DescriptorFamily(
    name="tetrahedrality",
    config_class=TetrahedralityConfig,
    descriptor_class=Tetrahedrality,
    source="Errington and Debenedetti, Nature 409, 318 (2001)",
    summary="how nearly the four nearest neighbours of a point stand like the corners of a tetrahedron",
)
