"""Stages and descriptors as columns that can be compared: no choice of channels and no unit matters."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from equiviz.explain.errors import LikenessError
from equiviz.features.precision import wide
from equiviz.symmetry.field import Field

CONSTANT = 1e-12


def columns_of_stage(field: Field) -> tuple[Tensor, list[str]]:
    """The invariants of a node field as centred columns [N, F] float64, and a name for each.

    Of each irrep: the values, where they are invariants; of others all inner products of their copies, those of two
    different copies times the square root of 2. Then an orthogonal mixing of the copies is an orthogonal mixing of the
    columns. Each irrep is divided by its own spread, so that a scale of its own changes nothing either.

    Raises:
        LikenessError: values that are not finite.
    """
    values = field.with_values(wide(field.values))
    blocks, names = [values.values.real.flatten(1)[:, :0]], list[str]()
    for label in field.representation.labels():
        copies = values[label]  # [N, ..., mul, size]
        copies = copies.flatten(1, -2)  # what stands between nodes and copies is more copies
        if all(block.invariant for block in field.blocks if block.label == label):
            block, own = _parts(copies.flatten(1)), [f"{label}[{i}]" for i in range(copies.shape[1])]
        else:
            block, own = _products(copies), _product_names(label, copies.shape[1])
        balanced = _balanced(block)
        blocks.append(balanced)
        names += _twice(own, balanced.shape[1])
    return torch.cat(blocks, 1), names


def columns_of_descriptor(values: Tensor) -> Tensor:
    """Columns [N, T] of one set of descriptors, each in units of its own spread: their units say nothing.

    Raises:
        LikenessError: values that are not finite.
    """
    _refuse(values)
    centred = values.double() - values.double().mean(0)
    spread = centred.square().mean(0).sqrt()
    varies = spread > CONSTANT * values.abs().amax(0)
    return centred[:, varies] / spread[varies]


def leading(columns: Tensor, most: int) -> Tensor:
    """The leading principal components [N, D] of centred columns, at most `most`; those of rounding are left out."""
    if not columns.shape[1]:
        return columns
    left, sizes, _ = torch.linalg.svd(columns, full_matrices=False)
    count = min(most, int((sizes > 1e-6 * sizes[0]).sum()))
    return left[:, :count] * sizes[:count]


def _products(copies: Tensor) -> Tensor:
    gram = copies @ copies.mH  # [N, mul, mul]
    first, second = torch.triu_indices(copies.shape[-2], copies.shape[-2], device=copies.device)
    weights = torch.where(first == second, 1.0, math.sqrt(2)).to(gram.real)
    return _parts(gram[:, first, second] * weights)


def _product_names(label: str, count: int) -> list[str]:
    return [f"<{label}[{i}],{label}[{j}]>" for i in range(count) for j in range(i, count)]


def _parts(values: Tensor) -> Tensor:
    return torch.cat([values.real, values.imag], 1) if values.is_complex() else values


def _twice(names: list[str], count: int) -> list[str]:
    """Of complex columns, whose imaginary parts follow; none where the block is constant."""
    return [*names, *(f"Im {name}" for name in names)][:count]


def _balanced(block: Tensor) -> Tensor:
    _refuse(block)
    centred = block - block.mean(0)
    spread = centred.square().sum(1).mean().sqrt()
    largest = block.abs().amax() if block.numel() else spread
    return centred / spread if bool(spread > CONSTANT * largest) else centred[:, :0]


def _refuse(values: Tensor) -> None:
    bad = int((~values.isfinite()).any(1).sum())
    if bad:
        raise LikenessError(f"{bad} of {len(values)} environments have values that are not finite: repair them first.")
