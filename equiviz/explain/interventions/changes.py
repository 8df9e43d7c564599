"""What ablations put in place of values: nothing, the mean, those of another row, or the same turned at random.

====================  =================================================================================================
"zero"                zeros.
"mean"                the mean over all rows (atoms, edges) of the same structure. It is equivariant still, for it turns
                      along with the structure; what is lost is all that differs between atoms. The mean of a block
                      with l > 0 is the structure's own net vector or tensor, and close to zero in a disordered one.
"shuffle"             the values of another row, drawn as a permutation within the structure: the distribution is kept,
                      and equivariance; what is lost is which atom has which value.
"rotate"              each row turned by an element of the group of its own, drawn uniformly; all copies of the row turn
                      together. Norms and angles between the copies of one row are kept; what is lost is their direction
                      against everything else. Invariants stay as they are.
====================  =================================================================================================
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from equiviz.explain.errors import InterventionError
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import haar, haar_matrices
from equiviz.symmetry.representations import O3Irreps, Representation, apply_matrix
from equiviz.symmetry.wigner import wigner_blocks

How: TypeAlias = Literal["zero", "mean", "shuffle", "rotate"]
HOWS: tuple[How, ...] = get_args(How)
# Rows of a representation that is not of O(3) irreps share this many elements: each takes a matrix of its own.
_ELEMENTS = 64


def changed(field: Field, how: How, group: str, seed: int) -> Tensor:
    """All values of a field as an ablation makes them, in the shape in which they came.

    Args:
        field: of one structure, ``[rows, ..., dim]``.
        how: see the module.
        group: that the model claims; with an inversion in it, half of the random elements have one too. A model that
            claims no rotations is treated as if it claimed SO(3).
        seed: of permutation and elements; equal for fields of equally many rows.

    Raises:
        InterventionError: another word.
    """
    values = field.values
    if how == "zero":
        return torch.zeros_like(values)
    if how == "mean":
        return values.mean(0, keepdim=True).expand_as(values) if len(values) else values
    if how == "shuffle":
        order = torch.randperm(len(values), generator=torch.Generator().manual_seed(seed))
        return values[order.to(values.device)]
    if how == "rotate":
        return _turned(values, field.representation, group, seed)
    raise InterventionError(f"Expected how= one of {', '.join(map(repr, HOWS))}, got {how!r}.")


def has_inversion(group: str) -> bool:
    """Whether a group that a model claims holds the inversion."""
    return group in ("E(3)", "O(3)")


def _turned(values: Tensor, carried: Representation, group: str, seed: int) -> Tensor:
    orthogonal = "O(3)" if has_inversion(group) else "SO(3)"
    if isinstance(carried, O3Irreps):
        return _turned_irreps(values, carried, haar_matrices(len(values), seed, orthogonal))
    elements = haar(min(_ELEMENTS, max(1, len(values))), seed, orthogonal)
    made = values.clone()
    for place, g in enumerate(elements):
        rows = slice(place, None, len(elements))
        made[rows] = apply_matrix(carried.matrix(g), values[rows])
    return made


def _turned_irreps(values: Tensor, carried: O3Irreps, matrices: Tensor) -> Tensor:
    """Row by row: `values` [rows, ..., dim], `matrices` [rows, 3, 3]."""
    signs = torch.linalg.det(matrices).round()[:, None, None]
    proper = matrices * signs
    degrees = sorted({irrep.l for _, irrep in carried.irreps})
    by_degree = dict(zip(degrees, wigner_blocks(degrees, proper), strict=True))
    flat = values.reshape(len(values), -1, values.shape[-1])  # [rows, M, dim]
    made = flat.clone()
    for (_, irrep), block in zip(carried.irreps, carried.blocks, strict=True):
        acting = by_degree[irrep.l] * (signs if irrep.p < 0 else 1)  # [rows, size, size]
        taken = block.take(flat).double()  # [rows, M, mul, size]
        turned = torch.einsum("rij,rmuj->rmui", acting.to(taken.device), taken).to(made)
        made[..., block.indices.to(made.device)] = turned
    return made.reshape(values.shape)


def with_part(values: Tensor, columns: Tensor, other: Tensor) -> Tensor:
    """`values` [..., dim] with some columns ``[K]`` of `other`."""
    made = values.clone()
    places = columns.to(values.device)
    made[..., places] = other[..., places]
    return made
