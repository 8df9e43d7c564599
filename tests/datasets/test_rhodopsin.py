"""Is the shipped protein whole, and do its frames belong to it?"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.proteins import rhodopsin as home
from equiviz.datasets.proteins.rhodopsin import rhodopsin, rhodopsin_trajectory
from equiviz.holograms import Neighbourhoods, Protein


def test_frames_hold_the_atoms_of_the_file() -> None:
    protein, trajectory = Protein.read(rhodopsin()), rhodopsin_trajectory()
    assert trajectory.positions.shape == (26, len(protein), 3)
    np.testing.assert_allclose(trajectory.positions[0], protein.positions, atol=0.0101)  # rounded twice to 0.01 Å
    np.testing.assert_allclose(trajectory.times, 40.0 * np.arange(26), atol=1e-3)
    bonds = np.linalg.norm(np.diff(trajectory.positions[-1][:4], axis=0), axis=1)
    assert (bonds < 2.7).all()


def test_it_has_the_sites_of_a_membrane_protein() -> None:
    around = Neighbourhoods.of(Protein.read(rhodopsin()))
    assert len(around) == 343


def test_a_file_that_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "data" / "proteins"
    place.mkdir(parents=True)
    shutil.copy(rhodopsin(), place / home.STRUCTURE)
    with (place / home.STRUCTURE).open("ab") as file:
        file.write(b"x")
    monkeypatch.setattr(home, "files", lambda _: tmp_path)
    with pytest.raises(DatasetError, match="its SHA-256 differs"):
        rhodopsin()
    with pytest.raises(DatasetError, match="expected data/proteins inside the package"):
        rhodopsin_trajectory()
