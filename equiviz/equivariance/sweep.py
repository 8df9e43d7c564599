"""Many more rotations, a batch at a time: a break that shows only in some directions hides from ten.

With n rotations and no failure, at most 3/n of all fail (95 % confidence). Only tensors on nodes and on structures are
compared; edges were, in the rotations that are tried one by one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.row_matching import RowMatching
from equiviz.equivariance.runs import Runs
from equiviz.equivariance.squares import KindSquares
from equiviz.equivariance.transformed_input import listed, node_counts, transformed
from equiviz.equivariance.trials import Trial
from equiviz.features.capture import Capture, record
from equiviz.features.model_input import ModelInput, prepared
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, haar
from equiviz.symmetry.representations import O3Irreps
from equiviz.symmetry.wigner import foresee

# Nodes of one batch: as many as keep the cores busy; the recorded stages of so many take some tens of megabytes.
BATCH = 2048
# Nodes of the rotations that are run one by one before: a model may look at the first structure of a batch only.
SINGLE = 1000
# The cube's rotations and half-turns about its diagonals are where mistakes of sign and order show best.
_SPECIAL = [
    O3.rotation(axis, angle)
    for axis in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 1.0, 0.0), (1.0, 1.0, 1.0))
    for angle in (torch.pi, torch.pi / 2, 1e-3)
]


def sweep(runs: Runs, x: ModelInput, count: int, seed: int, alone: bool) -> KindSquares:
    """Compare nodes and graphs under `count` more rotations, some of them special, in order.

    Args:
        runs: the model and its reference record.
        x: the input as it came.
        count: how many rotations.
        seed: of the random ones; other ones than those that were tried one by one.
        alone: run each by itself, because the model mixes what is in one batch.
    """
    sums = KindSquares()
    elements = [*_SPECIAL, *haar(max(0, count - len(_SPECIAL)), seed + 3, "SO(3)")][:count]
    foresee(elements, _highest_degree(runs.reference))
    nodes = max(1, sum(node_counts(x)))
    single = len(elements) if alone or not _is_batched(runs, x) else min(len(elements), SINGLE // nodes)
    for g in elements[:single]:
        _compare(sums, runs, x, [g])
    together = max(1, BATCH // nodes)
    for start in range(single, len(elements), together):
        _compare(sums, runs, x, elements[start : start + together])
    return sums


def default_count(x: ModelInput) -> int:
    """As many as take about a second: 300 for a molecule, none for a liquid of thousands."""
    nodes = sum(node_counts(x))
    return 0 if nodes > 400 else max(50, min(300, 12_000 // max(1, nodes)))


def _highest_degree(reference: Capture) -> int:
    irreps = [f.representation.irreps for f in reference.values() if isinstance(f.representation, O3Irreps)]
    return max((ir.l for terms in irreps for _, ir in terms), default=0)


def _is_batched(runs: Runs, x: ModelInput) -> bool:
    return hasattr(runs.model, "prepare") and not isinstance(x, (Graph, TypedTensors))


def _compare(sums: KindSquares, runs: Runs, x: ModelInput, elements: list[O3]) -> None:
    turned = [transformed(x, g) for g in elements]
    if len(elements) == 1:
        trial = _trial(elements[0], turned[0])
        found, matching = runs.free(trial)
        sums.add(found, RowMatching(_without_edges(runs.reference), matching.after, trial))
        return
    every: list[Structure] = [structure for item in turned for structure in listed(item)]  # type: ignore[arg-type]
    try:
        whole = record(runs.model, prepared(runs.model, every), runs.supports)
    except Exception as problem:
        for g, item in zip(elements, turned, strict=True):
            runs.free(_trial(g, item))  # tells which of them it was
        raise CheckError(
            f"{runs.reference.model} takes each of {len(elements)} turned inputs, but raises when it gets them in one "
            f"batch: {type(problem).__name__}: {problem}."
        ) from problem
    reference = _without_edges(runs.reference)
    for place, (g, item) in enumerate(zip(elements, turned, strict=True)):
        trial = _trial(g, item)
        sums.add(_part(whole, reference, place, len(elements)), RowMatching(reference, None, trial))


def _trial(g: O3, turned: ModelInput) -> Trial:
    return Trial("rotation", repr(g), turned, g=g, drawn=not any(g is special for special in _SPECIAL))


def _without_edges(reference: Capture) -> Capture:
    fields = {name: item for name, item in reference.items() if item.support != "edge"}
    return Capture(fields, reference.model, reference.graph, reference.skipped)


def _part(whole: Capture, reference: Capture, place: int, parts: int) -> Capture:
    """The record of one of several equal inputs that were run in one batch."""
    fields = {name: _rows(whole[name], len(reference[name]), place, parts) for name in reference if name in whole}
    return Capture(fields, whole.model, None, {})


def _rows(item: Field, count: int, place: int, parts: int) -> Field:
    if len(item) != count * parts:
        return item.with_values(item.values[:0])  # another number of rows: a failure, told as such
    values: Tensor = item.values[place * count : (place + 1) * count]
    return item.with_values(values)
