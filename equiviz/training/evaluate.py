"""`evaluate(model, data)`: the score of any weights on any data of their task."""

from __future__ import annotations

from pathlib import Path

from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.training.load import load
from equiviz.training.score_report import ScoreReport
from equiviz.training.tasks.task import ScoringRequest, task_named


def evaluate(
    model: EquivariantModel | str | Path,
    data: object,
    name: str = "",
    progress: bool = False,
    time: float | None = None,
) -> ScoreReport:
    """Score a model, by its task.

    Mobilities by rho (`EvaluationReport`), amino acids by how many are recovered (`RecoveryReport`), energies, forces,
    dipoles and polarizabilities by their errors (`MoleculeReport`), digits on the sphere by how many are recognised
    when it is turned (`DigitReport`), fields there by their RMSE (`FieldReport`), motions in phase space by the error
    of the state (`MotionReport`).

    What a model of liquids needs besides positions (inherent structures, energies) is computed here, and cached. The
    report's note says how much of the data the model was trained on, where its manifest tells.

    Args:
        model: A model, the name of shipped weights, or the folder of a training.
        data: A folder of configurations in any of the supported formats, one configuration, or several; for amino
            acids a folder of structure files, or one file; for molecules an extended-xyz file, several, a folder of
            them, or frames; for digits "digits" or a folder with MNIST's files; for fields on the sphere "synthetic"
            or a NetCDF file; for phase space the name of a system, or motions.
        name: What to call the model in the report; by default the name it was loaded by, or its family.
        progress: Whether to show a progress bar.
        time: Of liquids: time [LJ] of a folder of BOTAN files whose names do not tell it.

    Raises:
        TrainingError: No data, data of another task, none of the model's times is in the data, or a time for data that
            state their own.
        DatasetError, UnknownWeights, CheckpointError: As the readers of data and weights.
    """
    called = name or (model.family if isinstance(model, EquivariantModel) else Path(model).name)
    network = model if isinstance(model, EquivariantModel) else load(model)
    task = task_named(network.task, called)
    given = {} if time is None else {"time": time}
    task.refuse_others(given, called)
    return task.score(ScoringRequest(network, data, called, progress, given))
