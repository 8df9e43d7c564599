"""Generators: how fast a group moves things. Elements of the Lie algebra of E(3), and dual numbers along them.

A generator X is the velocity of the curve ``exp(t X)`` of group elements through the identity. A representation turns
it into a matrix, `Representation.generator`: the derivative of ``matrix(exp(t X))`` at t = 0.

`Infinitesimal(X)` is the element ``1 + eps X`` with ``eps^2 = 0``. It is a group element like others, so whatever has
``transform(g)`` turns along it, cell and typed attributes included; what comes out are torch's dual numbers
(`torch.autograd.forward_ad`), and one pass through a model gives its derivative along X.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor
from torch.autograd import forward_ad

from equiviz.symmetry.errors import GroupError
from equiviz.symmetry.groups import O3, GroupElement, Numbers, Translation

if TYPE_CHECKING:
    from typing_extensions import Self


class Generator(Protocol):
    """An element of a Lie algebra; two of them add only within one algebra."""

    def exp(self, t: float) -> GroupElement:
        """The group element that is reached after the time t."""
        ...

    def __add__(self, other: Self) -> Self:
        """Both velocities together."""
        ...

    def __mul__(self, factor: float) -> Self:
        """The same way, faster."""
        ...

    def __neg__(self) -> Self:
        """The way back."""
        ...


@dataclass(frozen=True, eq=False)
class RotationGenerator:
    """Rotation about an axis through the origin, right-handed.

    Attributes:
        axis: ``[3]`` float64; its length is the speed, in radians per unit of t.

    Raises:
        GroupError: if the axis is not three finite numbers.
    """

    axis: Tensor

    def __init__(self, axis: Numbers) -> None:
        object.__setattr__(self, "axis", _three(axis, "axis of rotation"))

    @property
    def matrix(self) -> Tensor:
        """``[3, 3]``: ``matrix @ x`` is ``axis x x``, the velocity of the point x."""
        return torch.einsum("k,kij->ij", self.axis, O3.generators())

    def exp(self, t: float) -> O3:
        """The rotation by ``t |axis|`` radians."""
        speed = float(torch.linalg.vector_norm(self.axis))
        return O3.rotation(self.axis, t * speed) if speed else O3.identity()

    def __add__(self, other: object) -> RotationGenerator:
        return RotationGenerator(self.axis + other.axis) if isinstance(other, RotationGenerator) else NotImplemented

    def __mul__(self, factor: float) -> RotationGenerator:
        return RotationGenerator(self.axis * factor)

    def __neg__(self) -> RotationGenerator:
        return RotationGenerator(-self.axis)

    def __repr__(self) -> str:
        return f"RotationGenerator({_short(self.axis)})"


@dataclass(frozen=True, eq=False)
class TranslationGenerator:
    """Translation along a direction.

    Attributes:
        direction: ``[3]`` float64; its length is the speed, in the structure's length unit per unit of t.

    Raises:
        GroupError: if the direction is not three finite numbers.
    """

    direction: Tensor

    def __init__(self, direction: Numbers) -> None:
        object.__setattr__(self, "direction", _three(direction, "direction of translation"))

    def exp(self, t: float) -> Translation:
        """The translation by ``t * direction``."""
        return Translation(t * self.direction)

    def __add__(self, other: object) -> TranslationGenerator:
        if not isinstance(other, TranslationGenerator):
            return NotImplemented
        return TranslationGenerator(self.direction + other.direction)

    def __mul__(self, factor: float) -> TranslationGenerator:
        return TranslationGenerator(self.direction * factor)

    def __neg__(self) -> TranslationGenerator:
        return TranslationGenerator(-self.direction)

    def __repr__(self) -> str:
        return f"TranslationGenerator({_short(self.direction)})"


def euclidean_generators() -> dict[str, RotationGenerator | TranslationGenerator]:
    """The six generators of E(3): rotations about x, y, z (per radian), translations along them (per length unit)."""
    axes = dict(zip("xyz", torch.eye(3, dtype=torch.float64), strict=True))
    rotations = {f"rotation about {name}": RotationGenerator(axis) for name, axis in axes.items()}
    translations = {f"translation along {name}": TranslationGenerator(axis) for name, axis in axes.items()}
    return {**rotations, **translations}


@dataclass(frozen=True)
class Infinitesimal:
    """The group element ``1 + eps X`` with ``eps^2 = 0``: it gives values the tangent that X gives them.

    ``x.transform(Infinitesimal(X))`` works inside ``torch.autograd.forward_ad.dual_level()`` only. Tensors that X does
    not move come out as they are, without a tangent.

    Attributes:
        generator: X.
    """

    generator: Generator

    def inverse(self) -> Infinitesimal:
        """``1 - eps X``."""
        return Infinitesimal(-self.generator)

    def __matmul__(self, other: object) -> Infinitesimal:
        return Infinitesimal(self.generator + other.generator) if isinstance(other, Infinitesimal) else NotImplemented


def dual(values: Tensor, tangent: Tensor) -> Tensor:
    """`values` with one more tangent: the sum, where they have one already; as they are where `tangent` is zero."""
    if not bool(tangent.any()):
        return values
    primal, before = forward_ad.unpack_dual(values)
    tangent = forward_ad.unpack_dual(tangent).primal  # made from `values`, it may have a tangent itself
    with warnings.catch_warnings():
        # At the first dual number of a process torch compiles formulas, and warns that its own compiler is old.
        warnings.simplefilter("ignore", DeprecationWarning)
        return forward_ad.make_dual(primal, tangent if before is None else before + tangent)


def _three(numbers: Numbers, what: str) -> Tensor:
    vector = torch.as_tensor(numbers, dtype=torch.float64)
    if vector.shape != (3,) or not bool(vector.isfinite().all()):
        raise GroupError(f"Expected three finite numbers as the {what}, got {vector.tolist()}.")
    return vector.detach().cpu()


def _short(vector: Tensor) -> str:
    return ", ".join(f"{x:.4g}" for x in (vector + 0.0).tolist())
