"""Field: values, the representation they carry, and what they live on. The only thing that leaves a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from equiviz.symmetry import invariants as _invariants
from equiviz.symmetry.errors import RepresentationError
from equiviz.symmetry.groups import GroupElement, MovesSupport
from equiviz.symmetry.invariants import InvariantKind
from equiviz.symmetry.irreps import Irreps
from equiviz.symmetry.representation_text import representation
from equiviz.symmetry.representations import Block, Layout, O3Irreps, Representation, Trivial

Support: TypeAlias = Literal["node", "edge", "graph", "sphere"]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Field:
    """A typed tensor.

    Args:
        values: ``[points, ..., dim]`` floating point or complex, any device; NaN is let through, for tools to report.
        representation: how the last axis transforms: a `Representation`, or its text such as ``"8x0e+4x1o"``.
        support: what the first axis counts: "node", "edge", "graph", or points of a "sphere" grid.

    Raises:
        RepresentationError: if shape, dtype or support do not fit.
        IrrepsError: if the text of the representation cannot be read.
    """

    values: Tensor
    representation: Representation
    support: Support

    def __init__(
        self, values: Tensor, representation: Representation | Irreps | str, support: Support = "node"
    ) -> None:
        if not isinstance(values, Tensor):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise RepresentationError(
                f"Expected a torch.Tensor, got {type(values).__name__}; use torch.as_tensor(...)."
            )
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "representation", _representation(representation))
        object.__setattr__(self, "support", support)
        if support not in get_args(Support):
            raise RepresentationError(f"Expected support {' or '.join(map(repr, get_args(Support)))}, got {support!r}.")
        if values.ndim < 2:
            raise RepresentationError(
                f"Expected values of shape [{support}s, ..., {self.dim}] for a {support} field of "
                f"{self.representation}, got shape {list(values.shape)}."
            )
        self.representation.check(values)

    @property
    def dim(self) -> int:
        """Number of components, the length of the last axis."""
        return self.representation.dim

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The labelled blocks of the representation."""
        return self.representation.blocks

    def __len__(self) -> int:
        """Number of points."""
        return len(self.values)

    def __getitem__(self, label: str) -> Tensor:
        """All copies with this block label: ``field["1o"]`` is ``[points, ..., mul, 3]``, in any memory layout.

        Raises:
            RepresentationError: if there is no such block.
        """
        return _invariants.copies_of(self.values, self.representation, label)

    def transform(self, g: GroupElement) -> Field:
        """The field after g: components by the representation, points by g if it moves them (a node permutation)."""
        values = self.representation.transform(g, self.values)
        return self.with_values(g.reorder(self.support, values) if isinstance(g, MovesSupport) else values)

    def norms(self) -> Tensor:
        """Norm of each copy of each block, ``[points, ..., sum of mul]``, in the order of the blocks."""
        return _invariants.norms(self.values, self.representation)

    def invariants(self, kind: InvariantKind = "norms") -> Field:
        """Numbers that no group element changes, as a field of `Trivial`; `invariant_labels` names them.

        Args:
            kind: "norms": the values of invariant blocks (``0e``) with their sign, and the norm of each other copy.
                "power_spectrum": the values of invariant blocks, and for each label all inner products ``<a_i, a_j>``,
                i <= j, of its copies. Copies in different terms but with one label (``"1o+1o"``) count together.

        Raises:
            RepresentationError: unknown kind, or positions, whose norms are not invariant.
        """
        values = _invariants.invariants(self.values, self.representation, kind)
        return Field(values, Trivial(values.shape[-1]), self.support)

    def invariant_labels(self, kind: InvariantKind = "norms") -> list[str]:
        """A name for each of `invariants`: ``"0e[2]"``, ``"|1o[0]|"``, ``"<1o[0],1o[3]>"``."""
        return _invariants.invariant_labels(self.representation, kind)

    def relayout(self, layout: Layout) -> Field:
        """The same field with another memory layout of its irreps.

        Raises:
            RepresentationError: if this is no field of O(3) irreps, or they do not fit the layout.
        """
        if not isinstance(self.representation, O3Irreps):
            raise RepresentationError(
                f"Expected a field of O(3) irreps to change its layout, got {self.representation}."
            )
        return Field(*self.representation.relayout(self.values, layout), self.support)

    def with_values(self, values: Tensor) -> Field:
        """Other values of the same representation on the same support."""
        return replace(self, values=values)

    def to(self, target: torch.dtype | torch.device | str) -> Field:
        """The field on another device, or in the precision of another dtype: complex values stay complex."""
        if isinstance(target, torch.dtype) and self.values.is_complex() and target.is_floating_point:
            target = torch.promote_types(target, torch.complex32)
        return self.with_values(self.values.to(target))

    def detach(self) -> Field:
        """The field cut from the autograd graph."""
        return self.with_values(self.values.detach())

    def __repr__(self) -> str:
        rep, kind = self.representation, str(self.values.dtype).removeprefix("torch.")
        layout = f", {rep.layout}" if isinstance(rep, O3Irreps) and rep.layout != "mul_ir" else ""
        return f"Field({rep}{layout} on {self.support}s, {kind} {list(self.values.shape)})"


_representation = representation  # the parameter of Field has the same name
