"""Do the loaders read the published files, with the numbers that the files themselves prove?"""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass import (
    noise_ceiling,
    read_bapst,
    read_botan,
    read_configurations,
    read_folder,
    structure_factor,
)
from equiviz.datasets.glass.configuration import GlassConfiguration, liquid_structure

BOTAN = "glass/kob_andersen_T044/isoconfig_N4096T0.44_{}_tc07.npz"


@pytest.fixture(scope="module")
def botan(real_data: Path) -> list[GlassConfiguration]:
    return read_folder(real_data / "glass" / "kob_andersen_T044")


def test_botan_files_come_in_natural_order_with_temperature_and_time(botan: list[GlassConfiguration]) -> None:
    names = [one.name for one in botan]
    assert names == [f"isoconfig_N4096T0.44_{n}_tc07" for n in range(1, 11)]
    assert {(one.temperature, one.times.item(), one.replicas) for one in botan} == {(0.44, 4120.0, 32)}


def test_botan_structure_is_the_published_liquid(botan: list[GlassConfiguration]) -> None:
    structure = botan[0].structure
    assert structure.composition == {"A": 3277, "B": 819}
    assert structure.length_unit == "sigma"
    # The edge that the data's README states, to its printed digits.
    np.testing.assert_allclose(np.diag(structure.cell.numpy()), 15.05658, atol=2e-5)


def test_botan_propensity_is_the_mean_length_of_displacements(real_data: Path, botan: list[GlassConfiguration]) -> None:
    with np.load(real_data / BOTAN.format(3)) as raw:
        moved = raw["positions"] - raw["initial_positions"]
    third = botan[2]
    np.testing.assert_allclose(third.propensity[0], np.linalg.norm(moved, axis=-1).mean(0), rtol=1e-14)
    np.testing.assert_allclose(third.mean_displacement[0], moved.mean(0), atol=1e-14)
    np.testing.assert_allclose(third.half_propensities.mean(0), third.propensity, rtol=1e-13)


def test_noise_ceilings_of_the_public_sample(botan: list[GlassConfiguration]) -> None:
    """Golden: mean over the ten files. An analysis of variance over replicas gives .912 and .928, independently."""
    ceilings = torch.stack([noise_ceiling(one)[:, 0] for one in botan]).mean(0)
    assert ceilings.tolist() == pytest.approx([0.9145, 0.9258], abs=5e-4)


def test_noise_ceiling_agrees_with_an_analysis_of_variance(real_data: Path, botan: list[GlassConfiguration]) -> None:
    with np.load(real_data / BOTAN.format(6)) as raw:
        distance = np.linalg.norm(raw["positions"] - raw["initial_positions"], axis=-1)[:, raw["types"] == 0]
    noise = distance.var(axis=0, ddof=1).mean() / len(distance)
    expected = np.sqrt(1 - noise / distance.mean(axis=0).var())
    # Two estimates of one quantity; 3,277 particles leave an uncertainty of about .005 in each.
    assert noise_ceiling(botan[5])[0, 0].item() == pytest.approx(expected, abs=0.015)


def test_bapst_definition_of_the_propensity_is_ours(real_data: Path) -> None:
    """The file's own replicas at its first target time give its target, the mean length of displacements."""
    path = real_data / "glass" / "bapst_test_large.pickle"
    configuration = read_bapst(path)
    raw = _trusted(path)
    moved = np.array(raw["trajectory_target_positions"][0]) - raw["positions"]
    moved -= raw["box"] * np.round(moved / raw["box"])
    np.testing.assert_allclose(configuration.propensity[0], np.linalg.norm(moved, axis=-1).mean(0), rtol=1e-12)


def test_bapst_times_are_sorted_with_their_targets(real_data: Path) -> None:
    path = real_data / "glass" / "bapst_test_large.pickle"
    configuration = read_bapst(path)
    raw = _trusted(path)
    assert len(configuration.times) == 10
    assert (configuration.times[1:] > configuration.times[:-1]).all()
    assert configuration.times[0].item() == pytest.approx(0.132)
    for index, target in zip(raw["time_indices"], raw["targets"], strict=True):
        row = int((configuration.times - raw["time"][index]).abs().argmin())
        np.testing.assert_array_equal(configuration.propensity[row], target)
    assert (configuration.temperature, configuration.replicas) == (0.44, 30)


def test_bapst_without_replicas_at_each_time_has_no_ceiling(real_data: Path) -> None:
    configuration = read_bapst(real_data / "glass" / "bapst_test_large.pickle")
    assert configuration.half_propensities is None
    with pytest.raises(DatasetError, match=r"noise ceiling needs half_propensities.*no replicas"):
        noise_ceiling(configuration)


def _trusted(path: Path) -> dict:
    """The reference reading, by Python's own unpickler: this file is known."""
    return pickle.loads(path.read_bytes())


# --- made-up files ----------------------------------------------------------------------------------------------------


def _botan_arrays(rng: np.random.Generator, count: int = 40, replicas: int = 4) -> dict[str, np.ndarray]:
    initial = rng.uniform(0, 3, (count, 3))
    types = (np.arange(count) >= 32).astype(np.int8)
    positions = initial + rng.normal(0, 0.3, (replicas, count, 3))
    return {"types": types, "initial_positions": initial, "positions": positions}


def test_botan_file_with_an_unknown_name_asks_for_its_time(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, **_botan_arrays(np.random.default_rng(0)))
    with pytest.raises(DatasetError, match=r"name does not tell its time.*pass time="):
        read_botan(path)
    assert read_botan(path, time=7.5).times.tolist() == [7.5]


def test_botan_shapes_that_disagree_are_refused(tmp_path: Path) -> None:
    arrays = _botan_arrays(np.random.default_rng(1))
    path = tmp_path / "isoconfig_N40T0.44_1_tc07.npz"
    np.savez(path, **{**arrays, "positions": arrays["positions"][:, :-1]})
    with pytest.raises(DatasetError, match=r"expected positions \[R, N, 3\].*got \[4, 39, 3\]"):
        read_botan(path)


def test_bapst_with_replicas_at_each_time_gives_halves(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    positions, box = rng.uniform(0, 4, (30, 3)), np.full(3, 4.0)
    moved = rng.normal(0, 0.2, (2, 6, 30, 3))  # [T, R, N, 3]
    content = {
        "positions": positions,
        "types": (np.arange(30) >= 24).astype(np.int32),
        "box": box,
        "time": [0.0, 1.0, 2.0],
        "time_indices": [2, 1],
        "targets": list(np.linalg.norm(moved, axis=-1).mean(axis=1)),
        "metadata": {"temperature": 0.5},
        "trajectory_target_positions": [[np.mod(positions + one, box) for one in time] for time in moved],
    }
    path = tmp_path / "one.pickle"
    path.write_bytes(pickle.dumps(content, protocol=2))
    configuration = read_bapst(path)
    assert configuration.times.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(configuration.mean_displacement, moved[::-1].mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(configuration.half_propensities.mean(0), configuration.propensity, atol=1e-12)


def test_structure_factor_of_gaussian_displacements() -> None:
    """For displacements N(0, s^2) per component, F_s(k) = exp(-k^2 s^2 / 2)."""
    rng = np.random.default_rng(3)
    widths = np.array([0.05, 0.2])
    moved = rng.normal(size=(20, 2, 20_000, 3)) * widths[:, None, None]
    expected = np.exp(-((7.25 * widths) ** 2) / 2)
    # 400,000 samples of a quantity of order 1: standard error below 1e-3.
    np.testing.assert_allclose(structure_factor(moved), expected, atol=4e-3)
    with pytest.raises(DatasetError, match=r"expected shape \[R, T, N, 3\], got \[20000, 3\]"):
        structure_factor(moved[0, 0])


def test_types_other_than_zero_and_one_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"types: expected integers 0 \(A\) and 1 \(B\), got \[0, 2\]"):
        liquid_structure("x", np.zeros((2, 3)), np.array([0, 2]), np.ones(3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"propensity": torch.ones(1, 4)}, r"propensity: expected shape \[2, 4\], got \[1, 4\]"),
        ({"propensity": torch.full((2, 4), torch.nan)}, r"propensity: expected finite numbers"),
        ({"mean_displacement": torch.ones(2, 4)}, r"mean_displacement: expected shape \[2, 4, 3\]"),
        ({"times": torch.tensor([2.0, 1.0])}, r"times: expected increasing times >= 0, got \[2.0, 1.0\]"),
    ],
)
def test_configuration_refuses_arrays_that_do_not_fit(changes: dict, message: str) -> None:
    rng = np.random.default_rng(4)
    structure = liquid_structure("x", rng.uniform(0, 3, (4, 3)), np.array([0, 0, 0, 1]), np.full(3, 3.0))
    fields = {"structure": structure, "times": torch.tensor([1.0, 2.0]), "propensity": torch.ones(2, 4), **changes}
    with pytest.raises(DatasetError, match=message):
        GlassConfiguration(**fields)


def test_folder_of_nothing_known_says_what_it_reads(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"expected BOTAN \.npz, Bapst \.pickle"):
        read_folder(tmp_path)
    with pytest.raises(DatasetError, match="expected a folder of configurations"):
        read_folder(tmp_path / "missing")
    np.savez(tmp_path / "other.npz", apples=np.ones(3))
    with pytest.raises(DatasetError, match="found an npz with apples"):
        read_folder(tmp_path)


def test_folder_mixes_formats_and_skips_other_files(tmp_path: Path, real_data: Path) -> None:
    np.savez(tmp_path / "isoconfig_N40T0.44_2_tc07.npz", **_botan_arrays(np.random.default_rng(5)))
    (tmp_path / "z.pickle").write_bytes((real_data / "glass" / "bapst_test_large.pickle").read_bytes())
    (tmp_path / "notes.json").write_text(json.dumps({"not": "data"}))
    assert [len(one.structure) for one in read_folder(tmp_path)] == [40, 4096]
    assert len(read_configurations(tmp_path / "z.pickle")) == 1
