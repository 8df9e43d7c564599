"""Cages: where thermal motion centres a particle in the first few time units, and how much room it has.

A short isoconfigurational run from the static configuration, in the spirit of the cage state of Alkemade, Smallenburg
and Filion, J. Chem. Phys. 158, 134512 (2023), who restrict Monte Carlo moves to the cage; its variance is the
Debye-Waller factor of Widmer-Cooper and Harrowell, Phys. Rev. Lett. 96, 185701 (2006).

This is *simulation*, not structure alone: with the defaults, 4 runs of 4.5 time units, a thousandth of the relaxation
time at T = 0.44. Say so wherever a number depends on it, and do not compare such a number with those of purely
structural models.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.kob_andersen import Floats, Liquid, kob_andersen, liquid_of
from equiviz.structures.structure import Structure


@dataclass(frozen=True)
class CageRuns:
    """How the cage is explored; Lennard-Jones units.

    Attributes:
        temperature: Of the fresh Maxwell-Boltzmann velocities.
        runs: Number of trajectories.
        steps: Of each; the second half counts.
        dt: Time step.
        stride: Steps between records.
        skin: Margin of the pair list.
        seed: Of the velocities.
    """

    temperature: float
    runs: int = 4
    steps: int = 600
    dt: float = 0.0075
    stride: int = 6
    skin: float = 0.45
    seed: int = 0

    def describe(self) -> str:
        """How much simulation this is: "4 runs of 4.5 time units at T = 0.44"."""
        return f"{self.runs} runs of {self.steps * self.dt:g} time units at T = {self.temperature:g}"


@dataclass(frozen=True, eq=False)
class Cage:
    """What the runs saw.

    Attributes:
        centre: [N, 3] mean displacement from the thermal position, over time and runs, in sigma.
        spread: [N, 2] mean squared excursion within one run, and variance of its centre between runs, in sigma^2.
    """

    centre: Tensor  # [N, 3]
    spread: Tensor  # [N, 2]


def explore_cage(structure: Structure, settings: CageRuns) -> Cage:
    """Run briefly from a thermal structure and average; about half a minute for 4,096 particles on one core.

    Raises:
        DatasetError: not a Kob-Andersen liquid in a rectangular box (turned or not), or no positive temperature.
    """
    if not settings.temperature > 0:
        raise DatasetError(None, f"cage: expected a temperature above zero, got {settings.temperature}")
    liquid = liquid_of(structure)
    order = np.lexsort(np.floor((liquid.positions % liquid.box) / 1.6).astype(int).T[::-1])
    ordered = replace(liquid, positions=liquid.positions[order] % liquid.box, kinds=liquid.kinds[order])
    means, squares = _runs(ordered, settings)  # [R, N, 3], [R, N]
    back = np.argsort(order)
    centre = means.mean(0)
    within = (squares - (means**2).sum(-1)).mean(0)
    between = ((means - centre) ** 2).sum(-1).mean(0)
    spread = np.stack([within, between], 1)
    return Cage(torch.from_numpy(liquid.turned_back(centre[back])), torch.from_numpy(spread[back]))


def _runs(liquid: Liquid, settings: CageRuns) -> tuple[Floats, Floats]:
    from equiviz.datasets.glass.lennard_jones_motion import rattle

    potential, generator = kob_andersen(), np.random.default_rng(settings.seed)
    terms = (liquid.kinds, liquid.box, potential.epsilon, potential.sigma, potential.cutoff)
    means, squares = [], []
    for _ in range(settings.runs):
        velocities = generator.normal(0.0, np.sqrt(settings.temperature), liquid.positions.shape)
        velocities -= velocities.mean(0) if len(velocities) else 0.0
        timing = (settings.skin, settings.dt, settings.steps, settings.stride)
        mean, squared = rattle(liquid.positions, velocities, *terms, *timing)
        means.append(mean)
        squares.append(squared)
    return np.array(means), np.array(squares)
