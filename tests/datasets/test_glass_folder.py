"""Can a folder be told what its files do not say, and only that?"""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass import load_shipped, read_configurations, read_folder
from equiviz.datasets.glass.shipped import shipped_folder


@pytest.fixture
def nameless(tmp_path: Path) -> Path:
    """Two BOTAN files whose names do not tell their time."""
    for number in (1, 2):
        rng = np.random.default_rng(number)
        initial = rng.uniform(0, 3, (40, 3))
        moved = initial + rng.normal(0, 0.3, (4, 40, 3))
        types = (np.arange(40) >= 32).astype(np.int8)
        np.savez(tmp_path / f"mine_{number}.npz", types=types, initial_positions=initial, positions=moved)
    return tmp_path


def test_the_caller_tells_the_time_of_botan_files(nameless: Path) -> None:
    with pytest.raises(DatasetError, match="name does not tell its time"):
        read_folder(nameless)
    assert [one.times.tolist() for one in read_folder(nameless, time=7.5)] == [[7.5], [7.5]]
    assert [one.times.tolist() for one in read_configurations(nameless / "mine_1.npz", 7.5)] == [[7.5]]


def test_a_file_that_states_its_times_takes_no_other(tmp_path: Path) -> None:
    packed = next(path for path in (shipped_folder() / "test").iterdir() if path.suffix == ".npz")
    assert len(read_configurations(packed)) <= len(load_shipped("test"))  # the control
    (tmp_path / "one.pickle").write_bytes(pickle.dumps({}))
    for path in (packed, tmp_path / "one.pickle"):
        with pytest.raises(DatasetError, match=r"expected a BOTAN file for time=7.5; leave the time out"):
            read_configurations(path, time=7.5)
