"""`equiviz attribute MODEL STRUCTURE`: what the command line does."""

from __future__ import annotations

from collections.abc import Sequence

from equiviz.apps.check_command import input_named
from equiviz.explain.attribution.attribute import To, attribute
from equiviz.explain.attribution.attribution import Attribution
from equiviz.explain.attribution.inner_attribution import PathAttribution, StageAttribution
from equiviz.training.load import load


def attribute_file(
    model: str,
    structure: str,
    output: str | None,
    at: int | None,
    component: int | None,
    method: str,
    to: str,
    steps: int,
    species_names: Sequence[str] = (),
) -> Attribution | StageAttribution | PathAttribution:
    """Load a model and a structure, and share a prediction out.

    Args:
        model: a shipped name, or a folder of weights.
        structure: what the model reads of it, as for `equiviz check`.
        output, at, component, method, to, steps: as in `equiviz.attribute`.
        species_names: names of the types 1, 2 ... of a model liquid in a structure file.

    Raises:
        StructureError, DatasetError, ModelError: as `equiviz check`.
        TrainingError: no such weights.
        AttributionError: as `equiviz.attribute`.
    """
    loaded = load(model)
    x = input_named(loaded, structure, species_names)
    asked: To = to  # type: ignore[assignment] - attribute refuses others
    return attribute(loaded, x, output=output, at=at, component=component, method=method, to=asked, steps=steps)  # type: ignore[call-overload]
