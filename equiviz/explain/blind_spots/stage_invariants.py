"""What a stage says of an environment, whatever its orientation: the numbers that blind spots are looked for in."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from equiviz.explain.errors import BlindSpotError
from equiviz.structures.graph import Graph
from equiviz.symmetry.field import Field
from equiviz.symmetry.representations import O3Irreps

MOST_COPIES = 16
"""Of one irrep: more are mixed into so many at random, which hides a difference no better than all of them would."""


def invariant_rows(field: Field) -> Tensor:
    """Invariants under rotations of each row, ``[rows, F]``, on the autograd graph of the field.

    They are scalars, pseudo-scalars with their sign, and all inner products within one irrep (norms among them)."""
    flat = field.with_values(field.values.flatten(1, -2)) if field.values.ndim > 2 else field
    columns = [_of_label(flat, label).flatten(1) for label in flat.representation.labels()]
    return torch.cat(columns, 1) if columns else field.values[:, :0]


def stage_invariants(field: Field, node: int | None = None) -> Tensor:
    """What the stage says of one structure: of one node ``[F]``, or of all its rows one after the other."""
    chosen = field.values[[node]] if node is not None and field.support == "node" else field.values
    return invariant_rows(field.with_values(chosen)).flatten()


def invariants_by_structure(field: Field, graph: Graph, centre: int | None) -> Tensor:
    """What the stage says of each structure of a batch, ``[B, F]``.

    Args:
        field: of all of them.
        graph: the batch.
        centre: the node of each that is looked at, for fields on nodes; None for the mean over all rows of a structure,
            as a pooling read-out sees them.
    """
    rows = invariant_rows(field)
    if field.support == "graph" or (centre is not None and field.support == "node"):
        return rows if field.support == "graph" else rows[graph.offsets[:-1] + (centre or 0)]
    of = graph.batch if field.support == "node" else graph.batch[graph.receivers]
    counts = torch.bincount(of, minlength=graph.n_graphs).clamp(min=1)
    return rows.new_zeros(graph.n_graphs, rows.shape[1]).index_add(0, of, rows) / counts[:, None]


def usable(fields: Mapping[str, Field], stages: Collection[str] | None) -> dict[str, Field]:
    """The stages that were asked for, without those that translations move.

    Raises:
        BlindSpotError: one that is not there.
    """
    known = {name: field for name, field in fields.items() if not field.representation.affine}
    missing = [name for name in stages or () if name not in known]
    if missing or not known:
        raise BlindSpotError(f"There is no stage {missing}; the model has {', '.join(known) or 'none'}.")
    return {name: field for name, field in known.items() if stages is None or name in stages}


def _of_label(field: Field, label: str) -> Tensor:
    """Columns [rows, ..., F] of all copies of one irrep."""
    copies = field[label]  # [rows, mul, size]
    if copies.is_complex():
        return _real(copies @ copies.mH)
    blocks = [block for block in field.blocks if block.label == label]
    if all(block.invariant for block in blocks) or _is_pseudoscalar(field, label):
        return copies.squeeze(-1)
    mixed = _mixed(copies)
    first, second = torch.triu_indices(mixed.shape[-2], mixed.shape[-2], device=mixed.device)
    return (mixed @ mixed.mT)[..., first, second]


def _is_pseudoscalar(field: Field, label: str) -> bool:
    return label == "0o" and isinstance(field.representation, O3Irreps)


def _mixed(copies: Tensor) -> Tensor:
    """At most MOST_COPIES mixtures of the copies, always the same ones."""
    count = copies.shape[-2]
    if count <= MOST_COPIES:
        return copies
    generator = torch.Generator().manual_seed(count)
    mixture = torch.randn(count, MOST_COPIES, generator=generator, dtype=torch.float64) / count**0.5
    return torch.einsum("...ks,km->...ms", copies, mixture.to(copies))


def _real(products: Tensor) -> Tensor:
    first, second = torch.triu_indices(products.shape[-2], products.shape[-2], device=products.device)
    return torch.view_as_real(products[..., first, second]).flatten(-2)
