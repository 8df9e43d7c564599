"""Expert descriptors: invariants of a neighbourhood that people wrote down before networks learned theirs.

Each family is one file in `families/`, found by the registry:

- `steinhardt.py`: bond-orientational order q_l and w_l, by cutoff, k nearest, locally averaged, or with smooth weights;
- `radial_symmetry_functions.py`: Behler and Parrinello's G2, neighbours by distance and species;
- `angular_symmetry_functions.py`: Behler's G4 and G5, angles between neighbours by pair of species;
- `power_spectrum.py`: SOAP, products of density coefficients by species, radial function and degree;
- `coordination.py`, `number_density.py`: neighbours by species, counted, or per volume;
- `tetrahedrality.py`: Errington and Debenedetti's order of the four nearest neighbours;
- `common_neighbours.py`: Honeycutt and Andersen's signatures of bonds, which tell fcc, hcp, bcc and icosahedra apart.

All have the same face. A frozen dataclass holds the options, a `Descriptor` made of it is called on a `Structure` or
a `Graph`, and the result is a `Field` of irreps "Dx0e" on the nodes, with `descriptor.names` for its columns:

    descriptor = Steinhardt(SteinhardtConfig(degrees=(4, 6), window=Hard(1.4)))
    values = descriptor(structure).values            # [N, 2]: q_4, q_6

All are differentiable in the positions (counts with gradient zero), periodic, tell species apart where asked, and
give zeros (with zero gradients) for a point without neighbours. How far and how much a neighbour counts is a `Window`
(`windows.py`), so that a descriptor can look at exactly the density that a learned layer looks at. The sum over
neighbours itself is `density.py`, with a compiled twin in `compiled_density.py` and `density_kernel.py`; who is a
neighbour is `neighbourhood.py`.
"""

from __future__ import annotations

from equiviz.descriptors.descriptor import Descriptor, DescriptorConfig
from equiviz.descriptors.errors import DescriptorError
from equiviz.descriptors.families.angular_symmetry_functions import (
    AngularSymmetryFunctions,
    AngularSymmetryFunctionsConfig,
)
from equiviz.descriptors.families.power_spectrum import PowerSpectrum, PowerSpectrumConfig
from equiviz.descriptors.families.radial_symmetry_functions import (
    RadialSymmetryFunctions,
    RadialSymmetryFunctionsConfig,
)
from equiviz.descriptors.families.steinhardt import Steinhardt, SteinhardtConfig
from equiviz.descriptors.neighbourhood import Neighbourhood
from equiviz.descriptors.radial_bases import GaussianTypeOrbitals, RadialBasis, Windows, gaussian_shells
from equiviz.descriptors.registry import DescriptorFamily, available, build, standard
from equiviz.descriptors.windows import Cosine, Gaussian, Hard, Polynomial, Window

__all__ = [
    "AngularSymmetryFunctions",
    "AngularSymmetryFunctionsConfig",
    "Cosine",
    "Descriptor",
    "DescriptorConfig",
    "DescriptorError",
    "DescriptorFamily",
    "Gaussian",
    "GaussianTypeOrbitals",
    "Hard",
    "Neighbourhood",
    "Polynomial",
    "PowerSpectrum",
    "PowerSpectrumConfig",
    "RadialBasis",
    "RadialSymmetryFunctions",
    "RadialSymmetryFunctionsConfig",
    "Steinhardt",
    "SteinhardtConfig",
    "Window",
    "Windows",
    "available",
    "build",
    "gaussian_shells",
    "standard",
]
