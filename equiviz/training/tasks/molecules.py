"""Energies, forces, dipoles and polarizabilities of molecules: scored by RMSE and MAE."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from equiviz.datasets.molecules.frames import Frame, MoleculeData
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.interchange.recognised import as_structure
from equiviz.structures.structure import Structure
from equiviz.training.errors import TrainingError
from equiviz.training.molecule_report import MoleculeReport, evaluate_molecules
from equiviz.training.molecule_training import train_molecules
from equiviz.training.tasks.task import ScoringRequest, Task, TrainingRequest
from equiviz.training.trained_network import TrainedNetwork

UNITS = {"meV_per_A": "meV/Å", "au": "a.u.", "data_unit": ""}
"""Of errors, as reports name them, and as one writes them where that differs."""


def _train(asked: TrainingRequest) -> TrainedNetwork[MoleculeReport]:
    data = asked.data
    if isinstance(data, (list, tuple)) and data and all(isinstance(part, (str, Path)) for part in data):
        files: MoleculeData = list(data)
    elif isinstance(data, (str, Path)):
        files = data
    else:
        raise TrainingError(f"Expected an extended-xyz file, or a folder of such files, got {type(data).__name__}.")
    return train_molecules(
        asked.family, files, asked.out, asked.seed, asked.epochs, asked.config, asked.hardware, asked.progress
    )


def _score(asked: ScoringRequest) -> MoleculeReport:
    return evaluate_molecules(asked.model, _molecules(asked.data), asked.name, asked.progress)


def _molecules(data: object) -> MoleculeData | list[Frame]:
    if isinstance(data, (str, Path)):
        return data
    if isinstance(data, (list, tuple)) and data and all(isinstance(part, (str, Path, Frame)) for part in data):
        return list(data)
    raise TrainingError(
        "Expected an extended-xyz file, several, or a folder of such files, for this model is of molecules; got "
        f"{type(data).__name__}."
    )


def _headline(scores: Mapping[str, Any]) -> str:
    """RMSE of each property."""
    told = []
    for name, errors in scores.items():
        for key, value in errors.items() if isinstance(errors, dict) and name != "validation" else ():
            unit = key.removeprefix("rmse_")
            if unit != key and not unit.endswith("_per_atom"):
                told.append(f"{name} {value:.3g} {UNITS.get(unit, unit)}".rstrip())
    return f"RMSE {', '.join(told)}" if told else ""


def _sample(model: EquivariantModel) -> Structure:
    """The largest of the small molecules that ASE knows, of elements that the model knows."""
    from ase.build import molecule
    from ase.collections import g2

    known = set(getattr(model.config, "species", ())) or {1, 6, 7, 8}
    fitting = [made for name in g2.names if set((made := molecule(name)).numbers.tolist()) <= known]
    if not fitting:
        raise TrainingError(f"No small molecule consists of the elements {sorted(known)} alone.")
    return as_structure(max(fitting, key=len))


TASK = Task(
    name="molecules",
    reads="molecules",
    row="atom",
    train=_train,
    score=_score,
    headline=_headline,
    sample=_sample,
)
