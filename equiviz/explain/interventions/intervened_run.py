"""One forward pass with something put in the place of parts; nothing of it stays in the model."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from equiviz.explain.errors import InterventionError
from equiviz.explain.finite import refuse_not_finite
from equiviz.explain.interventions.changes import How, changed, with_part
from equiviz.explain.interventions.parts import Part
from equiviz.explain.outputs import output_in, outputs_in, own_name
from equiviz.features.capture import Capture, record
from equiviz.features.model_input import Given, ModelInput, measured, measured_inputs
from equiviz.features.model_state import untouched
from equiviz.nn.product_paths import Output, PathSum, rerouted, tensors_of, with_tensors
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors
from equiviz.symmetry.field import Field

Replace = Callable[[str, Field], "Field | None"]


@contextmanager
def evaluated(model: nn.Module) -> Generator[None]:
    """The model in evaluation mode, without gradients; both are put back."""
    with untouched(model), torch.no_grad():
        model.eval()
        yield


def run(model: nn.Module, taken: ModelInput, replace: Replace | None = None) -> Capture:
    """One pass in evaluation mode, without gradients; `replace` as in `equiviz.features.capture.record`.

    Forces that the model takes itself are those of the energy as it became.
    """
    with evaluated(model):
        return record(model, taken, replace=replace, followed=True)


def without(
    model: nn.Module, taken: ModelInput, parts: Sequence[Part], draw: Draw, paths: dict[str, PathSum] | None = None
) -> Capture:
    """One pass with all of these parts changed at once.

    Args:
        model: as for `equiviz.capture`.
        taken: what its forward takes.
        parts: what is changed.
        draw: how.
        paths: of `equiviz.nn.product_paths.paths_of`, where parts are paths.
    """
    by_stage: dict[str, list[Tensor]] = {}
    by_module: dict[str, list[int]] = {}
    for part in parts:
        if part.path is None:
            by_stage.setdefault(part.stage, []).append(part.columns)
        else:
            by_module.setdefault(part.stage, []).append(part.path)

    def replace(name: str, field: Field) -> Field | None:
        if name not in by_stage:
            return None
        return field.with_values(with_part(field.values, torch.cat(by_stage[name]), draw.changed(field)))

    def reroute(one: PathSum, inputs: tuple[object, ...], named: dict[str, object], output: Output) -> Output:
        apart = one.restricted(by_module[one.name], *inputs, **named)
        return draw.changed_sum(one, output, apart)

    with rerouted([(paths or {})[name] for name in by_module], reroute):
        return run(model, taken, replace if by_stage else None)


@dataclass(frozen=True)
class Draw:
    """How values are changed, and by which chance.

    Attributes:
        how: see `equiviz.explain.interventions.changes`.
        group: that the model claims.
        seed: of chance.
    """

    how: How
    group: str
    seed: int

    def changed(self, field: Field) -> Tensor:
        """Other values, of the same shape."""
        return changed(field, self.how, self.group, self.seed)

    def changed_sum(self, one: PathSum, output: Output, apart: Output) -> Output:
        """A sum of paths in which the share of some of them (`apart`) is changed."""
        made: list[Tensor] = []
        for whole, share, carried in zip(
            tensors_of(output), tensors_of(apart), one.representations_of(apart), strict=True
        ):
            flat = share.reshape(len(share), -1, carried.dim)  # of the last axes, as the representation counts them
            made.append(whole + (self.changed(Field(flat, carried)).reshape(share.shape) - share))
        return with_tensors(output, made)


def inputs_of(model: nn.Module, structures: object) -> list[Structure] | list[TypedTensors] | list[Graph]:
    """One or several inputs, with all attached that the model reads besides; a Graph as it is.

    Raises:
        CaptureError: what no model takes.
    """
    if isinstance(structures, Graph):
        return [structures]
    return measured_inputs(model, structures)


def single_input(model: nn.Module, x: Given, verb: str) -> Structure | TypedTensors | Graph:
    """One input, with all attached that the model reads besides.

    Raises:
        InterventionError: several.
    """
    found = measured(model, x)
    if isinstance(found, (Structure, TypedTensors, Graph)):
        return found
    raise InterventionError(f"{verb} works on one structure at a time, got {len(found)}. Give them one by one.")


def refuse_spoiled(free: Capture, stage: str) -> None:
    """Raise InterventionError where a pass as it is holds NaN or infinity, at this stage or in an output."""
    refuse_not_finite(free, InterventionError, [stage, *outputs_in(free, InterventionError)])


def refuse_spoiled_after(outputs: Mapping[str, Field]) -> None:
    """Raise InterventionError where an intervention made NaN or infinity of finite outputs."""
    remedy = (
        "They were finite before the intervention: the model divides by what became zero there, or numbers overflow."
    )
    refuse_not_finite(outputs, InterventionError, remedy=remedy)


def output_of(capture: Capture, wanted: str | None) -> tuple[str, Field]:
    """The output that is watched, and its name in the capture; see `equiviz.explain.outputs`.

    Raises:
        InterventionError: there is none of this name.
    """
    found = output_in(capture, wanted, InterventionError)
    return found, capture[found]


def outputs_of(capture: Capture) -> dict[str, Field]:
    """All outputs by name; of a model whose outputs are not typed, the last stage."""
    return {own_name(name): field for name, field in outputs_in(capture, InterventionError).items()}
