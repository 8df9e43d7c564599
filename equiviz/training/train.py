"""`train(family, data, out)`: from data to saved weights, resumable at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from equiviz.models.registry import family as find_family
from equiviz.training.recipe import Hardware
from equiviz.training.tasks.task import TrainingRequest, TrainingResult, task_named


def train(
    family: str,
    data: object,
    out: str | Path,
    seed: int = 0,
    epochs: int | None = None,
    config: Mapping[str, object] | None = None,
    hardware: Hardware | None = None,
    progress: bool = True,
    time: float | None = None,
    members: int = 1,
    noise: float | None = None,
) -> TrainingResult:
    """Train a family on data of its task, and save it; run it again to continue after an interruption.

    What the data are, and what is kept of them for validation, the task's own training says:
    `equiviz.training.glass_training`, `recovery_training` (proteins), `molecule_training`, `digits_training`,
    `field_training`, `phase_space_training`.

    Args:
        family: A name that `equiviz.models.registry.families` lists.
        data: A folder of configurations, or configurations; a folder of protein structures; an extended-xyz file or a
            folder of such files; the name of a system in phase space; "digits", or a folder with MNIST's files;
            for fields on the sphere "synthetic", or a NetCDF file of ERA-Interim.
        out: Gets the weights and the manifest; ``out/state`` the state of an unfinished training.
        seed: Of the first member.
        epochs: Overrides the plan of the family.
        config: Settings of the family, instead of its own and of those that follow from the data.
        hardware: Where to run; one CPU process by default.
        progress: Whether to show progress bars.
        time: Of liquids: time [LJ] of a folder of BOTAN files whose names do not tell it.
        members: Of proteins: networks to train and average.
        noise: Of proteins: standard deviation in Å by which atoms are moved in each direction.

    Raises:
        TrainingError: Too little data, data of another task, an option of another task, or the run in `out` was
            started with other settings.
        UnknownFamily, ConfigError, DatasetError: As the registry and the reader.
    """
    own = find_family(family)
    task = task_named(own.model_class.task_for(config or {}), family)
    options = {"time": time, "members": None if members == 1 else members, "noise": noise}
    given = {name: value for name, value in options.items() if value is not None}
    task.refuse_others(given, family)
    return task.train(TrainingRequest(own, data, Path(out), seed, epochs, config, hardware, progress, given))
