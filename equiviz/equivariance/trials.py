"""The trials of a check: which input is run, and how its record should follow from the reference record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from equiviz.equivariance.claims import Kind
from equiviz.equivariance.transformed_input import (
    acting_on,
    listed,
    node_counts,
    reordered,
    spread,
    stretched,
    supercell,
    transformed,
    wound,
)
from equiviz.features.model_input import ModelInput
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.groups import GroupElement, haar

PERMUTATIONS = 3
# A supercell of more atoms than this would cost more than all other trials together.
LARGEST_SUPERCELL = 4096
# Company must differ: statistics over a batch do not notice a copy that is only turned.
STRETCH = 1.05


@dataclass(frozen=True, eq=False)
class Trial:
    """One comparison to make.

    Attributes:
        kind: what is tried.
        words: the element, for readers.
        x: the input to run.
        g: how the reference fields should change (a permutation: over the nodes of all structures); None: not at all.
        company: the first rows of the record are the reference's, the others are company (batch independence).
        winding: by how many cells each node was moved ``[N, 3]``, where atoms were moved by lattice vectors.
        copies: how many images of each node a supercell holds, one whole cell after the other.
        edge_order: which edge of the reference each edge is, where edges were listed in another order.
        drawn: whether the element was drawn at random, so that it counts for confidence.
    """

    kind: Kind
    words: str
    x: ModelInput
    g: GroupElement | None = None
    company: bool = False
    winding: Tensor | None = None
    copies: int = 1
    drawn: bool = True
    edge_order: Tensor | None = None

    @property
    def comparable(self) -> bool:
        """Whether each row of the reference has its row here, so that stages can be compared one by one."""
        return self.kind not in ("batch", "determinism") and self.copies == 1


def trials(x: ModelInput, elements: int, seed: int, batches: bool, few: bool = False) -> Iterator[Trial]:
    """All trials of one input, lazily: one transformed input is in memory at a time.

    What acts on the input (`acting_on`): in space `elements` Haar-random rotations, half as many improper elements, the
    inversion itself first, three translations of about the structure's own size. Then three orders of the nodes; for
    periodic structures atoms moved by lattice vectors, and a supercell; company in a batch, where the model takes lists
    (`batches`); the same input again, also at the end, for models that remember. With `few` one of each kind, besides
    rotations.
    """
    generator = torch.Generator().manual_seed(seed)
    yield Trial("determinism", "the same input again", x)
    for known in acting_on(x):
        for g in known.draw(known.share(elements, few), seed, spread(x) if known.length_like else 1.0):
            yield Trial(known.kind, repr(g), transformed(x, g), g=g)
    for _ in range((1 if few else PERMUTATIONS) if sum(node_counts(x)) > 1 else 0):
        mixed, order = reordered(x, generator)
        yield Trial("permutation", repr(order), mixed, g=order)
    if isinstance(x, TypedTensors) and x.indices and (x.edges or 0) > 1:
        edges = torch.randperm(x.edges or 0, generator=generator)
        yield Trial("permutation", "edges in another order", x.with_edges_in(edges), edge_order=edges)
    yield from _lattice(x, generator)
    if batches and not isinstance(x, (Graph, TypedTensors)):
        yield _beside_a_copy(x, seed)
    yield Trial("determinism", "the same input, after all others", x)


def _lattice(x: ModelInput, generator: torch.Generator) -> Iterator[Trial]:
    if isinstance(x, (Graph, TypedTensors)) or not any(is_periodic(structure) for structure in listed(x)):
        return
    windings = [
        torch.randint(-1, 2, (len(s), 3), generator=generator) * torch.tensor(s.pbc) * is_periodic(s) for s in listed(x)
    ]
    moved = [wound(s, w) if is_periodic(s) else s for s, w in zip(listed(x), windings, strict=True)]
    taken = moved[0] if isinstance(x, Structure) else moved
    yield Trial("lattice", "atoms moved by lattice vectors", taken, winding=torch.cat(windings))
    if not isinstance(x, Structure):
        return
    for times in ((2, 2, 2), (2, 1, 1), (1, 2, 1), (1, 1, 2)):
        along = tuple(n if periodic else 1 for n, periodic in zip(times, x.pbc, strict=True))
        copies = math.prod(along)
        if copies > 1 and copies * len(x) <= LARGEST_SUPERCELL:
            words = f"a {along[0]} x {along[1]} x {along[2]} supercell"
            yield Trial("lattice", words, supercell(x, (along[0], along[1], along[2])), copies=copies)
            return


def is_periodic(structure: Structure) -> bool:
    """Whether there are lattice vectors to move atoms by."""
    return structure.cell is not None and any(structure.pbc) and len(structure) > 0


def _beside_a_copy(x: Structure | Sequence[Structure], seed: int) -> Trial:
    turn = haar(1, seed + 2, "SO(3)")[0]
    company = [stretched(structure.transform(turn), STRETCH) for structure in listed(x)]
    return Trial("batch", "beside a turned and stretched copy", [*listed(x), *company], company=True)
