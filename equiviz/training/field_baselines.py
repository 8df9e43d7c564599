"""Plainer guesses of the wind, beside which a network is to be seen: what is usual, what one point tells, the law."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from equiviz.datasets.sphere.weather import GEOPOTENTIAL_UNIT, Weather, geostrophic
from equiviz.symmetry.icosahedral_grid import grid
from equiviz.training.field_report import Guess

CLIMATOLOGY = "mean of the training maps at each point"
LINEAR = "linear in the inputs of each point"
LAW = "law, by differences between neighbours"

# Shapes: N maps, V points.


def plainer_guesses(tested: Weather, trained: Weather | None = None) -> dict[str, Guess]:
    """Each by its name, on maps that were not turned; without training maps the law alone, which is not fitted.

    Args:
        tested: the maps to guess.
        trained: what the network was trained on, on the same grid.
    """
    found = {LAW: law(tested)}
    if trained is not None:
        found |= {CLIMATOLOGY: climatology(tested, trained), LINEAR: linear(tested, trained)}
    return {name: Guess(guessed, tested.speeds, tested.known) for name, guessed in found.items()}


def climatology(tested: Weather, trained: Weather) -> Tensor:
    """``[N, V]`` m/s: the mean of the training maps of the same pressure at the same point.

    Of one time, as in a file with two, this is persistence: nothing changes.
    """
    mean = trained.speeds.mean(0)
    by_pressure = {float(p): trained.speeds[trained.pressures == p].mean(0) for p in trained.pressures.unique()}
    return torch.stack([by_pressure.get(float(pressure), mean) for pressure in tested.pressures])


def linear(tested: Weather, trained: Weather) -> Tensor:
    """``[N, V]`` m/s: least squares on a constant and the two inputs of the same point."""
    rows = _columns(trained)[trained.known]
    weights = torch.linalg.lstsq(rows, trained.speeds[trained.known].double()[:, None]).solution[:, 0]
    return (_columns(tested) @ weights).to(tested.speeds)


def law(weather: Weather) -> Tensor:
    """``[N, V]`` m/s: geostrophic, with slopes by differences between neighbours on the grid."""
    geopotential, sine = weather.inputs.spread.double().unbind(1)
    level = weather.inputs.representation.level
    return geostrophic(GEOPOTENTIAL_UNIT * slopes(geopotential, level), sine).to(weather.speeds)


def slopes(values: Tensor, level: int) -> Tensor:
    """Length ``[..., V]`` of the gradient of `values` ``[..., V]``, per radian: the plane through the neighbours."""
    differences = values[..., grid(level).neighbours] - values[..., None]  # [..., V, 6]
    return torch.linalg.vector_norm((_planes(level) @ differences[..., None])[..., 0], dim=-1)


@cache
def _planes(level: int) -> Tensor:
    """``[V, 2, 6]``: from differences to the six neighbours to slopes along two tangents."""
    at = grid(level)
    tangents = torch.stack(
        [at.first_directions, torch.linalg.cross(at.positions, at.first_directions)], -1
    )  # [V, 3, 2]
    return torch.linalg.pinv((at.positions[at.neighbours] - at.positions[:, None]) @ tangents)


def _columns(weather: Weather) -> Tensor:
    """``[N, V, 3]`` a constant and the inputs."""
    inputs = weather.inputs.spread.double().movedim(1, -1)
    return torch.cat([torch.ones_like(inputs[..., :1]), inputs], -1)
