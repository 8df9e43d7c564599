"""Invariants of typed values: norms of the copies of each block, and all inner products within one label.

They are invariant because the representations in use are orthogonal (or unitary): ``<D a, D b> = <a, b>`` for two
copies a, b of one block. The inner products are the power spectrum of Bartok, Kondor and Csanyi, Phys. Rev. B 87,
184115 (2013), without its prefactor.

Invariants are real numbers: of complex values real and imaginary parts count one by one, and
``<a, b> = sum_k a_k conj(b_k)``.

Shapes: ... any support axes, mul copies, size components of one copy.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor

from equiviz.symmetry.errors import RepresentationError
from equiviz.symmetry.representations import Representation

InvariantKind: TypeAlias = Literal["norms", "power_spectrum"]


def norms(values: Tensor, rep: Representation) -> Tensor:
    """Norm of each copy of each block, ``[..., sum of mul]``, in the unit of the values; zero gradient at zero."""
    copies = [torch.linalg.vector_norm(block.take(values), dim=-1) for block in rep.blocks]  # [..., mul]
    return torch.cat(copies, dim=-1) if copies else values


def invariants(values: Tensor, rep: Representation, kind: InvariantKind) -> Tensor:
    """Invariants of `values` ``[..., dim]``; see `Field.invariants` for what each kind holds."""
    _refuse(rep, kind)
    columns = [column for label in rep.labels() for column in _of_label(values, rep, label, kind)]
    return torch.cat(columns, dim=-1) if columns else values


def invariant_labels(rep: Representation, kind: InvariantKind) -> list[str]:
    """A name for each invariant, in the same order: ``"0e[2]"``, ``"|1o[0]|"``, ``"<1o[0],1o[3]>"``."""
    _refuse(rep, kind)
    return [name for label in rep.labels() for name in _names(rep, label, kind)]


def copies_of(values: Tensor, rep: Representation, label: str) -> Tensor:
    """All copies with this block label, ``[..., mul, size]``.

    Raises:
        RepresentationError: if there is none; the message lists the labels that there are.
    """
    found = [block.take(values) for block in rep.blocks if block.label == label]
    if not found:
        raise RepresentationError(f"Expected one of the block labels {rep.labels()} of {rep}, got {label!r}.")
    return torch.cat(found, dim=-2)


def _of_label(values: Tensor, rep: Representation, label: str, kind: InvariantKind) -> list[Tensor]:
    copies = copies_of(values, rep, label)  # [..., mul, size]
    themselves = _real_parts(copies.squeeze(-1), rep) if _is_invariant(rep, label) else []
    if kind == "norms":
        return themselves or [torch.linalg.vector_norm(copies, dim=-1)]
    products, count = copies @ copies.mH, copies.shape[-2]
    first, second = torch.triu_indices(count, count, device=values.device)
    if not rep.is_complex:
        return [*themselves, products[..., first, second]]
    below, above = torch.triu_indices(count, count, 1, device=values.device)  # <a, a> is real
    return [*themselves, products.real[..., first, second], products.imag[..., below, above]]


def _real_parts(numbers: Tensor, rep: Representation) -> list[Tensor]:
    return [numbers.real, numbers.imag] if rep.is_complex else [numbers]


def _names(rep: Representation, label: str, kind: InvariantKind) -> list[str]:
    copies = range(sum(block.multiplicity for block in rep.blocks if block.label == label))
    parts = {"Re ": 0, "Im ": 1} if rep.is_complex else {"": 0}
    themselves = [f"{part}{label}[{i}]" for part in parts for i in copies] if _is_invariant(rep, label) else []
    if kind == "norms":
        return themselves or [f"|{label}[{i}]|" for i in copies]
    return themselves + [
        f"{part}<{label}[{i}],{label}[{j}]>" for part, gap in parts.items() for i in copies for j in copies[i + gap :]
    ]


def _is_invariant(rep: Representation, label: str) -> bool:
    return any(block.invariant for block in rep.blocks if block.label == label)


def _refuse(rep: Representation, kind: str) -> None:
    if kind not in ("norms", "power_spectrum"):
        raise RepresentationError(f"Expected invariants 'norms' or 'power_spectrum', got {kind!r}.")
    if rep.affine:
        raise RepresentationError(
            f"Expected a linear representation, got {rep}: translations change its norms. "
            "Take differences of positions first; they are '1o'."
        )
