"""`counterfactual(model, structure, change)`: the smallest displacement that changes a prediction by so much."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import nn

from equiviz.equivariance.late_bar import counting_runs
from equiviz.explain.counterfactual.descriptor_changes import descriptor_changes
from equiviz.explain.counterfactual.report import CounterfactualReport
from equiviz.explain.counterfactual.search import Search
from equiviz.explain.counterfactual.solver import Limits, Problem, Solution
from equiviz.explain.errors import CounterfactualError
from equiviz.explain.function_of_positions import FunctionOfPositions
from equiviz.explain.outputs import AskedNumber, At, Component, own_name
from equiviz.explain.pair_distances import shortest_distance
from equiviz.explain.probing.asked_targets import Asked
from equiviz.explain.rigid_motions import rigid_basis
from equiviz.features.model_input import Given
from equiviz.nn.equivariant_model import title_of
from equiviz.structures.structure import Structure

CLOSEST = 0.8
"""Of the shortest distance in the structure: the usual limit for overlaps."""
FARTHEST = 0.5
"""Of the shortest distance: the usual limit for the displacement of one atom."""
STEP = 0.15
"""Of the shortest distance: the farthest an atom moves in one step of the search."""
DESCRIPTORS = ("steinhardt", "radial_symmetry_functions")


def counterfactual(
    model: nn.Module,
    x: Given,
    change: float,
    output: str | None = None,
    *,
    at: At = None,
    component: Component = None,
    max_displacement: float | None = None,
    min_distance: float | None = None,
    descriptors: Asked = DESCRIPTORS,
    steps: int = 80,
    cutoff: float | None = None,
    seed: int = 0,
    progress: bool = True,
) -> CounterfactualReport:
    """Find the displacement of least norm (over all atoms, without motions of the whole) that changes an output by
    `change`, while no two atoms come too close and no atom moves too far.

    The search follows gradients through the whole model, with neighbour lists found anew at every step, and ends at a
    local optimum. What the model measures on a structure beforehand (`EquivariantModel.measure`) is held fixed; the
    report says so, and what the output changes by when all is measured anew.

    Example:
        >>> counterfactual(model, molecule, change=0.1, output="energy").scene()  # doctest: +SKIP

    Args:
        model: anything that `equiviz.capture` takes, through which gradients reach the positions; run in float64 where
            it can be copied.
        x: one structure.
        change: how much the output is to change, in its own unit; not zero.
        output: its name (or that of a stage); by default the first that no rotation changes, or the first.
        at: number of the node that is asked about, or "all" for the sum; not needed where there is one row.
        component: which component of it, or "norm"; by default the norm of one that turns.
        max_displacement: of one atom, in the length unit; None for half of the shortest distance in the structure.
        min_distance: between two atoms, in the length unit; None for 0.8 of the shortest distance in the structure.
        descriptors: what to measure the displacement by, as `equiviz.probe` takes it; () for none.
        steps: at most.
        cutoff: of the graph, for a model that does not prepare its own.
        seed: of the random displacements that the result is compared with, and of the start where the slope vanishes.
        progress: whether a bar shows itself, at a terminal or in a notebook, once the work takes longer than a moment.

    Raises:
        CounterfactualError: no such output, row or component; a change of zero; no steps; limits that the structure
            does not keep; a structure that only moves as a whole; no gradient reaches the positions.
        ProbeError: an unknown descriptor.
    """
    if steps < 1:
        raise CounterfactualError(f"Expected at least one step of the search, got steps={steps}.")
    function = FunctionOfPositions.of(model, x, cutoff, refusal=CounterfactualError)
    fields = function.seen_at(function.start)
    asked = AskedNumber.of(fields, output, at, component, CounterfactualError)
    _refuse_edges(asked)
    limits = _limits(function.structure, change, max_displacement, min_distance)
    _refuse_stiff(function.structure)
    search = Search(function, asked)
    with counting_runs(function.model, "looking for the smallest change", progress=progress):
        slope_error = search.slope_error(seed)
        solution = search.solved(Problem(function.structure, search.tangent, float(change), limits), steps, seed)
        return _report(title_of(model), search, float(change), limits, solution, descriptors, slope_error, seed)


def _report(
    model: str,
    search: Search,
    change: float,
    limits: Limits,
    solution: Solution | None,
    descriptors: Asked,
    slope_error: float,
    seed: int,
) -> CounterfactualReport:
    """What was found, beside what it is compared with."""
    function, asked = search.function, search.output
    shift = torch.zeros_like(function.start) if solution is None else solution.displacement
    moved = replace(function.given, positions=function.start + shift)
    node = asked.row if asked.support == "node" else None
    return CounterfactualReport(
        model=model,
        output=str(asked),
        structure=function.given,
        before=search.value(function.start),
        asked=change,
        solution=solution or _nothing(function.structure),
        limits=limits,
        random_changes=search.random_changes(float(shift.norm()), seed),
        descriptors=descriptor_changes(function.given, moved, descriptors, node) if descriptors and shift.any() else [],
        slope_error=slope_error,
        held=function.held,
        anew=search.change_anew(moved.positions),
        turning=asked.turns,
        flat=solution is None,
    )


def _refuse_edges(asked: AskedNumber) -> None:
    if asked.support not in ("node", "graph"):
        raise CounterfactualError(
            f"{own_name(asked.output)!r} lives on {asked.support}s, which come and go as atoms move: expected an "
            "output of nodes or of the whole."
        )


def _refuse_stiff(structure: Structure) -> None:
    if len(rigid_basis(structure)) == structure.positions.numel():
        raise CounterfactualError(
            f"Expected atoms that can move against each other; in this structure ({len(structure)} in the cell) every "
            "displacement moves the whole, which changes nothing. Repeat the cell to let its atoms move apart."
        )


def _limits(structure: Structure, change: float, farthest: float | None, closest: float | None) -> Limits:
    shortest = shortest_distance(structure)
    if not (math.isfinite(change) and change != 0):
        raise CounterfactualError(f"Expected a change that is finite and not zero, got {change}.")
    if not math.isfinite(shortest) or shortest == 0:
        raise CounterfactualError("Expected at least two atoms, none on top of another.")
    limits = Limits(
        CLOSEST * shortest if closest is None else float(closest),
        FARTHEST * shortest if farthest is None else float(farthest),
        STEP * shortest,
    )
    if not limits.max_displacement > 0 or limits.min_distance < 0:
        raise CounterfactualError(f"Expected a displacement above 0 and a distance not below 0, got {limits}.")
    if limits.min_distance > shortest:
        raise CounterfactualError(
            f"Two atoms are {shortest:.4g} {structure.length_unit} apart already: expected min_distance up to that, "
            f"got {limits.min_distance:g}."
        )
    return limits


def _nothing(structure: Structure) -> Solution:
    """What is left where no displacement does anything."""
    still = torch.zeros_like(structure.positions)
    return Solution(still, 0.0, reached=False, settled=False, path=(), stopped="before it began")
