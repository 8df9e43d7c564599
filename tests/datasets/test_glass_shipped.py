"""Is the shipped set whole, small, split without leaks, and what its card says?"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass import load_shipped, noise_ceiling, read_folder
from equiviz.datasets.glass.configuration import GlassConfiguration
from equiviz.datasets.glass.shipped import shipped_folder

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def shipped() -> dict[str, list[GlassConfiguration]]:
    return {split: load_shipped(split) for split in SPLITS}


def test_splits_have_their_sizes_and_share_no_run(shipped: dict[str, list[GlassConfiguration]]) -> None:
    assert {split: len(all_) for split, all_ in shipped.items()} == {"train": 40, "validation": 10, "test": 10}
    runs = {split: {one.run for one in all_} for split, all_ in shipped.items()}
    assert runs == {"train": {2, 3, 4, 5}, "validation": {1}, "test": {0}}


def test_set_is_small_enough_for_the_wheel() -> None:
    assert sum(path.stat().st_size for path in shipped_folder().rglob("*") if path.is_file()) < 10_000_000


def test_configurations_are_the_liquid_of_the_recipe(shipped: dict[str, list[GlassConfiguration]]) -> None:
    recipe = json.loads((shipped_folder() / "manifest.json").read_text())["recipe"]
    for one in [*shipped["train"], *shipped["validation"], *shipped["test"]]:
        assert one.structure.composition == {"A": 800, "B": 200}
        assert one.times.tolist() == recipe["times"]
        assert (one.temperature, one.replicas) == (recipe["temperature"], recipe["replicas"])
        np.testing.assert_allclose(np.diag(one.structure.cell.numpy()), (1000 / 1.2) ** (1 / 3), rtol=1e-12)


def test_noise_ceilings_are_those_of_the_card(shipped: dict[str, list[GlassConfiguration]]) -> None:
    ceilings = torch.stack([noise_ceiling(one) for one in shipped["test"]]).mean(0)  # [2, T]
    expected = [[0.965, 0.955, 0.926, 0.898], [0.949, 0.952, 0.933, 0.909]]
    np.testing.assert_allclose(ceilings, expected, atol=6e-4)


def test_half_precision_costs_less_than_the_noise(shipped: dict[str, list[GlassConfiguration]]) -> None:
    """The mean displacement cannot be longer than the mean length; both halves average to the whole."""
    for one in shipped["validation"]:
        assert (one.mean_displacement.norm(dim=-1) <= one.propensity * (1 + 1e-3)).all()
        torch.testing.assert_close(one.half_propensities.mean(0), one.propensity, rtol=1e-12, atol=0)


def test_split_folders_read_like_any_folder(shipped: dict[str, list[GlassConfiguration]]) -> None:
    back = read_folder(shipped_folder() / "test")
    assert [one.name for one in back] == [one.name for one in shipped["test"]]
    torch.testing.assert_close(back[3].propensity, shipped["test"][3].propensity)


def test_one_flipped_bit_is_detected(tmp_path: Path) -> None:
    folder = tmp_path / "glass"
    shutil.copytree(shipped_folder(), folder)
    path = folder / "test" / "configurations.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}; the file is damaged"):
        load_shipped("test", folder)
    assert len(load_shipped("validation", folder)) == 10


def test_missing_file_and_unknown_split_say_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "glass"
    shutil.copytree(shipped_folder(), folder)
    (folder / "train" / "configurations.npz").unlink()
    with pytest.raises(DatasetError, match="there is none; install equiviz again"):
        load_shipped("train", folder)
    with pytest.raises(DatasetError, match="split: expected 'train', 'validation' or 'test', got 'all'"):
        load_shipped("all")  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match="expected the manifest of a packed set"):
        load_shipped("train", tmp_path)


def test_record_of_equilibration_shows_no_ageing() -> None:
    """Energies of the segments that were sampled: late minus early half, within three standard errors of zero."""
    rows = json.loads((shipped_folder() / "equilibration.json").read_text())
    energy = {(row["run"], row["segment"]): row["energies"] for row in rows}
    early, late = (
        np.array([[energy[run, s] for s in part] for run in range(6)]) for part in (range(5, 9), range(9, 14))
    )
    drift = late.mean(axis=1) - early.mean(axis=1)
    assert abs(drift.mean()) < 3 * drift.std(ddof=1) / np.sqrt(6)
    # The control: the first segment, right after cooling, is not in equilibrium, and this record sees it.
    first = np.array([energy[run, 1] for run in range(6)]) - early.mean(axis=1)
    assert first.mean() > 3 * first.std(ddof=1) / np.sqrt(6)
