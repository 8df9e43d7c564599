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
# Raise the number when the computation changes: old entries are then left alone.
_INHERENT_LABEL, _BASIN_LABEL = "inherent-structure-1", "basin-1"


def prepared(structure: Structure, with_surroundings: bool = False) -> Structure:
    """The structure with what follows from it alone attached, from the cache if it was seen before.

    Parameters
    ----------
    structure
        Of a model liquid, at thermal positions. Attributes that it carries are taken as they are.
    with_surroundings
        Attach ``inherent_energy`` (0e) and ``surroundings`` (1022 x 0e) too, besides ``inherent_displacement`` (1o).

    Raises
    ------
    DatasetError
        Something is missing and the structure is no Kob-Andersen liquid in a rectangular box.
    """
    wanted = (ATTRIBUTE, ENERGY, SURROUNDINGS) if with_surroundings else (ATTRIBUTE,)
    if all(name in structure.node for name in wanted):
        return structure
    compute = measured if with_surroundings else with_inherent_displacement

    def missing() -> dict[str, Tensor]:
        full = compute(structure)
        return {name: full.node[name].values for name in wanted if name not in structure.node}

    found = cached(_BASIN_LABEL if with_surroundings else _INHERENT_LABEL, _content(structure), missing)
    fields = {name: Field(values, _irreps(name, values), "node") for name, values in found.items()}
    return replace(structure, node={**structure.node, **fields})


def prepared_for(model: EquivariantModel, structure: Structure) -> Structure:
    """As `prepared`; the surroundings are attached when the model's configuration has a setting of that name."""
    return prepared(structure, with_surroundings=bool(getattr(model.config, "surroundings", False)))


def _irreps(name: str, values: Tensor) -> str:
    return "1x1o" if name == ATTRIBUTE else f"{values.shape[1]}x0e"


def _content(structure: Structure) -> dict[str, Tensor]:
    """All that the result depends on: positions, species, cell, and the attributes that are taken as they are."""
    cell = torch.zeros(0) if structure.cell is None else structure.cell
    given = {name: structure.node[name].values for name in (ATTRIBUTE, ENERGY) if name in structure.node}
    periodic = torch.tensor(structure.pbc)
    return {"positions": structure.positions, "species": structure.species, "cell": cell, "pbc": periodic, **given}
