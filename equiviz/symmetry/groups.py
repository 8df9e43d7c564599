"""Group elements: O(3), translations, permutations; and Haar sampling of O(3).

An element composes by ``g @ h`` ("g after h") and inverts by ``g.inverse()``; it knows nothing of the tensors it acts
on: that is the business of `equiviz.symmetry.representations`. A further group is a further class with these methods.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor

from equiviz.symmetry import rotations
from equiviz.symmetry.errors import GroupError

if TYPE_CHECKING:
    from typing_extensions import Self

Numbers: TypeAlias = "Tensor | Sequence[float] | Sequence[Sequence[float]]"
OrthogonalGroup: TypeAlias = Literal["O(3)", "SO(3)"]


@runtime_checkable
class GroupElement(Protocol):
    """What every group element can do; two elements compose only within one group."""

    def inverse(self) -> Self:
        """The element that undoes this one."""
        ...

    def __matmul__(self, other: Self) -> Self:
        """``g @ h`` acts as g after h."""
        ...


@runtime_checkable
class MovesSupport(Protocol):
    """A group element that reorders the points a field lives on: atoms, faces of a grid."""

    def reorder(self, support: str, values: Tensor) -> Tensor:
        """`values` ``[points, ...]`` of a field with this support, in their new order."""
        ...


@dataclass(frozen=True, eq=False)
class O3:
    """A rotation, a reflection, or both: an element of O(3).

    Attributes:
        matrix: ``[3, 3]`` float64 on the CPU, ``x' = matrix @ x``. Given to within 1e-5, kept to within round-off.

    Raises:
        GroupError: wrong shape, complex, not finite, or further than 1e-5 from orthogonal.
    """

    matrix: Tensor

    def __post_init__(self) -> None:
        matrix = _tensor(self.matrix, "orthogonal matrix")
        if matrix.shape != (3, 3):
            raise GroupError(f"Expected one orthogonal matrix of shape [3, 3], got shape {list(matrix.shape)}.")
        object.__setattr__(self, "matrix", rotations.orthogonal(matrix))

    @classmethod
    def identity(cls) -> O3:
        """The element that changes nothing."""
        return cls(torch.eye(3, dtype=torch.float64))

    @classmethod
    def inversion(cls) -> O3:
        """``x -> -x``."""
        return cls(-torch.eye(3, dtype=torch.float64))

    @classmethod
    def rotation(cls, axis: Numbers, angle: float) -> O3:
        """Right-handed rotation about `axis` ``[3]`` (any length but 0) by `angle` radians."""
        unit = _vector(axis, "axis")
        length = torch.linalg.vector_norm(unit)
        if length == 0:
            raise GroupError("Expected a rotation axis that is not the zero vector.")
        half = torch.tensor([math.cos(angle / 2)], dtype=torch.float64)
        return cls.from_quaternion(torch.cat([half, math.sin(angle / 2) / length * unit]))

    @classmethod
    def from_euler(cls, alpha: float, beta: float, gamma: float) -> O3:
        """``R_y(alpha) R_x(beta) R_y(gamma)``, angles in radians: e3nn's convention."""
        angles = torch.tensor([alpha, beta, gamma], dtype=torch.float64)
        return cls(rotations.from_euler(*angles.unbind()))

    @classmethod
    def from_quaternion(cls, q: Numbers) -> O3:
        """The rotation of a quaternion ``[4]``, real part first; it is normalised here."""
        return cls(rotations.from_quaternions(_tensor(q, "quaternion")))

    @classmethod
    def from_matrix(cls, m: Numbers) -> O3:
        """The element with this ``[3, 3]`` matrix (tensor or nested sequence), orthogonal to within 1e-5."""
        return cls(_tensor(m, "orthogonal matrix"))

    @staticmethod
    def generators() -> Tensor:
        """Generators of so(3), ``[3, 3, 3]`` float64: ``matrix_exp(a * generators()[k])`` rotates by a about axis k."""
        return _GENERATORS.clone()

    @property
    def det(self) -> int:
        """+1 for a rotation, -1 when an inversion is part of it."""
        return int(rotations.determinants(self.matrix).item())

    @property
    def is_proper(self) -> bool:
        """Whether this is a rotation."""
        return self.det == 1

    @property
    def proper(self) -> Tensor:
        """The rotation part ``det * matrix``, ``[3, 3]`` float64."""
        return self.det * self.matrix

    @property
    def angle(self) -> float:
        """Angle of the rotation part in radians, 0 to pi; exact to round-off at both ends."""
        w, *xyz = rotations.to_quaternion(self.proper).tolist()
        return 2 * math.atan2(math.hypot(*xyz), w)

    @property
    def axis(self) -> Tensor:
        """Unit axis ``[3]`` of the rotation part; y, the polar axis, where there is no rotation."""
        xyz = rotations.to_quaternion(self.proper)[1:]
        length = torch.linalg.vector_norm(xyz)
        return xyz / length if length > 0 else torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)

    def inverse(self) -> O3:
        """The transposed matrix."""
        return O3(self.matrix.T)

    def __matmul__(self, other: object) -> O3:
        return O3(self.matrix @ other.matrix) if isinstance(other, O3) else NotImplemented

    def __repr__(self) -> str:
        angle = math.degrees(self.angle)
        if angle < 1e-6:
            return "O3(identity)" if self.is_proper else "O3(inversion)"
        axis = "(" + ", ".join(f"{x:.3f}" for x in (self.axis + 0.0).tolist()) + ")"
        if self.is_proper:
            return f"O3(rotation by {angle:.4g}° about {axis})"
        if 180 - angle < 1e-6:
            return f"O3(mirror with normal {axis})"
        return f"O3(inversion after rotation by {angle:.4g}° about {axis})"


@dataclass(frozen=True, eq=False)
class Translation:
    """A shift of all points by one vector.

    Attributes:
        vector: ``[3]`` float64, in the length unit of the structure that it moves.

    Raises:
        GroupError: if the vector is not three finite numbers.
    """

    vector: Tensor

    def __post_init__(self) -> None:
        object.__setattr__(self, "vector", _vector(self.vector, "translation vector"))

    @classmethod
    def identity(cls) -> Translation:
        """No shift."""
        return cls(torch.zeros(3, dtype=torch.float64))

    def inverse(self) -> Translation:
        """The shift back."""
        return Translation(-self.vector)

    def __matmul__(self, other: object) -> Translation:
        return Translation(self.vector + other.vector) if isinstance(other, Translation) else NotImplemented

    def __repr__(self) -> str:
        return "Translation(" + ", ".join(f"{x:.4g}" for x in self.vector.tolist()) + ")"


@dataclass(frozen=True, eq=False)
class Permutation:
    """A new order of the nodes: new node i is old node ``order[i]``.

    Attributes:
        order: ``[N]`` int64, each of 0 ... N-1 once.

    Raises:
        GroupError: if `order` is no permutation.
    """

    order: Tensor

    def __post_init__(self) -> None:
        order = torch.as_tensor(self.order)
        if order.ndim != 1 or order.is_floating_point() or order.is_complex():
            raise GroupError(f"Expected integers of shape [N], got dtype {order.dtype}, shape {list(order.shape)}.")
        order = order.to(torch.int64)
        if not torch.equal(order.sort().values, torch.arange(len(order), device=order.device)):
            raise GroupError(f"Expected each of 0 ... {len(order) - 1} once, got {_preview(order)}.")
        object.__setattr__(self, "order", order)

    @classmethod
    def identity(cls, count: int) -> Permutation:
        """The old order of `count` nodes."""
        return cls(torch.arange(count))

    @classmethod
    def random(cls, count: int, seed: int) -> Permutation:
        """A random order of `count` nodes, a function of the seed alone."""
        return cls(torch.randperm(count, generator=torch.Generator().manual_seed(seed)))

    def inverse(self) -> Permutation:
        """The order that restores the old one."""
        return Permutation(self.order.argsort())

    def __matmul__(self, other: object) -> Permutation:
        if not isinstance(other, Permutation):
            return NotImplemented
        _refuse_length(len(other.order), len(self.order))
        return Permutation(other.order[self.order])

    def reorder(self, support: str, values: Tensor) -> Tensor:
        """Values ``[N, ...]`` in the new order when the support is "node"; other supports keep theirs.

        Raises:
            GroupError: if there are not N nodes.
        """
        if support != "node":
            return values
        _refuse_length(len(values), len(self.order))
        return values[self.order.to(values.device)]

    def __repr__(self) -> str:
        return f"Permutation({_preview(self.order)})"


def haar_matrices(count: int, seed: int, group: OrthogonalGroup = "O(3)") -> Tensor:
    """Uniform (Haar) random matrices, a function of the seed alone; the global random state is neither read nor moved.

    Normalised Gaussian quaternions are uniform rotations (Shoemake, Graphics Gems III (1992)); for O(3) each is
    inverted with probability 1/2.

    Returns:
        ``[count, 3, 3]`` float64.

    Raises:
        GroupError: unknown group or negative count.
    """
    if group not in ("O(3)", "SO(3)"):
        raise GroupError(f"Expected group 'O(3)' or 'SO(3)', got {group!r}.")
    if count < 0:
        raise GroupError(f"Expected a count of 0 or more, got {count}.")
    generator = torch.Generator().manual_seed(seed)
    proper = rotations.from_quaternions(torch.randn(count, 4, generator=generator, dtype=torch.float64))
    if group == "SO(3)":
        return proper
    signs = 1 - 2 * torch.randint(2, (count, 1, 1), generator=generator)
    return signs * proper


def haar(count: int, seed: int, group: OrthogonalGroup = "O(3)") -> list[O3]:
    """Uniform (Haar) random elements: `haar_matrices` as a list of `O3`."""
    return [O3(matrix) for matrix in haar_matrices(count, seed, group)]


def _vector(numbers: Numbers, name: str) -> Tensor:
    vector = _tensor(numbers, name)
    if vector.shape != (3,):
        raise GroupError(f"Expected a {name} of shape [3], got shape {list(vector.shape)}.")
    if not vector.isfinite().all():
        raise GroupError(f"Expected a finite {name}, got {vector.tolist()}.")
    return vector


def _tensor(numbers: Numbers, name: str) -> Tensor:
    """Real numbers as a float64 tensor on the CPU; Python numbers never pass through the default dtype."""
    try:
        given = numbers if hasattr(numbers, "dtype") else torch.as_tensor(numbers, dtype=torch.float64)
        tensor = torch.as_tensor(given).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise GroupError(f"Expected numbers or a tensor for the {name}, got {type(numbers).__name__}.") from error
    if tensor.is_complex():
        raise GroupError(f"Expected a real {name}, got dtype {tensor.dtype}.")
    return tensor.to(torch.float64)


def _refuse_length(came: int, expected: int) -> None:
    if came != expected:
        raise GroupError(f"Expected {expected} nodes for a permutation of {expected}, got {came}.")


def _preview(order: Tensor, shown: int = 8) -> str:
    numbers = ", ".join(str(i) for i in order[:shown].tolist())
    return f"[{numbers}{', ...' if len(order) > shown else ''}] of {len(order)}"


_GENERATORS = torch.tensor(
    [
        [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
        [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
    ],
    dtype=torch.float64,
)
