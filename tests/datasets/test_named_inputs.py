"""Motions and signals by name, or from files of strangers: is what comes what lies there, and is the rest refused?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.phase_space.motion_file import motions_named, states_named, write_motions
from equiviz.datasets.phase_space.motions import Motions
from equiviz.datasets.sphere.digits import embedded_digits
from equiviz.datasets.sphere.named_signals import SHOWN, signals_named
from equiviz.datasets.sphere.weather import synthetic_maps
from equiviz.structures.phase_space import FIELD, STATE
from equiviz.symmetry.icosahedral_grid import grid

STATES = np.ones((3, 2, 2)) + 0j


@pytest.mark.parametrize("system", ["oscillators", "charges"])
def test_motions_are_read_as_they_were_written(system: str, tmp_path: Path) -> None:
    motions = Motions.make(system, "test", 6)
    write_motions(tmp_path / "mine.npz", motions)
    found = motions_named(tmp_path / "mine.npz", "test", 2)
    assert torch.equal(found.before, motions.before)
    assert torch.equal(found.after, motions.after)
    states = states_named(tmp_path / "mine.npz").fields
    assert torch.equal(states[STATE].values, motions.before.flatten(1))
    assert (FIELD in states) == (system == "charges")
    if motions.field is not None:
        assert found.field is not None
        assert torch.equal(found.field, motions.field)
        assert torch.equal(states[FIELD].values, motions.field)


def test_a_system_is_computed() -> None:
    assert torch.equal(motions_named("charges", "test", 3).after, Motions.make("charges", "test", 3).after)
    assert len(states_named("oscillators", 5)) == 5


@pytest.mark.parametrize(
    ("arrays", "why"),
    [
        ({"positions": STATES}, "expected the array 'before', found positions"),
        ({"before": STATES.real}, "expected 'before' complex, finite and of shape .* got float64"),
        ({"before": STATES[0]}, r"got complex128 of shape \[2, 2\]"),
        ({"before": STATES * np.nan}, "expected 'before' complex, finite"),
        ({"before": STATES, "field": np.ones((3, 4))}, r"'field' real and of shape \[3, 3\], got float64"),
        ({"before": STATES, "after": STATES[:2]}, r"'after' of the shape of 'before', \[3, 2, 2\], got \[2, 2, 2\]"),
        ({"before": STATES}, "there is no array 'after'"),
    ],
)
def test_other_arrays_are_refused(arrays: dict[str, np.ndarray], why: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match=why):
        motions_named(tmp_path / "mine.npz", "test", 2)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.npz").write_bytes(b"PK not a zip")
    with pytest.raises(DatasetError, match=r"expected an \.npz file of plain arrays"):
        states_named(tmp_path / "broken.npz")
    np.savez(tmp_path / "pickled.npz", before=np.array([{}], dtype=object))
    with pytest.raises(DatasetError, match="expected numbers or text, found dtype object; refused"):
        states_named(tmp_path / "pickled.npz")
    with pytest.raises(
        DatasetError, match=r"oscillators or charges, or an \.npz file .* got 'planets', which does not"
    ):
        states_named("planets")


def test_digits_come_on_the_grid_that_is_asked_for(tmp_path: Path) -> None:
    found = signals_named("digits", 2)
    assert torch.equal(found.values, embedded_digits().part("test")[:SHOWN].on_sphere(2).values)
    np.save(tmp_path / "mine.npy", found.spread.numpy())
    assert torch.equal(signals_named(tmp_path / "mine.npy", 3).values, found.values.double())  # its own grid


def test_maps_of_geopotential_come_on_the_grid_that_is_asked_for(tmp_path: Path) -> None:
    drawn = signals_named("synthetic", 2)
    assert drawn.spread.shape == (SHOWN, 2, len(grid(2)))
    assert torch.equal(drawn.values, synthetic_maps().part("test").on_sphere(2).inputs.values[:SHOWN])  # unseen ones
    (tmp_path / "maps.nc").write_bytes(b"no netcdf")
    with pytest.raises(DatasetError, match="cannot be read as NetCDF"):
        signals_named(tmp_path / "maps.nc", 2)


def test_signals_of_no_grid_are_refused(tmp_path: Path) -> None:
    points, path = len(grid(1)), tmp_path / "mine.npy"
    wrong = {
        "Expected values of shape": np.ones((2, 1, points + 1)),
        "expected finite real numbers": np.full((2, 1, points), np.inf),
        "cannot be read as an array of numbers": np.array([{}], dtype=object),
    }
    for why, array in wrong.items():
        np.save(path, array, allow_pickle=True)
        with pytest.raises(DatasetError, match=why):
            signals_named(path, 1)
    np.save(path, np.ones((2, 1, points)))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DatasetError, match="cannot be read as an array of numbers"):
        signals_named(path, 1)
    with pytest.raises(DatasetError, match=r"Expected 'digits', .* got 'mine\.npy', which does not exist"):
        signals_named("mine.npy", 1)
