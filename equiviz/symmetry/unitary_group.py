r"""U(n): its elements, Haar sampling, its Lie algebra, and what a check tries of it.

U(n) is the symmetry of n harmonic modes of one frequency: with z = q + ip the energy is ``z^dagger z`` / 2, and every
unitary matrix is a canonical transformation that keeps it. Two subgroups have kinds of their own, because physical
systems often keep these alone: real rotations O(n), which do not mix q with p (springs between positions), and diagonal
phases U(1)^n, each mode in its own time (modes of different frequencies, as in a magnetic field).

The basis of u(n), n^2 anti-Hermitian matrices, is shared out among the three kinds: ``E_ab - E_ba`` to real rotations,
``i E_aa`` to diagonal phases, ``i (E_ab + E_ba)``, which neither holds, to unitary transformations.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

import torch
from torch import Tensor

from equiviz.symmetry.errors import GroupError
from equiviz.symmetry.generators import Generator
from equiviz.symmetry.groups import GroupElement
from equiviz.symmetry.transformations import Transformations

TOLERANCE = 1e-5
"""Largest entry of ``|U^dagger U - 1|`` that is taken for round-off (complex64 leaves 1e-6), and polished away."""
LARGEST_N = 64


@dataclass(frozen=True, eq=False)
class Unitary:
    """An element of U(n).

    Attributes:
        matrix: ``[n, n]`` complex128 on the CPU, ``z' = matrix @ z``. Given to within 1e-5, kept to within round-off.

    Raises:
        GroupError: wrong shape, not finite, or further than 1e-5 from unitary.
    """

    matrix: Tensor

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", _polished(_square(self.matrix, "unitary matrix")))

    @classmethod
    def identity(cls, n: int) -> Unitary:
        """The element that changes nothing."""
        return cls(torch.eye(n, dtype=torch.complex128))

    @property
    def n(self) -> int:
        """Of U(n)."""
        return len(self.matrix)

    def inverse(self) -> Unitary:
        """The conjugate transpose."""
        return Unitary(self.matrix.mH)

    def __matmul__(self, other: object) -> Unitary:
        if not isinstance(other, Unitary):
            return NotImplemented
        _refuse_other_size(self.n, other.n)
        return Unitary(self.matrix @ other.matrix)

    def __repr__(self) -> str:
        phases = torch.linalg.eigvals(self.matrix).angle().rad2deg().sort().values.tolist()
        return f"Unitary({self.n} x {self.n}, eigenphases {', '.join(f'{phase:.4g}' for phase in phases)} degrees)"


@dataclass(frozen=True, eq=False)
class UnitaryGenerator:
    """An element of u(n).

    Attributes:
        matrix: ``[n, n]`` complex128, anti-Hermitian to within 1e-12 of its largest entry; per radian.

    Raises:
        GroupError: wrong shape, not finite, or not anti-Hermitian.
    """

    matrix: Tensor

    def __post_init__(self) -> None:
        matrix = _square(self.matrix, "anti-Hermitian matrix")
        defect = float((matrix + matrix.mH).abs().max())
        if defect > 1e-12 * max(1.0, float(matrix.abs().max())):
            raise GroupError(
                f"Expected an anti-Hermitian matrix, X + X^dagger = 0, got a deviation of {defect:.3g}. "
                "Multiply a Hermitian matrix H by 1j."
            )
        object.__setattr__(self, "matrix", (matrix - matrix.mH) / 2)

    @property
    def n(self) -> int:
        """Of u(n)."""
        return len(self.matrix)

    def exp(self, t: float) -> Unitary:
        """``exp(t X)``, by the eigenvectors of the Hermitian matrix -iX: unitary to round-off at every t."""
        values, vectors = torch.linalg.eigh(-1j * self.matrix)
        return Unitary((vectors * torch.exp(1j * t * values)) @ vectors.mH)

    def __add__(self, other: object) -> UnitaryGenerator:
        if not isinstance(other, UnitaryGenerator):
            return NotImplemented
        _refuse_other_size(self.n, other.n)
        return UnitaryGenerator(self.matrix + other.matrix)

    def __mul__(self, factor: float) -> UnitaryGenerator:
        return UnitaryGenerator(self.matrix * factor)

    def __neg__(self) -> UnitaryGenerator:
        return UnitaryGenerator(-self.matrix)

    def __repr__(self) -> str:
        return f"UnitaryGenerator({self.n} x {self.n}, norm {float(self.matrix.norm()):.4g})"


def haar_unitaries(count: int, n: int, seed: int) -> Tensor:
    """Uniform (Haar) random unitary matrices, a function of the seed alone.

    Q of the QR decomposition of complex Gaussian matrices is not uniform, because the phases of R's diagonal are a
    convention of the algorithm; Q times those phases is (Mezzadri, Notices of the AMS 54 (2007) 592, section 5).

    Returns:
        ``[count, n, n]`` complex128.

    Raises:
        GroupError: a negative count, or n out of range.
    """
    return _haar(count, n, seed, torch.complex128)


def haar_rotations(count: int, n: int, seed: int) -> Tensor:
    """Uniform random orthogonal matrices (real, det +1 or -1), as `haar_unitaries`: ``[count, n, n]`` complex128."""
    return _haar(count, n, seed, torch.float64).to(torch.complex128)


def diagonal_phases(count: int, n: int, seed: int) -> Tensor:
    """Diagonal matrices with independent uniform phases: ``[count, n, n]`` complex128. Raises GroupError likewise."""
    _refuse(count, n)
    angles = 2 * torch.pi * torch.rand(count, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.diag_embed(torch.polar(torch.ones_like(angles), angles))


@dataclass(frozen=True)
class _OfVectors(Transformations):
    """Of C^n, for an n from 1 to 64. Raises GroupError for another n."""

    n: int
    missing: ClassVar[str] = " (no input carries a representation of U(n))"

    def __post_init__(self) -> None:
        _refuse(0, self.n)

    def contains(self, g: GroupElement) -> bool:
        """Elements of U(n) of this n, and of the subgroup that this is."""
        return isinstance(g, Unitary) and g.n == self.n and self._holds(g.matrix)

    def _holds(self, matrix: Tensor) -> bool:
        """Whether a unitary matrix is in the subgroup; all are in the whole group."""
        del matrix
        return True


@dataclass(frozen=True)
class UnitaryMatrices(_OfVectors):
    """U(n), of an n from 1 to 64.

    Raises:
        GroupError: another n.
    """

    kind: ClassVar[str] = "unitary"
    act: ClassVar[str] = "unitary transformation"
    likely: ClassVar[str] = (
        "Look for a non-linearity that acts on real and imaginary parts or on single components instead of on norms, "
        "for a bias on a vector, and for z where its conjugate is meant."
    )
    wide: ClassVar[bool] = True

    def draw(self, count: int, seed: int, length: float = 1.0) -> list[Unitary]:
        """Uniform (Haar)."""
        return [Unitary(matrix) for matrix in haar_unitaries(count, self.n, seed)]

    def special(self) -> list[Unitary]:
        """Common phases by a quarter and a half turn: they tell z from its conjugate, and a bias from none."""
        return [Unitary(phase * torch.eye(self.n, dtype=torch.complex128)) for phase in (1j, -1)]

    def generators(self) -> dict[str, Generator]:
        """``i (E_ab + E_ba)``."""
        return {
            f"i(E{a + 1}{b + 1} + E{b + 1}{a + 1})": UnitaryGenerator(_pair(self.n, a, b, 1j, 1j))
            for a, b in combinations(range(self.n), 2)
        }


@dataclass(frozen=True)
class RealRotations(_OfVectors):
    """O(n) in U(n): the real matrices."""

    kind: ClassVar[str] = "real rotation"
    act: ClassVar[str] = "real rotation (q and p turned alike)"
    likely: ClassVar[str] = "Something tells the directions of space apart: a component by itself, or a fixed vector."
    explained_by: ClassVar[tuple[str, ...]] = ("unitary",)

    def draw(self, count: int, seed: int, length: float = 1.0) -> list[Unitary]:
        """Uniform (Haar)."""
        return [Unitary(matrix) for matrix in haar_rotations(count, self.n, seed + 1)]

    def _holds(self, matrix: Tensor) -> bool:
        return bool(matrix.imag.abs().max() < TOLERANCE)

    def generators(self) -> dict[str, Generator]:
        """``E_ab - E_ba``."""
        return {
            f"E{a + 1}{b + 1} - E{b + 1}{a + 1}": UnitaryGenerator(_pair(self.n, a, b, 1, -1))
            for a, b in combinations(range(self.n), 2)
        }

    def share(self, elements: int, few: bool) -> int:
        """Half as many as unitary matrices."""
        return max(1, elements // 2)


@dataclass(frozen=True)
class DiagonalPhases(_OfVectors):
    """U(1)^n in U(n): the diagonal matrices."""

    kind: ClassVar[str] = "diagonal phase"
    act: ClassVar[str] = "diagonal phase (each component by its own)"
    likely: ClassVar[str] = "Something reads the phase of a component: a real part, a product z z instead of z* z."
    explained_by: ClassVar[tuple[str, ...]] = ("unitary",)

    def draw(self, count: int, seed: int, length: float = 1.0) -> list[Unitary]:
        """Uniform (Haar)."""
        return [Unitary(matrix) for matrix in diagonal_phases(count, self.n, seed + 2)]

    def _holds(self, matrix: Tensor) -> bool:
        return bool((matrix - torch.diag(matrix.diagonal())).abs().max() < TOLERANCE)

    def generators(self) -> dict[str, Generator]:
        """``i E_aa``."""
        return {f"iE{a + 1}{a + 1}": UnitaryGenerator(_pair(self.n, a, a, 1j, 1j)) for a in range(self.n)}

    def share(self, elements: int, few: bool) -> int:
        """Half as many as unitary matrices."""
        return max(1, elements // 2)


def unitary_transformations(n: int) -> tuple[Transformations, ...]:
    """What is tried of U(n): all of it, and the two subgroups. Raises GroupError for an n out of range."""
    return UnitaryMatrices(n), RealRotations(n), DiagonalPhases(n)


def unitary_generators(n: int) -> dict[str, Generator]:
    """A basis of u(n), n^2 generators by name."""
    return {name: x for kind in unitary_transformations(n) for name, x in kind.generators().items()}


def _pair(n: int, a: int, b: int, first: complex, second: complex) -> Tensor:
    """``first E_ab + second E_ba``, or ``first E_aa``."""
    matrix = torch.zeros(n, n, dtype=torch.complex128)
    matrix[a, b], matrix[b, a] = torch.tensor([first, second], dtype=torch.complex128)
    return matrix


def _haar(count: int, n: int, seed: int, dtype: torch.dtype) -> Tensor:
    _refuse(count, n)
    drawn = torch.randn(count, n, n, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    q, r = torch.linalg.qr(drawn)
    diagonal = r.diagonal(dim1=-2, dim2=-1)
    return q * (diagonal / diagonal.abs())[:, None, :]


def _refuse(count: int, n: int) -> None:
    if count < 0:
        raise GroupError(f"Expected a count of 0 or more, got {count}.")
    if not 1 <= n <= LARGEST_N:
        raise GroupError(f"Expected an n of U(n) from 1 to {LARGEST_N}, got {n}.")


def _square(numbers: Tensor, name: str) -> Tensor:
    try:
        matrix = torch.as_tensor(numbers).detach().cpu().to(torch.complex128)
    except (TypeError, ValueError, RuntimeError) as error:
        raise GroupError(f"Expected numbers or a tensor for the {name}, got {type(numbers).__name__}.") from error
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise GroupError(f"Expected one {name} of shape [n, n], got shape {list(matrix.shape)}.")
    if not bool(matrix.isfinite().all()):
        raise GroupError(f"Expected a finite {name}, got NaN or infinite entries.")
    return matrix


def _polished(matrix: Tensor) -> Tensor:
    """The unitary matrix next to one that is unitary to `TOLERANCE`, by two Newton-Schulz steps as in `rotations`."""
    identity = torch.eye(len(matrix), dtype=matrix.dtype)
    defect = matrix.mH @ matrix - identity
    deviation = float(defect.abs().max())
    if deviation > TOLERANCE:
        raise GroupError(
            f"Expected a unitary matrix (largest entry of |U^dagger U - 1| at most {TOLERANCE:g}), got a deviation of "
            f"{deviation:.3g}. A scaled or sheared matrix is no element of U(n): divide it by its norm, or take Q of "
            "its QR decomposition."
        )
    polished = matrix - 0.5 * matrix @ defect
    return polished - 0.5 * polished @ (polished.mH @ polished - identity)


def _refuse_other_size(first: int, second: int) -> None:
    if first != second:
        raise GroupError(f"Expected elements of one U(n), got U({first}) and U({second}).")
