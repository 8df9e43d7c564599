"""Training of networks that predict a field on the sphere: the speed of the wind over a map of geopotential.

Maps of some times train, later ones test (`equiviz.datasets.sphere.weather`). They are tested as they are (N), turned
by symmetries of the icosahedron (I), and by any rotations (R), as digits are in arXiv:1902.04615, section 5.1.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import cast, get_args

import torch
from torch import Tensor

from equiviz.datasets.sphere.globe_file import era_interim_maps
from equiviz.datasets.sphere.weather import SYNTHETIC, Weather, WeatherMaps, synthetic_maps
from equiviz.models.registry import Family
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3, haar_matrices
from equiviz.symmetry.icosahedral_grid import icosahedral_rotations
from equiviz.training.errors import TrainingError
from equiviz.training.field_baselines import plainer_guesses
from equiviz.training.field_report import FieldReport, Guess
from equiviz.training.load import manifest_of
from equiviz.training.loop import Training
from equiviz.training.objective import Example
from equiviz.training.recipe import Hardware, Recipe
from equiviz.training.seeds import seeded
from equiviz.training.trained_network import TrainedNetwork, saved
from equiviz.training.turned_spheres import ReadsSpheres, Turned, glued, turns

SPEED_UNIT = 10.0
"""m/s: what a network counts speeds in, so that its numbers are about 1."""
FIELD_RECIPE = Recipe(epochs=120, learning_rate=1e-2, weight_decay=1e-3, clip=5.0, batch=4, keep="best")
FIELD_SETTINGS: Mapping[str, object] = {"level": 4, "channels": 2, "outputs": 1, "head": "field"}
WIDTHS = (8, 16, 16)
AT_LEAST = 64
"""Spheres of an epoch: fewer maps are seen on several turned grids."""

# Shapes: B spheres, N maps, V points.


class FieldObjective:
    """Mean squared error where the field counts, in `SPEED_UNIT` squared; scored by minus the root of it in m/s."""

    def loss(self, outputs: Mapping[str, Field], target: Tensor) -> Tensor:
        """Of a target ``[B, 2, V]``: speeds in `SPEED_UNIT`, and 1 where they count, else 0."""
        known, counted = target.unbind(1)
        return ((outputs["field"].values - known).square() * counted).sum() / counted.sum()

    def score(self, outputs: Mapping[str, Field], target: Tensor) -> float:
        """The higher the better."""
        return -SPEED_UNIT * float(self.loss(outputs, target)) ** 0.5


def read_maps(data: object) -> WeatherMaps:
    """Maps by "synthetic" (they are drawn), from a NetCDF file of ERA-Interim, or as they are.

    Raises:
        DatasetError: no such file, or none with these fields.
        TrainingError: neither.
    """
    if isinstance(data, WeatherMaps):
        return data
    if isinstance(data, (str, Path)):
        return synthetic_maps() if str(data) == SYNTHETIC else era_interim_maps(data)
    raise TrainingError(
        f"Expected {SYNTHETIC!r} (maps are drawn), or a NetCDF file of ERA-Interim with latitude, longitude, z, u and "
        f"v, got {type(data).__name__}."
    )


def train_fields(
    family: Family,
    data: object,
    out: str | Path,
    seed: int = 0,
    epochs: int | None = None,
    config: Mapping[str, object] | None = None,
    hardware: Hardware | None = None,
    progress: bool = True,
) -> TrainedNetwork[FieldReport]:
    """Train a family to tell wind from geopotential, and save it; run it again to continue after an interruption.

    Args:
        family: of the registry, with ``head="field"``.
        data: "synthetic", or a NetCDF file of ERA-Interim; the last fifth of the times tests.
        out: gets weights and manifest; ``out/state`` the state of an unfinished training.
        seed: of the weights and of the order.
        epochs: instead of the recipe's.
        config: settings of the family.
        hardware: where to run; one CPU process by default.
        progress: whether to show a progress bar.

    Raises:
        DatasetError, ConfigError, TrainingError: as the reader, the family and the loop.
    """
    maps = read_maps(data)
    recipe = dataclasses.replace(FIELD_RECIPE, seed=seed, epochs=FIELD_RECIPE.epochs if epochs is None else epochs)
    with seeded(seed):
        model = family.build(field_settings(config or {}))
    level = cast(ReadsSpheres, model).level
    held = maps.part("validation")
    task = Training(
        model,
        FieldObjective(),
        _training_examples(maps.part("train"), level, seed),
        [glued(_examples(held.on_sphere(level)))] if len(held) else [],
        recipe,
        hardware or Hardware(),
        Path(out) / "state",
        progress=progress,
        glue=glued,
    )
    history = task.run()
    report = evaluate_fields(model, maps, family.name, whole=True)
    told = {"name": maps.name, "maps": len(maps.part("train")), "field": f"wind speed in {SPEED_UNIT:g} m/s"}
    return saved(model, history, report, out, told, recipe)


def field_settings(config: Mapping[str, object]) -> dict[str, object]:
    """The settings of a network for this task, beside which those of the caller come first."""
    widths = config.get("widths", WIDTHS)
    strides = (1,) * len(cast("Sequence[int]", widths))
    return {**FIELD_SETTINGS, "widths": widths, "strides": strides, **config}


def evaluate_fields(
    model: EquivariantModel, data: object, name: str = "", seed: int = 0, whole: bool = False
) -> FieldReport:
    """Guess the wind on unturned and on turned spheres, beside plainer guesses.

    Args:
        model: of the task "fields".
        data: as `train_fields`; of what is read here, the part kept for testing. Maps that are given are all guessed,
            and as nothing is known of others, no plainer guess is fitted.
        name: what to call the model; by default its title.
        seed: of the rotations.
        whole: that `data` are maps to be divided as in training.

    Raises:
        DatasetError, TrainingError: as `read_maps`.
        ModelError: the model predicts no field, or reads other inputs.
    """
    maps = read_maps(data)
    divided = whole or maps is not data
    tested, level = (maps.part("test") if divided else maps), cast(ReadsSpheres, model).level
    on_sphere = {turned: tested.on_sphere(level, turns(turned, len(tested), seed)) for turned in get_args(Turned)}
    guesses = {turned: Guess(_guessed(model, own), own.speeds, own.known) for turned, own in on_sphere.items()}
    trained = maps.part("train").on_sphere(level) if divided else None
    manifest = manifest_of(model)
    source = "" if manifest is None else str(manifest.data.get("name", ""))
    return FieldReport(
        name or model.title,
        tested.name,
        guesses,
        plainer_guesses(on_sphere["N"], trained),
        deviation(model, SphereSignal.of(on_sphere["N"].inputs.spread[:1])),
        f"Trained on {source}." if source and source != tested.name else "",
    )


def deviation(model: EquivariantModel, signal: SphereSignal) -> float:
    """By how much turned fields differ from fields of turned spheres, at most, relative to the largest number.

    Over the 60 symmetries of the icosahedron, in float64.
    """
    exact = deepcopy(model).double().eval()
    x = signal.to(torch.float64)
    with torch.no_grad():
        before = exact(exact.prepare(x))["field"]  # type: ignore[arg-type]
        differences = [
            (exact(exact.prepare(x.transform(g)))["field"].values - before.transform(g).values).abs().max()  # type: ignore[arg-type]
            for g in map(O3, icosahedral_rotations())
        ]
    return float(torch.stack(differences).max() / before.values.abs().max())


def _training_examples(maps: WeatherMaps, level: int, seed: int) -> list[Example[Tensor]]:
    """Each map, as it is and on turned grids until there are enough."""
    found = _examples(maps.on_sphere(level))
    for copy in range(1, math.ceil(AT_LEAST / len(maps))):
        found += _examples(maps.on_sphere(level, haar_matrices(len(maps), 1000 * seed + copy, "SO(3)")))
    return found


def _examples(weather: Weather) -> list[Example[Tensor]]:
    inputs = weather.inputs.spread
    targets = torch.stack([weather.speeds / SPEED_UNIT, weather.known.to(weather.speeds)], 1)  # [N, 2, V]
    return [
        Example(f"map {place}", SphereSignal.of(inputs[place : place + 1]), targets[place : place + 1])  # type: ignore[arg-type]
        for place in range(len(weather))
    ]


def _guessed(model: EquivariantModel, weather: Weather) -> Tensor:
    """``[N, V]`` m/s, one sphere at a time."""
    model.eval()
    with torch.no_grad():
        found = [model(model.prepare(SphereSignal.of(own[None])))["field"].values for own in weather.inputs.spread]  # type: ignore[arg-type]
    return SPEED_UNIT * torch.cat(found).to(weather.speeds)
