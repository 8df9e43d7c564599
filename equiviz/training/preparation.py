"""What a glass needs before a network sees it: names for `quenched` and for the models' `measure`."""

from __future__ import annotations

from equiviz.datasets.glass.basin import quenched as prepared
from equiviz.datasets.glass.inherent_structure import ATTRIBUTE
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.structure import Structure

__all__ = ["INHERENT", "prepared", "prepared_for"]

INHERENT = ATTRIBUTE


def prepared_for(model: EquivariantModel, structure: Structure) -> Structure:
    """The structure with what the model reads attached, and its inherent displacement."""
    return prepared(model.measure(structure))
