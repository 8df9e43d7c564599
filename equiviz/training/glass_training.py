"""Training of networks that predict mobilities: from configurations to saved weights, resumable at any moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, get_type_hints, runtime_checkable

import torch
from torch import Tensor

from equiviz.datasets.glass.configuration import GlassConfiguration
from equiviz.datasets.glass.folder import read_splits
from equiviz.models.configuration import write_config
from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.graph import Graph
from equiviz.training.checkpoint import Manifest, save_checkpoint
from equiviz.training.errors import TrainingError
from equiviz.training.evaluation_report import EvaluationReport
from equiviz.training.glass_evaluation import Data, evaluate_mobility, read_data
from equiviz.training.glass_task import GlassObjective, GlassTarget, examples, random_turn
from equiviz.training.load import Ensemble
from equiviz.training.loop import History, Training
from equiviz.training.objective import Example
from equiviz.training.overlap import training_data
from equiviz.training.recipe import Hardware, Recipe
from equiviz.training.seeds import seeded


@runtime_checkable
class ClosedForm(Protocol):
    """A model that is fitted by solving equations, not by descending a gradient."""

    def fit(self, graphs: Sequence[Graph], targets: Sequence[Tensor]) -> None:
        """Set the weights from prepared configurations and their targets [N, T]."""
        ...


@runtime_checkable
class PartlyLinear(Protocol):
    """A network with a linear part that is fitted in closed form, before the rest is trained."""

    def fit_linear(self, graphs: Sequence[Graph], targets: Sequence[Tensor]) -> None:
        """Set the scales of the inputs and the coefficients of the linear part."""
        ...


@dataclass(frozen=True)
class Plan:
    """How to train a family: `plan_for` gives the family's own.

    Attributes:
        recipe: For the loop; its `seed` is replaced by that of each member.
        objective: Loss and score.
        turn: Whether to augment by random elements of O(3); for networks that do not know the symmetry.
        members: How many networks to train, with seeds one apart, and to average.
    """

    recipe: Recipe = field(default_factory=Recipe)
    objective: GlassObjective = field(default_factory=GlassObjective)
    turn: bool = False
    members: int = 1


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a training.

    Attributes:
        model: In evaluation mode; an `Ensemble` when the plan has several members.
        histories: One per member; empty for a model fitted in closed form.
        report: Its scores on the validation configurations, if there are any.
        folder: Where it was saved, if anywhere.
    """

    model: EquivariantModel
    histories: tuple[History, ...] = ()
    report: EvaluationReport | None = None
    folder: Path | None = None

    def describe(self) -> str:
        """What was trained, how long it took, what it reached, and where it lies."""
        lines = [history.describe() for history in self.histories] or ["Fitted in closed form."]
        if self.report is not None:
            lines.append(self.report.describe())
        if self.folder is not None:
            lines.append(
                f"Saved in {self.folder}. Score it on other data: equiviz evaluate {self.folder} --data FOLDER"
            )
        return "\n".join(lines)


def plan_for(model: EquivariantModel | type[EquivariantModel]) -> Plan:
    """The plan that a family states in its class attribute ``training_defaults``, a table as in `plan_from`."""
    return plan_from(getattr(model, "training_defaults", {}))


def plan_from(settings: Mapping[str, object]) -> Plan:
    """A plan from any of the settings of `Recipe`, and the other settings of `Plan` and `GlassObjective`.

    Raises:
        TrainingError: An entry has no such name, or a value that cannot train.
    """
    stated = dict(settings)
    objective = {name: stated.pop(name) for name in ("vector_weight", "scalar_weight") if name in stated}
    own = {name: stated.pop(name) for name in ("turn", "members") if name in stated}
    known = [entry.name for entry in dataclasses.fields(Recipe)]
    unknown = sorted(set(stated) - set(known))
    if unknown:
        raise TrainingError(f"No training has a setting {', '.join(unknown)}. There are: {', '.join(known)}.")
    return Plan(Recipe(**stated), GlassObjective(**objective), **own)  # type: ignore[arg-type]


def train_on_glass(
    own: Family,
    data: Data,
    out: str | Path,
    plan: Plan,
    config: Mapping[str, object] | None = None,
    hardware: Hardware | None = None,
    progress: bool = True,
    time: float | None = None,
) -> Trained:
    """Train a family on configurations, and save it; run it again to continue after an interruption.

    A folder with the subfolders ``train`` and ``validation`` is trained and validated on these; else about a fifth of
    the configurations is kept for validation: whole simulation runs where the data know them.

    Args:
        own: the family, with the task "mobility".
        data: a folder of configurations, or configurations.
        out: gets weights and manifest; ``out/state`` the state of an unfinished training.
        plan: see `plan_for`.
        config: settings of the family; times and species come from the data unless given.
        hardware: where to run; one CPU process by default.
        progress: whether to show progress bars.
        time: time [LJ] of a folder of BOTAN files whose names do not tell it.

    Raises:
        TrainingError: too few configurations, a time for configurations, which state their own, or the run in `out`
            was started with other settings.
        ConfigError, DatasetError: as the family and the reader.
    """
    folder = Path(out)
    training, validation = _splits(data, time)
    if not validation and not issubclass(own.model_class, ClosedForm):
        raise TrainingError(_too_few(len(training)))
    settings = {**settings_from_data(own, [*training, *validation]), **(config or {})}
    trained = fit(own, settings, training, validation, plan, folder / "state", hardware, progress)
    # `evaluate` reads there which times the model predicts.
    trained.model.manifest = manifest_of_training(  # type: ignore[assignment]
        trained.model, plan, None, data, training, validation
    )
    report = evaluate_mobility(trained.model, validation, own.name) if validation else None
    save_trained(folder, trained.model, plan, report, data, training, validation=validation)
    return replace(trained, report=report, folder=folder)


def fit(
    family: Family,
    settings: Mapping[str, object],
    training: Sequence[GlassConfiguration],
    validation: Sequence[GlassConfiguration],
    plan: Plan,
    state: Path | None = None,
    hardware: Hardware | None = None,
    progress: bool = False,
) -> Trained:
    """Prepare configurations and train the members of a plan; saves nothing but the states of unfinished loops."""
    preparing, times = _built(family, settings, 0), training[0].times.tolist()
    # One preparation serves all members: it does not depend on weights.
    sets = examples(preparing, training, times), examples(preparing, validation, times)
    return fit_examples(family, settings, *sets, plan, state, hardware, progress)


def fit_examples(
    family: Family,
    settings: Mapping[str, object],
    training: Sequence[Example[GlassTarget]],
    validation: Sequence[Example[GlassTarget]],
    plan: Plan,
    state: Path | None = None,
    hardware: Hardware | None = None,
    progress: bool = False,
) -> Trained:
    """As `fit`, on examples that were prepared by a model of the same family and settings."""
    histories: list[History] = []
    members: list[EquivariantModel] = []
    for number in range(plan.members):
        seed = plan.recipe.seed + number
        model = _built(family, settings, seed)
        members.append(model)
        graphs, targets = [example.graph for example in training], [example.target.propensity for example in training]
        if isinstance(model, ClosedForm):
            model.fit(graphs, targets)
            return Trained(model.eval())
        if isinstance(model, PartlyLinear):
            model.fit_linear(graphs, targets)
        task = Training(
            model,
            plan.objective,
            training,
            validation,
            replace(plan.recipe, seed=seed),
            hardware or Hardware(),
            None if state is None else state / f"member{number}",
            random_turn if plan.turn else None,
            progress,
        )
        histories.append(task.run())
    whole = members[0] if len(members) == 1 else Ensemble(members)
    return Trained(whole.eval(), tuple(histories))


def save_trained(
    folder: str | Path,
    model: EquivariantModel,
    plan: Plan,
    report: EvaluationReport | None,
    data: object,
    configurations: Sequence[GlassConfiguration],
    half: bool = False,
    validation: Sequence[GlassConfiguration] = (),
) -> Path:
    """Save a trained model with a manifest that says how it came about. Raises CheckpointError."""
    manifest = manifest_of_training(model, plan, report, data, configurations, validation)
    model.manifest = manifest  # type: ignore[assignment]
    return save_checkpoint(folder, list(_members(model)), manifest, half)


def manifest_of_training(
    model: EquivariantModel,
    plan: Plan,
    report: EvaluationReport | None,
    data: object,
    training: Sequence[GlassConfiguration],
    validation: Sequence[GlassConfiguration] = (),
) -> Manifest:
    """How a model came about: its settings, what it was trained on, by which plan, and what it reached."""
    members = _members(model)
    name = Path(data).name if isinstance(data, (str, Path)) else "configurations"
    return Manifest(
        family=members[0].family,
        config=write_config(members[0].config),
        data=training_data(name, training, validation),
        recipe={**dataclasses.asdict(plan.recipe), **dataclasses.asdict(plan.objective), "turn": plan.turn},
        seeds=tuple(plan.recipe.seed + number for number in range(len(members))),
        scores={} if report is None else report.to_dict(),
        note=model.note,
    )


def _members(model: EquivariantModel) -> list[EquivariantModel]:
    return model.members if isinstance(model, Ensemble) else [model]


def settings_from_data(family: Family, configurations: Sequence[GlassConfiguration]) -> dict[str, object]:
    """The settings of a family that the data decide: ``times`` (or their number) and ``species``, where it has them."""
    known = get_type_hints(family.config_class)
    species = torch.unique(torch.cat([configuration.species for configuration in configurations])).tolist()
    times = configurations[0].times.tolist()
    found: dict[str, object] = {"times": times, "species": species}
    if known.get("times") is int:
        found["times"] = len(times)
    return {name: value for name, value in found.items() if name in known}


def split(
    configurations: Sequence[GlassConfiguration],
) -> tuple[list[GlassConfiguration], list[GlassConfiguration]]:
    """Training and validation: the last fifth, in whole simulation runs; no validation for fewer than 3.

    Configurations of one run resemble each other; a validation set cut from the same run would flatter.
    """
    runs = sorted({configuration.run for configuration in configurations if configuration.run is not None})
    if len(runs) > 1 and all(configuration.run is not None for configuration in configurations):
        held = set(runs[-max(1, len(runs) // 5) :])
        inside = [c for c in configurations if c.run not in held]
        return inside, [c for c in configurations if c.run in held]
    if len(configurations) < 3:
        return list(configurations), []
    cut = len(configurations) - max(1, len(configurations) // 5)
    return list(configurations[:cut]), list(configurations[cut:])


def _splits(data: Data, time: float | None) -> tuple[list[GlassConfiguration], list[GlassConfiguration]]:
    """Training and validation: as the folder says, else a part of the configurations is held out."""
    if isinstance(data, (str, Path)):
        found, held = read_splits(data, time)
        return split(found) if held is None else (found, held)
    return split(read_data(data, time, "train")[0])


def _too_few(count: int) -> str:
    return (
        f"There is nothing to validate on: {count} configuration{'s' * (count != 1)} came, and at least 3 are needed "
        "(2 of different simulation runs, or a folder with the subfolders train and validation). Validation chooses "
        "the epoch whose weights are kept."
    )


def _built(family: Family, settings: Mapping[str, object], seed: int) -> EquivariantModel:
    with seeded(seed):
        return family.build(dict(settings))
