"""Representations: which map a group element becomes on the last axis of a tensor, and how that axis is laid out.

The tools see only `Representation` and its labelled `Block`s. To add a group, write one file with its element (a
`groups.GroupElement`) and its representations (subclasses of `Representation`); nothing here or in the tools changes.
An element that a representation does not know acts as the identity, so any element may be applied to any tensor.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from equiviz.symmetry.errors import RepresentationError
from equiviz.symmetry.generators import Generator, Infinitesimal, RotationGenerator, TranslationGenerator, dual
from equiviz.symmetry.groups import O3, GroupElement, Translation
from equiviz.symmetry.irreps import Irrep, Irreps
from equiviz.symmetry.transformations import INVERSIONS, ROTATIONS, TRANSLATIONS, Transformations
from equiviz.symmetry.wigner import block_diagonal, irrep_generators, irrep_matrices, irreps_matrix

Layout: TypeAlias = Literal["mul_ir", "ir_mul", "spherical"]
Parity: TypeAlias = Literal["polar", "axial"]
MAX_RANK = 6
"""Largest rank of a Cartesian tensor: 729 components."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some copies of one irreducible (or at least inseparable) piece of a representation.

    Attributes:
        label: name of the piece, for O(3) its irrep: ``"1o"``. Blocks with equal labels transform alike.
        multiplicity: number of copies.
        size: components of one copy.
        indices: ``[multiplicity, size]`` int64, where each component lies in the last axis.
        invariant: whether no group element changes it.
    """

    label: str
    multiplicity: int
    size: int
    indices: Tensor
    invariant: bool = False

    def take(self, values: Tensor) -> Tensor:
        """This block of `values` ``[..., dim]``, as ``[..., multiplicity, size]``."""
        return values[..., self.indices.to(values.device)]


class Representation(ABC):
    """How group elements act on the last axis, of length `dim`, of a tensor.

    Subclasses give `dim`, `_blocks`, `matrix` and their text; `generator` too, if a continuous group moves them; one
    that is not linear overrides `_apply` and `tangent`, and sets `affine`. `matrix` is orthogonal (or unitary), so that
    norms and inner products within a block are invariant.
    """

    affine: ClassVar[bool] = False
    """Whether some element acts by more than a matrix (a translation of positions)."""
    smooth: ClassVar[bool] = True
    """Whether small elements of a continuous group move values little by little, so that a generator has a meaning."""

    @property
    def is_complex(self) -> bool:
        """Whether values are complex numbers."""
        return False

    def transformed_by(self) -> tuple[Transformations, ...]:
        """What is worth trying on values of it: by default rotations and inversions of space."""
        return (ROTATIONS, INVERSIONS)

    @property
    @abstractmethod
    def dim(self) -> int:
        """Length of the last axis."""

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The labelled blocks; together they hold every component once."""
        return self._blocks()

    @abstractmethod
    def _blocks(self) -> tuple[Block, ...]: ...

    @abstractmethod
    def matrix(self, g: GroupElement) -> Tensor:
        """The linear part of g's action, ``[dim, dim]`` float64 (complex128 for a complex representation)."""

    @abstractmethod
    def __str__(self) -> str: ...

    def generator(self, x: Generator) -> Tensor:
        """The derivative of ``matrix(x.exp(t))`` at t = 0: ``[dim, dim]``, antisymmetric (or anti-Hermitian).

        Zero where x does not act.

        Raises:
            RepresentationError: x acts, and the subclass does not say how.
        """
        matrix = self.matrix(x.exp(1.0))
        # One radian is no fraction of a full turn, so only what x leaves alone is the identity there.
        if not torch.allclose(matrix, torch.eye(self.dim, dtype=matrix.dtype), rtol=0, atol=1e-9):
            raise RepresentationError(
                f"{x!r} moves {self}, but {type(self).__name__} does not say how fast: give it a method "
                "generator(x) that returns the derivative of matrix(x.exp(t)) at t = 0."
            )
        return torch.zeros_like(matrix)

    def transform(self, g: GroupElement, values: Tensor) -> Tensor:
        """Apply g to `values` ``[..., dim]``; computed in float64, returned in the dtype and on the device that came.

        An `Infinitesimal` element gives them a tangent (`torch.autograd.forward_ad`).

        Raises:
            RepresentationError: if the last axis is not `dim`, or the values are integers.
        """
        self.check(values)
        return (
            dual(values, self.tangent(g.generator, values)) if isinstance(g, Infinitesimal) else self._apply(g, values)
        )

    def tangent(self, x: Generator, values: Tensor) -> Tensor:
        """The derivative of ``transform(x.exp(t), values)`` at t = 0: same shape, dtype and device as `values`.

        Raises:
            RepresentationError: as `transform` and `generator`.
        """
        self.check(values)
        return apply_matrix(self.generator(x), values)

    def _apply(self, g: GroupElement, values: Tensor) -> Tensor:
        """`transform` of values that are known to fit, by a finite element."""
        return apply_matrix(self.matrix(g), values)

    def check(self, values: Tensor) -> None:
        """Raise `RepresentationError` unless `values` is a floating-point (or complex) tensor ``[..., dim]``."""
        if values.ndim == 0 or values.shape[-1] != self.dim:
            raise RepresentationError(
                f"Expected values of shape [..., {self.dim}] for {self}, got shape {list(values.shape)}."
            )
        if not (values.is_floating_point() or values.is_complex()):
            raise RepresentationError(f"Expected floating-point values for {self}, got dtype {values.dtype}.")

    def labels(self) -> list[str]:
        """The distinct block labels, in order of appearance."""
        return list(dict.fromkeys(block.label for block in self.blocks))


def apply_matrix(matrix: Tensor, values: Tensor) -> Tensor:
    """``matrix @ value`` along the last axis of `values` ``[..., n]``, in float64; keeps dtype and device."""
    wide = torch.promote_types(matrix.dtype, torch.promote_types(values.dtype, torch.float64))
    if wide.is_complex and not values.is_complex():
        raise RepresentationError(f"Expected complex values for a complex representation, got dtype {values.dtype}.")
    return (values.to(wide) @ matrix.to(device=values.device, dtype=wide).mT).to(values.dtype)


@dataclass(frozen=True, init=False)
class O3Irreps(Representation):
    """A direct sum of irreps of O(3): the usual content of an equivariant network.

    Args:
        irreps: for example ``"8x0e+4x1o"``, or `Irreps`.
        layout: order of the components within a term: "mul_ir" ``[mul, 2l+1]`` (e3nn's default), "ir_mul"
            ``[2l+1, mul]``, or "spherical": the last two axes of ``[..., (L+1)^2, C]`` flattened, with degrees 0 ... L
            once each and equal multiplicity C.

    Raises:
        IrrepsError: irreps that cannot be read.
        RepresentationError: unknown layout, or irreps that do not fit "spherical".
    """

    irreps: Irreps
    layout: Layout

    def __init__(self, irreps: str | Irreps | Iterable[tuple[int, Irrep | str]], layout: Layout = "mul_ir") -> None:
        object.__setattr__(self, "irreps", irreps if isinstance(irreps, Irreps) else Irreps(irreps))
        object.__setattr__(self, "layout", layout)
        if layout not in get_args(Layout):
            raise RepresentationError(f"Expected layout {' or '.join(map(repr, get_args(Layout)))}, got {layout!r}.")
        if layout == "spherical":
            degrees = [ir.l for _, ir in self.irreps]
            if degrees != list(range(len(degrees))) or len({mul for mul, _ in self.irreps}) > 1:
                raise RepresentationError(
                    "Expected degrees 0, 1, ... L once each with equal multiplicity for layout 'spherical' (such as "
                    f"'4x0e+4x1o+4x2e'), got '{self.irreps}'. Use layout 'ir_mul' or 'mul_ir' for it."
                )

    @property
    def dim(self) -> int:
        """Dimension of the irreps."""
        return self.irreps.dim

    def _blocks(self) -> tuple[Block, ...]:
        return tuple(
            Block(str(ir), mul, ir.dim, self._indices(part, mul, ir.dim), invariant=ir == Irrep(0, 1))
            for (mul, ir), part in zip(self.irreps, self.irreps.slices(), strict=True)
        )

    def _indices(self, part: slice, mul: int, size: int) -> Tensor:
        places = torch.arange(part.start, part.stop)
        # "spherical" is "ir_mul" with one term per degree: row l^2 + m, column c is component (l^2 + m) C + c.
        return places.reshape(mul, size) if self.layout == "mul_ir" else places.reshape(size, mul).T

    def matrix(self, g: GroupElement) -> Tensor:
        """The block-diagonal matrix, in this layout; parity included."""
        return self._laid_out(irreps_matrix(self.irreps, g if isinstance(g, O3) else O3.identity()))

    def generator(self, x: Generator) -> Tensor:
        """The block-diagonal generator of a rotation, in this layout; zero for others."""
        axis = x.axis if isinstance(x, RotationGenerator) else torch.zeros(3, dtype=torch.float64)
        return self._laid_out(block_diagonal(self.irreps, irrep_generators(self.irreps, axis)))

    def tangent(self, x: Generator, values: Tensor) -> Tensor:
        """See `Representation.tangent`; block by block, as `transform`."""
        self.check(values)
        if not isinstance(x, RotationGenerator) or not self.dim:
            return torch.zeros_like(values)
        return self._blockwise(irrep_generators(self.irreps, x.axis), values)

    def _apply(self, g: GroupElement, values: Tensor) -> Tensor:
        if not isinstance(g, O3) or not self.dim:
            return values
        return self._blockwise(irrep_matrices(self.irreps, g), values)

    def _blockwise(self, matrices: Mapping[Irrep, Tensor], values: Tensor) -> Tensor:
        """A matrix for each irrep, applied block by block: cheaper than the full matrix."""
        parts = [
            apply_matrix(matrices[ir], block.take(values))
            for (_, ir), block in zip(self.irreps, self.blocks, strict=True)
        ]
        return torch.cat([part.flatten(-2) for part in parts], dim=-1)[..., self._from_mul_ir.to(values.device)]

    def _laid_out(self, matrix: Tensor) -> Tensor:
        """A matrix in mul_ir order, in this layout."""
        places = self._from_mul_ir
        return matrix[places][:, places]

    def relayout(self, values: Tensor, layout: Layout) -> tuple[Tensor, O3Irreps]:
        """The same values ``[..., dim]`` in another memory layout, and the representation that describes them."""
        self.check(values)
        other = O3Irreps(self.irreps, layout)
        order = self._to_mul_ir[other._from_mul_ir]
        return values[..., order.to(values.device)], other

    @cached_property
    def _to_mul_ir(self) -> Tensor:
        """Component i of mul_ir order is component ``_to_mul_ir[i]`` here."""
        return torch.cat([block.indices.flatten() for block in self.blocks] + [torch.zeros(0, dtype=torch.int64)])

    @cached_property
    def _from_mul_ir(self) -> Tensor:
        return self._to_mul_ir.argsort()

    def __str__(self) -> str:
        return str(self.irreps)

    def __repr__(self) -> str:
        layout = "" if self.layout == "mul_ir" else f", layout={self.layout!r}"
        return f"O3Irreps({str(self.irreps)!r}{layout})"


@dataclass(frozen=True)
class CartesianTensor(Representation):
    """A Cartesian tensor with `rank` indices, flattened to ``3^rank`` components in C order.

    Attributes:
        rank: number of indices, 0 to 6.
        parity: "polar" (velocity, stress) or "axial" (angular momentum: one more factor det).

    Raises:
        RepresentationError: rank or parity out of range.
    """

    rank: int
    parity: Parity = "polar"

    def __post_init__(self) -> None:
        if not 0 <= self.rank <= MAX_RANK:
            raise RepresentationError(f"Expected a tensor rank from 0 to {MAX_RANK}, got {self.rank}.")
        if self.parity not in get_args(Parity):
            raise RepresentationError(f"Expected parity 'polar' or 'axial', got {self.parity!r}.")

    @property
    def dim(self) -> int:
        """``3^rank``."""
        return 3**self.rank

    def _blocks(self) -> tuple[Block, ...]:
        invariant = self.rank == 0 and self.parity == "polar"
        return (Block(str(self), 1, self.dim, torch.arange(self.dim)[None], invariant),)

    def matrix(self, g: GroupElement) -> Tensor:
        """``R`` times itself, `rank` times (Kronecker product); times det for an axial tensor."""
        element = g if isinstance(g, O3) else O3.identity()
        matrix = torch.ones(1, 1, dtype=torch.float64)
        for _ in range(self.rank):
            matrix = torch.kron(matrix, element.matrix)
        return element.det * matrix if self.parity == "axial" else matrix

    def generator(self, x: Generator) -> Tensor:
        """The generator of the rotation on each index in turn, summed; zero for other generators."""
        total = torch.zeros(self.dim, self.dim, dtype=torch.float64)
        if isinstance(x, RotationGenerator):
            for place in range(self.rank):
                before, after = (torch.eye(3**count, dtype=torch.float64) for count in (place, self.rank - place - 1))
                total += torch.kron(torch.kron(before, x.matrix), after)
        return total

    def __str__(self) -> str:
        return f"rank-{self.rank} {self.parity}"


@dataclass(frozen=True)
class Position(Representation):
    """Points in space: ``1o`` under O(3), and the only representation that a `Translation` moves. `dim` is 3."""

    affine: ClassVar[bool] = True

    @property
    def dim(self) -> int:
        """Three."""
        return 3

    def transformed_by(self) -> tuple[Transformations, ...]:
        """Translations too."""
        return (ROTATIONS, INVERSIONS, TRANSLATIONS)

    def _blocks(self) -> tuple[Block, ...]:
        return (Block("1o", 1, 3, torch.arange(3)[None]),)

    def matrix(self, g: GroupElement) -> Tensor:
        """The rotation or reflection; a translation has no linear part but the identity."""
        return g.matrix if isinstance(g, O3) else torch.eye(3, dtype=torch.float64)

    def generator(self, x: Generator) -> Tensor:
        """The generator of a rotation; a translation has no linear part, see `tangent`."""
        return x.matrix if isinstance(x, RotationGenerator) else torch.zeros(3, 3, dtype=torch.float64)

    def tangent(self, x: Generator, values: Tensor) -> Tensor:
        """Velocities of the points ``[..., 3]``."""
        self.check(values)
        if isinstance(x, TranslationGenerator):
            return x.direction.to(values).expand_as(values).clone()
        return apply_matrix(self.generator(x), values)

    def _apply(self, g: GroupElement, values: Tensor) -> Tensor:
        if isinstance(g, Translation):
            return (values.to(torch.float64) + g.vector.to(values.device)).to(values.dtype)
        return apply_matrix(g.matrix, values) if isinstance(g, O3) else values

    def __str__(self) -> str:
        return "position"


@dataclass(frozen=True)
class Trivial(Representation):
    """`count` numbers that no group element changes.

    Raises:
        RepresentationError: if the count is negative.
    """

    count: int

    def __post_init__(self) -> None:
        if self.count < 0:
            raise RepresentationError(f"Expected 0 or more invariants, got {self.count}.")

    @property
    def dim(self) -> int:
        """`count`."""
        return self.count

    def transformed_by(self) -> tuple[Transformations, ...]:
        """Nothing."""
        return ()

    def _blocks(self) -> tuple[Block, ...]:
        return (Block("invariant", self.count, 1, torch.arange(self.count)[:, None], invariant=True),)

    def matrix(self, g: GroupElement) -> Tensor:
        """The identity."""
        return torch.eye(self.count, dtype=torch.float64)

    def tangent(self, x: Generator, values: Tensor) -> Tensor:
        """Zero."""
        self.check(values)
        return torch.zeros_like(values)

    def _apply(self, g: GroupElement, values: Tensor) -> Tensor:
        return values

    def __str__(self) -> str:
        return f"{self.count} invariants"
