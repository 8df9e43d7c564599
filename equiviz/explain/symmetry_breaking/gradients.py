"""The gradient of a loss with respect to an order parameter at zero, or to the values of a stage.

An equivariant model cannot tell apart what the symmetry of its input makes equal; the gradient of its loss can, where
the target does. What of the gradient the input's symmetry does not allow is what the data need beyond it (Smidt,
Geiger, Miller, arXiv 2007.02005).

Shapes: N nodes, d components.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn

from equiviz.explain.errors import SymmetryBreakingError
from equiviz.explain.finite import refuse_not_finite
from equiviz.explain.outputs import OUTPUT, output_in, outputs_in, own_name, usual_output
from equiviz.explain.symmetry_breaking.own_symmetry import OwnSymmetry
from equiviz.features.capture import Capture, record
from equiviz.features.model_input import ModelInput, prepared
from equiviz.features.model_state import untouched
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.symmetry.invariants import copies_of

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Of the prediction and the target, both [rows, d]; one number."""


@dataclass(frozen=True)
class Pull:
    """How strongly the loss pulls at one irrep in one place.

    Attributes:
        place: "graph.order" or the like, or the name of a stage.
        spread: "one for all": the same change on every node; "each node": every node by itself.
        irrep: the block's label.
        needed: norm of the gradient that the input's symmetry does not allow, in units of loss per unit of the values.
        allowed: norm of the rest.
        floor: norm of what the target's symmetry does not allow either: zero but for rounding, and for a model that
            breaks symmetry itself.
    """

    place: str
    spread: str
    irrep: str
    needed: float
    allowed: float
    floor: float


@dataclass(frozen=True, eq=False)
class Gradients:
    """All gradients of one loss.

    Attributes:
        fields: by place.
        loss: its value, in the unit of the loss function.
        output: name of what was compared with the target.
        prediction: what was compared with the target.
    """

    fields: dict[str, Field]
    loss: float
    output: str
    prediction: Field


def loss_gradients(
    model: nn.Module, structure: Structure, target: Field, output: str | None, loss: Loss, where: str | None
) -> Gradients:
    """Run the model once on a structure, and differentiate.

    Args:
        model: what `capture` takes.
        structure: as measured; it carries `where` already.
        target: what the output should be.
        output: which; None for the first of the target's type and support.
        loss: see `Loss`.
        where: "graph.<name>" or "node.<name>": a typed attribute that the model reads; None for stages only.

    Raises:
        SymmetryBreakingError: no such output; nothing that the loss depends on; outputs or gradients that are not
            finite.
    """
    taken = prepared(model, structure)
    leaves: dict[str, Field] = {}
    if where is not None:
        taken, leaves[where] = _with_leaf(taken, where)
    with untouched(model), torch.enable_grad():
        for parameter in model.parameters():
            parameter.requires_grad_(parameter.is_floating_point())
        free: dict[str, Field] = {}
        recorded = record(model, taken, keep_graph=True, replace=lambda name, field: _freed(free, name, field))
        name = _chosen(recorded, target, output)
        refuse_not_finite(recorded, SymmetryBreakingError, [name])
        prediction = _fitting(recorded[name], target, name)
        value = loss(prediction.values, target.values.to(prediction.values))
        stages = {name: free.get(name, field) for name, field in recorded.items() if not name.startswith(OUTPUT)}
        slopes = _differentiated(value, {**leaves, **stages}, where)
        return Gradients(slopes, float(value.detach()), own_name(name), prediction.detach())


def pulls(gradient: Field, place: str, own: OwnSymmetry, kept: OwnSymmetry) -> Iterator[Pull]:
    """A gradient, irrep by irrep, as it concerns each node and all nodes alike.

    Args:
        gradient: on nodes or on the graph.
        place: its name.
        own: the symmetry of the input.
        kept: that of the input with its target.
    """
    spreads = {"one for all": Field(gradient.values.sum(0, keepdim=True), gradient.representation, "graph")}
    if gradient.support == "node":
        spreads["each node"] = gradient
    for spread, field in spreads.items():
        values = field.values.double()
        allowed, lasting = own.average(field), kept.average(field)
        for label in field.representation.labels():
            parts = (lasting - allowed, allowed, values - lasting)
            norms = [float(copies_of(part, field.representation, label).norm()) for part in parts]
            yield Pull(place, spread, label, *norms)


def _with_leaf(taken: ModelInput, where: str) -> tuple[ModelInput, Field]:
    """The input with one attribute made a leaf of the autograd graph."""
    kind, _, name = where.partition(".")
    if not isinstance(taken, (Graph, Structure)):
        raise SymmetryBreakingError(f"A model that reads {type(taken).__name__} has no attribute {where!r}.")
    held = taken.graph if kind == "graph" else taken.node
    if name not in held:
        known = ", ".join(f"{kind}.{other}" for other in held) or f"no attribute of the {kind}"
        raise SymmetryBreakingError(
            f"What this model prepares holds {known}: it does not read {where!r}. Leave out where=, for the gradients "
            "at its stages."
        )
    leaf = held[name].with_values(held[name].values.detach().clone().requires_grad_())
    changed = {**held, name: leaf}
    return (replace(taken, graph=changed) if kind == "graph" else replace(taken, node=changed)), leaf


def _freed(free: dict[str, Field], name: str, field: Field) -> Field | None:
    """A stage that nothing trainable comes before starts the autograd graph itself."""
    if field.values.requires_grad or not field.values.is_floating_point():
        return None
    free[name] = field.with_values(field.values.detach().clone().requires_grad_())
    return free[name]


def _chosen(recorded: Capture, target: Field, output: str | None) -> str:
    """The name of the output that the target is for."""
    outputs = outputs_in(recorded, SymmetryBreakingError)
    fitting = {
        name: field
        for name, field in outputs.items()
        if field.support == target.support and str(field.representation) == str(target.representation)
    }
    if output is None and not fitting:
        listed = ", ".join(f"{own_name(n)} ({f.representation} per {f.support})" for n, f in outputs.items())
        raise SymmetryBreakingError(
            f"Expected an output of {target.representation} on {target.support}s for this target, the model has none: "
            f"it gives {listed}. Name one with output=."
        )
    return usual_output(fitting) if output is None else output_in(recorded, output, SymmetryBreakingError)


def _fitting(field: Field, target: Field, name: str) -> Field:
    if field.values.shape != target.values.shape or field.support != target.support:
        raise SymmetryBreakingError(
            f"The output {name!r} has shape {list(field.values.shape)} on {field.support}s, the target "
            f"{list(target.values.shape)} on {target.support}s; they must be the same."
        )
    return field


def _differentiated(value: Tensor, places: dict[str, Field], where: str | None) -> dict[str, Field]:
    able = {name: field for name, field in places.items() if field.values.requires_grad and not _is_edge(field)}
    if not value.requires_grad or not able:
        raise SymmetryBreakingError("The loss depends on nothing that can be differentiated: is the model detached?")
    values = [field.values for field in able.values()]
    found = cast("tuple[Tensor | None, ...]", torch.autograd.grad(value, values, allow_unused=True))
    parts = zip(able.items(), found, strict=True)
    gradients = {name: field.with_values(part.detach().cpu()) for (name, field), part in parts if part is not None}
    if where is not None and where not in gradients:
        raise SymmetryBreakingError(f"The output does not depend on {where!r}: does the model read this attribute?")
    bad = [name for name, field in gradients.items() if not bool(field.values.isfinite().all())]
    if bad:
        raise SymmetryBreakingError(
            f"The gradient at {bad[0]!r} is not finite. A norm or a normalisation has none at zero: add a small number "
            "under its root."
        )
    return gradients


def _is_edge(field: Field) -> bool:
    return field.support not in ("node", "graph") or field.representation.affine
