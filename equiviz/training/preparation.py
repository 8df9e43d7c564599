"""What costs seconds before a network sees a glass, done once per structure on this machine: quench and features."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from equiviz.datasets.glass.basin import ENERGY, SURROUNDINGS, measured
from equiviz.datasets.glass.inherent_structure import ATTRIBUTE, with_inherent_displacement
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.structure import Structure
from equiviz.symmetry.field import Field
from equiviz.training.cache import cached

INHERENT = ATTRIBUTE
# Raise it when a computation changes: old entries are then left alone.
_VERSION = 2


def prepared(structure: Structure, with_surroundings: bool = False, cage_temperature: float = 0.0) -> Structure:
    """The structure with what follows from it alone attached, from the cache if it was seen before.

    Parameters
    ----------
    structure
        Of a model liquid, at thermal positions. Attributes that it carries are taken as they are.
    with_surroundings
        Attach ``inherent_energy`` (0e) and ``surroundings`` too, besides ``inherent_displacement`` (1o).
    cage_temperature
        Explore the cages at this temperature (`equiviz.datasets.glass.cage`) and attach what comes out; 0: do not.

    Raises
    ------
    DatasetError
        Something is missing and the structure is no Kob-Andersen liquid in a rectangular box.
    """
    wide = with_surroundings or cage_temperature > 0
    wanted = (ATTRIBUTE, *((ENERGY,) if wide else ()), *((SURROUNDINGS,) if with_surroundings else ()))
    if all(name in structure.node for name in wanted) and not cage_temperature:
        return structure

    def missing() -> dict[str, Tensor]:
        full = (
            measured(structure, with_surroundings, cage_temperature) if wide else with_inherent_displacement(structure)
        )
        return {name: field.values for name, field in full.node.items() if name not in structure.node}

    found = cached(_label(with_surroundings, cage_temperature), _content(structure), missing)
    fields = {name: Field(values, _irreps(name, values), "node") for name, values in found.items()}
    return replace(structure, node={**structure.node, **fields})


def prepared_for(model: EquivariantModel, structure: Structure) -> Structure:
    """As `prepared`, with what the model's configuration asks for by ``surroundings`` and ``cage_temperature``."""
    wide = bool(getattr(model.config, "surroundings", False))
    return prepared(structure, wide, float(getattr(model.config, "cage_temperature", 0.0)))


def _label(with_surroundings: bool, cage_temperature: float) -> str:
    return f"basin-{_VERSION}-{'wide' if with_surroundings else 'narrow'}-{cage_temperature:g}"


def _irreps(name: str, values: Tensor) -> str:
    return "1x1o" if name.endswith("_displacement") else f"{values.shape[1]}x0e"


def _content(structure: Structure) -> dict[str, Tensor]:
    """All that the result depends on: positions, species, cell, and the attributes that are taken as they are."""
    cell = torch.zeros(0) if structure.cell is None else structure.cell
    given = {name: structure.node[name].values for name in (ATTRIBUTE, ENERGY) if name in structure.node}
    periodic = torch.tensor(structure.pbc)
    return {"positions": structure.positions, "species": structure.species, "cell": cell, "pbc": periodic, **given}
