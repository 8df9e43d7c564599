"""The kernel: groups, their representations, and typed tensors.

A `GroupElement` (`O3`, `Unitary`, `Translation`, `Permutation`) acts on a tensor through a `Representation`
(`O3Irreps`, `UnitaryIrreps`, `CartesianTensor`, `Position`, `Trivial`); a `Field` is a tensor that carries its
representation and support; what a group acts on is `Transformable`. `Transformations` are what a group does, kind by
kind, with random elements and generators. A `Generator` is the velocity of such an action. Wigner D matrices and
spherical harmonics are e3nn's in basis and order (y is polar, ``Y_1 ~ (x, y, z)``), made in float64 to round-off at
every rotation; `quadrature` averages over SO(3) or O(3) exactly up to a band limit. Nothing but torch is imported, and
no global state is read or left behind.
"""

from equiviz.symmetry.errors import (
    BandLimitError,
    EquivizError,
    GroupError,
    IrrepsError,
    MissingLibrary,
    RepresentationError,
    SymmetryError,
)
from equiviz.symmetry.field import Field, Support
from equiviz.symmetry.generators import (
    Generator,
    Infinitesimal,
    RotationGenerator,
    TranslationGenerator,
    euclidean_generators,
)
from equiviz.symmetry.groups import O3, GroupElement, MovesSupport, Permutation, Translation, haar, haar_matrices
from equiviz.symmetry.harmonics import spherical_harmonics
from equiviz.symmetry.invariants import InvariantKind
from equiviz.symmetry.irreps import Irrep, Irreps
from equiviz.symmetry.quadrature import Quadrature, quadrature
from equiviz.symmetry.representation_text import representation
from equiviz.symmetry.representations import (
    Block,
    CartesianTensor,
    Layout,
    O3Irreps,
    Position,
    Representation,
    Trivial,
)
from equiviz.symmetry.transformable import Transformable
from equiviz.symmetry.transformations import Transformations
from equiviz.symmetry.unitary_group import (
    Unitary,
    UnitaryGenerator,
    diagonal_phases,
    haar_rotations,
    haar_unitaries,
    unitary_generators,
)
from equiviz.symmetry.unitary_irreps import (
    UnitaryIrreps,
    adjoint_coefficients,
    hermitian_basis,
    hermitian_matrices,
)
from equiviz.symmetry.wigner import irreps_matrices, irreps_matrix, wigner_blocks, wigner_d, wigner_generators

__all__ = [
    "O3",
    "BandLimitError",
    "Block",
    "CartesianTensor",
    "EquivizError",
    "Field",
    "Generator",
    "GroupElement",
    "GroupError",
    "Infinitesimal",
    "InvariantKind",
    "Irrep",
    "Irreps",
    "IrrepsError",
    "Layout",
    "MissingLibrary",
    "MovesSupport",
    "O3Irreps",
    "Permutation",
    "Position",
    "Quadrature",
    "Representation",
    "RepresentationError",
    "RotationGenerator",
    "Support",
    "SymmetryError",
    "Transformable",
    "Transformations",
    "Translation",
    "TranslationGenerator",
    "Trivial",
    "Unitary",
    "UnitaryGenerator",
    "UnitaryIrreps",
    "adjoint_coefficients",
    "diagonal_phases",
    "euclidean_generators",
    "haar",
    "haar_matrices",
    "haar_rotations",
    "haar_unitaries",
    "hermitian_basis",
    "hermitian_matrices",
    "irreps_matrices",
    "irreps_matrix",
    "quadrature",
    "representation",
    "spherical_harmonics",
    "unitary_generators",
    "wigner_blocks",
    "wigner_d",
    "wigner_generators",
]
