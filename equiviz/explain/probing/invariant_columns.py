"""The invariants of a stage as columns of a regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from equiviz.explain.errors import ProbeError
from equiviz.explain.probing.bispectrum import bispectrum
from equiviz.symmetry.field import Field

Invariants: TypeAlias = Literal["norms", "inner_products", "power_spectrum", "ratios", "bispectrum"]


def invariant_columns(field: Field, kinds: Sequence[Invariants], most: int) -> Tensor:
    """Features [N, F] of a node field, in float64, constant columns left out.

    Args:
        field: values [N, dim].
        kinds: "norms": invariant blocks and the norm of every other copy; "power_spectrum": invariant blocks and all
            inner products within one irrep (squared norms among them); "inner_products": the same without the products
            of invariant blocks, which are no new invariants and are very many in wide stages; "ratios": the norm of
            copy c divided by the size of scalar copy c, where there are as many: an angular density per neighbour, as
            Steinhardt's parameters are; "bispectrum": products of three copies, which tell mirror images apart where
            parities allow it (`bispectrum`: those that do change sign under inversion, all others are invariant).
        most: with more columns than this, their leading principal components are taken, at their own variance: a
            ridge then holds the small ones back, and more of them do no harm.

    Raises:
        ProbeError: an unknown kind; values that are not finite.
    """
    unknown = [kind for kind in kinds if kind not in get_args(Invariants)]
    if unknown or not kinds:
        raise ProbeError(f"Expected invariants out of {', '.join(get_args(Invariants))}, got {list(kinds)}.")
    field = field.to(torch.float64)
    columns = torch.cat([_columns(field, kind) for kind in kinds], 1)
    if not bool(columns.isfinite().all()):
        raise ProbeError(f"{int((~columns.isfinite()).any(1).sum())} environments have invariants that are not finite.")
    return _reduced(_standardised(columns), most)


def _columns(field: Field, kind: Invariants) -> Tensor:
    made = _made(field, kind)
    return torch.cat([made.real, made.imag], 1) if made.is_complex() else made  # <a, b> has a real and imaginary part


def _made(field: Field, kind: Invariants) -> Tensor:
    if kind == "ratios":
        return _ratios(field)
    if kind == "bispectrum":
        return bispectrum(field)[0]
    return _inner_products(field) if kind == "inner_products" else field.invariants(kind).values.flatten(1)


def _inner_products(field: Field) -> Tensor:
    columns = [field.values.flatten(1)[:, :0]]
    for label in field.representation.labels():
        copies = field[label].flatten(1, -2)  # [N, mul, size]
        if all(block.invariant for block in field.blocks if block.label == label):
            columns.append(copies.flatten(1))
            continue
        first, second = torch.triu_indices(copies.shape[1], copies.shape[1])
        columns.append((copies @ copies.mH)[:, first, second])
    return torch.cat(columns, 1)


def _ratios(field: Field) -> Tensor:
    invariant = [block.label for block in field.blocks if block.invariant]
    if not invariant:
        return field.values[:, :0]
    scalars = field[invariant[0]].squeeze(-1).abs()  # [N, C]
    # Where a scalar vanishes so does its density; a thousandth of its rms keeps the ratio finite there.
    scalars = scalars + 1e-3 * scalars.square().mean(0).sqrt() + torch.finfo(torch.float64).tiny
    others = [field[label] for label in field.representation.labels() if label not in invariant]  # [N, mul, 2l+1]
    fitting = [copies.norm(dim=-1) / scalars for copies in others if copies.shape[1] == scalars.shape[1]]
    return torch.cat(fitting, 1) if fitting else field.values[:, :0]


def _standardised(columns: Tensor) -> Tensor:
    centred = columns - columns.mean(0)
    spread = centred.square().mean(0).sqrt()
    # A column that varies by less than rounding is constant.
    varies = spread > 1e-12 * columns.abs().amax(0)
    return centred[:, varies] / spread[varies]


def _reduced(columns: Tensor, most: int) -> Tensor:
    """The leading principal components [N, most] of columns [N, F], from the smaller of the two Gram matrices."""
    rows, count = columns.shape
    if count <= most:
        return columns
    if count < rows:
        return columns @ torch.linalg.eigh(columns.T @ columns)[1][:, -most:]
    values, vectors = torch.linalg.eigh(columns @ columns.T)
    return vectors[:, -most:] * values[-most:].clamp(min=0).sqrt()
