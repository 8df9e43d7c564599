r"""Triple products of irreps, the bispectrum: invariants of three copies, which know angles that norms do not.

    B(i) = sum over a, b, c of C_abc x_a(i) y_b(i) z_c(i)

Symbols: x, y, z copies of irreps of degrees l1, l2, l3 on node i; C the scalar that these couple to
(`equiviz.symmetry.coupling`). B changes sign under inversion where the parities of the three irreps multiply to odd:
then it is a **pseudoscalar**, the only kind of invariant that tells a left hand from a right one. Its label ends in
"(0o)", those of true scalars in "(0e)".

Source: Bartok, Kondor and Csanyi, Phys. Rev. B 87, 184115 (2013), section II; what it adds to the power spectrum:
Pozdnyakov et al., Phys. Rev. Lett. 125, 166001 (2020).

Departures: blocks 0e are left out, for their products with others are no new invariants; values of 0o blocks are given
as they are. Where there are more products than asked for, the copies of each irrep are first brought down to their
leading combinations (principal components over the nodes, one mixing of channels for all components, so that irreps
stay irreps).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement

import torch
from torch import Tensor

from equiviz.explain.errors import ProbeError
from equiviz.symmetry.coupling import obeys_triangle_rule, scalar_coupling
from equiviz.symmetry.errors import IrrepsError
from equiviz.symmetry.field import Field
from equiviz.symmetry.irreps import Irrep

MOST = 1_000
"""Triple products of a stage, unless said otherwise."""
LARGEST = 6
"""Degrees above this are left out: their couplings are large, and so is the angular power that they need."""


def bispectrum(field: Field, most: int = MOST) -> tuple[Tensor, list[str]]:
    """Triple products of a node field, [N, F] in the dtype of the field, and a label for each.

    Labels are such as ``"<1o[0],1o[1],2e[0]> (0e)"``; numbers count combinations of channels by their size where
    channels were reduced.

    Raises:
        ProbeError: a stage that carries no irreps of O(3).
    """
    copies = _copies(field)
    count = _count(copies, most)
    copies = {ir: _leading(values, count) for ir, values in copies.items()}
    columns, labels = [field.values[:, :0]], list[str]()
    for ir, values in copies.items():
        if ir == Irrep(0, -1):
            columns.append(values.squeeze(-1))
            labels += [f"0o[{i}] (0o)" for i in range(values.shape[1])]
    for triple in _triples(copies):
        chosen = _choices(triple, [copies[ir].shape[1] for ir in triple])
        columns.append(_products(triple, [copies[ir] for ir in triple], chosen))
        ends = "(0e)" if math.prod(ir.p for ir in triple) == 1 else "(0o)"
        labels += [f"<{','.join(f'{ir}[{i}]' for ir, i in zip(triple, row, strict=True))}> {ends}" for row in chosen]
    return torch.cat(columns, 1), labels


def _copies(field: Field) -> dict[Irrep, Tensor]:
    """By irrep that is not 0e, [N, mul, 2l+1]."""
    try:
        irreps = {Irrep.parse(label): label for label in field.representation.labels()}
    except IrrepsError as problem:
        raise ProbeError(
            f"The bispectrum couples irreps of O(3), such as 1o; this stage carries {field.representation}. "
            "Leave 'bispectrum' out of invariants=."
        ) from problem
    return {ir: field[label] for ir, label in sorted(irreps.items()) if ir != Irrep(0, 1) and ir.l <= LARGEST}


def _triples(copies: Mapping[Irrep, Tensor]) -> Iterator[tuple[Irrep, Irrep, Irrep]]:
    """Irreps that couple; 0o alone among others would repeat the power spectrum, but 0o with two of one degree counts,
    for it makes true scalars of pseudoscalars."""
    for triple in combinations_with_replacement(copies, 3):
        degrees = [ir.l for ir in triple]
        if degrees[0] == degrees[1] == 0:
            continue
        if obeys_triangle_rule(*degrees):
            yield triple


def _choices(triple: tuple[Irrep, Irrep, Irrep], counts: list[int]) -> list[tuple[int, int, int]]:
    """Which copies, each product once; those that vanish by antisymmetry left out."""
    least = 1 if sum(ir.l for ir in triple) % 2 else 0
    return [
        (i, j, k)
        for i in range(counts[0])
        for j in range(i + least if triple[0] == triple[1] else 0, counts[1])
        for k in range(j + least if triple[1] == triple[2] else 0, counts[2])
    ]


def _count(copies: Mapping[Irrep, Tensor], most: int) -> int:
    """How many combinations of channels of each irrep may stay: as many as give at most `most` columns, at least one.

    Counts grow with the number, so the first that is too many ends the search.
    """
    largest, own = max((values.shape[1] for values in copies.values()), default=1), 1
    while own < largest and _columns(copies, own + 1) <= most:
        own += 1
    return own


def _columns(copies: Mapping[Irrep, Tensor], count: int) -> int:
    left = {ir: min(count, values.shape[1]) for ir, values in copies.items()}
    return sum(len(_choices(triple, [left[ir] for ir in triple])) for triple in _triples(copies))


def _leading(copies: Tensor, count: int) -> Tensor:
    """The leading combinations of copies, [N, mul, size] -> [N, count, size]."""
    if copies.shape[1] <= count:
        return copies
    flat = copies.transpose(0, 1).flatten(1)  # [mul, N * size]
    vectors = torch.linalg.eigh(flat @ flat.T)[1].flip(1)[:, :count]  # [mul, count] the largest first
    return torch.einsum("nms,mc->ncs", copies, vectors)


def _products(triple: tuple[Irrep, Irrep, Irrep], copies: list[Tensor], chosen: list[tuple[int, int, int]]) -> Tensor:
    """[N, F] of the chosen copies."""
    coupling = scalar_coupling(*(ir.l for ir in triple)).to(copies[0])
    paired = torch.einsum("abc,nkc->nkab", coupling, copies[2])  # [N, k, a, b]
    coupled = torch.einsum("nkab,njb->njka", paired, copies[1])  # [N, j, k, a]
    every = torch.einsum("njka,nia->nijk", coupled, copies[0])
    first, second, third = torch.tensor(chosen, dtype=torch.long).reshape(-1, 3).T
    return every[:, first, second, third]
