"""The recipe of a generated glass data set: everything that decides its numbers.

Two runs of the same recipe give the same bits, whether serial, parallel, or resumed after a kill: every task draws its
random numbers from a seed derived from (recipe seed, purpose, indices), never from a shared stream.
"""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from equiviz.datasets.errors import RecipeError

if TYPE_CHECKING:
    from numpy.random import SeedSequence

MELT, LATTICE, VELOCITIES = 0, 1, 2
"""Purposes of a derived seed (first number of its spawn key)."""

LARGEST_TIMESTEP = 0.0065
"""Largest default timestep: the total energy then wanders by 1e-4 per particle over 50,000 steps, as at 0.005."""

_RELAXATION = ((0.44, 4120.0), (0.50, 217.0), (0.56, 27.0), (0.64, 16.5))
"""(temperature, upper estimate of tau_alpha in LJ time): published tables (arXiv 2211.03226 and its peers), and at 0.56
our own F_s(k=7.25) = 1/e."""


def relaxation_time(temperature: float) -> float:
    """Estimate tau_alpha [LJ time] of the Kob-Andersen mixture, log-linear in temperature; constant above 0.64.

    Raises:
        RecipeError: below 0.44, where no estimate is known.
    """
    if temperature < _RELAXATION[0][0]:
        raise RecipeError(
            f"temperature: no relaxation time is known below 0.44, got {temperature}; "
            "set equilibration_time and separation_time in GlassRecipe yourself"
        )
    for (low, slow), (high, fast) in itertools.pairwise(_RELAXATION):
        if temperature <= high:
            share = (temperature - low) / (high - low)
            return slow ** (1.0 - share) * fast**share
    return _RELAXATION[-1][1]


@dataclass(frozen=True)
class GlassRecipe:
    """How to make isoconfigurational data of the Kob-Andersen mixture (LJ units throughout; mass 1, k_B = 1).

    Configuration ``c`` is sample ``c // runs`` of melt ``c % runs``: any prefix of a data set covers all melts.
    """

    temperature: float = 0.56
    """Temperature of equilibration and of the replicas' fresh velocities."""
    particles: int = 1000
    """Particles per configuration (80 % A, 20 % B)."""
    configurations: int = 60
    """Configurations in all. May grow later: the first ones do not change."""
    replicas: int = 32
    """Isoconfigurational replicas per configuration (even). May grow later: the first ones do not change."""
    times: tuple[float, ...] = (0.13, 1.3, 13.0, 26.0)
    """Times at which displacements are recorded, increasing, multiples of the timestep."""
    seed: int = 0
    """Every random number follows from it."""
    runs: int = 6
    """Independently melted and equilibrated runs."""
    timestep: float = field(default=math.nan)
    """Integration step; default the largest divisor of the first time that is at most 0.0065."""
    density: float = 1.2
    """Particles per sigma_AA^3."""
    melt_temperature: float = 2.0
    melt_time: float = 20.0
    """Time at the melt temperature."""
    cooling_time: float = 20.0
    """Time of the linear ramp down to the temperature."""
    equilibration_time: float = field(default=math.nan)
    """Time at the temperature before the first sample; default 8 tau_alpha."""
    separation_time: float = field(default=math.nan)
    """Time between samples of a run; default 2 tau_alpha. Equilibration is cut into pieces of this length."""
    lag: float = field(default=math.nan)
    """Lag of the F_s recorded against waiting time; default 2/3 tau_alpha."""

    def __post_init__(self) -> None:
        if math.isnan(self.timestep):
            object.__setattr__(self, "timestep", _largest_divisor(self.times[0]) if self.times else LARGEST_TIMESTEP)
        self._set_default("equilibration_time", 8.0)
        self._set_default("separation_time", 2.0)
        self._set_default("lag", 2.0 / 3.0)
        self._check()

    def _set_default(self, name: str, multiple: float) -> None:
        if math.isnan(getattr(self, name)):
            _expect(self.timestep > 0, "timestep", "a positive number", self.timestep)
            steps = round(multiple * relaxation_time(self.temperature) / self.timestep)
            object.__setattr__(self, name, max(1, steps) * self.timestep)

    def _check(self) -> None:
        for name, least in (("particles", 32), ("configurations", 1), ("replicas", 2), ("runs", 1)):
            _expect(getattr(self, name) >= least, name, f"at least {least}", getattr(self, name))
        _expect(self.replicas % 2 == 0, "replicas", "an even number (two halves give the noise ceiling)", self.replicas)
        _expect(0 <= self.seed < 2**63, "seed", "0 <= seed < 2**63", self.seed)
        for name in ("temperature", "timestep", "density", "melt_temperature", "melt_time", "cooling_time"):
            _expect(0 < getattr(self, name) < math.inf, name, "a positive number", getattr(self, name))
        _expect(self.box / 2 > 2.5, "particles", "a box wider than two cutoffs (5 sigma)", self.particles)
        _expect(len(self.times) > 0, "times", "at least one time", self.times)
        rising = all(a < b < math.inf for a, b in zip((0.0, *self.times), self.times, strict=False))
        _expect(rising, "times", "positive, finite and increasing times", self.times)
        for name in ("equilibration_time", "separation_time", "lag"):
            _expect(0 < getattr(self, name) < math.inf, name, "a positive number", getattr(self, name))
        for time in (*self.times, self.separation_time, self.lag):
            self.steps(time)
        _expect(self.lag <= self.separation_time, "lag", "at most separation_time", self.lag)

    def steps(self, time: float) -> int:
        """Number of timesteps in ``time``.

        Raises:
            RecipeError: if ``time`` is not a positive multiple of the timestep.
        """
        steps = round(time / self.timestep)
        fits = steps > 0 and abs(steps * self.timestep - time) <= 1e-6 * self.timestep
        _expect(fits, "times", f"positive multiples of the timestep {self.timestep}", time)
        return steps

    def nearest_steps(self, time: float) -> int:
        """The number of timesteps nearest to ``time``, at least one."""
        return max(1, round(time / self.timestep))

    @property
    def box(self) -> float:
        """Edge of the cubic box [sigma_AA]."""
        return float((self.particles / self.density) ** (1.0 / 3.0))

    @property
    def particles_a(self) -> int:
        """Number of large (A) particles; they come first."""
        return round(0.8 * self.particles)

    @property
    def equilibration_segments(self) -> int:
        """Pieces of ``separation_time`` run before the first sample is taken."""
        return max(1, math.ceil(self.equilibration_time / self.separation_time - 1e-9))

    def samples_of(self, run: int) -> int:
        """Number of configurations that run ``run`` contributes."""
        return len(range(run, self.configurations, self.runs))

    def random(self, purpose: int, *indices: int) -> SeedSequence:
        """The seed of one task: independent of every other task, and of the order in which tasks run."""
        from numpy.random import SeedSequence

        return SeedSequence(self.seed, spawn_key=(purpose, *indices))

    def to_json(self) -> str:
        """The recipe as JSON, keys in the order of the fields."""
        return json.dumps(asdict(self), indent=1)


def _largest_divisor(time: float) -> float:
    return time / max(1, math.ceil(time / LARGEST_TIMESTEP - 1e-9)) if 0 < time < math.inf else LARGEST_TIMESTEP


def _expect(condition: bool, name: str, expected: str, got: object) -> None:
    if not condition:
        raise RecipeError(f"{name}: expected {expected}, got {got!r}; change it in GlassRecipe(...)")
