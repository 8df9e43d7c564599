"""`symmetry_breaking(model, structure, target)`: which irreps do the data need beyond the input's symmetry?"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from equiviz.explain.errors import SymmetryBreakingError
from equiviz.explain.symmetry_breaking.crystal_symmetry import whole_periods_off
from equiviz.explain.symmetry_breaking.gradients import Gradients, Loss, loss_gradients, pulls
from equiviz.explain.symmetry_breaking.order_parameter import carriers
from equiviz.explain.symmetry_breaking.own_symmetry import SAME, OwnSymmetry
from equiviz.explain.symmetry_breaking.report import SymmetryBreakingReport
from equiviz.features.model_input import measured_structures
from equiviz.nn.equivariant_model import claimed_group, title_of
from equiviz.structures.interchange.recognised import StructureLike, as_structure
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field

ORDER = "1x0o+1x1o+1x1e+1x2e"
"""What is tried where an attribute is named that the structure does not carry."""


def symmetry_breaking(
    model: nn.Module | None,
    structure: StructureLike,
    target: Field | StructureLike,
    *,
    where: str | None = None,
    irreps: str = ORDER,
    output: str | None = None,
    loss: Loss = torch.nn.functional.mse_loss,
    lmax: int = 4,
    tolerance: float = 1e-3,
) -> SymmetryBreakingReport:
    """Compare the symmetry of an input with that of its target; tell which order parameter is missing, if any.

    An equivariant map keeps every symmetry of its input. What of the target lies beyond is out of reach for every
    equivariant network; an order parameter, a further input that starts at zero, brings it within reach. Its irrep
    follows from the target alone; with a model, the gradient of the loss tells the same, place by place
    (Smidt, Geiger, Miller, Phys. Rev. Research 3, L012002 (2021), arXiv 2007.02005).

    Example:
        >>> symmetry_breaking(None, square, rectangle).needed  # doctest: +SKIP
        ['2e']

    Args:
        model: anything that `equiviz.capture` takes; None asks the data alone.
        structure: the input, with periods along any number of axes.
        target: a field on its nodes or on the graph; or a structure of the same points: then the displacements (1o).
        where: "graph.<name>" or "node.<name>": a typed attribute that the model reads; the gradient there is taken at
            zero.
        irreps: of that attribute, where the structure does not carry it.
        output: which of the model's outputs (or stages) the target is for; None for the first of its type and support.
        loss: of prediction and target.
        lmax: highest degree of the order parameters that are tried.
        tolerance: how far an image may lie from a point for a symmetry, in the structure's length unit.

    Raises:
        SymmetryBreakingError: a target that does not fit, an output or attribute that is not there, a gradient that
            does not exist.
        CaptureError: as `equiviz.capture`.
    """
    given = as_structure(structure)
    if where is not None:
        given = _zeroed(given, where, irreps)
    listed = given if model is None else measured_structures(model, given)[0]
    wanted = _field(target, listed)
    report = _of_the_data(model, listed, wanted, lmax, tolerance)
    return report if model is None else _with_model(report, loss_gradients(model, listed, wanted, output, loss, where))


def _of_the_data(
    model: nn.Module | None, structure: Structure, wanted: Field, lmax: int, tolerance: float
) -> SymmetryBreakingReport:
    """What is missing, and which irreps can carry it: a matter of structure and target alone."""
    proper = model is not None and claimed_group(model).startswith("S")
    own = OwnSymmetry.of(structure, tolerance, proper)
    allowed = own.average(wanted)
    missing = wanted.with_values(wanted.values.detach().cpu().double() - allowed)
    title = "the data" if model is None else title_of(model)
    report = SymmetryBreakingReport(title, structure, own, own.keeping(wanted), wanted.detach(), missing)
    if report.missing_share <= SAME**2:
        return report
    found, enough = carriers(own, missing, lmax, proper)
    return replace(report, carriers=found, enough=enough)


def _with_model(report: SymmetryBreakingReport, gradients: Gradients) -> SymmetryBreakingReport:
    own = report.own
    found = [p for place, field in gradients.fields.items() for p in pulls(field, place, own, report.kept)]
    return replace(
        report, pulls=found, loss=gradients.loss, output=gradients.output, model_breaks=_breaks(gradients, own)
    )


def _breaks(gradients: Gradients, own: OwnSymmetry) -> float:
    """The share of its norm by which the model's own output breaks the input's symmetry."""
    values = gradients.prediction.values.cpu().double()
    return float((values - own.average(gradients.prediction)).norm() / values.norm().clamp(min=1e-300))


def _zeroed(structure: Structure, where: str, irreps: str) -> Structure:
    kind, _, name = where.partition(".")
    if kind not in ("graph", "node") or not name:
        raise SymmetryBreakingError(f"Expected where='graph.<name>' or 'node.<name>', got {where!r}.")
    if kind == "graph":
        held = structure.graph.get(name, Field(torch.zeros(1, _dim(irreps), dtype=torch.float64), irreps, "graph"))
        return structure.with_graph(name, held.with_values(torch.zeros_like(held.values)))
    empty = torch.zeros(len(structure), _dim(irreps), dtype=torch.float64)
    held = structure.node.get(name, Field(empty, irreps, "node"))
    return structure.with_node(name, held.with_values(torch.zeros_like(held.values)))


def _dim(irreps: str) -> int:
    from equiviz.symmetry.representation_text import representation

    return representation(irreps).dim


def _field(target: Field | StructureLike, structure: Structure) -> Field:
    """The target as a field on the structure."""
    if isinstance(target, Field):
        rows = {"node": len(structure), "graph": 1}.get(target.support)
        if len(target) != rows:
            raise SymmetryBreakingError(
                f"Expected a target on {len(structure)} nodes or on the graph, got {target.representation} on "
                f"{len(target)} {target.support}s."
            )
        if not bool(target.values.isfinite().all()):
            raise SymmetryBreakingError("The target has values that are not finite; repair them first.")
        return target
    other = as_structure(target)
    if len(other) != len(structure) or not torch.equal(other.species.cpu(), structure.species.cpu()):
        raise SymmetryBreakingError(
            f"Expected a target of the same points in the same order, got {len(other)} points ({other.composition}) "
            f"for {len(structure)} ({structure.composition})."
        )
    shift = other.positions.detach().cpu().double() - structure.positions.detach().cpu().double()
    if structure.cell is not None and any(structure.pbc):
        shift = whole_periods_off(shift, structure.cell.detach().cpu().double()[list(structure.pbc)])
    return Field(shift, "1x1o", "node")
