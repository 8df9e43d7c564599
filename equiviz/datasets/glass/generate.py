"""Generate isoconfigurational data of the Kob-Andersen liquid with LAMMPS: ``equiviz generate glass``.

Two stages: each *run* is melted, cooled and equilibrated, and then sampled every few tau_alpha; each sample (a
*configuration*) is quenched to its inherent structure and run ``replicas`` times with fresh velocities. Every finished
piece is a file, written atomically, so that a killed generation resumes where it was, with identical bits:

    out/recipe.json            the recipe; a folder belongs to one recipe (``configurations``, ``replicas`` may grow)
    out/runs/run_RR_SSS.npz    state after segment SSS of run RR (000: after cooling), energies, F_s
    out/pieces/...             replicas of unfinished configurations; removed when the configuration is written
    out/configuration_CCCC.npz the result
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from equiviz.datasets.errors import GenerationError
from equiviz.datasets.glass import lammps_run
from equiviz.datasets.glass.lammps_run import Quench, Segment, State
from equiviz.datasets.glass.propensity import replica_averages
from equiviz.datasets.glass.recipe import GlassRecipe
from equiviz.datasets.glass.workers import Task, Workers, workers
from equiviz.datasets.npz_file import read_npz, write_npz
from equiviz.structures.atomic_file import remove_unfinished, write_atomically

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what is being done)."""


def generate(
    recipe: GlassRecipe,
    out: Path | str,
    scheduler: str | None = None,
    progress: Progress | None = None,
    keep_replicas: bool = False,
) -> list[Path]:
    """Generate the data set of ``recipe`` in folder ``out``, or finish one that was interrupted.

    Args:
        recipe: What to make.
        out: Folder; created if missing.
        scheduler: None (serial), ``"local[2]"`` (worker processes), or the address of a Dask scheduler.
        progress: Called after each piece; default a tqdm bar.
        keep_replicas: Keep each replica's displacements in ``pieces/``, so that more replicas may be added later
            without repeating these.

    Returns:
        The paths of the configuration files, in order.

    Raises:
        MissingLibrary: LAMMPS or Dask are missing.
        GenerationError: ``out`` belongs to another recipe; its recipe cannot be read; ``scheduler`` is none of these.
    """
    folder = Path(out)
    _claim(folder, recipe)
    paths = [configuration_path(folder, c) for c in range(recipe.configurations)]
    if not all(_is_done(path, recipe) for path in paths):
        with workers(scheduler) as pool, _Bar(progress) as report:
            _equilibrate(recipe, folder, pool, report)
            _sample(recipe, folder, pool, report, keep_replicas)
    return paths


def configuration_path(folder: Path, configuration: int) -> Path:
    """Where configuration number ``configuration`` is written."""
    return folder / f"configuration_{configuration:04d}.npz"


def segment_path(folder: Path, run: int, segment: int) -> Path:
    """Where the state after segment ``segment`` of run ``run`` is written (segment 0: after cooling)."""
    return folder / "runs" / f"run_{run:02d}_{segment:03d}.npz"


def _piece_path(folder: Path, configuration: int, piece: int) -> Path:
    """Piece 0 is the quench, piece p > 0 is replica p - 1."""
    return folder / "pieces" / f"piece_{configuration:04d}_{piece:03d}.npz"


def _is_done(path: Path, recipe: GlassRecipe) -> bool:
    return path.exists() and int(read_npz(path)["replicas"]) == recipe.replicas


def _claim(folder: Path, recipe: GlassRecipe) -> None:
    """Bind the folder to the recipe, or check that it is bound to the same one."""
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    (folder / "pieces").mkdir(exist_ok=True)
    for place in (folder, folder / "runs", folder / "pieces"):
        remove_unfinished(place)
    path = folder / "recipe.json"
    if path.exists():
        _compare(path, _recipe_of(path), json.loads(recipe.to_json()))
    write_atomically(path, recipe.to_json())


def _recipe_of(path: Path) -> dict[str, object]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as cause:
        raise GenerationError(f"{path}: expected the recipe of this folder, could not read it ({cause})") from cause
    if not isinstance(found, dict):
        raise GenerationError(f"{path}: expected the recipe of this folder, found {type(found).__name__}")
    return found


def _compare(path: Path, old: dict[str, object], new: dict[str, object]) -> None:
    grown = [key for key in ("configurations", "replicas") if old.get(key, 0) <= new[key]]  # type: ignore[operator]
    different = [key for key in new if key not in grown and old.get(key) != new[key]]
    if different:
        changes = ", ".join(f"{key} was {old.get(key)!r}, now {new[key]!r}" for key in different)
        raise GenerationError(f"{path}: this folder belongs to another recipe ({changes}); choose another folder")


# --- stage 1: runs ----------------------------------------------------------------------------------------------------


def _last_segment(recipe: GlassRecipe, run: int) -> int:
    return recipe.equilibration_segments + recipe.samples_of(run) - 1


def _equilibrate(recipe: GlassRecipe, folder: Path, pool: Workers, report: Progress) -> None:
    """Run all segments of all runs; the runs advance side by side, one segment at a time."""
    total = sum(_last_segment(recipe, run) + 1 for run in range(recipe.runs) if recipe.samples_of(run))
    done = 0
    for segment in range(max(_last_segment(recipe, run) for run in range(recipe.runs)) + 1):
        active = [r for r in range(recipe.runs) if recipe.samples_of(r) and segment <= _last_segment(recipe, r)]
        missing = [run for run in active if not segment_path(folder, run, segment).exists()]
        done += len(active) - len(missing)
        for run, result in pool.run(_segment_tasks(recipe, folder, segment, missing)):
            write_npz(segment_path(folder, run, segment), _segment_arrays(result))
            done += 1
            report(done, total, "equilibrate")


def _segment_tasks(recipe: GlassRecipe, folder: Path, segment: int, runs: list[int]) -> Iterator[tuple[int, Task]]:
    for run in runs:
        if segment == 0:
            yield run, (lammps_run.melt, (recipe, run))
        else:
            yield run, (lammps_run.equilibrate, (recipe, _read_state(segment_path(folder, run, segment - 1))))


def _segment_arrays(result: State | Segment) -> dict[str, NDArray[Any]]:
    if isinstance(result, State):
        return {"positions": result.positions, "velocities": result.velocities}
    evidence = {"energies": result.energies, "temperatures": result.temperatures}
    return {**_segment_arrays(result.state), **evidence, "scattering": np.array(result.scattering)}


def _read_state(path: Path) -> State:
    arrays = read_npz(path)
    return State(arrays["positions"], arrays["velocities"])


# --- stage 2: configurations ------------------------------------------------------------------------------------------


def _sample(recipe: GlassRecipe, folder: Path, pool: Workers, report: Progress, keep: bool) -> None:
    pieces = recipe.replicas + 1
    missing = [c for c in range(recipe.configurations) if not _is_done(configuration_path(folder, c), recipe)]
    todo = [(c, p) for c in missing for p in range(pieces) if not _piece_path(folder, c, p).exists()]
    total = recipe.configurations * pieces
    done = total - len(todo)
    left = {c: sum(1 for other, _ in todo if other == c) for c in missing}
    for c in [c for c in missing if left[c] == 0]:
        _assemble(recipe, folder, c, keep)
    for (c, piece), result in pool.run(_piece_tasks(recipe, folder, todo)):
        write_npz(_piece_path(folder, c, piece), _piece_arrays(result))
        left[c] -= 1
        done += 1
        if left[c] == 0:
            _assemble(recipe, folder, c, keep)
        report(done, total, "replicas")


def _piece_tasks(
    recipe: GlassRecipe, folder: Path, todo: Iterable[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], Task]]:
    for c, piece in todo:
        positions = _thermal_positions(recipe, folder, c)
        if piece == 0:
            yield (c, piece), (lammps_run.quench, (recipe, positions))
        else:
            yield (c, piece), (lammps_run.replica, (recipe, positions, c, piece - 1))


def _origin(recipe: GlassRecipe, configuration: int) -> tuple[int, int]:
    """The run and the segment whose end is this configuration."""
    sample, run = divmod(configuration, recipe.runs)
    return run, recipe.equilibration_segments + sample


def _thermal_positions(recipe: GlassRecipe, folder: Path, configuration: int) -> NDArray[np.float64]:
    return _read_state(segment_path(folder, *_origin(recipe, configuration))).positions


def _piece_arrays(result: Quench | NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    if isinstance(result, Quench):
        energies = {"energies": result.energies, "thermal_energies": result.thermal_energies}
        return {"positions": result.positions, **energies, "force": np.array(result.force)}
    return {"displacements": result}


def _assemble(recipe: GlassRecipe, folder: Path, c: int, keep: bool) -> None:
    """Write configuration ``c`` from its pieces, then remove them (in this order: a kill between loses nothing)."""
    read = partial(_piece_path, folder, c)
    displacements = np.stack([read_npz(read(r + 1))["displacements"] for r in range(recipe.replicas)])  # [R, T, N, 3]
    quenched = read_npz(read(0))
    write_npz(configuration_path(folder, c), _configuration_arrays(recipe, folder, c, displacements, quenched))
    for piece in range(0 if keep else recipe.replicas + 1):
        read(piece).unlink(missing_ok=True)


def _configuration_arrays(
    recipe: GlassRecipe, folder: Path, c: int, displacements: NDArray[np.float64], quenched: dict[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    run, segment = _origin(recipe, c)
    return {
        "format": np.array("equiviz-glass-1"),
        "types": lammps_run.types_of(recipe),
        "box": np.full(3, recipe.box),
        "temperature": np.array(recipe.temperature),
        "times": np.array(recipe.times),
        "positions": _thermal_positions(recipe, folder, c),
        "inherent_positions": quenched["positions"],
        "inherent_energies": quenched["energies"],
        "thermal_energies": quenched["thermal_energies"],
        "quench_force": quenched["force"],
        **replica_averages(displacements, lammps_run.types_of(recipe) == 0),
        "replicas": np.array(recipe.replicas),
        "run": np.array(run),
        "segment": np.array(segment),
        "recipe": np.array(recipe.to_json()),
    }


class _Bar:
    """The caller's progress function, or a tqdm bar over both stages."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._bar: Any = None
        self._what = ""

    def __enter__(self) -> Progress:
        return self._progress if self._progress is not None else self._advance

    def _advance(self, done: int, total: int, what: str) -> None:
        from tqdm.auto import tqdm

        if self._bar is None or self._what != what:
            self.__exit__()
            self._what = what
            self._bar = tqdm(total=total, desc=what, initial=done - 1)
        self._bar.update(done - self._bar.n)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
