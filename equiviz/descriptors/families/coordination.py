r"""The coordination number of a point: how many neighbours it has, sharply or smoothly counted.

    n_s(i) = sum over neighbours j of species s of w(r_ij)

Symbols: w a window (`windows.py`), 1 within r_c for the hard one; r_ij distance [length unit of the structure]. n has
no unit.

Sources: with the hard window it is the plain count, r_c customarily at the first minimum of g(r) (Hansen and McDonald,
Theory of Simple Liquids, section 2.5); smooth windows make it differentiable, as G1 of Behler, J. Chem. Phys. 134,
074106 (2011), equation 5.

Relation to an equivariant layer: the l = 0 component of the density with the window w, so a scalar of the layer where
it has that window.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from equiviz.descriptors.descriptor import Descriptor, DescriptorConfig
from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.descriptors.registry import DescriptorFamily
from equiviz.descriptors.windows import Hard, Window
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure


@dataclass(frozen=True, kw_only=True)
class CoordinationConfig(DescriptorConfig):
    """Options of `Coordination`.

    Attributes:
        window: weight w(r) of a neighbour; Hard(r_c) counts all within r_c alike.
    """

    window: Window

    @classmethod
    def standard(
        cls, cutoff: float, species: tuple[int, ...] = (), species_names: tuple[str, ...] = ()
    ) -> CoordinationConfig:
        """Return the plain count within the cutoff."""
        return cls(window=Hard(cutoff), species=species, species_names=species_names)


class Coordination(Descriptor[CoordinationConfig]):
    """n of each point: see the head of the file. Columns: species of the neighbour."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names such as "coordination", "coordination(A)"."""
        channels = [f"({name})" if self.config.species else "" for name in self.config.channels]
        return tuple(f"coordination{channel}" for channel in channels)

    def neighbourhood(self, system: Structure | Graph) -> Neighbourhood:
        """Return the bonds within the window's cutoff."""
        return Neighbourhood.within(system, self.config.window.cutoff)

    def evaluate(self, around: Neighbourhood) -> Tensor:
        """Return [N, S]."""
        # A hard window has no gradient: a sum with zero times the distance has the gradient zero instead.
        weights = self.config.window(around.distances) + 0 * around.distances  # [E]
        return around.sum_to_centres(weights[:, None] * around.species_channels(self.config.species))


FAMILY = DescriptorFamily(
    name="coordination",
    config_class=CoordinationConfig,
    descriptor_class=Coordination,
    source="Hansen and McDonald, Theory of Simple Liquids, section 2.5; Behler, J. Chem. Phys. 134, 074106 (2011)",
    summary="how many neighbours of each species a point has",
)
