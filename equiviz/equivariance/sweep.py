"""Many more elements, rotations a batch at a time: a break that shows only in some directions hides from ten.

With n random elements and no failure, at most 3/n of all fail (95 % confidence).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor

from equiviz.equivariance.claims import Kind
from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.orbit import Orbit
from equiviz.equivariance.orbit_runs import BATCH, OrbitRuns
from equiviz.equivariance.runs import Runs
from equiviz.equivariance.squares import KindSquares
from equiviz.equivariance.transformed_input import node_counts, transformed
from equiviz.equivariance.trials import Trial
from equiviz.features.capture import Capture
from equiviz.features.model_input import ModelInput
from equiviz.features.precision import wide
from equiviz.structures.graph import Graph
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, GroupElement
from equiviz.symmetry.representations import O3Irreps
from equiviz.symmetry.transformations import Transformations
from equiviz.symmetry.wigner import foresee

# One in so many, and at least five, is run alone before: a model may look at the first structure of a batch only.
ALONE = 10


@dataclass(frozen=True, eq=False)
class Swept:
    """An element to try, and whether it was drawn at random."""

    kind: Kind
    g: GroupElement
    drawn: bool

    def trial(self, x: ModelInput) -> Trial:
        """What to run."""
        return Trial(self.kind, repr(self.g), transformed(x, self.g), g=self.g, drawn=self.drawn)


def sweep(
    runs: Runs,
    x: ModelInput,
    known: Transformations,
    count: int,
    seed: int,
    alone: bool,
    step: Callable[[], object] = bool,
) -> KindSquares:
    """Compare all stages under `count` more elements, some of them special, in order.

    Args:
        runs: the model and its reference record.
        x: the input as it came.
        known: of which kind.
        count: how many elements.
        seed: of the random ones; other ones than those that were tried one by one.
        alone: run each by itself, because the model mixes what is in one batch.
        step: called after each run, for a bar.
    """
    sums = KindSquares()
    special = [Swept(known.kind, g, drawn=False) for g in known.special()]
    drawn = known.draw(max(0, count - len(special)), seed + 3)
    elements = [*special, *(Swept(known.kind, g, drawn=True) for g in drawn)][:count]
    foresee([one.g for one in elements if isinstance(one.g, O3)], _highest_degree(runs.reference))
    nodes = max(1, sum(node_counts(x)))
    batched = _is_batched(runs, x) and all(isinstance(one.g, O3) for one in elements)
    single = len(elements) if alone or not batched else min(len(elements), max(5, len(elements) // ALONE))
    _one_by_one(sums, runs, x, elements[:single], step)
    if single < len(elements):
        try:
            _in_batches(sums, runs, x, elements[single:], max(1, BATCH // nodes), step)
        except CheckError as problem:
            _one_by_one(KindSquares(), runs, x, elements[single:])  # raises, and tells which of them it was
            raise CheckError(
                f"{runs.reference.model} takes each turned input, but raises when it gets many in one batch: "
                f"{type(problem.__cause__).__name__}: {problem.__cause__}."
            ) from problem
    return sums


def default_count(x: ModelInput) -> int:
    """As many as take less than a second: 120 for small molecules, 62 for 64 atoms, none for liquids of thousands.

    Functions of tensors are run one by one: up to 300 where these are small, 30 for holograms of some proteins.
    """
    nodes = sum(node_counts(x))
    if nodes > 400:
        return 0
    if isinstance(x, TypedTensors):
        numbers = sum(field.values.numel() for field in x.fields.values())
        return max(30, min(300, 6_400 // max(1, nodes), 200_000 // max(1, numbers)))
    return max(50, min(120, 4_000 // max(1, nodes)))


def _highest_degree(reference: Capture) -> int:
    irreps = [f.representation.irreps for f in reference.values() if isinstance(f.representation, O3Irreps)]
    return max((ir.l for terms in irreps for _, ir in terms), default=0)


def _is_batched(runs: Runs, x: ModelInput) -> bool:
    return hasattr(runs.model, "prepare") and not isinstance(x, (Graph, TypedTensors))


def _one_by_one(
    sums: KindSquares, runs: Runs, x: ModelInput, elements: Sequence[Swept], step: Callable[[], object] = bool
) -> None:
    for one in elements:
        step()
        found, matching = runs.free(one.trial(x))
        sums.add(found, matching)


def _in_batches(
    sums: KindSquares, runs: Runs, x: ModelInput, elements: Sequence[Swept], together: int, step: Callable[[], object]
) -> None:
    turned = OrbitRuns(runs.model, x, runs.supports, runs.reference, together)
    start = 0
    for part, stages in turned.over(Orbit.of(torch.stack([cast(O3, one.g).matrix for one in elements]))):
        own = elements[start : start + len(part)]
        start += len(part)
        step()
        if turned.left_out:  # other rows than the reference's: a failure, told as such
            turned.left_out.clear()
            _one_by_one(sums, runs, x, own)
            continue
        sums.trials += len(own)
        trials, drawn = [partial(one.trial, x) for one in own], sum(one.drawn for one in own)
        for name, values in stages.items():
            _compare(sums, name, runs.reference[name], part, values, trials, drawn)


def _compare(
    sums: KindSquares,
    name: str,
    reference: Field,
    part: Orbit,
    values: Tensor,
    trials: Sequence[Callable[[], Trial]],
    drawn: int,
) -> None:
    """Turn back what the stage gave, and compare it with the reference, all elements at once."""
    back, expected = part.turn(reference.representation, values, back=True), wide(reference.values)
    for label in reference.representation.labels():
        places = torch.cat([block.indices.flatten() for block in reference.blocks if block.label == label])
        ours, theirs = (whole[..., places.to(whole.device)].flatten(2) for whole in (expected[None], back))
        sums.add_many((name, label), ours, theirs, trials, drawn)
