"""The trials of a check: which input is run, and how its record should follow from the reference record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from equiviz.equivariance.claims import Kind
from equiviz.equivariance.transformed_input import listed, node_counts, reordered, spread, transformed
from equiviz.features.model_input import ModelInput
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.groups import O3, GroupElement, Translation, haar

TRANSLATIONS = 3
PERMUTATIONS = 3


@dataclass(frozen=True, eq=False)
class Trial:
    """One comparison to make.

    Attributes:
        kind: what is tried.
        words: the element, for readers.
        x: the input to run.
        g: how the reference fields should change (a permutation: over the nodes of all structures); None: not at all.
        company: the first rows of the record are the reference's, the others are company (batch independence).
    """

    kind: Kind
    words: str
    x: ModelInput
    g: GroupElement | None = None
    company: bool = False


def trials(x: ModelInput, elements: int, seed: int, batches: bool) -> Iterator[Trial]:
    """All trials of one input, lazily: one transformed input is in memory at a time.

    `elements` Haar-random rotations; half as many improper elements, the inversion itself first; three translations of
    about the structure's own size; three orders of the nodes; company in a batch, where the model takes lists
    (`batches`); the same input again.
    """
    generator = torch.Generator().manual_seed(seed)
    yield Trial("determinism", "the same input again", x)
    yield from _orthogonal(x, elements, seed)
    for _ in range(TRANSLATIONS):
        shift = Translation(spread(x) * torch.randn(3, generator=generator, dtype=torch.float64))
        yield Trial("translation", repr(shift), transformed(x, shift), g=shift)
    for _ in range(PERMUTATIONS if sum(node_counts(x)) > 1 else 0):
        mixed, order = reordered(x, generator)
        yield Trial("permutation", repr(order), mixed, g=order)
    if batches and not isinstance(x, Graph):
        yield _beside_a_copy(x, seed)


def _orthogonal(x: ModelInput, elements: int, seed: int) -> Iterator[Trial]:
    for g in haar(elements, seed, "SO(3)"):
        yield Trial("rotation", repr(g), transformed(x, g), g=g)
    turns = haar(max(1, elements // 2) - 1, seed + 1, "SO(3)")
    for g in [O3.inversion(), *(O3.inversion() @ turn for turn in turns)]:
        yield Trial("inversion", repr(g), transformed(x, g), g=g)


def _beside_a_copy(x: Structure | Sequence[Structure], seed: int) -> Trial:
    turn = haar(1, seed + 2, "SO(3)")[0]
    company = [structure.transform(turn) for structure in listed(x)]
    return Trial("batch", "beside a turned copy of itself", [*listed(x), *company], company=True)
