"""`equiviz check MODEL STRUCTURE`: what the command line does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from equiviz.apps.examination import Examination, examine
from equiviz.equivariance.check import check
from equiviz.equivariance.check_report import CheckReport
from equiviz.features.model_input import ModelInput, accepted, accepted_by
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.structure import Structure
from equiviz.training.load import load

SHIPPED = "glass"
"""Stands for the first test configuration of the shipped glass, so that there is something to try at once."""
_CONFIGURATIONS = (".npz", ".pickle", ".pkl")


def check_files(
    model: str,
    structure: str,
    elements: int = 10,
    seed: int = 0,
    species_names: Sequence[str] = (),
    full: bool = False,
) -> CheckReport | Examination:
    """Load a model and a structure, and check, or with `full` examine.

    Args:
        model: a shipped name, or a folder of weights.
        structure: what the model reads (`input_named`): a file that `equiviz.read` reads, a configuration of a glass,
            "glass"; a system in phase space, or a file of motions; "digits", or a file of signals on the sphere.
        elements, seed: as in `equiviz.check`.
        species_names: names of the types 1, 2 ... of a model liquid in a structure file.

    Raises:
        StructureError, DatasetError, ModelError: as `input_named`.
        TrainingError: no such weights.
        CheckError: as `equiviz.check`.
    """
    loaded = load(model)
    x = input_named(loaded, structure, species_names)
    return examine(loaded, x, elements=elements, seed=seed) if full else check(loaded, x, elements, seed)


def input_named(model: EquivariantModel, name: str, species_names: Sequence[str] = ()) -> ModelInput:
    """What a model reads of what a user typed.

    A model says itself what it makes of a name or a file (`EquivariantModel.reads`): of a protein's file its holograms,
    of a system's name its motions. Others read structures.

    Args:
        model: which reads it.
        name: as it was typed.
        species_names: names of the types 1, 2 ... of a model liquid in a structure file.

    Raises:
        StructureError, DatasetError, ModelError: a name or a file that cannot be read, or that holds something else.
    """
    if _means_glass(name):
        return accepted_by(model, structure_named(name))
    read = model.reads(name)
    return structure_named(name, species_names) if read is name else accepted(read)


def structure_named(name: str, species_names: Sequence[str] = ()) -> Structure:
    """The structure of a file, with names of its types 1, 2 ... if there are any; or the shipped one.

    Raises:
        StructureError, DatasetError: a file that cannot be read.
    """
    from equiviz.datasets.glass.folder import read_configurations
    from equiviz.datasets.glass.shipped import load_shipped
    from equiviz.structures.read import read

    path = Path(name)
    if _means_glass(name):
        return load_shipped("test")[0].structure
    if path.suffix in _CONFIGURATIONS:
        return read_configurations(path)[0].structure
    return read(path, species_names=dict(enumerate(species_names, 1)))


def _means_glass(name: str) -> bool:
    return name == SHIPPED and not Path(name).exists()
