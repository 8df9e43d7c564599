"""Forces that a model takes itself: after an intervention, are they the slopes of the energy as it became?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from equiviz.explain.interventions.ablate import ablate
from equiviz.explain.interventions.intervened_run import Draw, without
from equiviz.explain.interventions.parts import Part, parts_of
from equiviz.explain.interventions.patch import patch
from equiviz.explain.interventions.steer import steer
from equiviz.features.capture import capture, record
from equiviz.features.model_input import measured, prepared
from equiviz.nn.product_paths import paths_of
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from tests.equivariance.lie_networks import Forces, with_forces
from tests.toy_networks import molecule

# Of central differences in float64 at this step: its square, and rounding over it.
STEP, NEAR = 1e-4, 1e-6
ATOM, AXIS = 2, 1
Outputs = Callable[[Structure], dict[str, Tensor]]


def network() -> Forces:
    return with_forces(Forces)


def moved(structure: Structure, by: float) -> Structure:
    positions = structure.positions.clone()
    positions[ATOM, AXIS] += by
    return replace(structure, positions=positions)


def departure(outputs: Outputs) -> float:
    """Of the force on one atom from minus the central difference of the energy, over the force."""
    force = -float(outputs(molecule())["forces"][ATOM, AXIS])  # as the network defines it: minus the slope
    ends = [float(outputs(moved(molecule(), sign * STEP))["energy"].sum()) for sign in (1, -1)]
    return abs((ends[0] - ends[1]) / (2 * STEP) - force) / abs(force)


def ablated(model: Forces, part: Part, how: str) -> Outputs:
    paths = paths_of(model) if part.path is not None else {}

    def outputs(structure: Structure) -> dict[str, Tensor]:
        taken = prepared(model, measured(model, structure))
        found = without(model, taken, [part], Draw(how, "E(3)", 3), paths)  # type: ignore[arg-type]
        return {name: found[f"output.{name}"].values for name in ("energy", "forces")}

    return outputs


def first_path(model: Forces) -> Part:
    name = next(iter(paths_of(model)))
    return Part(name, "first", torch.zeros(0, dtype=torch.long), 0)


def part_of(model: Forces, stage: str, label: str) -> Part:
    found = capture(model, molecule())[stage].representation
    return next(part for part in parts_of(stage, found, "irrep") if part.name == label)


@pytest.mark.parametrize("how", ["zero", "mean", "shuffle", "rotate"])
def test_of_an_ablated_block(how: str) -> None:
    model = network()
    assert departure(ablated(model, part_of(model, "stage_layers.0", "1o"), how)) < NEAR


@pytest.mark.parametrize("how", ["zero", "rotate"])
def test_of_an_ablated_path(how: str) -> None:
    model = network()
    assert departure(ablated(model, first_path(model), how)) < NEAR


def test_of_a_steered_channel() -> None:
    def outputs(structure: Structure) -> dict[str, Tensor]:
        after = steer(network(), structure, "stage_layers.0", "1o", 0, scale=3.0).after
        return {name: field.values for name, field in after.items()}

    assert departure(outputs) < NEAR


def test_of_a_patched_block() -> None:
    """The block is held where the source has it; the rest moves."""

    def outputs(structure: Structure) -> dict[str, Tensor]:
        after = patch(network(), molecule(seed=1), structure, "stage_layers.0", "0e", align=False).after
        return {name: field.values for name, field in after.items()}

    assert departure(outputs) < NEAR


def test_the_control_slopes_of_what_was_there_before() -> None:
    """Without `followed`, as a check puts right what passes, the force is not the slope of the changed energy."""
    model = network()

    def outputs(structure: Structure) -> dict[str, Tensor]:
        def emptied(name: str, field: Field) -> Field | None:
            return field.with_values(torch.zeros_like(field.values)) if name == "stage_layers.0" else None

        found = record(model, prepared(model, measured(model, structure)), replace=emptied)
        return {name: found[f"output.{name}"].values.detach() for name in ("energy", "forces")}

    assert departure(outputs) > 1000 * NEAR


def test_a_pruned_model_gives_the_forces_that_the_ablation_gave() -> None:
    report = ablate(network(), [molecule(), molecule(seed=1)], by="irrep", how="zero", output="energy")
    pruned = report.prune(threshold=0.5)
    assert pruned.removed
    assert pruned.disagreement < 1e-9, pruned.describe()
