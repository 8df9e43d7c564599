"""What experts measure in a glass, put as questions to the layers of a network: the targets of the tour's probe.

The network looks at the inherent structure, so the experts do too. The radial windows are those of the first
layer (`equiviz.nn.radial.gaussians`, settings of `GlassyConfig`): with the same windows a single layer expresses
shell densities and squared bond order exactly, up to its highest degree (the claim of arXiv 2211.03226).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from equiviz.datasets.glass.basin import quenched
from equiviz.datasets.glass.configuration import SPECIES_A, SPECIES_B
from equiviz.datasets.glass.inherent_structure import inherent_positions
from equiviz.descriptors import (
    AngularSymmetryFunctions,
    AngularSymmetryFunctionsConfig,
    Gaussian,
    Hard,
    RadialSymmetryFunctions,
    RadialSymmetryFunctionsConfig,
    Steinhardt,
    SteinhardtConfig,
)
from equiviz.explain.probing.targets import Target
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

CUTOFF = 2.6
"""Reach of the first layer, in sigma."""
FIRST, LAST, SHELLS = 0.85, 0.87 * CUTOFF, 8
"""Centres of its Gaussian shells, in sigma; each is as wide as the spacing."""
WIDTH = (LAST - FIRST) / (SHELLS - 1)
FIRST_NEIGHBOURS = 1.5
"""Hard cutoff of the customary q_l, in sigma: behind the first peak of g(r)."""


@dataclass(frozen=True, eq=False)
class InherentDescriptor:
    """A descriptor of the inherent structure, whatever structure is given.

    Attributes:
        descriptor: What is measured there.
        names: Short names of its columns, for a heat map.
    """

    descriptor: Target
    names: Sequence[str]

    def __call__(self, structure: Structure, /) -> Field:
        """The descriptor's field for a glass; the inherent structure comes from the structure or from the cache."""
        inherent = inherent_positions(quenched(structure))
        return self.descriptor(replace(structure, positions=inherent, node={}, graph={}))


@dataclass(frozen=True, eq=False)
class Attached:
    """A quantity that structures carry as a node attribute: something measured, put to the layers as a question.

    Attributes:
        attribute: Its name on the structure, one number per particle.
        names: What to call it.
    """

    attribute: str
    names: Sequence[str]

    def __call__(self, structure: Structure, /) -> Field:
        """The attribute's field."""
        return structure.node[self.attribute]


MEANING = {
    "G2 A 0.85σ": "how many A particles lie at about 0.85 sigma: a Gaussian shell (Behler's radial function G2); the "
    "others likewise, for A or B at the distance named",
    "(Σq_4)²": "squared bond order of degree 4, summed (not averaged) over neighbours in the first layer's second "
    "radial window: how strongly their directions form a pattern of degree 4; other degrees likewise",
    "G5 ζ=1 λ=+1": "Behler's angular function: pairs of neighbours, weighted by (1 + lambda cos theta)^zeta, theta the "
    "angle between them",
    "q_4": f"Steinhardt's customary bond order of degree 4, averaged over neighbours within {FIRST_NEIGHBOURS:g} sigma",
}
"""The kinds of descriptors, by an example of each name."""


def expert_descriptors() -> list[Target]:
    """Shell densities, squared bond order in the layer's windows, angular functions, and the customary q_2 ... q_8."""
    return [_shells(), _bond_order_in_window(), _angles(), _customary_bond_order()]


def _shells() -> Target:
    centres = [FIRST + shell * WIDTH for shell in range(0, SHELLS, 2)]
    config = RadialSymmetryFunctionsConfig(
        functions=tuple((1 / (2 * WIDTH**2), centre) for centre in centres),
        cutoff=CUTOFF,
        species=(SPECIES_A, SPECIES_B),
        species_names=("A", "B"),
    )
    names = [f"G2 {kind} {centre:.2f}σ" for kind in "AB" for centre in centres]
    return InherentDescriptor(RadialSymmetryFunctions(config), names)


def _bond_order_in_window() -> Target:
    window = Gaussian(CUTOFF, FIRST + WIDTH, WIDTH)
    config = SteinhardtConfig(degrees=tuple(range(1, 9)), window=window, normalise=False, squared=True)
    return InherentDescriptor(Steinhardt(config), [f"(Σq_{degree})²" for degree in config.degrees])


def _angles() -> Target:
    functions = tuple((0.1, zeta, sign) for zeta in (1.0, 2.0) for sign in (1.0, -1.0))
    config = AngularSymmetryFunctionsConfig(functions=functions, cutoff=CUTOFF, form="G5")
    return InherentDescriptor(
        AngularSymmetryFunctions(config), [f"G5 ζ={zeta:g} λ={sign:+g}" for _, zeta, sign in functions]
    )


def _customary_bond_order() -> Target:
    config = SteinhardtConfig(degrees=tuple(range(2, 9)), window=Hard(FIRST_NEIGHBOURS))
    return InherentDescriptor(Steinhardt(config), [f"q_{degree}" for degree in config.degrees])
