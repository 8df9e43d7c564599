"""`patch(model, source, target, stage)`: what does target's prediction become with a block taken from source?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from equiviz.explain.errors import InterventionError
from equiviz.explain.interventions.changes import has_inversion
from equiviz.explain.interventions.chosen_block import columns_of, labels_of, rows_of, stage_of
from equiviz.explain.interventions.intervened_run import (
    outputs_of,
    refuse_spoiled,
    refuse_spoiled_after,
    run,
    single_input,
)
from equiviz.explain.interventions.output_change import noise_floor
from equiviz.explain.interventions.patch_report import PatchReport
from equiviz.explain.interventions.superposed import Superposition, superposed, unaligned
from equiviz.features.model_input import Given, prepared
from equiviz.nn.equivariant_model import claimed_group
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field

Single = Structure | TypedTensors | Graph


def patch(
    model: nn.Module,
    source: Given,
    target: Given,
    stage: str,
    irreps: str | Sequence[str] | None = None,
    nodes: Sequence[int] | Tensor | int | None = None,
    *,
    align: bool = True,
) -> PatchReport:
    """Run the model on `target`, with a block of one stage taken from its run on `source`.

    The block is turned as the rotation turns that lays source upon target (least squares over the positions and over
    the lattice vectors of periods, in their order; reflections too where the model claims O(3) or E(3)). So a turned
    copy as source changes nothing.

    Args:
        model: anything that `equiviz.capture` takes; it is run in evaluation mode, and left as it was.
        source: one structure, whose stage is read.
        target: one structure with as many nodes in the same order, whose prediction is changed. Positions and
            lattice vectors are compared as they are: no periodic images, no other choice of the cell.
        stage: on nodes or graphs; edges of two structures have no partners.
        irreps: blocks of it, such as ``"1o"`` or ``"1o+2e"``; None for all.
        nodes: only these rows; None for all.
        align: False takes the block as it is: the control, which must change the outputs of a turned copy.

    Raises:
        InterventionError: no such stage, irrep or node; different numbers of nodes; a stage on edges;
            values that are not finite, before or after.
        CaptureError: as `equiviz.capture`.
    """
    known = single_input(model, source, "patch"), single_input(model, target, "patch")
    _refuse_different(*known)
    taken = prepared(model, known[0]), prepared(model, known[1])
    laid = _laid_upon(*known, mirrors=has_inversion(claimed_group(model)), align=align)
    there, here = run(model, taken[0]), run(model, taken[1])
    donor, host = stage_of(there, stage), stage_of(here, stage)
    for free in (there, here):
        refuse_spoiled(free, stage)
    if host.support not in ("node", "graph"):
        raise InterventionError(
            f"Stage {stage!r} lives on {host.support}s, and those of two structures have no partners. Choose a stage "
            "on nodes or graphs."
        )
    labels, rows = labels_of(host, irreps), rows_of(host, nodes)
    columns = columns_of(host, labels)
    given = laid.apply(donor).values

    def put(values: Tensor) -> Tensor:
        made = values.clone()
        made[rows[:, None], ..., columns] = given[rows[:, None], ..., columns].to(made)
        return made

    def replace(name: str, field: Field) -> Field | None:
        return field.with_values(put(field.values)) if name == stage else None

    patched = outputs_of(run(model, taken[1], replace))
    refuse_spoiled_after(patched)
    theirs = {name: laid.apply(field) for name, field in outputs_of(there).items()}
    return PatchReport(
        model=here.model, stage=stage, irreps=labels, nodes=len(rows), of_nodes=len(host), before=outputs_of(here),
        after=patched, source=theirs, superposition=laid, aligned=align and _positions(known[0]) is not None,
        other_species=_other_species(*known), moved=_share_moved(host.values, put(host.values)),
        floor=noise_floor(here, there),
    )  # fmt: skip


def _refuse_different(source: Single, target: Single) -> None:
    if len(source) != len(target):
        raise InterventionError(
            f"Expected source and target with the same number of nodes, one the partner of the other, got "
            f"{len(source)} and {len(target)}."
        )


def _laid_upon(source: Single, target: Single, mirrors: bool, align: bool) -> Superposition:
    p, q = _positions(source), _positions(target)
    if p is None or q is None:
        nothing = torch.zeros(0, 3)
        return unaligned(nothing, nothing)
    return superposed(p, q, mirrors, _lattices(source, target)) if align else unaligned(p, q)


def _positions(x: Single) -> Tensor | None:
    return x.positions


def _lattices(source: Single, target: Single) -> tuple[Tensor, Tensor] | None:
    """Lattice vectors of both ``[V, 3]``: those that are periods of both."""
    first, second = _periods(source), _periods(target)
    if first is None or second is None or len(first[0]) != len(second[0]):
        return None
    shared = first[1].cpu() & second[1].cpu()
    return first[0].cpu()[shared], second[0].cpu()[shared]


def _periods(x: Single) -> tuple[Tensor, Tensor] | None:
    """Lattice vectors ``[3 B, 3]``, and which are periods ``[3 B]``."""
    if isinstance(x, Structure):
        return None if x.cell is None else (x.cell, torch.tensor(x.pbc))
    if isinstance(x, Graph) and x.cells is not None and x.pbc is not None:
        return x.cells.flatten(0, 1), x.pbc.flatten()
    return None


def _other_species(source: Single, target: Single) -> int:
    """How many nodes have partners of another species."""
    if isinstance(source, TypedTensors) or isinstance(target, TypedTensors):
        return 0
    return int((source.species != target.species).sum())


def _share_moved(before: Tensor, after: Tensor) -> float:
    """How much of the stage was changed: norm of the change over the norm of what was there."""
    size = float(before.abs().double().square().sum())
    return (float((after - before).abs().double().square().sum()) / size) ** 0.5 if size else 0.0
